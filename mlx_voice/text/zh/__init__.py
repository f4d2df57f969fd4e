"""Chinese: characters to pinyin to phones, the way the networks were taught."""

import re

from mlx_voice.text.reading import Context, Reading, Traced
from mlx_voice.text.zh import pinyin, syllables, tones
from mlx_voice.text.zh.normal import MARKS, normalised
from mlx_voice.text.zh.words import Word, joined, segmented

_PIECE = re.compile(rf"[^{MARKS}]+")
_FIGURE = "[零〇一二三四五六七八九]"
_PLAIN_ONE = re.compile(  # literal 一 that names a figure: ordinals, rows of digits, decimals, sums, dates
    rf"(?<=[第初])一(?![百千万亿])|(?<=第[一二三四五六七八九十]十)一|(?<=第十)一|一(?={_FIGURE})|(?<={_FIGURE})一(?![百千万亿十])"
    rf"|(?<=十)一(?=[月日号点章级班楼期届世节课条款页层])|一(?=月|号)|(?<=月)一(?=日)|(?<=分之)一(?![百千万亿十])"
    rf"|一(?=点[零二三四五六七八九](?![十分刻]))|一(?=[加减乘]{_FIGURE})|(?<=[加减乘])一(?=等于)"
)


def read(text: str, context: Context) -> Reading:
    said, ones = normalised(Traced.of(text), pinyin.known)
    readings: list[str] = list(said.text)  # a mark stays itself
    for match in _PIECE.finditer(said.text):
        start, end = match.span()
        plain = {i for i in range(end - start) if start + i in ones}
        plain |= {m.start() for m in _PLAIN_ONE.finditer(match[0])}
        readings[start:end] = _spoken(match[0], frozenset(plain))
    _override(said, readings, context)
    phones = [syllables.phones(r) or (r,) for r in readings]
    return Reading(
        said.text,
        context.symbols.known(phone for pair in phones for phone in pair),
        tuple(len(pair) for pair in phones),
        said.origin,
    )


def _spoken(piece: str, plain: frozenset[int]) -> list[str]:
    """One syllable per character, tones as spoken."""
    words = segmented(piece)
    fixed = pinyin.in_context(piece, words)

    def base(word: Word) -> list[str]:
        return [fixed.get(word.start + i, s) for i, s in enumerate(pinyin.phrase(word.text))]

    words = joined(words, lambda word: "".join(s[-1] for s in base(word)))
    return [syllable for word in words for syllable in tones.spoken(word, base(word), plain)]


def _override(said: Traced, readings: list[str], context: Context) -> None:
    """What the user's lexicon says, then what stands in the text itself, is said to the letter."""
    for word, reading in context.lexicon.items():
        if len(reading) == len(word) and all(map(syllables.phones, reading)):
            for match in re.finditer(re.escape(word), said.text):
                readings[match.start() : match.end()] = reading
    if context.fixed:
        for i, (start, end) in enumerate(said.origin):
            fixed = context.fixed.get(start, "") if end - start == 1 else ""
            if syllables.phones(fixed):
                readings[i] = fixed
