"""safetensors: a JSON header, then the numbers. Read lazily; written one weight at a time."""

import hashlib
import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from mlx_voice.checkpoints.mapped import (
    LAYOUT,
    MOST_DIMENSIONS,
    MappedFile,
    Storage,
    StoredTensor,
    contiguous,
    item_size,
    shown,
)
from mlx_voice.nn.weights import Plan

LARGEST_HEADER = 16 << 20
BLOCK = 1 << 18  # numbers that stay in a processor's cache
DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}
_CODES = {np.dtype(LAYOUT[name]): code for code, name in DTYPES.items() if name != "bfloat16"}
_CODES[np.dtype("<u4")] = "U32"  # packed quantized weights


def looks_like_safetensors(file: MappedFile) -> bool:
    head = file.read(0, 9)
    return len(head) == 9 and head[8:] == b"{" and 2 <= struct.unpack("<Q", head[:8])[0] <= file.size - 8


def read_safetensors(file: MappedFile) -> dict[str, StoredTensor]:
    (length,) = struct.unpack("<Q", file.read(0, 8))
    if length > LARGEST_HEADER:
        raise file.error("claims an absurdly large header", "do not use it")
    try:
        header = json.loads(file.read(8, length), object_pairs_hook=_no_repeats)
    except (ValueError, RecursionError) as error:
        raise file.error("is damaged: its header is not JSON") from error
    if not isinstance(header, dict):
        raise file.error("is damaged: its header is not a table")
    header.pop("__metadata__", None)
    return {key: _tensor(file, key, entry, 8 + length) for key, entry in header.items()}


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a key stands twice")
    return table


def _tensor(file: MappedFile, key: str, entry: Any, start: int) -> StoredTensor:
    try:
        dtype, shape, (begin, end) = DTYPES[entry["dtype"]], entry["shape"], entry["data_offsets"]
    except (KeyError, TypeError, ValueError) as error:
        raise file.error(f"describes {shown(key)} in a way that makes no sense") from error
    if not isinstance(shape, list) or any(type(n) is not int or n < 0 for n in (*shape, begin, end)):
        raise file.error(f"describes {shown(key)} in a way that makes no sense")
    count = 1
    for n in shape[: MOST_DIMENSIONS + 1]:
        count *= n
    if end - begin != count * item_size(dtype):
        raise file.error(f"holds another count of numbers for {shown(key)} than its shape says")
    return contiguous(Storage(file, start + begin, count, dtype), tuple(shape))


def write_safetensors(file: BinaryIO, plan: Plan, dtypes: Mapping[str, np.dtype[Any]]) -> str:
    """Write the planned weights in the plan's order, one in memory at a time; returns the file's sha256."""
    header, at = {}, 0
    for key, weight in plan.items():
        size = int(np.prod(weight.shape, dtype=np.int64)) * dtypes[key].itemsize
        header[key] = {
            "dtype": _CODES[dtypes[key]],
            "shape": list(weight.shape),
            "data_offsets": [at, at + size],
        }
        at += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the numbers begin aligned
    digest = hashlib.sha256()

    def put(data: bytes | memoryview) -> None:
        file.write(data)
        digest.update(data)

    put(struct.pack("<Q", len(text)) + text)
    for key, weight in plan.items():
        with np.errstate(all="ignore"):  # what is not finite is refused by name
            array = _cast(key, weight.make(), dtypes[key])
        if array.shape != weight.shape:
            raise ValueError(f"{key} was planned as {weight.shape} and made as {array.shape}")
        put(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _cast(key: str, array: Any, dtype: np.dtype[Any]) -> Any:
    cast = array.astype(dtype, order="C", copy=False)
    if dtype.kind == "f" and not _finite(cast):
        if np.isfinite(array).all():
            raise ValueError(f"{key} does not fit into float16: convert with --dtype float32")
        raise ValueError(f"{key} holds NaN or infinity: download or export it again")
    return cast


def _finite(array: Any) -> bool:
    """By the exponent's bits, a block at a time: faster than isfinite, and no copy of a large weight."""
    integer, exponent = (np.uint16, 0x7C00) if array.itemsize == 2 else (np.uint32, 0x7F800000)
    bits = array.reshape(-1).view(integer)
    blocks = (bits[i : i + BLOCK] for i in range(0, bits.size, BLOCK))
    return not any(((block & integer(exponent)) == exponent).any() for block in blocks)
