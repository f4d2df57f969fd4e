"""Cantonese: the Chinese normaliser, then Jyutping."""

import re
from itertools import chain

import ToJyutping

from mlx_voice.text.reading import Context, Reading, Traced
from mlx_voice.text.zh.normal import MARKS, normalised

# In this order: the networks were taught so, although some are no initials (aa3 -> Yaa Ya3, on1 -> Yon Yn1).
INITIALS = (
    *(
        "aa",
        "ai",
        "au",
        "ap",
        "at",
        "ak",
        "a",
        "p",
        "b",
        "e",
        "t",
        "d",
        "kw",
        "k",
        "gw",
        "g",
        "f",
        "h",
        "l",
        "m",
    ),
    *("ng", "n", "s", "y", "w", "c", "z", "j", "ong", "on", "ou", "oi", "ok", "o", "uk", "ung"),
)
_SYLLABLE = re.compile(r"([a-z]+)([1-6])")
_HAN = re.compile("[\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def read(text: str, context: Context) -> Reading:
    said, _ = normalised(Traced.of(text), lambda char: _HAN.match(char) is not None)
    syllables = _syllables(text, said)
    _override(said, syllables, context)
    phones = [phones_of(syllable) for syllable in syllables]
    return Reading(
        said.text, context.symbols.known(chain.from_iterable(phones)), tuple(map(len, phones)), said.origin
    )


def phones_of(syllable: str) -> tuple[str, ...]:
    """A mark stays itself, a character without a reading is unknown."""
    match = _SYLLABLE.fullmatch(syllable)
    if not match:
        return (syllable,) if syllable in MARKS else ("UNK",)
    letters, tone = match.groups()
    initial = next((i for i in INITIALS if letters.startswith(i)), letters[0])
    final = letters[len(initial) :] or initial[-1]
    return f"Y{initial}", f"Y{final}{tone}"


def _syllables(text: str, said: Traced) -> list[str]:
    """Jyutping of the characters as they were written: traditional ones say more than simplified ones."""
    chars = [
        text[start] if end - start == 1 and _HAN.match(char) and _HAN.match(text[start]) else char
        for char, (start, end) in zip(said.text.replace("幺", "一"), said.origin, strict=True)
    ]
    pairs = ToJyutping.get_jyutping_list("".join(chars))
    return [reading.split()[0] if reading else char for char, reading in pairs]


def _override(said: Traced, syllables: list[str], context: Context) -> None:
    for word, reading in context.lexicon.items():
        if len(reading) == len(word):
            for match in re.finditer(re.escape(word), said.text):
                syllables[match.start() : match.end()] = reading
    for i, (start, end) in enumerate(said.origin):
        if context.fixed and end - start == 1 and start in context.fixed:
            syllables[i] = context.fixed[start]
