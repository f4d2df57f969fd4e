"""F0 and energy of a wave, all frames at once (YIN: the first lag at which a frame repeats itself)."""

import numpy as np

from mlx_voice.audio import Samples
from mlx_voice.nn.weights import Array

LOWEST, HIGHEST = 55.0, 600.0  # Hz
WINDOW = 0.03  # seconds that are compared
PERIODIC = 0.15  # the share of a frame that may differ from itself one period later
AUDIBLE = 1e-3  # root mean square below which nothing is voiced


def frames(wave: Samples, count: int, hop: int, size: int) -> Samples:
    """[count, size]: windows whose centres are those of the spectrogram's frames, zeros beyond the ends."""
    before = max(size // 2 - hop // 2, 0)
    needed = (count - 1) * hop + size
    padded = np.pad(wave, (before, max(0, needed - before - len(wave))))
    windows: Samples = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:count]
    return windows


def energy(wave: Samples, count: int, hop: int, size: int) -> Samples:
    """The root mean square of each frame."""
    power = np.concatenate([[0.0], np.cumsum(np.square(wave, dtype=np.float64))])
    centres = np.arange(count) * hop + hop // 2
    start, end = (np.clip(centres + d, 0, len(wave)) for d in (-size // 2, size // 2))
    level: Samples = np.sqrt(np.maximum(power[end] - power[start], 0) / size).astype(np.float32)
    return level


def f0(wave: Samples, rate: int, count: int, hop: int) -> Samples:
    """Hz of each frame, 0 where no voice is heard."""
    window, longest = round(WINDOW * rate), int(rate / LOWEST)
    found = [
        _of_frames(part, rate, window)
        for part in np.array_split(frames(wave, count, hop, window + longest + 1), max(1, count // 256))
    ]
    return np.concatenate(found).astype(np.float32)


def _of_frames(x: Samples, rate: int, window: int) -> Samples:
    """The difference of a frame from itself later, by FFT, over its mean so far."""
    x = x.astype(np.float64)
    size = x.shape[1]
    lags = size - window
    n_fft = 1 << (size - 1).bit_length()  # enough: at these lags nothing wraps around
    spectrum = np.fft.rfft(x, n_fft) * np.conj(np.fft.rfft(x[:, :window], n_fft))
    product = np.fft.irfft(spectrum, n_fft)[:, :lags]
    power = np.concatenate([np.zeros((len(x), 1)), np.cumsum(np.square(x), axis=1)], axis=1)
    later = power[:, window:][:, :lags] - power[:, :lags]
    difference = np.maximum(later[:, :1] + later - 2 * product, 0)
    mean = np.cumsum(difference[:, 1:], axis=1) / np.arange(1, lags)
    share = np.ones_like(difference)
    share[:, 1:] = difference[:, 1:] / np.maximum(mean, 1e-12)
    lag, depth = _first_dip(share, int(rate / HIGHEST))
    voiced = (depth < PERIODIC) & (later[:, 0] > window * AUDIBLE**2)
    return np.where(voiced, rate / _vertex(share, lag), 0.0).astype(np.float32)


def _first_dip(share: Samples, shortest: int) -> tuple[Array, Array]:
    """Of each frame the first local minimum under the threshold, else the lowest."""
    inner = share[:, shortest:-1]
    dips = (inner <= share[:, shortest - 1 : -2]) & (inner < share[:, shortest + 1 :]) & (inner < PERIODIC)
    lag = np.where(dips.any(axis=1), dips.argmax(axis=1), inner.argmin(axis=1)) + shortest
    return lag, share[np.arange(len(share)), lag]


def _vertex(share: Samples, lag: Array) -> Samples:
    """The lag between samples, by the parabola through three of them."""
    rows = np.arange(len(share))
    before, here, after = (share[rows, lag + d] for d in (-1, 0, 1))
    bend = before - 2 * here + after
    shift: Samples = np.where(bend > 1e-12, 0.5 * (before - after) / np.maximum(bend, 1e-12), 0.0)
    return lag + np.clip(shift, -0.5, 0.5)
