"""CMUdict, searched as it lies on disk: sorted lines, found by bisection, so that nothing is parsed.

`data/cmudict.txt` is written by `scripts/make_cmudict.py`. Its first line names the phones; every other line
is a word, a space, and one character per phone.
"""

from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files

FIRST = ord("!")  # the character of the first phone


@cache
def _table() -> tuple[bytes, tuple[str, ...], int]:
    """The file, its phones, and where its words begin."""
    data = files("mlx_voice.text.en").joinpath("data", "cmudict.txt").read_bytes()
    start = data.index(b"\n") + 1
    return data, tuple(data[: start - 1].decode("ascii").split(" ")), start


@lru_cache(4096)
def pronounce(word: str) -> tuple[str, ...] | None:
    """The phones of a lower-case word, or None."""
    if not word.isascii() or " " in word or "\n" in word:
        return None
    data, phones, low = _table()
    wanted, high = word.encode("ascii"), len(data)
    while low < high:
        line = data.rfind(b"\n", low - 1, (low + high) // 2) + 1
        end = data.index(b"\n", line)
        found, _, codes = data[line:end].partition(b" ")
        if found == wanted:
            return tuple(phones[code - FIRST] for code in codes)
        if found < wanted:
            low = end + 1
        else:
            high = line
    return None


def entries() -> Iterator[tuple[str, tuple[str, ...]]]:
    """All words with their phones, in order."""
    data, phones, start = _table()
    for line in data[start:].splitlines():
        word, _, codes = line.partition(b" ")
        yield word.decode("ascii"), tuple(phones[code - FIRST] for code in codes)
