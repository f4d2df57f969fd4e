"""The command as a shell sees it: output, files, exit codes; an error is one sentence, never a traceback."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mlx_voice import Audio, VoiceCloner, __version__
from mlx_voice.audio import read
from mlx_voice.cli import main

SAID = "今天天气很好，我们去公园。"
TEXT = "你好，世界。"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run the command in this process: exit code, standard output, standard error."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        capsysbinary.readouterr()
        code = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else 1
        out, err = capsysbinary.readouterr()
        return code, out.decode("utf-8", "replace"), err.decode()

    return run


@pytest.fixture
def anna(run: Run, recording: Path, tiny_model: Path) -> str:
    code, out, _ = run("voices", "add", "anna", recording, "--text", SAID, "--model", tiny_model)
    assert code == 0
    assert out.startswith("anna: 94 codes, 160 frames of 704 bins")
    return "anna"


def process(*arguments: str | Path, stdin: bytes = b"", **more: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "mlx_voice", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, **more)  # type: ignore[call-overload,no-any-return]


def test_version_and_help(run: Run) -> None:
    assert run("--version")[:2] == (0, f"mlx-voice {__version__}\n")
    code, out, _ = run("--help")
    assert code == 0
    assert all(verb in out for verb in ("speak", "voices", "models", "cache", "doctor", "bench"))
    for verb in ("speak", "voices", "models", "cache", "doctor", "bench"):
        assert run(verb, "--help")[0] == 0


def test_speak_writes_a_file_and_prints_its_path(
    run: Run, anna: str, tiny_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "hello.flac"
    code, printed, said = run(
        "speak", TEXT, "-v", anna, "-o", out, "--seed", "1", "--stats", "--model", tiny_model, "--play"
    )
    assert (code, printed) == (0, f"{out}\n")
    assert soundfile.info(out).format == "FLAC"
    stats = json.loads(said.splitlines()[-1])
    assert stats["seed"] == 1
    assert abs(stats["audio"] - soundfile.info(out).duration) < 1e-3
    with VoiceCloner(tiny_model) as cloner:
        samples = cloner.speak(TEXT, anna, seed=1).samples
    assert np.abs(read(out)[0] - samples).max() <= 1 / 32767


def test_every_way_to_the_same_sound(run: Run, anna: str, tiny_model: Path, tmp_path: Path) -> None:
    """A pipe, a text file, `say`'s flags; a stream, as the class gives it: bit for bit."""
    file = tmp_path / "text.txt"
    file.write_text(TEXT, encoding="utf-8")
    options = ["-v", anna, "--seed", "5", "--model", tiny_model]
    assert run("speak", TEXT, "-o", tmp_path / "a.wav", *options)[0] == 0
    expected = read(tmp_path / "a.wav")[0]
    assert run("speak", "-f", file, "-o", tmp_path / "b.wav", "-r", "175", *options)[0] == 0
    assert np.array_equal(read(tmp_path / "b.wav")[0], expected)
    piped = process("speak", TEXT, *options)
    assert piped.returncode == 0
    assert np.array_equal(read(piped.stdout)[0], expected)
    streamed = process("speak", "--stream", *options, stdin=TEXT.encode())
    assert streamed.returncode == 0
    with VoiceCloner(tiny_model) as cloner:
        chunks = Audio.joined(cloner.stream(TEXT, anna, seed=5))
    assert streamed.stdout[44:] == chunks.encoded()[44:]
    assert len(streamed.stdout) == len(piped.stdout)


