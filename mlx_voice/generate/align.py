"""When each phone is heard, by the decoder's attention or by what codes say; and what follows from that."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from mlx_voice.nn.weights import Array
from mlx_voice.results import Word

if TYPE_CHECKING:
    from mlx_voice.text import Sentence, Span

FLOOR = 1e-4  # of attention, so that one deaf frame does not forbid a path
SKIP = -4.0  # what it costs to pass over a phone, in log attention
NEAR = 2  # phones on either side that belong to the one being said
ALONE = re.compile(r"[㐀-鿿぀-ヿ]")  # a character that is a word by itself
COVERAGE, ORDER, STUCK = 0.9, 0.5, 1.2  # where a verdict on attention turns
LEAN = 0.1  # what it costs to be away from one's place, in log chance for each code
DRIFT = 5.5  # codes between a phone and its place
SPOKEN, SHARE = 0.05, 0.8  # chance of a phone that was said; of how many phones that is asked
MARKS = ".,?!…"
LETTER = re.compile(r"[\w'’-]")


def path(attention: Array) -> Array:
    """[frames, phones], attention or chances -> [frames]: their phones, on the likeliest way through all.

    It begins at the first phone, ends at the last, never goes back, and seldom passes one over.
    """
    score = np.log(attention + FLOOR)
    frames, phones = score.shape
    steps = np.zeros((frames, phones), np.int8)
    best = np.full(phones, -np.inf)
    best[0] = score[0, 0]
    for t in range(1, frames):
        moves = np.stack([best, _moved(best, 1), _moved(best, 2) + SKIP])
        steps[t] = moves.argmax(axis=0)
        best = moves.max(axis=0) + score[t]
    way = np.zeros(frames, np.int64)
    way[-1] = phones - 1 if np.isfinite(best[-1]) else int(np.flatnonzero(np.isfinite(best))[-1])
    for t in range(frames - 1, 0, -1):
        way[t - 1] = way[t] - steps[t, way[t]]
    return way


def _moved(best: Array, n: int) -> Array:
    return np.concatenate([np.full(n, -np.inf), best[:-n]])[: len(best)]


def boundaries(way: Array, phones: int) -> Array:
    """[phones + 1]: the frame in which each phone begins, and where the last one ends."""
    starts: Array = np.searchsorted(way, np.arange(phones + 1))
    return starts


def words_of(sentence: "Sentence", edges: Array, seconds: float) -> tuple[Word, ...]:
    """Words with their times, from the `boundaries` of the phones; a frame lasts `seconds`."""
    times = edges * seconds
    words, first = [], 0
    for span in sentence.spans:
        begins = first + _first_phones(span)
        for text, start, end in _tokens(span):
            begin, finish = (float(times[begins[i]]) for i in (start, end))
            if begin < finish:
                words.append(Word(text, begin, finish))
        first += len(span.ids)
    return tuple(words)


def _tokens(span: "Span") -> Iterator[tuple[str, int, int]]:
    """Words as ranges of characters. What was written as one thing (a figure, say) stays one word."""

    def kind(i: int) -> object:
        char = span.text[i]
        if not LETTER.match(char):
            return None
        place, around = span.origin[i], span.origin[max(i - 1, 0) : i + 2]
        return place if around.count(place) > 1 or ALONE.match(char) else "word"

    for what, group in groupby(range(len(span.text)), kind):
        if what is not None:
            indices = list(group)
            yield span.text[indices[0] : indices[-1] + 1], indices[0], indices[-1] + 1


def _first_phones(span: "Span") -> Array:
    """[characters + 1]: the phone that each character begins with; by share of letters where nobody knows."""
    if span.word2ph is not None:
        counts = np.array(span.word2ph)
    else:
        letters = np.array([bool(LETTER.match(char)) for char in span.text])
        marks = np.array([char in MARKS for char in span.text])  # a phone each
        counts = marks + letters * max(len(span.ids) - marks.sum(), 0) / max(letters.sum(), 1)
    edges: Array = np.rint(np.concatenate([[0], np.cumsum(counts)])).astype(np.int64)
    return edges


@dataclass(frozen=True)
class Verdict:
    """Whether a sentence was said as it stands there; `rank` orders its takes."""

    sound: bool
    rank: float


def judged(attention: Array, way: Array, seconds: float, complete: bool) -> Verdict:
    """By what the decoder listened to, on the `path` that was found; `seconds` is the length of a frame, and
    `complete` whether the sentence ended by itself."""
    frames, phones = attention.shape
    lengths = np.diff(boundaries(way, phones))
    distance = np.abs(np.arange(phones) - way[:, None])
    order = float((attention * (distance <= NEAR)).sum(axis=1).mean())  # attention where it should be by then
    heard = attention.max(axis=0) >= 0.5 / max(1, min(phones, 2 * NEAR + 1))
    coverage = float((heard & (lengths > 0)).mean())
    longest = float(lengths[:-1].max()) if phones > 1 else float(frames)
    stuck = longest * seconds
    sound = complete and coverage >= COVERAGE and order >= ORDER and stuck <= STUCK
    return Verdict(sound, complete * 2 + coverage + order - max(stuck - STUCK, 0))


def away(timing: Sequence[int], codes: int) -> Array:
    """[codes, phones]: how far each code is from the place that each phone was given, in codes."""
    edges, now = np.cumsum((0, *timing)), np.arange(codes)[:, None] + 0.5
    distance: Array = np.maximum(np.maximum(edges[:-1] - now, now - edges[1:]), 0)
    return distance


def told(chances: Array, distance: Array) -> Array:
    """[codes]: the phone of each code by what it says, and in doubt by its place."""
    return path(chances * np.exp(-LEAN * distance))


def followed(chances: Array, way: Array, distance: Array, complete: bool) -> Verdict:
    """By the phones that the codes say, and where."""
    codes, phones = chances.shape
    steps = np.arange(codes)
    drift = float(distance[steps, way].max(initial=0))
    best = np.zeros(phones)
    np.maximum.at(best, way, chances[steps, way])
    share = float((best >= SPOKEN).mean())
    sound = complete and drift <= DRIFT and share >= SHARE
    return Verdict(sound, complete * 2 + share - max(drift - DRIFT, 0) / max(codes, 1))
