"""Takes of one text side by side, stretch by stretch.

The sentences of a stretch, in all takes, enter the token loop together. So what is read is read once for all
takes; and how a sentence sounds depends on its stretch alone, not on what else is being said: who begins at
the edge of a stretch hears what one hears who began at the start. Between two steps the engine serves others.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mlx_voice.engine import Engine
from mlx_voice.errors import CancelledError

if TYPE_CHECKING:
    from mlx_voice.generate import Event, Request

STRETCH = 8  # rows of the loop: as many sentences in one take, fewer in several
MOST = 32  # takes


def said(
    engine: Engine, takes: Sequence["Request"], first: int, cancel: threading.Event
) -> Iterator["Event"]:
    """The events of requests for the same sentences, from the sentence `first` on.

    An event's `request` is the number of the take, its `sentence` counts from the start of the text.
    """
    generator = engine.call(lambda: engine.generator(slots=max(STRETCH, len(takes))))
    length = stretch(len(takes))
    shared = not takes[0].options.context  # else each take reads its own last sentence as well
    for start in range(first, len(takes[0].sentences), length):
        parts = [part(take, start, length) for take in takes]
        numbers = engine.call(lambda parts: [generator.add(part) for part in parts], parts)
        while generator.busy:
            if cancel.is_set():
                raise CancelledError("The request was taken back.")
            for event in engine.call(generator.step):
                take = numbers.index(event.request)
                hits = {**event.hits, "prefill": 1} if take and shared else event.hits
                yield replace(event, request=take, sentence=start + event.sentence, hits=hits)


def stretch(takes: int) -> int:
    """How many sentences are said at a time."""
    return max(1, STRETCH // takes)


def part(take: "Request", start: int, length: int) -> "Request":
    """A stretch of a request; a pause follows it, unless it is the last one."""
    sentences = list(take.sentences[start : start + length])
    if start + length < len(take.sentences) and sentences[-1].pause is None:
        sentences[-1] = replace(sentences[-1], pause=take.options.pause)
    return replace(take, sentences=tuple(sentences))
