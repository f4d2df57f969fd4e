"""Words to phones: the dictionary, then what can be built on it, then the network."""

import re
from collections.abc import Mapping

from mlx_voice.text.en import homographs, unknown
from mlx_voice.text.en.dictionary import pronounce
from mlx_voice.text.en.numbers import ONES, TENS

Phones = tuple[str, ...]
_TOKEN = re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*|[.,?!']")
_SPELLINGS = (  # a British spelling that the dictionary lacks, as an American one that it may have
    (re.compile("our(?=s?$|ed$|ing$|able$|ful$|ite)"), "or"),
    (re.compile("is(?=e[sdr]?$|ing$|ation|able$)"), "iz"),
    (re.compile("ys(?=e[sdr]?$|ing$)"), "yz"),
    (re.compile("(?<=[aeiou])ll(?=ed$|ing$|er)"), "l"),
    (re.compile("tre(?=s?$|d$)"), "ter"),
    (re.compile("ogue(?=s?$)"), "og"),
    (re.compile("ae|oe"), "e"),
)
_PREFIXES: dict[str, Phones] = {
    "un": ("AH0", "N"),
    "re": ("R", "IY0"),
    "non": ("N", "AA0", "N"),
    "pre": ("P", "R", "IY0"),
    "mis": ("M", "IH0", "S"),
    "anti": ("AE2", "N", "T", "IY0"),
    "over": ("OW2", "V", "ER0"),
    "under": ("AH2", "N", "D", "ER0"),
    "super": ("S", "UW2", "P", "ER0"),
    "micro": ("M", "AY2", "K", "R", "OW0"),
    "multi": ("M", "AH2", "L", "T", "IY0"),
    "cyber": ("S", "AY2", "B", "ER0"),
    "kilo": ("K", "IH2", "L", "AH0"),
    "mega": ("M", "EH2", "G", "AH0"),
    "giga": ("G", "IH2", "G", "AH0"),
}
_SUFFIXES: dict[str, Phones] = {
    "ly": ("L", "IY0"),
    "ness": ("N", "AH0", "S"),
    "less": ("L", "AH0", "S"),
    "ful": ("F", "AH0", "L"),
    "ment": ("M", "AH0", "N", "T"),
    "able": ("AH0", "B", "AH0", "L"),
    "ing": ("IH0", "NG"),
    "er": ("ER0",),
    "ers": ("ER0", "Z"),
    "ish": ("IH0", "SH"),
    "ism": ("IH2", "Z", "AH0", "M"),
    "ist": ("IH0", "S", "T"),
    "like": ("L", "AY2", "K"),
    "ship": ("SH", "IH2", "P"),
    "wise": ("W", "AY2", "Z"),
}
COUNTED = frozenset((*ONES, *TENS))  # A4 is a letter and a number
_HISSING = ("S", "Z", "SH", "ZH", "CH", "JH")
_VOICELESS = ("P", "T", "K", "F", "TH")


def say(text: str, lexicon: Mapping[str, Phones]) -> list[str]:
    """The phones of a normalised text."""
    tokens = [(m[0], m.start(), m.end()) for m in _TOKEN.finditer(text)]
    words = [token for token, _, _ in tokens]
    phones: list[str] = []
    quoted = False
    for i, (token, start, end) in enumerate(tokens):
        if token == "'":
            opening = (
                end < len(text) and text[end].isalpha() and (start == 0 or not text[start - 1].isalpha())
            )
            if opening and pronounce("'" + words[i + 1].lower()):
                continue  # 'em, 'cause: read with its apostrophe below
            if opening or quoted:  # a trailing one that closes nothing is a possessive: Chris' car
                phones.append("-")
                quoted = opening
        elif token in ".,?!":
            phones.append(token)
        else:
            phones += lexicon.get(token.lower()) or _in_context(words, i, text[start - 1 : start] == "'")
    return phones


def _in_context(words: list[str], i: int, ticked: bool) -> Phones:
    word = words[i]
    low = word.lower()
    if ticked and (phones := pronounce("'" + low)):
        return phones
    if len(word) == 1:
        return _letter(words, i)
    return homographs.choose(words, i) or pronunciation(low)


def _letter(words: list[str], i: int) -> Phones:
    """A letter's name, but for the article."""
    word = words[i]
    after = words[i + 1] if i + 1 < len(words) else ""
    first = i == 0 or words[i - 1] in ".,?!'"
    article = (word == "a" and after[:1].isalpha()) or (
        word == "A" and len(after) > 1 and after not in COUNTED and (first or after[0].isupper())
    )
    return pronounce("a" if article else f"{word.lower()}.") or ()


def pronunciation(word: str) -> Phones:
    """A lower-case word by itself."""
    return _known(word) or _parts(word)


def _parts(word: str) -> Phones:
    if "-" in word:
        return tuple(phone for part in word.split("-") for phone in pronunciation(part))
    stem, tick, ending = word.rpartition("'")
    if tick and (spoken := _ENDINGS.get(ending)):
        base = pronunciation(stem)
        return plural(base) if ending == "s" else base + spoken
    if not re.search("[aeiouy]", word) and len(word) < 6:
        return tuple(phone for letter in word if letter != "'" for phone in pronounce(f"{letter}.") or ())
    return unknown.predict(word)


_ENDINGS: dict[str, Phones] = {
    "s": ("Z",),
    "d": ("D",),
    "ll": ("AH0", "L"),
    "ve": ("AH0", "V"),
    "re": ("ER0",),
    "m": ("AH0", "M"),
}


def _known(word: str) -> Phones | None:
    """What the dictionary holds or implies: inflections, other spellings, derivations, compounds."""
    if len(word) == 1:
        return pronounce(f"{word}.")
    if phones := pronounce(word):
        return phones
    if "'" in word or "-" in word:
        return None
    return _inflected(word) or _respelled(word) or _derived(word) or _compound(word)


def plural(phones: Phones) -> Phones:
    if not phones:
        return ("Z",)
    if phones[-1] in _HISSING:
        return (*phones, "IH0", "Z")
    return (*phones, "S" if phones[-1] in _VOICELESS else "Z")


def past(phones: Phones) -> Phones:
    if phones[-1] in ("T", "D"):
        return (*phones, "IH0", "D")
    return (*phones, "T" if phones[-1] in (*_VOICELESS, "S", "SH", "CH") else "D")


def _base(stem: str) -> Phones | None:
    """The word an ending was put to: as it stands, with its silent e, or with its last letter undoubled."""
    if len(stem) < 3:
        return None
    doubled = stem[:-1] if stem[-1] == stem[-2] else ""
    return pronounce(stem) or pronounce(stem + "e") or (pronounce(doubled) if doubled else None)


def _inflected(word: str) -> Phones | None:
    if word.endswith("ies") and (base := pronounce(word[:-3] + "y")):
        return plural(base)
    if word.endswith("s") and not word.endswith("ss"):
        base = pronounce(word[:-1]) or (pronounce(word[:-2]) if word.endswith("es") else None)
        if base and len(word) > 3:
            return plural(base)
    if word.endswith("ed") and (base := _base(word[:-2])):
        return past(base)
    return None


def _respelled(word: str) -> Phones | None:
    for pattern, new in _SPELLINGS:
        other = pattern.sub(new, word)
        if other != word and (phones := pronounce(other) or _inflected(other)):
            return phones
    return None


def _derived(word: str) -> Phones | None:
    for suffix, spoken in _SUFFIXES.items():
        if word.endswith(suffix) and (base := _base(word[: -len(suffix)])) and len(word) - len(suffix) > 3:
            return base + spoken
    for prefix, spoken in _PREFIXES.items():
        rest = word[len(prefix) :]
        if word.startswith(prefix) and len(rest) > 3 and (base := pronounce(rest) or _inflected(rest)):
            return spoken + base
    return None


def _compound(word: str) -> Phones | None:
    """Two words of four letters or more, the second with secondary stress."""
    for at in range(4, min(len(word) - 3, 24)):
        first, second = pronounce(word[:at]), pronounce(word[at:])
        if first and second:
            return first + tuple(phone.replace("1", "2") for phone in second)
    return None
