"""The account of one answer: its time, its hits, and where its words stand in the text."""

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mlx_voice.results import Audio, Stats, Word

if TYPE_CHECKING:
    from mlx_voice.generate import Event
    from mlx_voice.text import Sentence
    from mlx_voice.voices.tiers import Counts

JOINED = re.compile(r"[^\W\u3040-\u30ff\u3400-\u9fff]|['’-]")  # what a word of letters goes on with


class Account:
    """Put together from both threads; time runs from `started`."""

    def __init__(self, sentences: "Sequence[Sentence]", started: float | None = None) -> None:
        self.sentences = sentences
        self.start = time.perf_counter() if started is None else started
        self.stats = Stats(sentences=len(sentences))
        self.samples = 0
        self.hits: Counter[str] = Counter()
        self.misses: Counter[str] = Counter()

    def spend(self, **seconds: float) -> None:
        self.stats = replace(self.stats, **{k: getattr(self.stats, k) + v for k, v in seconds.items()})

    def count(self, before: "Counts", after: "Counts") -> None:
        self.hits.update({tier: after[tier][0] - before[tier][0] for tier in after})
        self.misses.update({tier: after[tier][1] - before[tier][1] for tier in after})

    def chunk(self, event: "Event", rate: int, seed: int) -> Audio:
        """An event as its listener gets it."""
        if event.error is not None:
            raise event.error
        self.spend(**event.seconds)
        self.hits.update(event.hits)
        self.misses.update(event.misses)
        now = time.perf_counter() - self.start
        self.samples += len(event.samples)
        self.stats = replace(
            self.stats,
            first_audio=self.stats.first_audio or now,
            total=now,
            audio=self.samples / rate,
            token_count=self.stats.token_count + event.tokens,
            heard=event.sentence,
            peak_memory=event.peak_memory,
            hits=dict(+self.hits),
            misses=dict(+self.misses),
            bytes=event.bytes,
            evictions=event.evictions,
            seed=seed,
        )
        words = tuple(placed(event.words, self.sentences[event.sentence - 1])) if event.words else ()
        return Audio(event.samples, rate, self.stats, words)


def placed(words: Sequence[Word], sentence: "Sentence") -> Iterator[Word]:
    """The words of a sentence, in order, with the places where they were written."""
    text = "".join(span.text for span in sentence.spans)
    origin = [place for span in sentence.spans for place in span.origin]
    at = 0
    for word in words:
        found = _found(word.text, text, at)
        if found is not None:
            at = found + len(word.text)
            yield replace(word, place=(origin[found][0], origin[at - 1][1]))
        else:
            edge = origin[at - 1][1] if at else sentence.start
            yield replace(word, place=(edge, edge))


def _found(word: str, text: str, at: int) -> int | None:
    """Where a word stands next, as a word: words that could not be heard are missing between."""
    while (found := text.find(word, at)) >= 0:
        before, after = text[found - 1 : found], text[found + len(word) :][:1]
        cut = (JOINED.match(before) and JOINED.match(word[0])) or (
            JOINED.match(word[-1]) and JOINED.match(after)
        )
        if not cut:
            return found
        at = found + 1
    return None
