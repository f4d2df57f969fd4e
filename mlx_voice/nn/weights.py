"""The converted file, planned before a byte is read: each weight knows its shape and how to be made.

A network's `renames` maps a checkpoint's lazily read tensors to a plan; the writer makes one weight at a
time, so that a conversion never holds more than the largest of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class Tensor(Protocol):
    """A checkpoint's tensor: its shape is known, its numbers are read on demand."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> str: ...

    def numpy(self) -> Array: ...


State = Mapping[str, Tensor]


@dataclass(frozen=True)
class Weight:
    shape: tuple[int, ...]
    make: Callable[[], Array]


Plan = dict[str, Weight]


def copied(tensor: Tensor) -> Weight:
    return Weight(tensor.shape, tensor.numpy)


def transposed(tensor: Tensor, axes: Sequence[int]) -> Weight:
    shape = tuple(tensor.shape[a] for a in axes)
    return Weight(shape, lambda: tensor.numpy().transpose(axes))


def folded(g: Tensor, v: Tensor, axes: Sequence[int], norm_over: tuple[int, ...] | None = None) -> Weight:
    """Weight norm g * v / ||v||, the norm taken over all axes but the first unless told; then transposed."""
    over = norm_over if norm_over is not None else tuple(range(1, len(v.shape)))
    lengths = tuple(1 if a in over else n for a, n in enumerate(v.shape))
    if g.shape != lengths:  # it would be broadcast to any size
        raise ValueError(f"a weight norm of {v.shape} has lengths of {g.shape} instead of {lengths}")

    def make() -> Array:
        weight: Array = v.numpy().astype(np.float32)
        weight /= np.sqrt(np.sum(weight * weight, axis=over, keepdims=True))  # in place: it may be large
        weight *= g.numpy()
        return weight.transpose(axes)

    return Weight(tuple(v.shape[a] for a in axes), make)
