"""Sentences of our own: a small grammar over our word lists, and coverage sentences of mixed words.

`english(rng)` gives words and marks, `mandarin(rng)` pinyin syllables with tones and marks. Evaluation has
templates of its own, and training drops what evaluation holds.
"""

import random
import re
from functools import cache
from pathlib import Path

from pypinyin import Style, lazy_pinyin
from pypinyin.constants import PINYIN_DICT
from pypinyin.contrib.tone_convert import to_tone3

from mlx_voice.text import analyse
from mlx_voice.text.en import dictionary

WORDS = Path(__file__).parent / "words"


@cache
def grammar(language: str) -> dict[str, list[str]]:
    """The sections of a word list: words for each slot, and the templates of each split, one a line."""
    sections = re.split(r"^\[(\w+)\]\n", (WORDS / f"{language}.txt").read_text("utf-8"), flags=re.MULTILINE)[
        1:
    ]
    found = {}
    for name, body in zip(sections[::2], sections[1::2], strict=True):
        between = r"\n" if name in {"train", "evaluate"} else r",\s*|\n" if language == "english" else r"\s+"
        found[name] = [item for item in re.split(between, body.strip()) if item]
    return found


def _fill(rng: random.Random, language: str, split: str) -> str:
    slots = grammar(language)
    template = rng.choice(slots["train" if split == "train" else "evaluate"])
    return re.sub(r"\{(\w+)\}", lambda found: rng.choice(slots[found[1]]), template)


@cache
def _words() -> list[str]:
    return [word for word, phones in dictionary.entries() if word.isalpha() and 2 <= len(phones) <= 10]


def english(rng: random.Random, split: str = "train") -> str:
    if split == "train" and rng.random() < 0.3:  # every phone in many neighbourhoods
        words = rng.sample(_words(), rng.randint(3, 7))
        if len(words) > 4:
            words[2] += ","
        return " ".join(words) + "."
    return _fill(rng, "english", split).lower()


@cache
def _spelt() -> dict[tuple[str, str], str]:
    """Two phones -> the syllable that is read so."""
    toned = {syllable[:-1] + tone for syllable in _syllables() for tone in "12345"}
    return {pair: syllable for syllable in sorted(toned) if (pair := phones(syllable))}


def as_read(text: str) -> list[str]:
    """Pinyin and marks as the package's front end reads a text: a teacher then says the very same."""
    found: list[str] = []
    read = iter(phone for sentence in analyse(text, "zh") for phone in sentence.phones)
    for phone in read:
        found.append(phone if phone in ",.?!" else _spelt()[phone, next(read)])
    return found


@cache
def _syllables() -> list[str]:
    readings = {to_tone3(r) for value in PINYIN_DICT.values() for r in value.split(",")}
    return sorted(s for s in readings if phones(s))


def mandarin(rng: random.Random, split: str = "train") -> list[str]:
    """Pinyin syllables with tones 1-5, and marks."""
    if split == "train" and rng.random() < 0.5:
        length = rng.randint(4, 18)
        words = [rng.choice(_syllables()) for _ in range(length)]
        words = [
            w[:-1] + "5" if i and rng.random() < 0.1 else w for i, w in enumerate(words)
        ]  # neutral tones
        if length > 9:
            words.insert(rng.randint(4, length - 4), ",")
        return [*words, rng.choice("...?!")]
    return pinyin(mandarin_text(rng, split))


def mandarin_text(rng: random.Random, split: str) -> str:
    return _fill(rng, "mandarin", split)


def pinyin(text: str) -> list[str]:
    marks = str.maketrans("，。？！", ",.?!")
    found = lazy_pinyin(
        text.translate(marks), style=Style.TONE3, neutral_tone_with_five=True, tone_sandhi=True
    )
    return [part for piece in found for part in (piece if piece[0] in ",.?!" else [piece])]


INITIALS = ("zh", "ch", "sh", *"bpmfdtnlgkhjqxrzcs")
ZERO = {"a": "AA", "e": "EE", "o": "OO"}
GLIDES = """
yi i, ya a, ye E, yao ao, you ou, yan En, yin in, yang ang, ying ing, yong ong, yu v, yue ve, yuan van,
yun vn, wu u, wa a, wo o, wai ai, wei ei, wan an, wen en, wang ang, weng eng"""
GLIDE = dict(pair.split() for pair in GLIDES.split(","))
PLAIN = """a ai an ang ao e ei en eng er i i0 ir ia ian iang iao ie in ing iong iu o ong ou u ua uai uan uang
ui un uo v van ve vn"""
FINALS = frozenset(PLAIN.split())


@cache
def phones(syllable: str) -> tuple[str, str] | None:
    """`hao3` -> `h`, `ao3`: two phones a syllable, as the text front end has them; None for what it lacks."""
    syllable = syllable.replace("ü", "v")
    if not re.fullmatch(r"[a-zv]+[1-5]", syllable):
        return None
    base, tone = syllable[:-1], syllable[-1]
    if base[0] in "yw":
        return (base[0], GLIDE[base] + tone) if base in GLIDE else None
    if base[0] in ZERO:
        return (ZERO[base[0]], base + tone) if base in FINALS else None
    initial = next((i for i in INITIALS if base.startswith(i)), "")
    final = base[len(initial) :]
    if initial in {"j", "q", "x"} and final.startswith("u"):
        final = "v" + final[1:]
    if initial in {"zh", "ch", "sh", "r"} and final == "i":
        final = "ir"
    if initial in {"z", "c", "s"} and final == "i":
        final = "i0"
    if initial in {"n", "l"} and final == "ue":
        final = "ve"
    return (initial, final + tone) if initial and final in FINALS else None
