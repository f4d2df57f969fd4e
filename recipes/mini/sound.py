"""One analysis serves everything: magnitudes of a 1024-point STFT at 16 kHz, 50 frames a second.

The 80-bin log-mel of it is what the content encoder hears and, normalised, the decoder's latent. Twice its
magnitudes are the 704-bin reference spectrogram of v2 (32 kHz, 2048 points, hop 640) below 8 kHz.
"""

from functools import cache

import numpy as np

RATE, HOP, SIZE, BINS = 16000, 320, 1024, 80
FLOOR = 1e-4
MEAN, SCALE = -3.0, 2.7  # of the log-mel over speech, about: the latent is (mel - MEAN) / SCALE


@cache
def filters() -> np.ndarray:
    """Triangles on the mel scale 2595 log10(1 + f/700), 0-8 kHz, each of unit sum: [513, 80]."""
    top = 2595 * np.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, BINS + 2) / 2595) - 1)
    bins = np.arange(SIZE // 2 + 1) * RATE / SIZE
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    up, down = (bins[:, None] - low) / (middle - low), (high - bins[:, None]) / (high - middle)
    table = np.maximum(0, np.minimum(up, down))
    return (table / np.maximum(table.sum(0), 1e-3)).astype(np.float32)


def magnitudes(wave: np.ndarray) -> np.ndarray:
    """[n] -> [n // 320, 513]"""
    pad = (SIZE - HOP) // 2
    wave = np.pad(wave, pad, mode="reflect")
    pieces = np.lib.stride_tricks.sliding_window_view(wave, SIZE)[::HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SIZE) / SIZE)
    return np.abs(np.fft.rfft(pieces * window, axis=-1)).astype(np.float32)


def log_mel(wave: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(magnitudes(wave) @ filters(), FLOOR))
