"""How a voice's prompt and a text become a row for the token loop, and when that row has said all.

`plain`: the prompt's phones, then the text's; the model itself says when it is done. `timed`: every phone is
repeated for the codes it lasts, so that phone and code positions mean the same instant; the length is known.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mlx_voice.device import mx
from mlx_voice.errors import ModelError, TextError
from mlx_voice.generate.features import joined
from mlx_voice.generate.loop import Row
from mlx_voice.generate.sampling import Sampling
from mlx_voice.nn.weights import Array

if TYPE_CHECKING:
    from mlx_voice.checkpoints import Model
    from mlx_voice.text import Sentence
    from mlx_voice.voices.state import VoiceState

USUAL_PACE = 3.5  # codes per phone, where no prompt tells
SLOWEST = 3.0  # times the pace: what is longer is no longer speech
GRACE = 25  # codes beyond that
LONGEST = 2000  # phones of prompt and text: what attends to each other in both directions
RATES = (0.5, 2.0)  # how far a prompt may stretch the usual durations


def laid_out(
    model: "Model",
    voice: "VoiceState",
    prompt_bert: mx.array | None,
    sentence: "Sentence",
    bert: mx.array | None,
    sampling: Sampling,
    seed: int,
) -> tuple[Row, tuple[int, ...] | None]:
    """The row, and the codes that each of the text's phones will last, where that is known beforehand."""
    phones = sentence.ids
    both = (*voice.phones, *phones)
    if len(both) > LONGEST:
        raise TextError("A sentence of this text is too long to be said in one go: put marks into it.")
    features = joined([prompt_bert, bert], [len(voice.phones), len(phones)])
    codes = tuple(int(code) for code in np.array(voice.codes))
    reading = (voice.key, sentence)
    limit = math.floor(model.config.max_seconds * model.config.code_rate)
    if model.config.layout == "plain":
        pace = len(codes) / len(voice.phones) if codes else USUAL_PACE
        limit = min(limit, GRACE + math.ceil(SLOWEST * pace * len(phones)))
        return Row(both, features, codes, sampling, seed, limit, reading=reading), None
    prompt = prompt_timing(voice)
    lasts = durations(model, voice, phones)
    index = np.repeat(np.arange(len(both)), [*prompt, *lasts])
    timed = None if features is None else features[mx.array(index)]
    if sum(lasts) > limit:
        raise TextError(f"A sentence would last longer than {model.config.max_seconds} s: put marks into it.")
    limit = sum(lasts)
    frames = tuple(both[i] for i in index)
    row = Row(frames, timed, codes, sampling, seed, limit, minimum=limit, reading=reading)
    return row, tuple(lasts)


@dataclass(frozen=True)
class Before:
    """The end of the sentence before, to be heard by the next one: phones, their features, codes."""

    phones: tuple[int, ...]
    bert: mx.array | None
    codes: tuple[int, ...]
    timing: tuple[int, ...] | None

    def after(
        self, voice: "VoiceState", prompt_bert: mx.array | None
    ) -> "tuple[VoiceState, mx.array | None]":
        """A voice whose prompt goes on with this, and the features of that prompt; approximate, an option."""
        phones, codes = (
            voice.phones + self.phones,
            mx.concatenate([voice.codes, mx.array(self.codes, mx.int32)]),
        )
        timing = None if self.timing is None else prompt_timing(voice) + self.timing
        longer = replace(voice, key=f"{voice.key} {self.codes}", phones=phones, codes=codes, timing=timing)
        return longer, joined([prompt_bert, self.bert], [len(voice.phones), len(self.phones)])


def tail(
    phones: Sequence[int],
    bert: mx.array | None,
    codes: Sequence[int],
    starts: Sequence[int],
    timing: Sequence[int] | None,
    window: int,
) -> Before | None:
    """Its last phones, no more than `window` codes; phone i begins with code `starts[i]`."""
    first = next((i for i, start in enumerate(starts) if len(codes) - start <= window), len(phones))
    if first >= len(phones) or starts[first] >= len(codes):
        return None
    features = None if bert is None else bert[first:]
    lasting = None if timing is None else tuple(timing[first:])
    return Before(tuple(phones[first:]), features, tuple(codes[starts[first] :]), lasting)


def prompt_timing(voice: "VoiceState") -> tuple[int, ...]:
    if not voice.phones:
        return ()
    if voice.timing is None or sum(voice.timing) != voice.codes.size:
        raise ModelError("This voice has no timing for a model that lays its text out in time: add it again.")
    return voice.timing


def durations(model: "Model", voice: "VoiceState", phones: Sequence[int]) -> list[int]:
    """Codes per phone, at the pace of the prompt."""
    usual = _usual(model, phones)
    if voice.phones:
        rate = sum(prompt_timing(voice)) / _usual(model, voice.phones).sum()
        usual = usual * np.clip(rate, *RATES)
    return rounded(usual)


def _usual(model: "Model", phones: Sequence[int]) -> Array:
    frames: Array = np.array(model.duration(mx.array([list(phones)])))[0].astype(np.float64)
    return frames


def rounded(lengths: Array) -> list[int]:
    """Whole numbers, none below 1, whose running sum stays next to that of the fractions."""
    whole: list[int] = []
    total = 0
    for end in np.cumsum(lengths):
        whole.append(max(1, round(end) - total))
        total += whole[-1]
    return whole
