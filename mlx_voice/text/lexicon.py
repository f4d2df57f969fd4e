"""The user's own readings: one word a line, then its pinyin or its phones.

角色 jue2 se4
Qwen K W EH1 N
"""

import re
from collections.abc import Mapping
from pathlib import Path

from mlx_voice.errors import TextError
from mlx_voice.text.symbols import load as symbols

SYLLABLE = re.compile(r"[a-zü:]{1,7}[1-6]")
_LETTERS = re.compile(r"[A-Za-z]")


class Lexicon(dict[str, tuple[str, ...]]):
    """Word -> its reading; words in Latin letters are kept in lower case."""

    @classmethod
    def of(cls, entries: Mapping[str, str]) -> "Lexicon":
        lexicon = cls()
        for word, reading in entries.items():
            parts = tuple(reading.split())
            if not _fits(word, parts):
                raise TextError(
                    f"The lexicon's reading {reading!r} of {word!r} cannot be used: give a syllable like "
                    "jue2 for each Chinese character, or phones like K W EH1 N for a word in Latin letters."
                )
            lexicon[word.lower()] = parts
        return lexicon


def load(path: Path) -> Lexicon:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TextError(f"The lexicon {path} cannot be read as UTF-8 text: {error}.") from error
    entries = (line.split(maxsplit=1) for line in lines if line.strip() and not line.startswith("#"))
    return Lexicon.of({word: (rest[0] if rest else "") for word, *rest in entries})


def _fits(word: str, reading: tuple[str, ...]) -> bool:
    if _LETTERS.search(word):
        return bool(reading) and all(phone in symbols("v2") for phone in reading)
    return len(reading) == len(word) and all(SYLLABLE.fullmatch(part) for part in reading)