def test_standard_input_is_spoken_sentence_by_sentence(anna: str, tiny_model: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "mlx_voice",
        "speak",
        "-",
        "--stream",
        "-v",
        anna,
        "--model",
        str(tiny_model),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as speaking:
        assert speaking.stdin is not None
        assert speaking.stdout is not None
        speaking.stdin.write(f"{TEXT}还有".encode())
        speaking.stdin.flush()
        first = speaking.stdout.read(2000)  # while the text is still open
        speaking.stdin.write("一句。".encode())
        speaking.stdin.close()
        rest = speaking.stdout.read()
    assert speaking.returncode == 0
    assert first[:4] == b"RIFF"
    assert len(rest) > 2000


def test_an_ad_hoc_reference(run: Run, recording: Path, tiny_model: Path, tmp_path: Path) -> None:
    options = ["--model", tiny_model, "--seed", "2"]
    out = tmp_path / "a.wav"
    assert run("speak", TEXT, "--ref", recording, "--ref-text", SAID, "-o", out, *options)[0] == 0
    folder = tmp_path / "takes"
    folder.mkdir()
    (folder / "1.wav").write_bytes(recording.read_bytes())
    (folder / "1.txt").write_text(SAID, encoding="utf-8")
    assert run("speak", TEXT, "--ref-dir", folder, "-o", tmp_path / "b.wav", *options)[0] == 0
    assert out.read_bytes() == (tmp_path / "b.wav").read_bytes()
    code, _, said = run("speak", TEXT, "--ref", recording, "-o", out, *options)
    assert code == 2
    assert "--ref-text" in said


@pytest.mark.usefixtures("anna")
def test_the_voices_verbs(run: Run, own_home: Path, tmp_path: Path) -> None:
    listed = {row["name"]: row for row in json.loads(run("voices", "list", "--json")[1])}
    told = {"name": "anna", "language": "zh", "source": "not stated", "consent": "not stated"}
    assert told.items() <= listed["anna"].items()
    assert "anna" in run("voices", "list")[1]
    assert SAID in run("voices", "show", "anna")[1]
    assert run("voices", "verify", "anna")[:2] == (0, "anna: every file is whole.\n")
    bundle = tmp_path / "anna.voice"
    assert run("voices", "export", "anna", "-o", bundle)[0] == 0
    assert run("voices", "import", bundle, "--name", "ben")[0] == 0
    assert run("voices", "import", bundle)[0] == 1
    assert run("voices", "import", bundle, "--replace")[0] == 0
    (own_home / "voices/ben/codes.bin").write_bytes(b"")
    code, out, _ = run("voices", "verify", "ben")
    assert (code, out) == (1, "The voice 'ben': voices/ben/codes.bin has not the size that its entry says.\n")
    assert run("voices", "remove", "ben")[:2] == (0, "ben: removed\n")
    assert "ben" not in run("voices", "list")[1]
    assert "anna" in run("speak", "-v", "?")[1]


def test_a_slot_says_what_it_is(run: Run, anna: str, own_home: Path) -> None:
    path = own_home / "voices.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["voices"]["mine"] = {**document["voices"][anna], "slot": True}
    path.write_text(json.dumps(document), encoding="utf-8")
    assert "sounds like anna" in run("voices", "show", "mine")[1]


def test_the_cache_is_counted_and_cleared(
    run: Run, recording: Path, tiny_model: Path, tmp_path: Path
) -> None:
    speak = [
        "speak",
        TEXT,
        "--ref",
        recording,
        "--ref-text",
        SAID,
        "-o",
        tmp_path / "a.wav",
        "--model",
        tiny_model,
    ]
    assert [run(*speak)[0] for _ in range(2)] == [0, 0]
    rows = {row["tier"]: row for row in json.loads(run("cache", "status", "--json")[1])}
    assert (rows["disk"]["hits"], rows["disk"]["misses"], rows["disk"]["entries"]) == (2, 2, 1)
    assert rows["disk"]["bytes"] > 400_000
    assert rows["voice"]["hits"] == 2
    assert "spectrograms in memory" in run("cache", "status")[1]
    assert run("cache", "clear", "--tier", "tea")[0] == 2
    assert run("cache", "clear")[0] == 0
    rows = {row["tier"]: row for row in json.loads(run("cache", "status", "--json")[1])}
    assert (rows["disk"]["hits"], rows["disk"]["entries"]) == (0, 0)


def test_doctor_says_what_to_do(run: Run) -> None:
    code, out, _ = run("doctor", "--json")
    assert code == 0
    report = json.loads(out)
    assert {
        "mlx-voice",
        "python",
        "device",
        "models",
        "voices",
        "languages",
        "cache",
        "sound",
        "next",
    } == set(report)
    assert "zh" in report["languages"]
    assert run("doctor")[0] == 0


def test_bench_ends_in_one_line_of_json(run: Run, anna: str, tiny_model: Path) -> None:
    code, out, said = run("bench", "--model", tiny_model, "-v", anna, "--language", "zh", "--rounds", "1")
    assert code == 0, said
    figures = json.loads(out.splitlines()[-1])
    assert all(
        figures[name] > 0 for name in ("cold_start_s", "first_audio_s", "real_time_factor", "peak_memory_mb")
    )


@pytest.mark.usefixtures("anna")
@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["speak", TEXT, "-v", "ana"], 1, "did you mean anna"),
        (["speak", TEXT, "-v", "anna:x"], 1, "no mixture"),
        (["speak", "", "-v", "anna"], 1, "nothing to say"),
        (["speak", TEXT, "--language", "tlh"], 1, "tlh"),
        (["speak", TEXT, "--voices", "none.json"], 2, "none.json"),
        (["speak", TEXT, "--model", "no-such"], 1, "no-such"),
        (["speak", TEXT, "-f", "text.txt"], 2, "not both"),
        (["speak", "-f", "none.txt"], 1, "none.txt"),
        (["speak", TEXT, "--speed", "9"], 2, "speed"),
        (["speak", TEXT, "--ref", "none.wav", "--ref-text", "x"], 1, "none.wav"),
        (["voices", "show", "ana"], 1, "anna"),
        (["voices", "remove", "nobody"], 1, "nobody"),
        (["voices", "import", "none.voice"], 1, "none.voice"),
        (["voices", "add", "a/b", "x.wav", "--text", "x"], 1, "a/b"),
        (["voices", "add", "x", "x.wav", "--text", "x", "--window", "a-b"], 2, "FROM-TO"),
        (["sing"], 2, "sing"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    run: Run, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], code: int, complaint: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    if arguments[0] == "speak":
        arguments = [*arguments, "-o", "out.wav"]
    if arguments[0] == "speak" and "--model" not in arguments:
        arguments = [*arguments, "--model", str(tiny_model)]
    got, out, said = run(*arguments)
    assert (got, out) == (code, "")
    assert complaint in said
    assert "Traceback" not in said
    if code == 1:
        assert said.count("\n") == 1
    assert not (tmp_path / "out.wav").exists()


