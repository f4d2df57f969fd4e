"""Which language each stretch of a text is in, from its scripts alone: no detector, no guess that changes."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from mlx_voice.errors import TextError
from mlx_voice.text.markup import SPELLED
from mlx_voice.text.units import UNIT

PHONES = "phones"  # the language of phones written in braces
MODES = ("auto", "auto_yue", "zh", "en", "ja", "ko", "yue", "all_zh", "all_ja", "all_ko", "all_yue")
CHINESE = ("zh", "yue")
_SIDES = ",.!?，。！？"
_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
_HAN = "\u2e80-\u2fff\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(
    rf"(?P<spelled>{SPELLED})|(?P<latin>[{_LATIN}][{_LATIN}\u0300-\u036f]*(?:['’][{_LATIN}]+)*)|(?P<digit>\d+)"
    rf"|(?P<han>[{_HAN}]+)|(?P<kana>[\u3041-\u3096\u309d-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f]+)"
    rf"|(?P<hangul>[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]+)|(?P<mark>[^\w{SPELLED}]+|.)",
    re.DOTALL,
)
_MEASURED = re.compile(rf"\d+(?:\.\d+)?(?:{UNIT})")  # after Chinese, units are Chinese
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_CLAUSE = re.compile(r"[^，。！？、；：,.!?;:\n]+")
_CHINESE_WORDS = re.compile("[你她您很啊呢吧吗啦是了的们这说还没]")


@dataclass(frozen=True)
class Run:
    language: str
    start: int
    end: int


def base(mode: str) -> str:
    """The language of what no script decides."""
    if mode not in MODES:
        raise TextError(f"There is no language {mode!r}: choose one of {', '.join(MODES)}.")
    return {"auto": "zh", "auto_yue": "yue"}.get(mode, mode.removeprefix("all_"))


def settled(text: str, mode: str) -> str:
    """The mode of all sentences: a text with much kana and no word of Chinese is Japanese throughout."""
    if mode != "auto" or re.search("[\uac00-\ud7a3]", text):
        return mode
    kana, han = len(_KANA.findall(text)), "".join(re.findall(f"[{_HAN}]", text))
    return "ja" if kana and kana * 4 >= len(han) and not _chinese_only(han) else mode


def runs(text: str, mode: str) -> list[Run]:
    """Neighbouring runs differ in language; together they cover the text."""
    if mode == "en":
        return _only(text)
    found = _scripts(text, mode)
    found = _marks_joined(found)
    if mode.startswith("all_"):
        found = [replace(run, language=base(mode)) if run.language == "digit" else run for run in found]
    return _figures_joined(text, found, base(mode))


def _only(text: str) -> list[Run]:
    """All English, but for phones in braces."""
    edges = [m.span() for m in re.finditer(rf"[^{SPELLED}]+|{SPELLED}", text)]
    return [Run(PHONES if text[a] == SPELLED else "en", a, b) for a, b in edges]


def _scripts(text: str, mode: str) -> list[Run]:
    han = _han_language(text, mode)
    kana, hangul = ("ja", "ko") if mode.startswith("auto") else (base(mode),) * 2
    latin = base(mode) if mode in ("all_ja", "all_ko") else "en"  # these two can name Latin letters
    names = {"spelled": PHONES, "latin": latin, "kana": kana, "hangul": hangul}
    found: list[Run] = []
    chinese = base(mode) in CHINESE and _begins_chinese(text)
    at = 0
    while at < len(text):
        match = (_MEASURED.match(text, at) if chinese else None) or _TOKEN.match(text, at)
        assert match
        kind = match.lastgroup or "digit"
        language = han(at) if kind == "han" else names.get(kind, kind)
        if kind not in ("digit", "mark"):
            chinese = language in CHINESE
        found.append(Run(language, at, match.end()))
        at = match.end()
    return _merged(found)


def _begins_chinese(text: str) -> bool:
    """Do Chinese characters come before any Latin word (units of measure apart)?"""
    first = re.search(f"[{_HAN}{_LATIN}]", _MEASURED.sub("", text))
    return bool(first and re.match(f"[{_HAN}]", first[0]))


def _han_language(text: str, mode: str) -> Callable[[int], str]:
    """In auto mode, Chinese characters in a clause with kana are Japanese, unless they say otherwise."""
    if mode != "auto" or not _KANA.search(text):
        return lambda _: base(mode)
    japanese = [match.span() for match in _CLAUSE.finditer(text) if _KANA.search(match[0])]
    places = {i for start, end in japanese for i in range(start, end)}

    def language(at: int) -> str:
        if at not in places:
            return "zh"
        word = re.match(f"[{_HAN}]+", text[at : at + 64])
        return "zh" if word and _chinese_only(word[0]) else "ja"

    return language


def _chinese_only(word: str) -> bool:
    """Does the word hold characters that Japanese does not write?"""
    return bool(_CHINESE_WORDS.search(word)) or word.encode("shift_jis", "ignore").decode("shift_jis") != word


def _marks_joined(found: list[Run]) -> list[Run]:
    """A mark belongs to the run before it, at the beginning to the one after."""
    joined: list[Run] = []
    for run in found:
        last = joined[-1] if joined else None
        if last and last.language != PHONES and run.language == "mark":
            joined[-1] = replace(last, end=run.end)
        elif last and last.language == "mark" and run.language != PHONES:
            joined[-1] = replace(run, start=last.start)
        else:
            joined.append(run)
    return _merged(joined)


def _figures_joined(text: str, found: list[Run], default: str) -> list[Run]:
    result: list[Run] = []
    for i, run in enumerate(found):
        language = run.language
        if language in ("digit", "mark"):
            left = result[-1] if result and result[-1].language != PHONES else None
            right = found[i + 1] if i + 1 < len(found) and found[i + 1].language != PHONES else None
            language = _side(text, left, right) or default
        if result and result[-1].language == language != PHONES:
            result[-1] = replace(result[-1], end=run.end)
        else:
            result.append(replace(run, language=language))
    return result


def _side(text: str, left: Run | None, right: Run | None) -> str | None:
    """Whose figures these are."""
    if left is None or right is None:
        side = left or right
        return side.language if side else None
    before = text[max(left.start, left.end - 16) : left.end].rstrip(" ")
    if left.language == right.language or before[-1:] in (*_SIDES,):
        return right.language
    if text[right.start] in _SIDES or left.end - left.start >= right.end - right.start:
        return left.language
    return right.language


def _merged(found: list[Run]) -> list[Run]:
    merged: list[Run] = []
    for run in found:
        if merged and merged[-1].language == run.language != PHONES:
            merged[-1] = replace(merged[-1], end=run.end)
        else:
            merged.append(run)
    return merged
