"""What is said in a 16 kHz wave, by a small network in HuBERT's place: it also tells when each phone is said.

A log-mel of 50 frames a second, residual dilated convolutions, features; a phone head for the alignment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Self

import numpy as np

from mlx_voice.device import mx, nn
from mlx_voice.errors import AudioError
from mlx_voice.nn.conv import Conv1d
from mlx_voice.nn.weights import Array


@dataclass(frozen=True)
class ContentConfig:
    n_fft: int
    hop: int
    mels: int
    top: float  # Hz, the end of the last mel band
    floor: float  # under which a band is silent
    mean: float  # of the log-mel
    scale: float
    width: int
    kernel: int
    dilations: tuple[int, ...]  # one residual block each
    features: int
    phones: int  # that the head knows

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        table = {field.name: values[field.name] for field in fields(cls)}
        return cls(**table | {"dilations": tuple(table["dilations"])})


class Block(nn.Module):
    def __init__(self, config: ContentConfig, dilation: int) -> None:
        super().__init__()
        width, reach = config.width, dilation * (config.kernel // 2)
        self.norm = nn.LayerNorm(width)
        self.conv = Conv1d(width, width, config.kernel, dilation=dilation, padding=reach)
        self.point = nn.Linear(width, width)

    def __call__(self, x: mx.array) -> mx.array:
        out: mx.array = x + self.point(nn.relu(self.conv(self.norm(x))))
        return out


class Content(nn.Module):
    def __init__(self, config: ContentConfig) -> None:
        super().__init__()
        self.config = config
        self.inputs = Conv1d(config.mels, config.width, config.kernel, padding=config.kernel // 2)
        self.blocks = [Block(config, dilation) for dilation in config.dilations]
        self.outputs = nn.Linear(config.width, config.features)
        self.head = nn.Linear(config.features, config.phones)

    def __call__(self, wave: mx.array) -> mx.array:
        """[B, n] -> [B, n // hop, features]"""
        x = nn.relu(self.inputs(self.log_mel(wave).astype(self.outputs.weight.dtype)))
        for block in self.blocks:
            x = block(x)
        out: mx.array = self.outputs(x)
        return out

    def log_mel(self, wave: mx.array) -> mx.array:
        """[B, n] -> [B, n // hop, mels], normalised; reflected edges centre each frame on its hop."""
        config = self.config
        edge = (config.n_fft - config.hop) // 2
        if wave.shape[1] <= edge:
            raise AudioError(
                f"The audio has {wave.shape[1]} samples, the encoder needs over {edge}: give more of it."
            )
        wave = wave.astype(mx.float32)
        wave = mx.concatenate([wave[:, edge:0:-1], wave, wave[:, -2 : -edge - 2 : -1]], axis=1)
        batch, n = wave.shape
        count = (n - config.n_fft) // config.hop + 1
        frames = mx.as_strided(wave, (batch, count, config.n_fft), (n, config.hop, 1))
        window, filters = _analysis(config)
        magnitudes = mx.abs(mx.fft.rfft(frames * mx.array(window)))
        bands = mx.maximum(magnitudes @ mx.array(filters), config.floor)
        return (mx.log(bands) - config.mean) / config.scale

    def align(self, wave: mx.array, phones: Sequence[int]) -> Array:
        """Codes (pairs of frames) that each phone lasts, int32: the likeliest way through the phone head."""
        return self.aligned(self(wave), phones)

    def aligned(self, features: mx.array, phones: Sequence[int]) -> Array:
        """The same for a wave whose features [1, frames, features] are known."""
        scores = self.head(features)[0].astype(mx.float32)
        scores = scores - mx.logsumexp(scores, axis=-1, keepdims=True)
        pairs = np.array(scores[: scores.shape[0] // 2 * 2]).reshape(-1, 2, self.config.phones).sum(axis=1)
        if len(pairs) < len(phones):
            raise AudioError(
                f"The reference has {len(pairs)} frames for {len(phones)} phones: "
                "its text is not what is said in it."
            )
        return monotonic(pairs[:, list(phones)])


def monotonic(scores: Array) -> Array:
    """[frames, phones] -> frames of each phone in order, at least one each, with the best sum of scores."""
    count, phones = scores.shape
    best = np.full(phones, -np.inf)
    best[0] = scores[0, 0]
    moved = np.zeros(scores.shape, bool)
    for t in range(1, count):
        before = np.concatenate([[-np.inf], best[:-1]])
        moved[t] = before > best
        best = np.where(moved[t], before, best) + scores[t]
    lasting = np.zeros(phones, np.int32)
    phone = phones - 1
    for t in range(count - 1, -1, -1):
        lasting[phone] += 1
        phone -= int(moved[t, phone])
    return lasting


@lru_cache(maxsize=4)
def _analysis(config: ContentConfig) -> tuple[Array, Array]:
    """Periodic Hann window; triangles of unit sum, evenly spaced on the mel scale [bins, mels]."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(config.n_fft) / config.n_fft)
    highest = 2595 * np.log10(1 + config.top / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, config.mels + 2) / 2595) - 1)
    bins = np.linspace(0, config.top, config.n_fft // 2 + 1)[:, None]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    table = np.maximum(0, np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle)))
    table /= np.maximum(table.sum(axis=0), 1e-3)
    return window.astype(np.float32), table.astype(np.float32)
