"""Playing runs the first player found and reports what it says."""

from pathlib import Path

import numpy as np
import pytest

from mlx_voice.audio import can_play, play, play_file, write
from mlx_voice.errors import AudioError

SOUND = np.zeros(100, np.float32)


def put_player(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_nothing_to_play_with(path: Path) -> None:  # noqa: ARG001
    assert not can_play()
    with pytest.raises(AudioError, match="Nothing here can play"):
        play(SOUND, 8000)


def test_the_player_gets_a_wav_file(path: Path) -> None:
    put_player(
        path, "aplay", f'read -r first < "$2"; case "$first" in RIFF*) echo "$@" > {path}/called;; esac'
    )
    assert can_play()
    play(SOUND, 8000)
    assert (path / "called").read_text().startswith("-q ")


def test_a_player_that_fails_is_quoted(path: Path) -> None:
    put_player(path, "paplay", "echo first >&2; echo no device >&2; exit 3")
    with pytest.raises(AudioError, match=r"paplay could not play the sound \(no device\)"):
        play(SOUND, 8000)


def test_a_written_file_is_played_as_wav(path: Path) -> None:
    put_player(
        path, "aplay", f'read -r first < "$2"; case "$first" in RIFF*) wc -c < "$2" > {path}/called;; esac'
    )
    (path / "wc").symlink_to("/usr/bin/wc")
    write(path / "sound.flac", np.zeros(100_000, np.float32), 8000)
    play_file(path / "sound.flac")
    assert int((path / "called").read_text()) == 200_044
