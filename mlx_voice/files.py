"""Files that are either whole or not there: written beside their place, flushed, renamed."""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from mlx_voice.errors import StorageError

BLOCK = 1 << 20


@contextmanager
def atomic(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`; on success it takes its place, on any failure it is gone.

    A device or a pipe can't be replaced, and nobody wants it to be: it is written to.
    """
    if path.is_char_device() or path.is_fifo():
        with path.open("wb") as file:
            yield file
        return
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold `path` against every other thread and process that asks for it; readers need no lock."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.with_name(f".{path.name}.lock").open("w")
    except OSError as error:
        raise storage_error(path, error) from error
    with file:  # closing it lets go
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_bytes(path: Path, data: bytes) -> None:
    with atomic(path) as file:
        file.write(data)


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def storage_error(path: Path, error: OSError) -> StorageError:
    reason = error.strerror or str(error)
    return StorageError(f"{path} cannot be written: {reason}; free some space or choose another place.")
