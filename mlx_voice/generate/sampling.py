"""How the next code is drawn, on the device, in the reference's order.

Repetition penalty; top-p (the token that crosses the threshold goes too, the best one never does);
temperature; top-k (ties stay); then the largest of probability / Exp(1) noise. The stop test looks at the
penalised logits. Every setting is one number per row, so that different requests share a batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from mlx_voice.device import mx

NEVER = -float("inf")


@dataclass(frozen=True)
class Sampling:
    """One row's settings, all of them decided."""

    top_k: int = 15
    top_p: float = 1.0
    temperature: float = 1.0
    repetition_penalty: float = 1.35

    @property
    def greedy(self) -> bool:
        return self.top_k == 1


@dataclass(frozen=True)
class Settings:
    """The settings of a batch: [B, 1] each, and what no row needs is left out of the graph."""

    penalty: mx.array
    temperature: mx.array
    top_k: mx.array
    top_p: mx.array
    greedy: bool
    nucleus: bool
    penalised: bool

    @classmethod
    def of(cls, rows: Sequence[Sampling], vocabulary: int) -> "Settings":
        def column(values: list[float], dtype: mx.Dtype = mx.float32) -> mx.array:
            return mx.array(values, dtype)[:, None]

        return cls(
            penalty=column([r.repetition_penalty for r in rows]),
            temperature=column([max(r.temperature, 1e-5) for r in rows]),
            top_k=column([r.top_k if 0 < r.top_k < vocabulary else vocabulary for r in rows], mx.int32),
            top_p=column([r.top_p for r in rows]),
            greedy=all(r.greedy for r in rows),
            nucleus=any(r.top_p < 1 for r in rows),
            penalised=any(r.repetition_penalty != 1 for r in rows),
        )


def penalised(logits: mx.array, seen: mx.array, penalty: mx.array) -> mx.array:
    """[B, V] logits, `seen` True where a code occurred: divided when positive, multiplied when negative."""
    return mx.where(seen, mx.where(logits < 0, logits * penalty, logits / penalty), logits)


def kept(logits: mx.array, settings: Settings) -> mx.array:
    """Penalised logits -> what may be drawn, divided by the temperature; the rest is minus infinity."""
    ordered = mx.sort(logits, axis=-1)[:, ::-1]
    count = settings.top_k
    if settings.nucleus:
        within = mx.cumsum(mx.softmax(ordered, axis=-1), axis=-1) <= settings.top_p
        within = within | (settings.top_p >= 1)
        count = mx.minimum(count, mx.maximum(mx.sum(within, axis=-1, keepdims=True), 1))
    pivot = mx.take_along_axis(ordered, count - 1, axis=-1)
    return mx.where(logits < pivot, NEVER, logits / settings.temperature)


def draw(logits: mx.array, settings: Settings, noise: mx.array | None) -> mx.array:
    """[B, V] penalised logits, [B, V] Exp(1) noise -> [B] codes: argmax of probability / noise."""
    if noise is None:
        return mx.argmax(logits, axis=-1).astype(mx.int32)
    return mx.argmax(kept(logits, settings) - mx.log(noise), axis=-1).astype(mx.int32)


def exponential(seeds: mx.array, steps: mx.array, vocabulary: int) -> mx.array:
    """[B] uint32 seeds, [B] steps -> [B, V] Exp(1): a row's noise depends on its seed and step alone."""
    keys = mx.stack([seeds, steps.astype(mx.uint32)], axis=-1)
    uniform = mx.vmap(partial(_uniform, vocabulary))(keys)
    return -mx.log1p(-uniform)


def _uniform(vocabulary: int, key: mx.array) -> mx.array:
    return mx.random.uniform(low=2.0**-24, high=1.0, shape=(vocabulary,), key=key)
