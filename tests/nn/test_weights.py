"""Plans of converted files: shapes known before, numbers made on demand, weight norm folded."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from mlx_voice.nn.weights import Array, copied, folded, transposed


@dataclass
class Read:
    """A tensor that counts how often its numbers are asked for."""

    array: Array
    times: list[int] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> str:
        return self.array.dtype.name

    def numpy(self) -> Array:
        self.times.append(1)
        return self.array


RNG = np.random.default_rng(0)


def test_nothing_is_read_before_it_is_made() -> None:
    tensor = Read(RNG.normal(size=(2, 3, 4)))
    weights = [
        copied(tensor),
        transposed(tensor, (2, 0, 1)),
        folded(Read(np.ones((2, 1, 1))), tensor, (0, 1, 2)),
    ]
    assert [w.shape for w in weights] == [(2, 3, 4), (4, 2, 3), (2, 3, 4)]
    assert tensor.times == []
    assert np.array_equal(weights[1].make(), tensor.array.transpose(2, 0, 1))
    assert len(tensor.times) == 1


@pytest.mark.parametrize(("over", "shape"), [(None, (4, 1, 1)), ((0, 1), (1, 1, 5))])
def test_weight_norm_folds(over: tuple[int, ...] | None, shape: tuple[int, ...]) -> None:
    v, g = RNG.normal(size=(4, 3, 5)).astype(np.float16), RNG.normal(size=shape).astype(np.float16)
    wide = v.astype(np.float64)
    norm = np.sqrt((wide**2).sum(over or (1, 2), keepdims=True))
    weight = folded(Read(g), Read(v), (0, 2, 1), over)
    assert weight.shape == (4, 5, 3)
    assert np.allclose(weight.make(), (g * wide / norm).transpose(0, 2, 1), rtol=1e-6, atol=1e-7)
    assert weight.make().dtype == np.float32


def test_lengths_that_would_be_broadcast() -> None:
    with pytest.raises(ValueError, match=r"lengths of \(9, 1, 1\) instead of \(1, 1, 1\)"):
        folded(Read(np.ones((9, 1, 1))), Read(np.ones((1, 1, 4))), (0, 1, 2))
