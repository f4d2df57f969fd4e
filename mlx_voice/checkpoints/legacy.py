"""torch's format before 1.6: five pickles in a row, then the numbers of each storage after its count."""

import struct
from typing import Any

from mlx_voice.checkpoints.mapped import MappedFile, Storage, item_size
from mlx_voice.checkpoints.pickles import Kind, read_pickle
from mlx_voice.checkpoints.zips import read_claim

HEAD = bytes.fromhex("80028a0a6cfc9c46f920")  # a pickle of the magic number, its first bytes


def read_legacy(file: MappedFile) -> Any:
    """The object that torch saved; its tensors lie in the file still."""
    _, at = _plain_pickle(file, 0)  # the magic number
    _, at = _plain_pickle(file, at)  # the protocol
    system, start = _plain_pickle(file, at)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise file.error("is not little-endian", "save it again on another machine")
    claims: dict[str, tuple[Kind, int]] = {}

    def note(claim: Any) -> Storage:
        """The first reading only learns which storages there are: their places stand behind the pickle."""
        key, kind, count = read_claim(file, claim, 6)
        if claims.setdefault(key, (kind, count)) != (kind, count):
            raise file.error("describes one storage in two ways", "do not use it")
        return _seen(Storage(file, start, count, kind), claim[5])

    _, at = read_pickle(file, start, file.size - start, note)
    storages = _storages(file, at, claims)
    return read_pickle(
        file, start, file.size - start, lambda claim: _seen(storages[read_claim(file, claim, 6)[0]], claim[5])
    )[0]


def _storages(file: MappedFile, at: int, claims: dict[str, tuple[Kind, int]]) -> dict[str, Storage]:
    keys, at = _plain_pickle(file, at)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise file.error("lists storages that make no sense", "do not use it")
    if sorted(keys) != sorted(claims):
        raise file.error("lists other storages than it uses")
    storages = {}
    for key in keys:
        kind, count = claims[key]
        if file.read(at, 8) != struct.pack("<q", count):
            raise file.error("is truncated or damaged: a storage is not where it should be")
        storages[key] = Storage(file, at + 8, count, kind)
        at += 8 + count * item_size(kind)
    return storages


def _seen(storage: Storage, view: Any) -> Storage:
    """Very old files describe a storage as a part of another one."""
    if view is None:
        return storage
    if not isinstance(view, tuple) or len(view) != 3 or any(type(n) is not int for n in view[1:]):
        raise storage.file.error("refers to a storage that makes no sense", "do not use it")
    return storage.part(view[1], view[2])


def _plain_pickle(file: MappedFile, start: int) -> tuple[Any, int]:
    def nothing(claim: Any) -> Storage:  # noqa: ARG001
        raise file.error("refers to tensors before its head is over", "do not use it")

    return read_pickle(file, start, file.size - start, nothing)
