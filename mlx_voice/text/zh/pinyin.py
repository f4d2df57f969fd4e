"""Which reading a character has where it stands: our contexts first, then the phrases of pypinyin."""

import re
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files

from pypinyin import Style, lazy_pinyin
from pypinyin.constants import PHRASES_DICT, PINYIN_DICT

from mlx_voice.text.zh.words import Word, segmented

ACTIVE = frozenset("vdpali")  # first letters of tags that may follow an adverb
NEAR = 8  # characters
NUMBERS = "零〇一二两三四五六七八九十百千万几半数每这那哪多"


def known(char: str) -> bool:
    return ord(char) in PINYIN_DICT


@lru_cache(maxsize=1 << 14)
def phrase(word: str) -> tuple[str, ...]:
    return tuple(lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True))


def in_context(piece: str, words: list[Word]) -> dict[int, str]:
    """Readings fixed by what stands around a character: place in the piece -> pinyin."""
    readings = {}
    for word in words:
        for i in range(word.start, word.end):
            for context in _contexts().get(piece[i], ()):
                if context.fits(piece, i, word):
                    readings[i] = context.reading
                    break
    return readings | _by_tag(words)


def _by_tag(words: list[Word]) -> dict[int, str]:
    """Particles 地 and 得, and surnames, tell themselves apart by the words beside them."""
    readings = {}
    for i, word in enumerate(words):
        before = words[i - 1] if i else None
        after = words[i + 1] if i + 1 < len(words) else None
        if word.text == "地":
            readings[word.start] = "de5" if _adverbial(before, after) else "di4"
        elif word.text == "得":
            readings[word.start] = _de(before, after)
        elif word.text[-1] == "地" and len(word.text) > 2 and word.text not in PHRASES_DICT:
            if segmented(word.text[:-1])[0].tag[0] in "adzi":  # 快活地, but 根据地
                readings[word.end - 1] = "de5"
        elif word.text in PHRASES_DICT or word.text[:2] in PHRASES_DICT:
            continue
        elif len(word.text) == 2 and word.text[1] == "得" and word.text[0] not in GAINED:
            readings[word.start + 1] = "de5"
        elif word.tag.startswith("nr") and len(word.text) > 1 and word.text[0] in SURNAMES:
            readings[word.start] = SURNAMES[word.text[0]]
    return readings


GAINED = frozenset("获取赢求夺博所难心习拾应只不利了")  # before 得 de2
SURNAMES = {"曾": "zeng1", "单": "shan4", "解": "xie4", "任": "ren2", "仇": "qiu2", "区": "ou1"}


def _adverbial(before: Word | None, after: Word | None) -> bool:
    """慢慢地走, 深刻地改变; but 这块地很大, 在地里."""
    if before is None:
        return False
    if before.tag[0] in "qmp" or before.tag in ("r", "uj"):
        return bool(re.fullmatch(r"一.一.|一(.)\1|一.一|.*般|.*样|大声|小声", before.text))
    if len(before.text) > 1 and (before.tag[0] in "dz" or before.text[-1] == before.text[-2]):
        return True
    return after is not None and (after.tag[0] in ACTIVE or after.text[0] in "把被将向对从在给让")


def _de(before: Word | None, after: Word | None) -> str:
    """跑得快 de5, 你得努力 dei3, 得了奖 de2."""
    if after is None or after.text in ("了", "过", "到", "出", "一", "第一"):
        return "de5" if after is None and before and before.tag[0] in "va" else "de2"
    if before is None or before.tag[0] in "rnt" or before.text in MODAL:
        return "dei3" if after.tag[0] in ACTIVE or after.tag[0] == "r" else "de2"
    return "de5"


MODAL = frozenset(
    (
        "还",
        "就",
        "也",
        "都",
        "总",
        "必",
        "非",
        "可",
        "又",
        "先",
        "再",
        "才",
        "至少",
        "必须",
        "一定",
        "不",
        "真",
        "只好",
        "应该",
    )
)


@dataclass(frozen=True)
class _Context:
    scope: str  # "" a word of its own, "=" inside a word, "*" everywhere
    char: str
    reading: str
    sources: tuple[str, ...]

    @cached_property
    def patterns(self) -> list[tuple[str, re.Pattern[str]]]:
        """For each way to fit, the characters of which one must come before, and the pattern at the place."""
        patterns = []
        for source in self.sources:
            near, _, rest = source[1:].partition("}") if source[0] == "{" else ("", "", source)
            left, _, right = rest.replace("#", f"[{NUMBERS}]").partition("_")
            pattern = (f"(?<={left})" if left else "") + self.char + (f"(?={right})" if right else "")
            patterns.append((near, re.compile(pattern)))
        return patterns

    def fits(self, piece: str, at: int, word: Word) -> bool:
        if self.scope == "=":
            piece, at = word.text, at - word.start
        if (self.scope == "=" and len(word.text) == 1) or (not self.scope and len(word.text) > 1):
            return False
        return any(
            pattern.match(piece, at) and (not near or any(c in near for c in piece[max(0, at - NEAR) : at]))
            for near, pattern in self.patterns
        )


@cache
def _contexts() -> dict[str, list[_Context]]:
    table: dict[str, list[_Context]] = {}
    text = files("mlx_voice.text.zh").joinpath("data", "contexts.txt").read_text("utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            char, reading, *sources = line.split()
            context = _Context(char[:-1], char[-1], reading, tuple(sources))
            table.setdefault(char[-1], []).append(context)
    return table
