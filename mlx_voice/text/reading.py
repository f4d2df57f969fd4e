"""What a language module takes and gives, and the string that remembers where its characters came from."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

from mlx_voice.text.lexicon import Lexicon
from mlx_voice.text.symbols import Symbols, load

Place = tuple[int, int]  # [start, end) in the text that was given


@dataclass(frozen=True)
class Context:
    """What the reader of a language is told besides the text."""

    symbols: Symbols = field(default_factory=lambda: load("v2"))
    lexicon: Lexicon = field(default_factory=Lexicon)
    fixed: Mapping[int, str] = field(default_factory=dict)  # index in the text given -> its reading (`jue2`)


@dataclass(frozen=True)
class Reading:
    """A text as it is said."""

    text: str  # normalised
    phones: tuple[str, ...]
    word2ph: tuple[int, ...] | None  # phones per character of `text`, where the language aligns them
    origin: tuple[Place, ...]  # per character of `text`


class Reader(Protocol):
    """The one function of a language module: `read`."""

    def __call__(self, text: str, context: Context) -> Reading: ...


@dataclass(frozen=True)
class Traced:
    """A string under rewriting; `origin[i]` is where character `i` was written. Every step is linear."""

    text: str
    origin: tuple[Place, ...]

    @classmethod
    def of(cls, text: str) -> "Traced":
        return cls(text, tuple((i, i + 1) for i in range(len(text))))

    @classmethod
    def join(cls, parts: Iterable["Traced"]) -> "Traced":
        whole = list(parts)
        return cls("".join(p.text for p in whole), tuple(place for p in whole for place in p.origin))

    def __len__(self) -> int:
        return len(self.text)

    def __getitem__(self, part: slice) -> "Traced":
        return Traced(self.text[part], self.origin[part])

    def sub(self, pattern: re.Pattern[str], new: str | Callable[[re.Match[str]], str]) -> "Traced":
        """As `pattern.sub(new, text)`. A replacement of the same length keeps its characters' own places."""
        texts: list[str] = []
        origin: list[Place] = []
        at = 0
        for match in pattern.finditer(self.text):
            start, end = match.span()
            word = match.expand(new) if isinstance(new, str) else new(match)
            texts += self.text[at:start], word
            origin += self.origin[at:start]
            origin += self._places(start, end, word)
            at = end
        if not texts:
            return self
        return Traced("".join(texts) + self.text[at:], (*origin, *self.origin[at:]))

    def translate(self, table: Mapping[str, str]) -> "Traced":
        """Replace single characters; an empty replacement drops the character."""
        if table.keys().isdisjoint(self.text):
            return self
        pieces = [(table.get(char, char), place) for char, place in zip(self.text, self.origin, strict=True)]
        return Traced("".join(p for p, _ in pieces), tuple(place for p, place in pieces for _ in p))

    def keep(self, wanted: Callable[[str], bool]) -> "Traced":
        kept = [(char, place) for char, place in zip(self.text, self.origin, strict=True) if wanted(char)]
        return Traced("".join(c for c, _ in kept), tuple(place for _, place in kept))

    def strip(self) -> "Traced":
        """Without white space around it."""
        start = len(self) - len(self.text.lstrip())
        return self[start : max(start, len(self.text.rstrip()))]

    def split(self, pattern: re.Pattern[str]) -> list["Traced"]:
        """Cut after each match of `pattern` (the match stays with what it ends)."""
        ends = [m.end() for m in pattern.finditer(self.text)]
        edges = [0, *ends, len(self)]
        return [self[a:b] for a, b in pairwise(edges) if a < b]

    def _places(self, start: int, end: int, new: str) -> list[Place]:
        """Where the characters of `new` come from; what it shares with the old text keeps its places."""
        if len(new) == end - start:
            return list(self.origin[start:end])
        old = self.text[start:end]
        head = _common(old, new)
        tail = _common(old[head:][::-1], new[head:][::-1])
        first, last = self.origin[start : start + head], self.origin[end - tail : end]
        start, end = start + head, end - tail
        if start < end:
            place = (self.origin[start][0], self.origin[end - 1][1])
        else:
            edge = self.origin[start][0] if start < len(self) else self.origin[-1][1] if self.origin else 0
            place = (edge, edge)
        return [*first, *[place] * (len(new) - head - tail), *last]


def _common(a: str, b: str) -> int:
    """How many characters both begin with."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
