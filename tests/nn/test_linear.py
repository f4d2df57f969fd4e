"""Blocks of a product are the product."""

import numpy as np
import pytest

from mlx_voice.device import mx, nn
from mlx_voice.nn.linear import SMALL, Linear, blocks


@pytest.mark.parametrize("shape", [(1, 1), (8, 1), (3, 2), (16, 1), (17, 1), (1, 40)])
@pytest.mark.parametrize("bias", [True, False])
def test_it_is_the_plain_layer(shape: tuple[int, int], bias: bool) -> None:
    layer = Linear(512, 1025 * 2, bias=bias)
    x = mx.random.normal((*shape, 512))
    assert np.allclose(np.array(layer(x)), np.array(nn.Linear.__call__(layer, x)), atol=1e-5)


def test_blocks_are_small_and_even() -> None:
    for rows, inputs, outputs in (
        (1, 512, 1536),
        (1, 512, 2048),
        (8, 2048, 512),
        (8, 512, 1025),
        (1, 64, 64),
    ):
        n = blocks(rows, inputs, outputs)
        assert outputs % n == 0 and rows * inputs * outputs // n <= SMALL
    assert blocks(17, 512, 2048) == 1  # many rows pay for the packing
    assert blocks(16, 4096, 1021) == 1  # a prime cannot be cut
