"""Keys and values of a running batch, in buffers that keep their shape while tokens are added.

Rows are right-aligned: all of them write the same column, and a shorter one begins later. A position lives
in the input, not in the column, so a row may be moved sideways when others join or leave.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from mlx_voice.device import mx
from mlx_voice.models.t2s import Cache

BUCKET = 64  # columns; a buffer's length is a multiple of it, so that shapes repeat
GROUP, BITS = 64, 8  # of quantized keys and values


def bucket(n: int, size: int = BUCKET) -> int:
    return -(-n // size) * size


class RunningCache(Cache, Protocol):
    """What the token loop asks of a cache beyond what the network does."""

    @property
    def arrays(self) -> list[mx.array]: ...

    @property
    def nbytes(self) -> int: ...

    def advance(self, n: int = 1) -> None: ...

    def reserve(self, n: int = 1) -> None: ...

    def mask(self) -> mx.array | None: ...

    def select(self, rows: Sequence[int]) -> None: ...

    def join(self, other: Any) -> None: ...


class KVCache:
    """`length` columns are in use, row b's begin at `starts[b]`; a layer: arrays [B, …, columns, n]."""

    def __init__(self, starts: Sequence[int] = (0,)) -> None:
        self.layers: list[list[mx.array]] = []
        self.starts = list(starts)
        self.length = 0

    def update(self, layer: int, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        """Write at the current column (a new cache takes what it is given); all that the layer holds."""
        written = self._stored(keys, values)
        if layer == len(self.layers):
            self.layers.append(written)
        else:
            column, held = mx.array([self.length]), self.layers[layer]
            self.layers[layer] = [
                mx.slice_update(a, b, column, axes=(2,)) for a, b in zip(held, written, strict=True)
            ]
        return self._read(self.layers[layer], keys)

    def _stored(self, keys: mx.array, values: mx.array) -> list[mx.array]:
        """[B, H, n, D] each, as they are kept."""
        return [keys, values]

    def _read(self, layer: list[mx.array], like: mx.array) -> tuple[mx.array, mx.array]:  # noqa: ARG002
        return layer[0], layer[1]

    def advance(self, n: int = 1) -> None:
        """The columns that every layer has just written count from now on."""
        self.length += n

    def reserve(self, n: int = 1) -> None:
        """Make room for n more columns."""
        if self.length + n > self.columns:
            columns, length = bucket(self.length + n), self.length
            self._replace(lambda a: placed(a[:, :, :length], 0, columns))

    def mask(self) -> mx.array:
        """[B, 1, 1, columns] for the next token: it sees its row so far and itself."""
        column = mx.arange(self.columns)
        seen = (column <= self.length) & (column >= mx.array(self.starts)[:, None])
        return seen[:, None, None, :]

    def trim(self, n: int) -> int:
        """Forget the last n columns; how many that were."""
        n = min(n, self.length)
        self.length -= n
        return n

    def copy(self) -> "KVCache":
        """The same content; the buffers are shared until one of the two writes."""
        twin = type(self)(self.starts)
        twin.layers, twin.length = list(self.layers), self.length
        return twin

    def select(self, rows: Sequence[int]) -> None:
        """Keep these rows in this order (one may come twice), without the columns that none of them uses."""
        index, front, length = mx.array(list(rows)), min(self.starts[r] for r in rows), self.length
        columns = bucket(length - front)
        self._replace(lambda a: placed(a[index, :, front:length], 0, columns))
        self.starts = [self.starts[r] - front for r in rows]
        self.length = length - front

    def join(self, other: "KVCache") -> None:
        """Put the other cache's rows below these, aligned on the right."""
        length = max(self.length, other.length)
        for cache in (self, other):
            cache._shift(length - cache.length, bucket(length))
        self.layers = [
            [mx.concatenate(list(pair)) for pair in zip(above, below, strict=True)]
            for above, below in zip(self.layers, other.layers, strict=True)
        ]
        self.starts += other.starts

    @property
    def columns(self) -> int:
        return self.layers[0][0].shape[2] if self.layers else 0

    @property
    def arrays(self) -> list[mx.array]:
        return [a for layer in self.layers for a in layer]

    @property
    def nbytes(self) -> int:
        return sum(a.nbytes for a in self.arrays)

    def _shift(self, left: int, columns: int) -> None:
        length = self.length
        self._replace(lambda a: placed(a[:, :, :length], left, columns))
        self.starts = [start + left for start in self.starts]
        self.length = length + left

    def _replace(self, change: Callable[[mx.array], mx.array]) -> None:
        self.layers = [[change(a) for a in layer] for layer in self.layers]


class QuantizedKV(KVCache):
    """Approximate: 8 bits, and a scale and a bias for each group: a quarter of float32's bytes."""

    def _stored(self, keys: mx.array, values: mx.array) -> list[mx.array]:
        return [part for a in (keys, values) for part in mx.quantize(flat(a), GROUP, BITS)]

    def _read(self, layer: list[mx.array], like: mx.array) -> tuple[mx.array, mx.array]:
        keys, values = (unpacked(part, GROUP, BITS) for part in (layer[:3], layer[3:]))
        return headed(keys, like), headed(values, like)


def unpacked(parts: Sequence[mx.array], group: int, bits: int) -> mx.array:
    numbers, scales, biases = parts
    return mx.dequantize(numbers, scales, biases, group, bits)


def flat(a: mx.array) -> mx.array:
    """[B, H, n, D] -> [B, 1, n, H * D]: a group may reach over heads, whose width need not hold one."""
    batch, _, n, _ = a.shape
    return a.transpose(0, 2, 1, 3).reshape(batch, 1, n, -1)


def headed(a: mx.array, like: mx.array) -> mx.array:
    """[B, 1, n, H * D] -> [B, H, n, D]"""
    batch, _, n, _ = a.shape
    return a.astype(like.dtype).reshape(batch, n, like.shape[1], -1).transpose(0, 2, 1, 3)


def placed(a: mx.array, left: int, columns: int) -> mx.array:
    """[B, H, n, D] -> [B, H, columns, D] with `left` empty columns before."""
    return mx.pad(a, [(0, 0), (0, 0), (left, columns - left - a.shape[2]), (0, 0)])
