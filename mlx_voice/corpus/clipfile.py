"""One clip's features as a safetensors file whose header says of what; always the same bytes."""

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mlx_voice.errors import CorpusError, InputError
from mlx_voice.nn.weights import Array

CODES: dict[np.dtype[Any], str] = {
    np.dtype("<f4"): "F32",
    np.dtype("<f2"): "F16",
    np.dtype("<i4"): "I32",
    np.dtype("u1"): "U8",
}
DTYPES = {code: dtype for dtype, code in CODES.items()}
ZSTD = b"\x28\xb5\x2f\xfd"
LEVEL = 3


@dataclass(frozen=True)
class Header:
    """What a file says of itself."""

    id: str
    content: str  # hash of the clip: its sound, text, language, speaker, alignment
    config: str  # hash of the form
    version: int
    text: str
    language: str
    speaker: str
    seconds: float
    loudness: float  # dB of full scale
    f0: float  # median of the voiced frames, Hz; 0 where it was not asked for
    characters: float  # a second
    lengths: Mapping[str, int] = field(default_factory=dict)  # frames, codes, phones


def pack(header: Header, arrays: Mapping[str, Array], compressed: bool = False) -> bytes:
    table: dict[str, Any] = {}
    payload: list[bytes] = []
    at = 0
    for name, array in arrays.items():
        data = np.ascontiguousarray(array).tobytes()
        place = [at, at := at + len(data)]
        table[name] = {"dtype": CODES[array.dtype], "shape": list(array.shape), "data_offsets": place}
        payload.append(data)
    body = b"".join(payload)
    told = json.dumps(asdict(header), ensure_ascii=False, sort_keys=True)
    digest = _digest(told, table, body)
    text = json.dumps({"__metadata__": {"mlx-voice": told, "sha256": digest}, **table}).encode()
    text += b" " * (-len(text) % 8)
    whole = struct.pack("<Q", len(text)) + text + body
    return _zstandard().ZstdCompressor(LEVEL).compress(whole) if compressed else whole


def unpack(data: bytes, name: str) -> tuple[Header, dict[str, Array]]:
    """Header and arrays of a file that is wholly as it was written; anything else is an error."""
    try:
        if data[:4] == ZSTD:
            zstandard = _zstandard()
            try:
                data = zstandard.ZstdDecompressor().decompress(data)
            except zstandard.ZstdError as error:
                raise ValueError(str(error)) from error
        (length,) = struct.unpack("<Q", data[:8])
        table = json.loads(data[8 : 8 + length])
        told, body = table.pop("__metadata__"), memoryview(data)[8 + length :]
        if _digest(told["mlx-voice"], table, body) != told["sha256"]:
            raise ValueError("its checksum is wrong")
        return Header(**json.loads(told["mlx-voice"])), {
            key: _array(body, entry) for key, entry in table.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise CorpusError(f"{name} is damaged ({error}): run corpus precompute again.") from error


def _digest(told: str, table: Mapping[str, Any], body: bytes | memoryview) -> str:
    digest = hashlib.sha256(json.dumps([told, table]).encode())
    digest.update(body)
    return digest.hexdigest()


def _array(body: memoryview, entry: Mapping[str, Any]) -> Array:
    begin, end = entry["data_offsets"]
    dtype: np.dtype[Any] = DTYPES[entry["dtype"]]
    array: Array = np.frombuffer(body[begin:end], dtype).reshape(entry["shape"])
    return array


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError as error:
        raise InputError("Compressed stores need zstandard: pip install 'mlx-voice[corpus]'.") from error
    return zstandard
