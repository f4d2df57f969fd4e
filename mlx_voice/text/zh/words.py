"""Words of a piece of Chinese, joined the way tone sandhi needs them."""

from collections.abc import Callable
from dataclasses import dataclass

import rjieba


@dataclass(frozen=True)
class Word:
    start: int  # in the piece
    text: str
    tag: str  # part of speech

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def joined(self, other: "Word", tag: str | None = None) -> "Word":
        return Word(self.start, self.text + other.text, tag or self.tag)


PARTICLES = frozenset("地得")
PRONOUNS = frozenset("我你他她它您")
Tones = Callable[[Word], str]  # one figure per character


def segmented(piece: str) -> list[Word]:
    words, at = [], 0
    for text, tag in rjieba.tag(piece):
        for part, part_tag in _apart(text, tag):
            words.append(Word(at, part, part_tag))
            at += len(part)
    return words


def _apart(text: str, tag: str) -> list[tuple[str, str]]:
    """Words the segmenter made up of a particle or a pronoun and a verb: 地说, 快活地, 他教."""
    if len(text) < 2 or rjieba.has_word(text):
        return [(text, tag)]
    if text[0] in PARTICLES or (text[0] in PRONOUNS and tag[0] in "vr" and text[-1] != "们"):
        return [(text[0], "uv" if text[0] in PARTICLES else "r"), (text[1:], "v")]
    if text[-1] in PARTICLES and rjieba.has_word(text[:-1]):
        return [(text[:-1], tag), (text[-1], "uv")]
    return [(text, tag)]


def joined(words: list[Word], tones: Tones) -> list[Word]:
    """不 and 一 with what follows, 看一看, words said twice, third tones up to three characters, 儿."""
    words = _join_next(words, "不")
    words = _join_next(_join_verb_one_verb(words), "一")
    words = _join(words, lambda last, word, _: last.text == word.text)
    words = _join_pairs(words, tones, lambda left, right: set(left + right) == {"3"})
    words = _join_pairs(words, tones, lambda left, right: left[-1] == right[0] == "3")
    return _join(words, lambda _, word, __: word.text == "儿")


def _join_next(words: list[Word], char: str) -> list[Word]:
    result: list[Word] = []
    for word in words:
        if result and result[-1].text == char:
            result[-1] = result[-1].joined(word, tag=word.tag if char == "不" else None)
        else:
            result.append(word)
    return result


def _join_verb_one_verb(words: list[Word]) -> list[Word]:
    result: list[Word] = []
    for word in words:
        verb_one = len(result) > 1 and result[-1].text == "一" and result[-2].tag == "v"
        if verb_one and result[-2].text == word.text:
            one = result.pop()
            result[-1] = result[-1].joined(one).joined(word)
        else:
            result.append(word)
    return result


def _join(words: list[Word], wanted: Callable[[Word, Word, bool], bool]) -> list[Word]:
    """Join a word to the one before where `wanted(last, word, last was joined)`."""
    result: list[Word] = []
    grown = False
    for word in words:
        grown = bool(result) and wanted(result[-1], word, grown)
        if grown:
            result[-1] = result[-1].joined(word)
        else:
            result.append(word)
    return result


def _join_pairs(words: list[Word], tones: Tones, third: Callable[[str, str], bool]) -> list[Word]:
    def wanted(last: Word, word: Word, grown: bool) -> bool:
        repeated = len(last.text) == 2 and last.text[0] == last.text[1]
        return (
            not grown
            and not repeated
            and len(last.text) + len(word.text) <= 3
            and third(tones(last), tones(word))
        )

    return _join(words, wanted)


def halves(text: str) -> tuple[str, str]:
    """The two parts of a word of three characters or more, by the shortest word in it."""
    shortest = min(rjieba.cut_for_search(text), key=len)
    at = text.find(shortest)
    cut = len(shortest) if at == 0 else len(text) - len(shortest)
    return text[:cut], text[cut:]
