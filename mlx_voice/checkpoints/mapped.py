"""A checkpoint file as it lies on disk: mapped, never read whole, its numbers made into arrays on demand."""

import mmap
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from mlx_voice.errors import CheckpointError
from mlx_voice.nn.weights import Array

# How the numbers of a dtype lie in the file; bfloat16 is read as its bits and widened.
LAYOUT = {
    "float64": "<f8",
    "float32": "<f4",
    "float16": "<f2",
    "bfloat16": "<u2",
    "int64": "<i8",
    "int32": "<i4",
    "int16": "<i2",
    "int8": "|i1",
    "uint8": "|u1",
    "bool": "|b1",
}
MOST_DIMENSIONS = 8


def item_size(dtype: str) -> int:
    return np.dtype(LAYOUT[dtype]).itemsize


def shown(value: object) -> str:
    """A stranger's text or number as it may stand in a message: short, quoted, nothing unprintable."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:76]}…{text[-1]}"


def one_line(error: Exception) -> str:
    """What an error says, which may quote a stranger."""
    return "".join(c if c.isprintable() else "?" for c in str(error)[:400])


class MappedFile:
    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            if not path.exists():
                raise CheckpointError(f"{path} does not exist: check the path.")
            if not path.is_file():
                raise CheckpointError(f"{path} is not a file: name a checkpoint file.")
            with path.open("rb") as file:
                file.seek(0, 2)
                self.size = file.tell()
                if not self.size:
                    raise self.error("is empty")
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error

    def read(self, start: int, count: int) -> bytes:
        """Up to `count` bytes; fewer at the end of the file."""
        return self._map[start : start + count]

    def rfind(self, what: bytes, start: int) -> int:
        return self._map.rfind(what, start)

    def view(self, start: int, count: int) -> memoryview:
        if start < 0 or count < 0 or start + count > self.size:
            raise self.error("is truncated")
        return memoryview(self._map)[start : start + count]

    def error(self, what: str, advice: str = "download or export it again") -> CheckpointError:
        return CheckpointError(f"{self.path} {what}: {advice}.")


@dataclass(frozen=True)
class Storage:
    """A run of numbers of one kind in a mapped file; several tensors may look into it."""

    file: MappedFile
    start: int
    count: int
    dtype: str
    crc: int | None = None  # of its bytes, where the format keeps one

    def __post_init__(self) -> None:
        if self.count < 0 or self.start + self.count * item_size(self.dtype) > self.file.size:
            raise self.file.error("is truncated or claims more numbers than it holds")

    @cached_property
    def numbers(self) -> Array:
        data = self.file.view(self.start, self.count * item_size(self.dtype))
        if self.crc is not None and zlib.crc32(data) != self.crc:
            raise self.file.error("is damaged: the checksum of a tensor does not match")
        return np.frombuffer(data, LAYOUT[self.dtype])

    def part(self, offset: int, count: int) -> "Storage":
        if offset < 0 or count < 0 or offset + count > self.count:
            raise self.file.error("holds a view outside its storage")
        return Storage(self.file, self.start + offset * item_size(self.dtype), count, self.dtype)


@dataclass(frozen=True)
class StoredTensor:
    """A strided look into a storage, checked when it is made, read when it is asked for."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in numbers, not bytes

    def __post_init__(self) -> None:
        whole = (self.offset, *self.shape, *self.strides)
        if any(type(n) is not int or n < 0 for n in whole) or len(self.shape) != len(self.strides):
            raise self.storage.file.error("holds a tensor whose shape, strides or offset make no sense")
        if len(self.shape) > MOST_DIMENSIONS:
            raise self.storage.file.error(f"holds a tensor of {len(self.shape)} dimensions")
        count, last = 1, 0
        for n, stride in zip(self.shape, self.strides, strict=True):
            count *= n
            last += (n - 1) * stride
        # A tensor larger than its storage repeats numbers, which no checkpoint needs and a bomb would use.
        if count and (count > self.storage.count or self.offset + last >= self.storage.count):
            raise self.storage.file.error("holds a tensor that reaches outside its storage")

    @property
    def dtype(self) -> str:
        return self.storage.dtype

    def numpy(self) -> Array:
        """A read-only view of the file where that is possible; bfloat16 and float64 become float32."""
        if 0 in self.shape:
            return np.zeros(self.shape, np.dtype(LAYOUT[self.dtype]))
        numbers = self.storage.numbers[self.offset :]
        steps = tuple(s * numbers.itemsize for s in self.strides)
        view: Array = np.lib.stride_tricks.as_strided(numbers, self.shape, steps, writeable=False)
        if self.dtype == "bfloat16":
            return (view.astype(np.uint32) << 16).view(np.float32)
        return view.astype(np.float32) if self.dtype == "float64" else view


def contiguous(storage: Storage, shape: tuple[int, ...]) -> StoredTensor:
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return StoredTensor(storage, 0, shape, tuple(reversed(strides)))
