"""The content encoder against the same mathematics in numpy, and its alignment against every way there is."""

from itertools import combinations

import numpy as np
import pytest

from mlx_voice.device import mx
from mlx_voice.errors import AudioError
from mlx_voice.models.content import Content, ContentConfig, monotonic

CONFIG = ContentConfig.from_dict({
    "n_fft": 64, "hop": 20, "mels": 10, "top": 8000, "floor": 1e-4, "mean": -3.0, "scale": 2.7, "width": 8,
    "kernel": 5, "dilations": [1, 3], "features": 6, "phones": 9,
})  # fmt: skip


def network(seed: int = 0) -> tuple[Content, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    made = Content(CONFIG)
    shapes = dict(_flat(made.parameters()))
    weights = {name: rng.normal(0, 0.4, array.shape).astype(np.float32) for name, array in shapes.items()}
    made.load_weights([(name, mx.array(value)) for name, value in weights.items()])
    return made, weights


def _flat(tree, prefix=""):
    items = enumerate(tree) if isinstance(tree, list) else tree.items()
    for name, value in items:
        path = f"{prefix}{name}"
        yield from _flat(value, path + ".") if isinstance(value, dict | list) else [(path, value)]


def conv(x, weight, bias, dilation=1):
    reach = dilation * (len(weight) // 2)
    padded = np.pad(x, ((reach, reach), (0, 0)))
    return sum(padded[k * dilation : k * dilation + len(x)] @ weight[k] for k in range(len(weight))) + bias


def mel_of(wave):
    edge = (CONFIG.n_fft - CONFIG.hop) // 2
    wave = np.pad(wave, edge, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(CONFIG.n_fft) / CONFIG.n_fft)
    frames = np.stack(
        [wave[i : i + CONFIG.n_fft] for i in range(0, len(wave) - CONFIG.n_fft + 1, CONFIG.hop)]
    )
    magnitudes = np.abs(np.fft.rfft(frames * window))
    highest = 2595 * np.log10(1 + CONFIG.top / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, CONFIG.mels + 2) / 2595) - 1)
    bins = np.arange(CONFIG.n_fft // 2 + 1) * 2 * CONFIG.top / CONFIG.n_fft
    bands = []
    for low, middle, high in zip(edges, edges[1:], edges[2:], strict=False):
        triangle = np.interp(bins, [low, middle, high], [0, 1, 0], left=0, right=0)
        bands.append(magnitudes @ triangle / max(triangle.sum(), 1e-3))
    return (np.log(np.maximum(np.stack(bands, 1), CONFIG.floor)) - CONFIG.mean) / CONFIG.scale


def features_of(wave, weights):
    x = np.maximum(conv(mel_of(wave), weights["inputs.weight"], weights["inputs.bias"]), 0)
    for i, dilation in enumerate(CONFIG.dilations):
        w = {name: weights[f"blocks.{i}.{name}"] for name in (
            "norm.weight", "norm.bias", "conv.weight", "conv.bias", "point.weight", "point.bias",
        )}  # fmt: skip
        normed = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
        inner = conv(normed * w["norm.weight"] + w["norm.bias"], w["conv.weight"], w["conv.bias"], dilation)
        x = x + np.maximum(inner, 0) @ w["point.weight"].T + w["point.bias"]
    return x @ weights["outputs.weight"].T + weights["outputs.bias"]


def test_the_network_is_its_mathematics():
    made, weights = network()
    waves = np.random.default_rng(1).normal(0, 0.1, (2, 810)).astype(np.float32)
    features = np.array(made(mx.array(waves)))
    assert features.shape == (2, 810 // CONFIG.hop, CONFIG.features)
    for row, wave in zip(features, waves, strict=True):
        np.testing.assert_allclose(row, features_of(wave, weights), rtol=1e-3, atol=1e-3)


def test_half_precision_is_close():
    made, _ = network()
    wave = mx.array(np.random.default_rng(1).normal(0, 0.1, (1, 800)).astype(np.float32))
    full = np.array(made(wave))
    made.set_dtype(mx.float16)
    half = np.array(made(wave).astype(mx.float32))
    assert np.abs(half - full).max() < 0.03 * np.abs(full).max()


def test_the_alignment_is_the_best_of_all():
    rng = np.random.default_rng(2)
    for frames, phones in ((7, 3), (5, 5), (6, 1), (8, 4)):
        scores = rng.normal(size=(frames, phones))
        found = monotonic(scores)
        ways = []
        for cuts in combinations(range(1, frames), phones - 1):
            edges = (0, *cuts, frames)
            lasting = np.diff(edges)
            ways.append(
                (scores[np.arange(frames), np.repeat(np.arange(phones), lasting)].sum(), lasting.tolist())
            )
        assert found.tolist() == max(ways)[1]


def test_align_gives_each_phone_its_codes():
    made, _ = network()
    wave = mx.array(np.random.default_rng(3).normal(0, 0.1, (1, 830)).astype(np.float32))
    lasting = made.align(wave, [3, 1, 4, 1, 5])
    assert lasting.dtype == np.int32 and lasting.min() >= 1
    assert lasting.sum() == made(wave).shape[1] // 2


def test_too_little_sound_is_told():
    made, _ = network()
    with pytest.raises(AudioError, match="give more"):
        made(mx.zeros((1, 20)))
    with pytest.raises(AudioError, match="its text is not"):
        made.align(mx.zeros((1, 100)), [1, 2, 3, 4])