@pytest.mark.parametrize("name", ["out.doc", "out"])
def test_an_output_of_no_known_kind_is_refused_at_once(run: Run, name: str) -> None:
    assert run("speak", TEXT, "-o", name)[0] == 2


def test_an_output_that_cannot_be_written(run: Run, anna: str, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code, _, said = run("speak", TEXT, "-v", anna, "-o", tmp_path / "file/out.wav", "--model", tiny_model)
    assert code == 1
    assert "cannot be written" in said


def test_debug_shows_where_an_error_comes_from() -> None:
    shown = process("speak", TEXT, "--model", "no-such", "-o", "x.wav", "--debug")
    assert shown.returncode == 1
    assert b"Traceback" in shown.stderr


def test_ctrl_c_leaves_nothing_behind(anna: str, tiny_model: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mlx_voice", "speak", TEXT * 500, "-v", anna, "-o", "out.wav"]
    with subprocess.Popen(
        [*command, "--model", str(tiny_model)], cwd=tmp_path, stderr=subprocess.PIPE
    ) as speaking:
        while not [*tmp_path.glob("*out*")] and speaking.poll() is None:
            time.sleep(0.02)
        speaking.send_signal(signal.SIGINT)
        _, said = speaking.communicate(timeout=60)
    assert speaking.returncode == 130
    assert b"Traceback" not in said
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


def test_a_reader_that_leaves_is_no_error(anna: str, tiny_model: Path) -> None:
    speak = f"{sys.executable} -m mlx_voice speak {TEXT * 3} --stream -v {anna} --model {tiny_model}"
    command = f"{speak} | head -c 100"
    done = subprocess.run(command, shell=True, capture_output=True, check=False)
    assert len(done.stdout) == 100
    assert b"Traceback" not in done.stderr


def test_a_full_disk_is_said(anna: str, tiny_model: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "mlx_voice", "speak", TEXT, "-v", anna, "--model", str(tiny_model)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr


def test_completion_offers_the_voices(anna: str) -> None:
    env = {
        **os.environ,
        "_MLX_VOICE_COMPLETE": "complete_bash",
        "COMP_WORDS": "mlx-voice speak -v an",
        "COMP_CWORD": "3",
    }
    done = subprocess.run(
        [Path(sys.executable).with_name("mlx-voice")], env=env, capture_output=True, text=True, check=False
    )
    assert anna in done.stdout.split()
