"""Subtitles from words with their times: `.srt`, and `.vtt` with the time of each word inside its cue.

What is shown is what was written, with its marks and without its mark-up. A sentence is a cue; a long one is
cut where it hurts least: behind a mark, in the middle.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from mlx_voice.errors import InputError
from mlx_voice.files import write_bytes
from mlx_voice.text.markup import SPELLED, parse

if TYPE_CHECKING:
    from mlx_voice.results import Audio, Word

FORMATS = ("srt", "vtt")
COLUMNS = 42  # of a line; what is written in squares takes two
SHORTEST, LONGEST = 1.0, 7.0  # seconds that a cue is wanted to stand, and may stand
NO_MARK = 0.4  # what a cut elsewhere costs; a cut at the edge instead of the middle costs 1
END = re.compile(
    r"(?:[。！？!?…]|(?<!\bMr)(?<!\bDr)(?<!\bMs)(?<!\bMrs)(?<!\bSt)(?<!\b[A-Z])\.)[\"'”’」』）)\]]*\s*$|\n"
)
MARK = re.compile(r"[,;:，、；：—–][\"'”’」』）)\]]*\s*$")
OPENING = re.compile(r"(?:(?<=\s)[\"'(\[]|[“‘「『（《¿¡])+$")
CLOSING = re.compile(r"[^\w\s“‘「『（《¿¡(\[]*")


@dataclass(frozen=True)
class Piece:
    """What is shown from the start of a word to that of the next."""

    text: str
    start: float
    end: float


Cue = Sequence[Piece]


class Subtitles:
    """Collects what is said, and writes it down."""

    def __init__(self, path: Path) -> None:
        self.path, self.form = path, path.suffix[1:].lower()
        if self.form not in FORMATS:
            raise InputError(f"{path} cannot hold subtitles: let its name end in .srt or .vtt.")
        self.cues: list[str] = []
        self.seconds = 0.0  # of sound so far
        self.said = 0.0  # when the last word of it ended
        self.begin("")

    def begin(self, text: str) -> None:
        """From now on the words stand in this text."""
        shown = [block.text.keep(lambda char: char != SPELLED) for block in parse(text).blocks]
        self.text = "".join(part.text for part in shown)
        self.places = array("L", (start for part in shown for start, _ in part.origin))  # of its characters
        self.at = 0  # how much of it was shown

    def add(self, sound: "Audio") -> None:
        start, self.seconds = self.seconds, self.seconds + sound.seconds
        found = list(cues(self.pieces(sound.words, start)))
        for cue, following in zip_longest(found, found[1:]):
            after = following[0].start if following else self.seconds
            first = cue[0].start
            last = min(max(cue[-1].end, first + SHORTEST), first + LONGEST, after)
            if stamp(first) < stamp(last):
                self.cues.append(self._written(cue, first, last))

    def pieces(self, words: Sequence["Word"], at: float) -> Iterator[Piece]:
        """The text in pieces: one to a word, or to all words that say one written thing (a figure)."""
        begun: float | None = None
        for word, following in zip_longest(words, words[1:]):
            begun = word.start if begun is None else begun
            edge = self._edge(word, following)
            if (text := self.text[self.at : edge]).strip():
                start = min(max(at + begun, self.said), self.seconds)
                self.said = min(max(at + word.end, start), self.seconds)
                yield Piece(text, start, self.said)
                self.at, begun = edge, None

    def save(self) -> None:
        numbered = (f"{n}\n{cue}" for n, cue in enumerate(self.cues, 1))
        document = "\n".join(["WEBVTT\n", *self.cues] if self.form == "vtt" else numbered)
        write_bytes(self.path, document.encode())

    def _edge(self, word: "Word", following: "Word | None") -> int:
        """How far the text belongs to a word: the marks behind it do, those before the next one do not."""
        if following is None:
            after = bisect_left(self.places, word.place[1])
            match = CLOSING.match(self.text, after)
            edge = match.end() if match else after
        else:
            edge = bisect_left(self.places, following.place[0])
            opening = OPENING.search(self.text[self.at : edge])
            edge -= len(opening[0]) if opening else 0
        return max(edge, self.at)

    def _written(self, cue: Cue, start: float, end: float) -> str:
        times = f"{stamp(start)} --> {stamp(end)}"
        if self.form == "srt":
            shown = [part for line in lines(cue) or [cue] for part in chopped(plain(line))]
            return "\n".join([times.replace(".", ","), *(line.replace("-->", "→") for line in shown), ""])
        return "\n".join([times, *_timed(cue, start, end), ""])


def cues(pieces: Iterable[Piece]) -> Iterator[Cue]:
    """A sentence each, or a part of one that can be read at a glance."""
    sentence: list[Piece] = []
    for piece in pieces:
        sentence.append(piece)
        if END.search(piece.text):
            yield from parts(sentence)
            sentence = []
    if sentence:
        yield from parts(sentence)


def parts(cue: Cue) -> Iterator[Cue]:
    if len(cue) == 1 or (lines(cue) and cue[-1].end - cue[0].start <= LONGEST):
        yield cue
        return
    total = width(plain(cue))

    def cost(cut: int) -> float:
        off = abs(2 * width(plain(cue[:cut])) - total) / max(total, 1)
        return off + NO_MARK * (not MARK.search(cue[cut - 1].text))

    cut = min(range(1, len(cue)), key=cost)
    yield from parts(cue[:cut])
    yield from parts(cue[cut:])


def lines(cue: Cue) -> list[Cue] | None:
    """The cue in one line or two of about the same length; None where it does not fit."""
    if width(plain(cue)) <= COLUMNS:
        return [cue]
    widths = [(width(plain(cue[:i])), width(plain(cue[i:])), i) for i in range(1, len(cue))]
    longest, i = min(((max(left, right), i) for left, right, i in widths), default=(COLUMNS + 1, 0))
    return [cue[:i], cue[i:]] if longest <= COLUMNS else None


def plain(cue: Cue) -> str:
    return " ".join("".join(piece.text for piece in cue).split())


def width(text: str) -> int:
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def chopped(line: str) -> Iterator[str]:
    """A line; a word that is longer than one goes on in the next."""
    while width(line) > COLUMNS:
        fits = next(i for i in range(len(line), 0, -1) if width(line[:i]) <= COLUMNS)
        yield line[:fits]
        line = line[fits:]
    yield line


def stamp(seconds: float) -> str:
    minutes, milliseconds = divmod(int(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"


def _timed(cue: Cue, start: float, end: float) -> Iterator[str]:
    """Lines with the time of each word before it, as long as time goes on."""
    last = stamp(start)
    for line in lines(cue) or [cue]:
        text = ""
        for piece in line:
            if last < stamp(piece.start) < stamp(end):
                last = stamp(piece.start)
                text += f"<{last}>"
            text += escape(piece.text, quote=False)
        yield " ".join(text.split())
