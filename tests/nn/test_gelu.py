"""GELU against its definition in double precision."""

import math

import numpy as np

from mlx_voice.device import mx
from mlx_voice.nn.gelu import gelu


def test_gelu_is_its_definition() -> None:
    x = np.linspace(-30, 30, 60001).astype(np.float32)
    exact = np.array([v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x.astype(np.float64)])
    error = np.abs(np.array(gelu(mx.array(x))) - exact)
    assert (error <= 4e-7 * np.maximum(1, np.abs(x))).all()


def test_half_precision_stays_half() -> None:
    x = mx.array(np.linspace(-3, 3, 100), dtype=mx.float16)
    assert gelu(x).dtype == mx.float16
    assert mx.abs(gelu(x).astype(mx.float32) - gelu(x.astype(mx.float32))).max().item() < 2e-3
