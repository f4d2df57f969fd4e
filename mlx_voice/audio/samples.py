"""Arithmetic on float32 samples [n], or [n, channels]: mixing down, limiting, changing the rate."""

import math
from functools import lru_cache
from typing import Any

import numpy as np
import soxr

Samples = np.ndarray[Any, np.dtype[np.float32]]

LOBES = 6  # zero crossings of the sinc kernel on each side
ROLLOFF = 0.99  # its cut-off, as a share of the lower Nyquist frequency


def mono(samples: Samples) -> Samples:
    return samples if samples.ndim == 1 else samples.mean(axis=1, dtype=np.float32)


def peak_limited(samples: Samples) -> Samples:
    """As references are limited before their spectrogram: a peak above 1 is divided by at most 2."""
    peak = float(np.abs(samples).max(initial=0.0))
    return samples / np.float32(min(2.0, peak)) if peak > 1 else samples


def resample(samples: Samples, rate: int, to: int) -> Samples:
    """The best ratio of quality to time (soxr HQ): what HuBERT was given in training."""
    if rate == to:
        return samples
    out = soxr.resample(samples.astype(np.float32, copy=False), rate, to, quality="HQ")
    return _fitted(out, math.ceil(len(samples) * to / rate))


def resample_sinc(samples: Samples, rate: int, to: int) -> Samples:
    """A short Hann-windowed sinc on samples [n]: what the speaker encoder was given in training.

    Every `rate/gcd` samples in give `to/gcd` out, so the whole is one product of frames with a kernel table.
    """
    if rate == to:
        return samples
    old, new = rate // math.gcd(rate, to), to // math.gcd(rate, to)
    kernel, reach = _sinc_kernel(old, new)
    padded = np.pad(samples.astype(np.float32, copy=False), (reach, reach + old))
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + old)[::old]
    return _fitted((frames @ kernel).reshape(-1), math.ceil(len(samples) * new / old))


@lru_cache(maxsize=8)
def _sinc_kernel(old: int, new: int) -> tuple[Samples, int]:
    """The kernel [2 * reach + old, new] and its reach in input samples."""
    cutoff = min(old, new) * ROLLOFF
    reach = math.ceil(LOBES * old / cutoff)
    taps = np.arange(-reach, reach + old)[:, None] / old
    time = np.clip((taps - np.arange(new) / new) * cutoff, -LOBES, LOBES)
    window = np.cos(time * np.pi / LOBES / 2) ** 2
    return (np.sinc(time) * window * cutoff / old).astype(np.float32), reach


def _fitted(samples: Samples, length: int) -> Samples:
    """Cut or zero-padded at the end to a length."""
    missing = length - len(samples)
    if missing <= 0:
        return samples[:length]
    return np.pad(samples, [(0, missing)] + [(0, 0)] * (samples.ndim - 1))
