"""mlx-lm's caches in the place of ours: rotating ones, which forget the middle, and quantized ones.

    loop = TokenLoop(model, lambda starts: Borrowed(starts, [RotatingKVCache(400, keep=160) for _ in layers]))

Approximate where such a cache is. It holds one row; a position lives in the input, so columns may rotate.
"""

from collections.abc import Sequence
from typing import Any

from mlx_voice.device import mx
from mlx_voice.errors import ModelError
from mlx_voice.generate.kv import flat, headed, unpacked


class Borrowed:
    """One row of the token loop over caches of another make, one a layer: `update_and_fetch`, `nbytes`."""

    def __init__(self, starts: Sequence[int], caches: Sequence[Any]) -> None:
        if len(starts) != 1:
            raise ModelError("A borrowed cache holds one sentence at a time: give the generator one slot.")
        self.start, self.caches = starts[0], caches

    def update(self, layer: int, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        """What comes at once is a prefill: it sees itself, and its padding is not kept.

        Heads lie side by side, so that a group of a quantized cache may be wider than one.
        """
        cache, new = self.caches[layer], (flat(keys), flat(values))
        if keys.shape[2] > 1:
            cache.update_and_fetch(*(a[:, :, self.start :] for a in new))
            return keys, values
        found = cache.update_and_fetch(*new)
        plain = [a if isinstance(a, mx.array) else unpacked(a, cache.group_size, cache.bits) for a in found]
        return headed(plain[0], keys), headed(plain[1], keys)

    def mask(self) -> None:
        """The next token sees all that is there."""

    def advance(self, n: int = 1) -> None:
        """Such a cache counts by itself."""

    def reserve(self, n: int = 1) -> None:
        """And grows by itself."""

    def select(self, rows: Sequence[int]) -> None:
        if list(rows) != [0]:
            raise ModelError("A borrowed cache holds one sentence at a time: give the generator one slot.")

    def join(self, other: Any) -> None:  # noqa: ARG002
        raise ModelError("A borrowed cache holds one sentence at a time: give the generator one slot.")

    @property
    def arrays(self) -> list[mx.array]:
        """Nothing to be computed beyond what the next token needs."""
        return []

    @property
    def nbytes(self) -> int:
        return sum(int(cache.nbytes) for cache in self.caches)
