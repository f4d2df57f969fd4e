"""Files as torch.save writes them, made with numpy alone; every byte of them can be made wrong."""

import io
import itertools
import pickle
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

STORAGES = {
    "float64": "DoubleStorage", "float32": "FloatStorage", "float16": "HalfStorage",
    "int64": "LongStorage", "int32": "IntStorage", "uint8": "ByteStorage", "bool": "BoolStorage",
}  # fmt: skip


class Ordered(dict[Any, Any]):
    """Pickled as collections.OrderedDict."""


class HParams(dict[Any, Any]):
    """Pickled as utils.HParams with these attributes."""


@dataclass
class Raw:
    """Opcodes to put in as they are."""

    opcodes: bytes


@dataclass
class Tensor:
    """An array, and what may be claimed of it instead of the truth."""

    array: np.ndarray
    shape: Any = None
    strides: Any = None
    offset: Any = 0
    count: Any = None
    storage: str | None = None


def pickled(value: Any, arrays: list[np.ndarray], legacy: bool = False) -> bytes:
    """Protocol 2, without a memo; the arrays found on the way are appended to `arrays`."""
    return b"\x80\x02" + _opcodes(value, arrays, legacy) + b"."


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


def _opcodes(value: Any, arrays: list[np.ndarray], legacy: bool) -> bytes:
    def inner(item: Any) -> bytes:
        return _opcodes(item, arrays, legacy)

    if isinstance(value, Raw):
        return value.opcodes
    if isinstance(value, np.ndarray):
        return inner(Tensor(value))
    if isinstance(value, Tensor):
        return _tensor(value, arrays, legacy)
    if isinstance(value, HParams):
        return name("utils", "HParams") + b")\x81" + inner(dict(value)) + b"b"
    if isinstance(value, dict):
        start = name("collections", "OrderedDict") + b")R" if isinstance(value, Ordered) else b"}"
        items = b"".join(inner(part) for pair in value.items() for part in pair)
        return start + (b"(" + items + b"u" if items else b"")
    if isinstance(value, tuple):
        return b"(" + b"".join(map(inner, value)) + b"t"
    if isinstance(value, list):
        return b"](" + b"".join(map(inner, value)) + b"e"
    return pickle.dumps(value, 2)[2:-1]  # a plain value: its own pickle between head and stop


def _tensor(tensor: Tensor, arrays: list[np.ndarray], legacy: bool) -> bytes:
    array = np.ascontiguousarray(tensor.array).reshape(tensor.array.shape)
    arrays.append(array)
    shape = array.shape if tensor.shape is None else tensor.shape
    strides = tuple(s // array.itemsize for s in array.strides) if tensor.strides is None else tensor.strides
    count = array.size if tensor.count is None else tensor.count
    storage = Raw(name("torch", tensor.storage or STORAGES[array.dtype.name]))
    claim = ("storage", storage, str(len(arrays) - 1), "cpu", count) + ((None,) if legacy else ())
    reference = Raw(_opcodes(claim, [], legacy) + b"Q")
    arguments = (reference, tensor.offset, shape, strides, False, Ordered())
    return name("torch._utils", "_rebuild_tensor_v2") + _opcodes(arguments, [], legacy) + b"R"


@dataclass
class Entry:
    """One file of a zip, with the header fields that may lie."""

    path: str
    data: bytes | memoryview
    method: int = 0
    flags: int = 0
    size: int | None = None
    crc: int | None = None
    offset: int | None = None


@dataclass
class Zip:
    entries: list[Entry]
    head: bytes = b"PK"
    count: int | None = None
    wide: bool = True  # torch writes the 64-bit end record too
    offsets: list[int] = field(default_factory=list)  # of the data, known once written

    def build(self) -> bytes:
        file = io.BytesIO()
        self.write(file)
        return file.getvalue()

    def write(self, file: BinaryIO) -> None:
        directory = b"".join([self._put(entry, file) for entry in self.entries])
        start, count = file.tell(), len(self.entries) if self.count is None else self.count
        file.write(directory)
        if self.wide:
            end = struct.pack("<QHHIIQQQQ", 44, 30, 45, 0, 0, count, count, len(directory), start)
            file.write(b"PK\6\6" + end + b"PK\6\7" + struct.pack("<IQI", 0, start + len(directory), 1))
        short = min(count, 0xFFFF)
        file.write(b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, short, short, len(directory), start, 0))
        file.seek(0)
        file.write(self.head)

    def _put(self, entry: Entry, file: BinaryIO) -> bytes:
        """Write an entry; returns its line in the directory."""
        path, start = entry.path.encode(), file.tell()
        size = len(entry.data) if entry.size is None else entry.size
        crc = zlib.crc32(entry.data) if entry.crc is None else entry.crc
        padding = -(start + 30 + len(path) + 4) % 64  # torch aligns the numbers
        extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
        common = struct.pack("<HHHHHIII", 0, entry.flags, entry.method, 0, 0, crc, size, size)
        file.write(b"PK\3\4" + common + struct.pack("<HH", len(path), len(extra)) + path + extra)
        self.offsets.append(file.tell())
        file.write(entry.data)
        place = start if entry.offset is None else entry.offset
        return b"PK\1\2\0\0" + common + struct.pack("<HHHHHII", len(path), 0, 0, 0, 0, 0, place) + path


def zip_of(content: Any, top: str = "archive", head: bytes = b"PK", old: bool = False) -> Zip:
    """What torch.save writes for `content`; `old` is a file from before byteorder was written."""
    arrays: list[np.ndarray] = []
    data = pickled(content, arrays)
    marks = [] if old else [Entry(f"{top}/.format_version", b"1"), Entry(f"{top}/byteorder", b"little")]
    numbers = [
        Entry(f"{top}/data/{i}", array.reshape(-1).view(np.uint8).data) for i, array in enumerate(arrays)
    ]
    return Zip([Entry(f"{top}/data.pkl", data), *marks, *numbers, Entry(f"{top}/version", b"3\n")], head)


def zip_file(content: Any, **options: Any) -> bytes:
    return zip_of(content, **options).build()


def legacy_file(content: Any) -> bytes:
    """What torch.save wrote before 1.6."""
    arrays: list[np.ndarray] = []
    system = {
        "protocol_version": 1001,
        "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    parts = [pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, system)]
    parts += [pickled(content, arrays, legacy=True), pickle.dumps([str(i) for i in range(len(arrays))], 2)]
    numbers = [struct.pack("<q", array.size) + array.tobytes() for array in arrays]
    return b"".join(itertools.chain(parts, numbers))
