"""Pinyin syllables as the two phones the networks know: `zhong1` -> `zh ong1`, `an4` -> `AA an4`."""

import re
from functools import cache

from mlx_voice.text.symbols import load as symbols

INITIALS = ("zh", "ch", "sh", *"bpmfdtnlgkhjqxrzcs")
_Y = {
    "yi": "i", "ya": "a", "yo": "o", "ye": "E", "yai": "ai", "yao": "ao", "you": "ou", "yan": "En",
    "yin": "in", "yang": "ang", "ying": "ing", "yong": "ong", "yu": "v", "yue": "ve", "yuan": "van",
    "yun": "vn",
}  # fmt: skip
_ROUNDED = {"u": "v", "ue": "ve", "uan": "van", "un": "vn"}  # after j, q, x
_ODD = {"m": "mu", "n": "en", "ng": "en", "hm": "hen", "hng": "heng", "ê": "ei", "rua": "ruo"}
_SYLLABLE = re.compile(r"([a-zêü:]+)([1-5])")


@cache
def phones(pinyin: str) -> tuple[str, str] | None:
    """None if this is no syllable."""
    match = _SYLLABLE.fullmatch(pinyin)
    if not match:
        return None
    letters, tone = match[1].replace("u:", "v").replace("ü", "v"), match[2]
    letters = _ODD.get(letters, letters)
    initial = next((i for i in INITIALS if letters.startswith(i)), "")
    final = letters[len(initial) :]
    if letters[0] == "y":
        initial, final = "y", _Y.get(letters, "")
    elif letters[0] == "w":
        initial, final = "w", letters[1:]
    elif not initial:
        initial = letters[0].upper() * 2
    elif final == "i" and initial in ("zh", "ch", "sh", "r"):
        final = "ir"
    elif final == "i" and initial in ("z", "c", "s"):
        final = "i0"
    elif initial in ("j", "q", "x"):
        final = _ROUNDED.get(final, final)
    elif final == "ue":
        final = "ve"
    found = (initial, final + tone)
    return found if all(phone in symbols("v1") for phone in found) else None
