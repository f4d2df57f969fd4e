"""torch's zip files: stored entries under one top folder of any name, read where they lie.

Python's zipfile is not used: it builds an object for each entry that a file claims, and does not know the
version bytes that GPT-SoVITS writes over the leading "PK".
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Any

from mlx_voice.checkpoints.mapped import MappedFile, Storage, item_size, shown
from mlx_voice.checkpoints.pickles import LARGEST, Kind, read_pickle

MOST_ENTRIES = 100_000
LARGEST_DIRECTORY = 32 << 20
LOCAL = 30  # bytes of a local header before its name


@dataclass(frozen=True)
class Entry:
    start: int
    size: int
    crc: int


def read_zip(file: MappedFile) -> Any:
    """The object that torch saved; its tensors lie in the file still."""
    entries = _entries(file)
    if "data.pkl" not in entries:
        raise file.error("is a zip file without data.pkl", "give the checkpoint itself")
    if "byteorder" in entries:
        order = entries["byteorder"]
        if file.read(order.start, min(order.size, 16)) != b"little":
            raise file.error("is not little-endian", "save it again on another machine")
    pickled = entries["data.pkl"]
    if pickled.size > LARGEST:
        raise file.error("holds an absurdly large pickle", "do not use it")
    if zlib.crc32(file.view(pickled.start, pickled.size)) != pickled.crc:
        raise file.error("is damaged: the checksum of data.pkl does not match")
    storages: dict[Any, Storage] = {}

    def storage(claim: Any) -> Storage:
        key, kind, count = read_claim(file, claim, 5)
        entry = entries.get(f"data/{key}")
        if entry is None or entry.size != count * item_size(kind):
            raise file.error(f"lacks the numbers of storage {shown(key)}, or holds another count of them")
        return storages.setdefault((key, kind), Storage(file, entry.start, count, kind, entry.crc))

    return read_pickle(file, pickled.start, pickled.size, storage)[0]


def read_claim(file: MappedFile, claim: Any, length: int) -> tuple[str, Kind, int]:
    """What a persistent id says of a storage: key, kind, count."""
    if not isinstance(claim, tuple) or len(claim) != length or claim[0] != "storage":
        raise file.error("refers to something that is not a storage", "do not use it")
    _, kind, key, _, count = claim[:5]
    if not isinstance(kind, Kind) or not isinstance(key, str) or type(count) is not int or count < 0:
        raise file.error("refers to a storage that makes no sense", "do not use it")
    return key, kind, count


def _entries(file: MappedFile) -> dict[str, Entry]:
    start, size, count = _directory(file)
    if count > MOST_ENTRIES or size > LARGEST_DIRECTORY:
        raise file.error("claims an absurd number of entries", "do not use it")
    directory = file.read(start, size)
    entries: dict[str, Entry] = {}
    position, tops = 0, set()
    for _ in range(count):
        name, entry, position = _entry(file, directory, position, start)
        top, _, rest = name.partition("/")
        tops.add(top)
        if rest in entries or len(tops) > 1 or not rest or not _plain(name):
            raise file.error(f"has an entry of a forbidden name, {shown(name)}", "do not use it")
        entries[rest] = entry
    return entries


def _plain(name: str) -> bool:
    """Nothing is extracted, so a path can do no harm; one that tries betrays the file all the same."""
    return all(part not in ("", ".", "..") and not set(part) & set("\\\0") for part in name.split("/"))


def _directory(file: MappedFile) -> tuple[int, int, int]:
    """Start, size and entry count of the central directory."""
    end = file.rfind(b"PK\5\6", max(0, file.size - 22 - 0xFFFF))
    if end < 0 or file.size < end + 22:
        raise file.error("is truncated: the end of the zip file is missing")
    count, size, start = struct.unpack("<10xHII2x", file.read(end, 22))
    locator = file.read(max(0, end - 20), 20)
    if locator.startswith(b"PK\6\7"):  # torch always writes the 64-bit form as well
        (end,) = struct.unpack("<8xQ4x", locator)
        record = file.read(end, 56)
        if len(record) < 56 or not record.startswith(b"PK\6\6"):
            raise file.error("is damaged: its zip directory is not where it should be")
        count, size, start = struct.unpack("<32xQQQ", record)
    if start + size > end:
        raise file.error("is damaged: its zip directory is not where it should be")
    return start, size, count


def _entry(file: MappedFile, directory: bytes, at: int, limit: int) -> tuple[str, Entry, int]:
    """Name and place of the entry described at `at`, and where the next description begins."""
    fixed = directory[at : at + 46]
    if len(fixed) < 46 or not fixed.startswith(b"PK\1\2"):
        raise file.error("is damaged: its zip directory is broken")
    flags, method, crc, packed, size, names, extras, comments, header = struct.unpack(
        "<8xHH4xIIIHHH8xI", fixed
    )
    raw = directory[at + 46 : at + 46 + names]
    extra = directory[at + 46 + names : at + 46 + names + extras]
    size, packed, header = _wide(file, extra, size, packed, header)
    if flags & 1 or method or packed != size:
        raise file.error("holds compressed or encrypted entries", "save it with torch.save")
    local = file.read(header, LOCAL)
    if len(local) < LOCAL or local[2:4] != b"\3\4" or (header and local[:2] != b"PK"):
        raise file.error("is damaged: an entry is not where it should be")
    start = header + LOCAL + sum(struct.unpack("<26xHH", local))
    if start + size > limit or file.read(header + LOCAL, names) != raw:
        raise file.error("is damaged: an entry is not where it should be")
    name = raw.decode("utf-8", "backslashreplace")
    return name, Entry(start, size, crc), at + 46 + names + extras + comments


def _wide(file: MappedFile, extra: bytes, *sizes: int) -> tuple[int, ...]:
    """Sizes and offsets above 4 GB stand in extra field 1, in this order, those only that overflowed."""
    if 0xFFFFFFFF not in sizes:
        return sizes
    while len(extra) >= 4:
        field, length = struct.unpack("<HH", extra[:4])
        if field == 1:
            numbers = iter(struct.unpack(f"<{length // 8}Q", extra[4 : 4 + length // 8 * 8]))
            return tuple(next(numbers) if n == 0xFFFFFFFF else n for n in sizes)
        extra = extra[4 + length :]
    raise file.error("is damaged: its zip directory is broken")
