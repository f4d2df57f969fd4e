"""Spectra on MLX: all frames of a sound go through one real FFT."""

import math
from functools import lru_cache
from typing import Any

import numpy as np

from mlx_voice.audio.samples import Samples
from mlx_voice.device import mx
from mlx_voice.errors import AudioError

FLOOR = 1.1920929e-07  # float32's epsilon, below which a mel energy counts as nothing
SILENT_MEL = 1e-5  # the same for mel magnitudes


def spectrogram(wave: mx.array | Samples, n_fft: int, hop: int, bins: int | None = None) -> mx.array:
    """Linear magnitudes [..., n // hop, bins] of waves [..., n]: what the decoder's reference encoder reads.

    The wave is reflected at both ends, so that each frame is centred on its hop; all bins unless told.
    """
    wave = mx.array(wave)
    edge = (n_fft - hop) // 2
    if wave.shape[-1] <= edge:
        raise AudioError(
            f"The audio has {wave.shape[-1]} samples, a spectrogram needs over {edge}: give more of it."
        )
    before, after = wave[..., edge:0:-1], wave[..., -2 : -edge - 2 : -1]
    framed = _frames(mx.concatenate([before, wave, after], axis=-1), n_fft, hop)
    spectrum = mx.fft.rfft(framed * mx.array(_hann(n_fft)))[..., :bins]
    return mx.sqrt(spectrum.real.square() + spectrum.imag.square() + 1e-8)


def fbank(wave: mx.array | Samples, rate: int = 16000, mels: int = 80) -> mx.array:
    """Kaldi's log mel energies [..., frames, mels] of waves [..., n]: 25 ms every 10 ms, no dither."""
    size, hop = rate * 25 // 1000, rate // 100
    wave = mx.array(wave)
    if wave.shape[-1] < size:
        raise AudioError(f"The audio has {wave.shape[-1]} samples, a frame needs {size}: give more of it.")
    framed = _frames(wave, size, hop)
    framed = framed - framed.mean(axis=-1, keepdims=True)
    shifted = mx.concatenate([framed[..., :1], framed[..., :-1]], axis=-1)
    framed = (framed - 0.97 * shifted) * mx.array(_povey(size))
    n_fft = 1 << (size - 1).bit_length()
    spectrum = mx.fft.rfft(framed, n=n_fft)
    power = spectrum.real.square() + spectrum.imag.square()
    return mx.log(mx.maximum(power @ mx.array(_mel_filters(rate, n_fft, mels)), FLOOR))


def log_mel(magnitudes: mx.array, rate: int, mels: int = 80) -> mx.array:
    """Log mel magnitudes [..., frames, mels] of all bins of a spectrogram [..., frames, n_fft // 2 + 1]."""
    n_fft = 2 * (magnitudes.shape[-1] - 1)
    return mx.log(mx.maximum(magnitudes @ mx.array(_mel_filters(rate, n_fft, mels)), SILENT_MEL))


def _frames(wave: mx.array, size: int, hop: int) -> mx.array:
    """Overlapping windows [..., frames, size] that share the wave's memory."""
    *batch, n = wave.shape
    count = (n - size) // hop + 1
    steps = [math.prod(batch[i + 1 :]) * n for i in range(len(batch))]
    return mx.as_strided(wave, (*batch, count, size), (*steps, hop, 1))


@lru_cache(maxsize=8)
def _hann(size: int) -> Samples:
    """Periodic."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)


@lru_cache(maxsize=8)
def _povey(size: int) -> Samples:
    """A symmetric Hann window to the power 0.85."""
    return ((0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / (size - 1))) ** 0.85).astype(np.float32)


@lru_cache(maxsize=8)
def _mel_filters(rate: int, n_fft: int, mels: int, lowest: float = 20.0) -> Samples:
    """Triangles [n_fft // 2 + 1, mels], straight on the mel axis, from `lowest` Hz to half the rate."""

    def mel(hertz: Any) -> Any:
        return 1127.0 * np.log(1.0 + np.asarray(hertz) / 700.0)

    edges = np.linspace(mel(lowest), mel(rate / 2), mels + 2)
    place = mel(np.arange(n_fft // 2 + 1) * rate / n_fft)[:, None]
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (place - left) / (centre - left), (right - place) / (right - centre)
    triangles: Samples = np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
    return triangles
