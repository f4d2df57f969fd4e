"""Convolutions as products against MLX's own, over random shapes."""

from collections.abc import Callable

import numpy as np
import pytest

from mlx_voice.device import mx
from mlx_voice.nn.conv import Conv1d, ConvTranspose1d

Count = Callable[[int, int], int]


def largest_error(ours: mx.array, theirs: mx.array) -> float:
    assert ours.shape == theirs.shape
    return float(mx.abs(ours - theirs).max() / mx.maximum(mx.abs(theirs).max(), 1e-6))


def normal(rng: np.random.Generator, *shape: int) -> mx.array:
    return mx.array(rng.standard_normal(shape).astype(np.float32))


def test_a_convolution_of_any_shape(count: Count) -> None:
    for seed in range(count(60, 1000)):
        rng = np.random.default_rng(seed)
        taps, groups = int(rng.integers(1, 14)), int(rng.choice([1, 1, 1, 2, 4]))
        inputs, outputs = (groups * int(rng.integers(1, 40)) for _ in range(2))
        stride, dilation = [(1, 1), (1, int(rng.integers(2, 7))), (int(rng.integers(2, 6)), 1)][seed % 3]
        left, right = (int(n) for n in rng.integers(0, dilation * (taps - 1) + 1, 2))
        length = dilation * (taps - 1) + int(rng.integers(1, 90))
        layer = Conv1d(
            inputs, outputs, taps, stride=stride, dilation=dilation, padding=(left, right), groups=groups
        )
        layer.weight, layer.bias = normal(rng, taps, inputs // groups, outputs), normal(rng, outputs)
        x = normal(rng, int(rng.integers(1, 4)), length, inputs)
        padded = mx.pad(x, [(0, 0), (left, right), (0, 0)])
        kernel = layer.weight.transpose(2, 0, 1)
        expected = mx.conv1d(padded, kernel, stride=stride, dilation=dilation, groups=groups) + layer.bias
        assert largest_error(layer(x), expected) < 1e-5, f"seed {seed}"


def test_an_upsampling_of_any_shape(count: Count) -> None:
    for seed in range(count(40, 500)):
        rng = np.random.default_rng(seed)
        taps, stride = int(rng.integers(1, 14)), int(rng.integers(1, 9))
        inputs, outputs = (int(n) for n in rng.integers(1, 40, 2))
        length = int(rng.integers(1, 60))
        full = (length - 1) * stride + taps
        padding = int(rng.integers(0, min(taps, (full + 1) // 2)))
        kernel = normal(rng, taps, inputs, outputs)
        layer = ConvTranspose1d(inputs, outputs, taps, stride, padding)
        steps = layer.weight.shape[0]
        whole = mx.pad(kernel, [(0, steps * stride - taps), (0, 0), (0, 0)])
        whole = whole.reshape(steps, stride, inputs, outputs)[::-1].transpose(0, 2, 1, 3)
        layer.weight, layer.bias = whole.reshape(layer.weight.shape), normal(rng, outputs)
        x = normal(rng, int(rng.integers(1, 4)), length, inputs)
        expected = mx.conv_transpose1d(x, kernel.transpose(2, 0, 1), stride=stride, padding=padding)
        assert layer.length(length) == expected.shape[1]
        assert largest_error(layer(x), expected + layer.bias) < 1e-5, f"seed {seed}"


def test_new_weights_are_seen_at_once() -> None:
    layer = Conv1d(4, 4, 3, padding=1)
    x = mx.ones((1, 6, 4))
    assert not layer(x).any()
    layer.weight = mx.ones((3, 4, 4))
    assert layer(x)[0, 2].tolist() == [12.0] * 4
    layer.set_dtype(mx.float16)
    assert layer(x.astype(mx.float16)).dtype == mx.float16


def test_what_is_prepared_is_no_parameter() -> None:
    layer = Conv1d(4, 4, 3)
    layer(mx.ones((1, 6, 4)))
    assert set(layer.parameters()) == {"weight", "bias"}


def test_a_stride_with_a_dilation_is_refused() -> None:
    with pytest.raises(ValueError, match="not both"):
        Conv1d(1, 1, 3, stride=2, dilation=2)
