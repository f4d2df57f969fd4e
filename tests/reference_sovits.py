"""The reference's SoVITS networks, loaded strictly through their renames, and random ones of any sizes."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from reference_t2s import Array
from reference_weights import config, state

from mlx_voice.device import mx
from mlx_voice.models.sovits import SoVITS, SoVITSConfig, config_from_checkpoint, renames


def build(official: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> SoVITS:
    tensors = {key: Array(values) for key, values in weights.items()}
    sizes = config_from_checkpoint(official, tensors)
    model = SoVITS(sizes)
    plan = renames(tensors, sizes)
    model.load_weights([(k, mx.array(w.make().astype(np.float32))) for k, w in plan.items()], strict=True)
    return model


@cache
def reference(name: str, size: str = "tiny") -> SoVITS:
    return build(config(name, size), state(name, size))


def batch(array: np.ndarray) -> mx.array:
    """One row of ids, or the reference's [B, C, T] as [B, T, C]."""
    return mx.array(array)[None] if array.ndim == 1 else mx.array(array.transpose(0, 2, 1))


SMALL = SoVITSConfig(
    sample_rate=16000,
    symbols=30,
    codes=40,
    ssl_channels=12,
    frames_per_code=2,
    hidden_channels=12,
    filter_channels=20,
    n_heads=3,
    n_layers=3,
    kernel_size=3,
    window=2,
    mrte_channels=16,
    mrte_heads=4,
    spec_bins=9,
    style_channels=8,
    style_kernel=5,
    style_layers=2,
    style_heads=2,
    gin_channels=16,
    speaker_channels=0,
    inter_channels=8,
    flow_count=2,
    flow_layers=2,
    flow_kernel=3,
    pre_kernel=5,
    post_kernel=7,
    resblock="1",
    resblock_kernel_sizes=(3, 5),
    resblock_dilation_sizes=((1, 2, 3), (1, 3, 5)),
    upsample_rates=(4, 3),
    upsample_initial_channel=24,
    upsample_kernel_sizes=(8, 5),
)


def random_sizes(rng: np.random.Generator) -> SoVITSConfig:
    """Sizes that no official model has: odd depths, even kernels, steps that do not divide their kernels."""
    heads, stages, blocks = (int(rng.integers(1, high)) for high in (4, 4, 4))
    rates = rng.integers(1, 6, stages)
    kind = str(rng.integers(1, 3))
    dilations = [rng.integers(1, 6, 3 if kind == "1" else 2) for _ in range(blocks)]
    return replace(
        SMALL,
        frames_per_code=int(rng.integers(1, 3)),
        hidden_channels=heads * int(rng.integers(2, 7)),
        filter_channels=int(rng.integers(3, 20)),
        n_heads=heads,
        n_layers=int(rng.integers(2, 6)),
        kernel_size=int(rng.integers(1, 6)),
        window=int(rng.integers(1, 6)),
        speaker_channels=int(rng.integers(0, 2)) * 10,
        style_kernel=int(rng.choice([1, 3, 5])),
        inter_channels=2 * int(rng.integers(1, 6)),
        flow_count=int(rng.integers(1, 5)),
        flow_layers=int(rng.integers(1, 5)),
        flow_kernel=int(rng.choice([1, 3, 5, 7])),
        pre_kernel=int(rng.choice([1, 3, 5, 7])),
        post_kernel=int(rng.choice([3, 7])),
        resblock=kind,
        resblock_kernel_sizes=tuple(int(k) for k in rng.choice([1, 3, 5, 7, 11], blocks)),
        resblock_dilation_sizes=tuple(tuple(int(d) for d in row) for row in dilations),
        upsample_rates=tuple(int(r) for r in rates),
        upsample_initial_channel=2**stages * int(rng.integers(1, 9)),
        upsample_kernel_sizes=tuple(int(r + rng.integers(0, 8)) for r in rates),
    )


def random_model(sizes: SoVITSConfig, seed: int) -> SoVITS:
    """Weights of such a size that no signal dies or explodes on its way."""
    model = SoVITS(sizes)
    rng = np.random.default_rng(seed)

    def drawn(array: mx.array) -> mx.array:
        inputs = array.shape[0] * array.shape[1] if array.ndim == 3 else array.shape[-1]
        return mx.array((rng.standard_normal(array.shape) / inputs**0.5).astype(np.float32))

    model.apply(drawn)
    for up in model.generator.ups:
        taps, _, outputs = up.weight.shape
        left_over = (taps * up.stride - up.kernel) * outputs // up.stride
        up.weight[0, :, outputs - left_over :] = (
            0  # the last taps stand first, those beyond the kernel are none
        )
    return model
