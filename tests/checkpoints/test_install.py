"""A model is installed whole or not at all: killed anywhere, or on a full disk."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile_files
import pytest
import torch_files

from mlx_voice import files
from mlx_voice.checkpoints import convert, install
from mlx_voice.checkpoints.manifest import Manifest
from mlx_voice.checkpoints.repair import damage_of
from mlx_voice.errors import InputError, ModelMissingError, StorageError

# Dies at the n-th touch of the disk: every opening, renaming, making and removing, and every write.
KILLED = """
import builtins, os, sys
from pathlib import Path
from mlx_voice import files
from mlx_voice.checkpoints import convert
from mlx_voice.checkpoints.parts import T2S
T2S.code
left = int(sys.argv[1])

def touch(*_):
    global left
    left -= 1
    if left == 0:
        os._exit(9)

class Counting:
    def __init__(self, file): self.file = file
    def __getattr__(self, name): return getattr(self.file, name)
    def __enter__(self): return self
    def __exit__(self, *_): self.file.close()
    def write(self, data):
        touch()
        half = len(data) // 2
        self.file.write(data[:half]), self.file.flush()
        touch()
        return self.file.write(data[half:])

plain = Path.open

def opened(path, mode="r", *rest, **options):
    file = plain(path, mode, *rest, **options)
    return Counting(file) if mode == "xb" else file

Path.open = opened
watched = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod")
sys.addaudithook(lambda event, _: touch() if event in watched else None)
convert(t2s=sys.argv[2], name="mine")
print(-left)
"""


def converted_and_killed(source: Path, at: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(at), str(source)], capture_output=True, text=True, check=False
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "x.ckpt"
    path.write_bytes(hostile_files.sound())
    return path


def names(home: Path) -> set[str]:
    return {path.name for path in (home / "models").glob("*") if path.name != ".mlx-voice-installing.lock"}


@pytest.mark.parametrize("replaced", [False, True], ids=["new", "replaced"])
def test_killed_anywhere(
    source: Path, own_home: Path, count: Callable[[int, int], int], replaced: bool
) -> None:
    """Nothing that looks installed, or something that is: the old model or the new one."""

    def killed(at: int) -> "subprocess.CompletedProcess[str]":
        convert(t2s=source, name="mine", dtype="float32")
        if not replaced:
            install.remove("mine")
        return converted_and_killed(source, at)

    killed(0)  # makes the folders that later runs find
    whole = killed(0)
    assert whole.returncode == 0, whole.stderr
    touches = int(whole.stdout)
    assert touches > 50
    points = {round(1 + i * (touches - 1) / (n - 1)) for n in (count(3, 40),) for i in range(n)}
    for at in sorted(points | {touches - i for i in range(count(0, 12))}):  # the last ones move folders
        assert killed(at).returncode == 9, at
        assert {f.name for f in install.installed()} <= {"mini", "mine"}
        try:
            folder = install.find("mine")
        except ModelMissingError:
            assert not replaced, f"killed at {at}: the old model is gone"
        else:
            assert damage_of(folder) == [], at
        convert(t2s=source, name="mine")  # the next one clears away what the dead one left
        assert names(own_home) == {"mine"}, at


@pytest.mark.parametrize("replaced", [False, True], ids=["new", "replaced"])
def test_a_full_disk(
    source: Path,
    own_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    count: Callable[[int, int], int],
    replaced: bool,
) -> None:
    if replaced:
        convert(t2s=source, name="mine", dtype="float32")
    before = names(own_home)
    plain = Path.open
    for room in range(0, 20, count(6, 1)):  # the weights alone are twenty writes
        left = room

        class Full:
            def __init__(self, file: Any) -> None:
                self.file = file

            def __getattr__(self, name: str) -> Any:
                return getattr(self.file, name)

            def __enter__(self) -> "Full":
                return self

            def __exit__(self, *_: object) -> None:
                self.file.close()

            def write(self, data: bytes) -> int:
                nonlocal left
                left -= 1
                if left < 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return int(self.file.write(data))

        def opened(path: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
            file = plain(path, mode, *args, **options)
            return Full(file) if mode == "xb" else file

        monkeypatch.setattr(Path, "open", opened)
        with pytest.raises(StorageError, match="No space left on device") as caught:
            convert(t2s=source, name="mine")
        monkeypatch.undo()
        monkeypatch.setenv("MLX_VOICE_HOME", str(own_home))
        assert "\n" not in str(caught.value)
        assert names(own_home) == before
        assert not replaced or damage_of(install.find("mine")) == []


def test_a_folder_that_cannot_be_made(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        convert(t2s=source, out=tmp_path / "file" / "model")


def test_what_is_not_a_model_is_not_replaced(source: Path, tmp_path: Path) -> None:
    papers, hidden = tmp_path / "papers", tmp_path / ".new-ideas"
    for folder in (papers, hidden):
        folder.mkdir()
        (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="exists and is no model"):
        convert(t2s=source, out=papers)
    convert(t2s=source, out=tmp_path / "model")
    convert(t2s=source, out=tmp_path / "model", dtype="float32")
    assert (papers / "thesis.txt").exists() and (hidden / "thesis.txt").exists()


def test_what_is_installed_and_removed(source: Path, own_home: Path) -> None:
    assert [f.name for f in install.installed() if f.name != "mini"] == []
    for name in ("b", "a"):
        convert(t2s=source, name=name)
    assert [f.name for f in install.installed() if f.name != "mini"] == ["a", "b"]
    install.remove("a")
    assert [f.name for f in install.installed() if f.name != "mini"] == ["b"]
    with pytest.raises(ModelMissingError):
        install.remove("a")
    assert names(own_home) == {"b"}


def test_the_manifest_says_what_was_converted(source: Path) -> None:
    folder = convert(t2s=source, name="mine", quantize=4)
    table = json.loads((folder / "manifest.json").read_text())
    assert set(table["files"]) == {"t2s.safetensors", "config.json"}
    assert table["files"]["t2s.safetensors"]["sha256"] == files.sha256(folder / "t2s.safetensors")
    manifest = Manifest.read(folder)
    assert manifest.quantize == 4
    assert manifest.sources["t2s"].path == str(source)
    assert manifest.sources["t2s"].at_hand()
    source.write_bytes(torch_files.zip_file(hostile_files.content(info="other")))
    assert not manifest.sources["t2s"].at_hand()
