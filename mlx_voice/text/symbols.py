"""The phones that a network knows, in its order: 322 in v1, 732 from v2 on."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from mlx_voice.errors import TextError

UNKNOWN = "UNK"
TABLES = ("v1", "v2")


@dataclass(frozen=True)
class Symbols:
    name: str
    index: dict[str, int]

    def __contains__(self, phone: str) -> bool:
        return phone in self.index

    def known(self, phones: Iterable[str]) -> tuple[str, ...]:
        """What the network does not know becomes UNK, as in training."""
        return tuple(phone if phone in self.index else UNKNOWN for phone in phones)

    def ids(self, phones: Iterable[str]) -> tuple[int, ...]:
        unknown = self.index[UNKNOWN]
        return tuple(self.index.get(phone, unknown) for phone in phones)


@cache
def load(name: str) -> Symbols:
    if name not in TABLES:
        raise TextError(f"There is no symbol table {name!r}: choose one of {', '.join(TABLES)}.")
    names = json.loads(files("mlx_voice.text").joinpath("data", f"symbols_{name}.json").read_text("utf-8"))
    return Symbols(name, {phone: i for i, phone in enumerate(names)})
