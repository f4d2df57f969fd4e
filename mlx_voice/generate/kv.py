"""Keys and values of a running batch, in buffers that keep their shape while tokens are added.

Rows are right-aligned: all of them write the same column, and a shorter one begins later. A position lives
in the input, not in the column, so a row may be moved sideways when others join or leave.
"""

from collections.abc import Callable, Sequence

from mlx_voice.device import mx

BUCKET = 64  # columns; a buffer's length is a multiple of it, so that shapes repeat


def bucket(n: int, size: int = BUCKET) -> int:
    return -(-n // size) * size


class KVCache:
    """`length` columns are in use, row b's begin at `starts[b]`; [B, H, columns, D] a layer."""

    def __init__(self, starts: Sequence[int] = (0,)) -> None:
        self.keys: list[mx.array] = []
        self.values: list[mx.array] = []
        self.starts = list(starts)
        self.length = 0

    def update(self, layer: int, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        """Write at the current column (a new cache takes what it is given); all that the layer holds."""
        if layer == len(self.keys):
            self.keys.append(keys)
            self.values.append(values)
        else:
            column = mx.array([self.length])
            self.keys[layer] = mx.slice_update(self.keys[layer], keys, column, axes=(2,))
            self.values[layer] = mx.slice_update(self.values[layer], values, column, axes=(2,))
        return self.keys[layer], self.values[layer]

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
        twin = KVCache(self.starts)
        twin.keys, twin.values, twin.length = list(self.keys), list(self.values), self.length
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
        self.keys = [mx.concatenate(list(pair)) for pair in zip(self.keys, other.keys, strict=True)]
        self.values = [mx.concatenate(list(pair)) for pair in zip(self.values, other.values, strict=True)]
        self.starts += other.starts

    @property
    def columns(self) -> int:
        return self.keys[0].shape[2] if self.keys else 0

    @property
    def nbytes(self) -> int:
        return sum(a.nbytes for a in (*self.keys, *self.values))

    def _shift(self, left: int, columns: int) -> None:
        length = self.length
        self._replace(lambda a: placed(a[:, :, :length], left, columns))
        self.starts = [start + left for start in self.starts]
        self.length = length + left

    def _replace(self, change: Callable[[mx.array], mx.array]) -> None:
        self.keys = [change(a) for a in self.keys]
        self.values = [change(a) for a in self.values]


def placed(a: mx.array, left: int, columns: int) -> mx.array:
    """[B, H, n, D] -> [B, H, columns, D] with `left` empty columns before."""
    return mx.pad(a, [(0, 0), (0, 0), (left, columns - left - a.shape[2]), (0, 0)])
