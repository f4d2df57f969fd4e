"""Hangul as it sounds: the assimilations of standard pronunciation, one pair of syllables at a time.

Spaces are transparent to assimilation, as within a breath; only a final consonant does not move over one.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINALS = ["", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"]
SPLIT_VOWELS = {
    "ㅑ": "ㅣㅏ",
    "ㅒ": "ㅣㅐ",
    "ㅕ": "ㅣㅓ",
    "ㅖ": "ㅣㅔ",
    "ㅘ": "ㅗㅏ",
    "ㅙ": "ㅗㅐ",
    "ㅚ": "ㅗㅣ",
    "ㅛ": "ㅣㅗ",
    "ㅝ": "ㅜㅓ",
    "ㅞ": "ㅜㅔ",
    "ㅟ": "ㅜㅣ",
    "ㅠ": "ㅣㅜ",
    "ㅢ": "ㅡㅣ",
}
SPLIT_FINALS = {  # what stays, what moves to a following vowel
    "ㄳ": "ㄱㅆ",
    "ㄵ": "ㄴㅈ",
    "ㄶ": "ㄴㅇ",
    "ㄺ": "ㄹㄱ",
    "ㄻ": "ㄹㅁ",
    "ㄼ": "ㄹㅂ",
    "ㄽ": "ㄹㅆ",
    "ㄾ": "ㄹㅌ",
    "ㄿ": "ㄹㅍ",
    "ㅀ": "ㄹㅇ",
    "ㅄ": "ㅂㅆ",
}
CLOSED = {  # a final consonant before a consonant or at the end of a word
    **dict.fromkeys("ㄱㄲㅋㄳㄺ", "ㄱ"),
    **dict.fromkeys("ㄴㄵㄶ", "ㄴ"),
    **dict.fromkeys("ㄷㅅㅆㅈㅊㅌㅎ", "ㄷ"),
    **dict.fromkeys("ㄹㄼㄽㄾㅀ", "ㄹ"),
    **dict.fromkeys("ㅁㄻ", "ㅁ"),
    **dict.fromkeys("ㅂㅍㅄㄿ", "ㅂ"),
    "ㅇ": "ㅇ",
}
NASAL = {"ㄱ": "ㅇ", "ㄷ": "ㄴ", "ㅂ": "ㅁ"}
TENSE = {"ㄱ": "ㄲ", "ㄷ": "ㄸ", "ㅂ": "ㅃ", "ㅅ": "ㅆ", "ㅈ": "ㅉ"}
ASPIRATED = {"ㄱ": "ㅋ", "ㄷ": "ㅌ", "ㅂ": "ㅍ", "ㅈ": "ㅊ"}
BREATHED = {  # a final consonant before ㅎ: what stays, and the new initial
    **dict.fromkeys("ㄱㄲㅋㄳ", ("", "ㅋ")),
    **dict.fromkeys("ㄷㅅㅆㅌㅊ", ("", "ㅌ")),
    **dict.fromkeys("ㅂㅍㅄ", ("", "ㅍ")),
    "ㅈ": ("", "ㅊ"),
    "ㄵ": ("ㄴ", "ㅊ"),
    "ㄺ": ("ㄹ", "ㅋ"),
    "ㄼ": ("ㄹ", "ㅍ"),
}
PALATAL = {("ㄷ", "ㅣ"): "ㅈ", ("ㅌ", "ㅣ"): "ㅊ", ("ㅌ", "ㅕ"): "ㅊ"}
NOUNS_IN_RIEUL_GIYEOK = frozenset("닭흙칡슭")  # they close with ㄱ; the stems 읽, 맑 … keep ㄹ before ㄱ
STEMS, ENDINGS = "넘남담", "다고게지던겠"  # verbs in -ㅁ harden the endings that follow them
BOUND = frozenset("것거건걸게겁수줄바듯적지데")  # nouns that follow a verb in -ㄹ, and harden after it
LONGEST = 8  # characters in which an ending that hardens shows
HARDENING = frozenset(["걸", "게", "게요", "걸요", "지라도", "지언정", "세라", "진대"])  # endings after -ㄹ

Syllable = list[str]  # initial, vowel, final


def pronounced(text: str) -> Iterator[str]:
    """The letters of a text as it sounds, with spaces and marks in their places."""
    parts = [_syllable(char) for char in text]
    places = [i for i, part in enumerate(parts) if part]
    for i in places:
        _within(parts[i] or [])
    for here, there in pairwise(places):
        between = text[here + 1 : there]
        if between in ("", " "):
            _meet(parts, text, here, there)
        else:
            _close(parts[here] or [])
    if places:
        _close(parts[places[-1]] or [])
    for char, part in zip(text, parts, strict=True):
        if part is None:
            yield from SPLIT_VOWELS.get(char, char)
        else:
            yield part[0]
            yield from SPLIT_VOWELS.get(part[1], part[1])
            yield from part[2]


def _syllable(char: str) -> Syllable | None:
    code = ord(char) - 0xAC00
    if not 0 <= code < 11172:
        return None
    return [INITIALS[code // 588], VOWELS[code // 28 % 21], FINALS[code % 28]]


def _within(part: Syllable) -> None:
    initial, vowel, _ = part
    if initial in "ㅈㅉㅊ" and vowel == "ㅕ":
        part[1] = "ㅓ"
    elif initial != "ㅇ" and vowel == "ㅢ":
        part[1] = "ㅣ"


def _close(part: Syllable) -> None:
    part[2] = CLOSED.get(part[2], "")


def _meet(parts: list[Syllable | None], text: str, here: int, there: int) -> None:
    """One syllable and the next: at most one of these rules applies."""
    before, after = parts[here] or [], parts[there] or []
    final, initial, apart = before[2], after[0], there > here + 1
    if not final:
        return
    if text[there] == "잎" or (text[here] in "십백천만" and text[there] == "육"):
        initial = after[0] = "ㄴ"  # a compound: 꽃잎, 십육
    if initial == "ㅇ":
        if apart:
            _close(before)
        else:
            _link(before, after)
    elif final in "ㅎㄶㅀ" and initial in "ㄱㄷㅈㅅ":
        before[2] = CLOSED[final] if final != "ㅎ" else ""
        after[0] = ASPIRATED.get(initial, "ㅆ")
    elif initial == "ㅎ" and final in BREATHED:
        palatal = final == "ㄷ" and after[1] in "ㅣㅕ"
        before[2], after[0] = ("", "ㅊ") if palatal else BREATHED[final]
        _within(after)
    else:
        _assimilate(before, after, text[here], apart, text[there : there + LONGEST])


def _link(before: Syllable, after: Syllable) -> None:
    """A final consonant moves to a syllable that begins with a vowel."""
    final = before[2]
    if final == "ㅇ":
        return
    if final == "ㅎ":
        before[2] = ""
        return
    stays, moves = tuple(SPLIT_FINALS[final]) if final in SPLIT_FINALS else ("", final)
    if (moves, after[1]) in PALATAL:
        moves = PALATAL[moves, after[1]]
    if moves == "ㅇ":  # the ㅎ of ㄶ and ㅀ falls, the other moves
        stays, moves = "", stays
    before[2], after[0] = stays, moves
    if moves in "ㅈㅊ":
        _within(after)


def _assimilate(before: Syllable, after: Syllable, written: str, apart: bool, rest: str) -> None:
    final, initial = before[2], after[0]
    closed = CLOSED[final]
    if written == "밟":
        closed = "ㅂ"
    elif final == "ㄺ" and initial == "ㄱ" and written not in NOUNS_IN_RIEUL_GIYEOK and not apart:
        closed = "ㄹ"
    if closed in NASAL:
        if initial in "ㄴㅁ":
            closed = NASAL[closed]
        elif initial == "ㄹ":
            closed, initial = NASAL[closed], "ㄴ"
        else:
            initial = TENSE.get(initial, initial)
    elif initial == "ㄹ" and closed in "ㅁㅇ":
        initial = "ㄴ"
    elif (closed, initial) in (("ㄴ", "ㄹ"), ("ㄹ", "ㄴ")):
        closed = initial = "ㄹ"
    elif _hardens(final, written, apart, rest):
        initial = TENSE.get(initial, initial)
    before[2], after[0] = closed, initial


def _hardens(final: str, written: str, apart: bool, rest: str) -> bool:
    """Whether a plain initial becomes tense although the final before it is sonorous."""
    if apart:
        return final == "ㄹ" and rest[0] in BOUND
    if written in STEMS and rest[0] in ENDINGS:
        return True
    if final in "ㄵㄺㄾ" or (final == "ㄼ" and written != "덟") or (final == "ㄻ" and written != "삶"):
        return True
    ending = re.split("[ .,!?…]", rest, maxsplit=1)[0]
    return final == "ㄹ" and (ending in HARDENING or ending.startswith("수록"))
