import os
import threading
from pathlib import Path

import pytest

from mlx_voice.errors import StorageError
from mlx_voice.files import atomic, write_bytes


def test_file_is_whole_or_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_bytes(path, b"old")
    with pytest.raises(RuntimeError), atomic(path) as file:
        file.write(b"half of the new")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    path, got = tmp_path / "pipe", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    write_bytes(path, b"sound")
    reader.join(10)
    assert got == [b"sound"]
    assert path.is_fifo()


def test_null_device_stays_a_device() -> None:
    write_bytes(Path(os.devnull), b"sound")
    assert Path(os.devnull).is_char_device()


def test_folder_in_the_way_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=str(tmp_path)):
        write_bytes(tmp_path, b"")
    assert tmp_path.is_dir()
