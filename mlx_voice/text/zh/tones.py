"""Tones as they are spoken: 不, 一, neutral syllables, then runs of third tones, inside each joined word."""

from functools import cache
from importlib.resources import files

from mlx_voice.text.zh.words import Word, halves

PARTICLES = frozenset("吧呢哈啊呐噻嘛吖嗨哦哒额滴哩哟喽啰耶喔诶")
DIRECTIONS = frozenset("上下进出回过起开")
COUNTING = frozenset("零一二三四五六七八九十百千万亿几有两半多各整每做是")


@cache
def _listed(name: str) -> frozenset[str]:
    text = files("mlx_voice.text.zh").joinpath("data", name).read_text("utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def spoken(word: Word, syllables: list[str], plain: frozenset[int]) -> list[str]:
    """The syllables of one joined word; `plain` are places in the piece where 一 is yi1."""
    tones = [s[-1] for s in syllables]
    _bu(word.text, tones)
    _yi(word, tones, plain)
    _neutral(word, tones)
    _third(word.text, tones)
    if erhua(word):
        tones[-1] = tones[-2]
    return [s[:-1] + tone for s, tone in zip(syllables, tones, strict=True)]


def _bu(text: str, tones: list[str]) -> None:
    if len(text) == 3 and text[1] == "不":
        tones[1] = "5"
        return
    for i, char in enumerate(text[:-1]):
        if char == "不" and tones[i + 1] == "4":
            tones[i] = "2"


def _yi(word: Word, tones: list[str], plain: frozenset[int]) -> None:
    text = word.text
    for i, char in enumerate(text):
        if char != "一":
            continue
        after = text[i + 1 : i + 2]
        if word.start + i in plain or not after:
            tones[i] = "1"
        elif len(text) == 3 and i == 1 and text[0] == after:
            tones[i] = "5"
        else:
            tones[i] = "2" if tones[i + 1] == "4" or after == "个" else "4"


def _neutral(word: Word, tones: list[str]) -> None:
    text, last = word.text, word.text[-1]
    if text in _listed("full.txt"):
        return
    if word.tag[0] in "nva" and (len(text) < 4 or text[0] == text[1]):
        for i in range(1, len(text)):
            if text[i] == text[i - 1]:
                tones[i] = "5"
    measure = text.find("个")
    if (
        last in PARTICLES
        or last == "的"
        or (last in "了着过" and word.tag in ("ul", "uz", "ug") and len(text) == 1 and word.start > 0)
        or (last in "们子" and word.tag in ("r", "n") and len(text) > 1)
        or (last in "上下" and word.tag in ("s", "l", "f") and len(text) > 1)
        or (last in "来去" and len(text) > 1 and text[-2] in DIRECTIONS)
    ):
        tones[-1] = "5"
    elif (measure > 0 and text[measure - 1] in COUNTING) or text == "个":
        tones[measure] = "5"
    cut = len(halves(text)[0]) if len(text) > 2 else 0
    for end, part in ((len(text), text), (cut, text[:cut]), (len(text), text[cut:])):
        if part in _listed("neutral.txt") or part[-2:] in _listed("neutral.txt"):
            tones[end - 1] = "5"


def _third(text: str, tones: list[str]) -> None:
    if len(text) == 2:
        _pair(tones, 0)
    elif len(text) == 4:
        _pair(tones, 0)
        _pair(tones, 2)
    elif len(text) == 3:
        cut = len(halves(text)[0])
        if tones == ["3", "3", "3"]:
            tones[:] = ["2", "2", "3"] if cut == 2 else ["3", "2", "3"]
        elif cut == 2 or (cut == 1 and tones[0] == tones[1]):
            _pair(tones, 0)
        elif cut == 1:
            _pair(tones, 1)


def _pair(tones: list[str], at: int) -> None:
    if tones[at : at + 2] == ["3", "3"]:
        tones[at] = "2"


def erhua(word: Word) -> bool:
    """Does 儿 here only colour the syllable before it (and take its tone)?"""
    text = word.text
    if len(text) < 2 or text[-1] != "儿" or text[-2:] in _listed("full_er.txt"):
        return False
    return text in _listed("erhua.txt") or word.tag not in ("a", "j", "nr")
