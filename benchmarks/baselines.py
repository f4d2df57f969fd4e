"""What the token loop is compared with; each differs from it in the one thing that its name says."""

from collections.abc import Iterator

import numpy as np

from mlx_voice.device import mx
from mlx_voice.generate.loop import Row, assembled, prefill
from mlx_voice.generate.sampling import Sampling
from mlx_voice.models.t2s import T2S, prefill_mask


class Concatenated:
    """Keys and values that grow by concatenation, as in the PyTorch original."""

    def __init__(self) -> None:
        self.layers: list[tuple[mx.array, mx.array]] = []

    def update(self, layer: int, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        if layer == len(self.layers):
            self.layers.append((keys, values))
        else:
            before = self.layers[layer]
            self.layers[layer] = (
                mx.concatenate([before[0], keys], axis=2),
                mx.concatenate([before[1], values], axis=2),
            )
        return self.layers[layer]


class Transient:
    """No memory at all: every step reads everything again."""

    def update(self, layer: int, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:  # noqa: ARG002
        return keys, values


def host_sampled(logits: mx.array, seen: set[int], settings: Sampling, rng: np.random.Generator) -> int:
    """The same rules on the host: the device waits for it at every step."""
    scores = np.array(logits.astype(mx.float32))[0]
    index = list(seen)
    penalty = settings.repetition_penalty
    scores[index] = np.where(scores[index] < 0, scores[index] * penalty, scores[index] / penalty)
    scores = scores / settings.temperature
    scores[scores < np.sort(scores)[-settings.top_k]] = -np.inf
    weights = np.exp(scores - scores.max())
    return int((weights / weights.sum() / rng.exponential(size=scores.shape)).argmax())


def concatenated_and_host(model: T2S, row: Row) -> Iterator[None]:
    """Concatenated KV and sampling on the host; it yields after each code."""
    rng, cache, seen = np.random.default_rng(row.seed), Concatenated(), set(row.codes)
    x, starts, ends = assembled(model, [row])
    h = model(x, cache, prefill_mask(mx.array(starts), mx.array(ends), x.shape[1]))
    mask = mx.arange(x.shape[1]) >= starts[0]
    for step in range(row.limit):
        code = host_sampled(model.logits(h[:, -1]), seen, row.sampling, rng)
        yield
        seen.add(code)
        mask = mx.concatenate([mask, mx.ones((1,), mx.bool_)])
        h = model(model.embed_codes(mx.array([[code]]), len(row.codes) + step), cache, mask[None, None, None])


def without_cache(model: T2S, row: Row, generated: int) -> None:
    """The one step that comes after `generated` codes, from the beginning."""
    codes = row.codes + (1,) * generated
    logits, _ = prefill(model, [Row(row.phones, codes=codes)])
    mx.eval(logits)
