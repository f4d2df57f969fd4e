"""Write CMUdict as the package reads it: sorted, one character per phone, the first pronunciation of a word.

    python scripts/make_cmudict.py LICENSE cmudict-0.7b cmudict.dict scripts/newer_words.dict

Of several dictionaries the first that holds a word decides: release 0.7b, which the networks were
trained with, then https://github.com/cmusphinx/cmudict (its licence is the one given), then our own list
of words that are younger than both.
"""

import re
import sys
from pathlib import Path

from mlx_voice.files import write_bytes
from mlx_voice.text.en.dictionary import FIRST

TARGET = Path(__file__).parents[1] / "mlx_voice" / "text" / "en" / "data"


def first_pronunciations(text: str) -> dict[str, list[str]]:
    words: dict[str, list[str]] = {}
    for line in text.lower().splitlines():
        word, *phones = line.split("#")[0].split() or [""]
        mark = word.endswith(("quote", "apostrophe")) and word[0] == "'"  # `'end-quote`: how to say a mark
        if re.fullmatch(r"[a-z'.-]*[a-z][a-z'.-]*", word) and not mark:  # `word(2)` is a second pronunciation
            words.setdefault(word, [phone.upper() for phone in phones])
    return words


def encode(words: dict[str, list[str]]) -> bytes:
    phones = sorted({phone for spoken in words.values() for phone in spoken})
    code = {phone: chr(FIRST + i) for i, phone in enumerate(phones)}
    lines = [f"{word} {''.join(code[p] for p in spoken)}\n" for word, spoken in words.items()]
    return " ".join(phones).encode("ascii") + b"\n" + "".join(sorted(lines)).encode("ascii")


def main(licence: str, *dictionaries: str) -> None:
    words: dict[str, list[str]] = {}
    for path in dictionaries:
        words = first_pronunciations(Path(path).read_text("latin-1")) | words
    data = encode(words)
    write_bytes(TARGET / "cmudict.txt", data)
    write_bytes(TARGET / "cmudict-LICENSE.txt", Path(licence).read_bytes())
    print(f"{len(words)} words, {len(data)} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
