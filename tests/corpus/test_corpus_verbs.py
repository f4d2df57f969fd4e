"""`mlx-voice corpus …` as a shell sees it."""

import errno
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from example_corpus import contents, make

from mlx_voice.cli import main
from mlx_voice.cli.corpus import _Bar
from mlx_voice.corpus.run import Progress

Run = Callable[..., tuple[int, str, str]]
GRID = """name = "phones"
xmin = 0
xmax = 0.4
text = "n"
xmin = 0.4
xmax = 0.8
text = "i"
"""


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        code = 0
        try:
            main(["corpus", *map(str, arguments)])
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else 1
        out, err = capfd.readouterr()
        return code, out, err

    return run


def test_from_precompute_to_clear(
    run: Run, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(tmp_path / "corpus", 2)
    code, out, _ = run("status", folder)
    assert (code, out.splitlines()[1].split(",")[0].strip()) == (0, "2 clips")
    assert run("verify", folder)[0] == 1
    code, out, _ = run(
        "precompute", folder, "--model", tiny_model, "--no-variance", "--compress", "--workers", "0"
    )
    assert code == 0
    assert out.startswith("2 clips computed, 2 of 2 stored in ")
    table = json.loads(
        run("precompute", folder, "--model", tiny_model, "--no-variance", "--compress", "--json")[1]
    )
    assert table["complete"]
    assert not {"f0", "energy"} & set(table["form"]["features"])
    found = json.loads(run("status", folder, "--json")[1])
    assert (found["stored"], found["missing"], found["stale"], found["complete"]) == (2, 0, 0, True)
    assert found["average"] == found["bytes"] / 2
    assert run("verify", folder)[:2] == (0, "Every clip is stored and whole.\n")
    assert run("export", folder, "-o", tmp_path / "all.npz", "--features", "codes")[1].startswith(
        "2 clips in "
    )
    with np.load(tmp_path / "all.npz") as archive:
        assert set(archive.files) == {"clip0/codes", "clip1/codes"}
    assert run("report", folder, "-o", tmp_path / "page.html")[0] == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    code, out, _ = run("clear", folder)
    assert code == 1
    assert out.startswith("Delete the features of 2 clips")
    assert len(contents(folder)) == 2
    assert run("clear", folder, "--force")[0] == 0
    assert not (folder / ".feature_cache").exists()
    assert len(list((folder / "wavs").iterdir())) == 2


def test_alignments_decide_the_durations(run: Run, tmp_path: Path, tiny_model: Path) -> None:
    folder, grids = make(tmp_path / "corpus", 1), tmp_path / "grids"
    grids.mkdir()
    (grids / "clip0.TextGrid").write_text(GRID)
    (folder / "metadata.csv").write_text("clip0|你|")
    arguments = (
        "precompute",
        folder,
        "--model",
        tiny_model,
        "--features",
        "durations",
        "--alignments",
        grids,
    )
    assert run(*arguments)[1].startswith("1 clips computed")
    run("export", folder, "-o", tmp_path / "all.npz")
    with np.load(tmp_path / "all.npz") as archive:
        assert archive["clip0/durations"].tolist() == [20, 20]
    assert run(*arguments)[1].startswith("0 clips computed")
    (grids / "clip0.TextGrid").write_text(GRID.replace("0.4", "0.2"))
    assert run(*arguments)[1].startswith("1 clips computed")


def test_wrong_usage(run: Run, tmp_path: Path, tiny_model: Path) -> None:
    folder = make(tmp_path / "corpus", 1)
    for arguments, words in (
        (("precompute", tmp_path / "none"), "is not a folder"),
        (("clear", tmp_path / "none"), "is not a folder"),
        (("precompute", folder, "--split", "dev"), "no split 'dev'"),
        (("precompute", folder, "--model", tiny_model, "--features", "hue"), "no feature 'hue'"),
        (("precompute", folder, "--alignments", tmp_path / "none"), "is not a folder"),
        (("precompute", folder, "--cache-dir", "nonsense://x"), "cannot be opened"),
    ):
        code, _, err = run(*arguments)
        assert code in (1, 2)
        assert words in err
        assert "Traceback" not in err


def test_a_disk_that_takes_no_more(tmp_path: Path, tiny_model: Path) -> None:
    """The kernel refuses the rest of a file: one sentence, nothing half written, the next run goes on."""
    folder = make(tmp_path / "corpus", 4)
    script = (
        "import resource, sys; from mlx_voice.cli import main;"
        "hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1];"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), hard)); main(sys.argv[2:])"
    )
    verb = ["corpus", "precompute", str(folder), "--model", str(tiny_model), "--workers", "0"]
    done = subprocess.run(
        [sys.executable, "-c", script, "60000", *verb], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "cannot be written" in done.stderr
    assert not list((folder / ".feature_cache").rglob("*.part"))
    assert not contents(folder)
    done = subprocess.run([sys.executable, "-m", "mlx_voice", *verb], capture_output=True, check=False)
    assert done.stdout.startswith(b"4 clips computed, 4 of 4 stored")


def test_a_folder_that_may_not_be_written(
    run: Run, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(tmp_path / "corpus", 1)

    def refuse(self: Path, *_: object, **__: object) -> None:
        if self.is_relative_to(folder):
            raise OSError(errno.EROFS, "Read-only file system", str(self))
        mkdir(self, parents=True, exist_ok=True)

    mkdir = Path.mkdir
    monkeypatch.setattr("os.access", lambda _, mode: mode != os.W_OK)
    monkeypatch.setattr(Path, "mkdir", refuse)
    code, _, err = run("precompute", folder, "--model", tiny_model, "--workers", "0")
    assert code == 1
    assert len(err.strip().splitlines()) == 1
    assert "Read-only file system" in err
    assert "choose another place" in err
    elsewhere = ("--cache-dir", tmp_path / "elsewhere")
    assert run("precompute", folder, "--model", tiny_model, "--workers", "0", *elsewhere)[0] == 0


def test_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    bar = _Bar(silent=False)
    bar(Progress(total=8, stored=2, failed=1, same=1, started=time.perf_counter() - 2))
    bar.end()
    drawn = capsys.readouterr().err
    assert re.search(r"4/8  2\.0 clips/s  0:0[12] left  1 failed", drawn)
    assert drawn.endswith("\n")
