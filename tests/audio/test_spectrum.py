"""The spectra against the Fourier transform written out in double precision."""

import numpy as np
import pytest

from mlx_voice.audio.spectrum import fbank, spectrogram
from mlx_voice.errors import AudioError

RANDOM = np.random.default_rng(5)


def slow_spectrogram(wave: np.ndarray, n_fft: int, hop: int) -> np.ndarray:  # type: ignore[type-arg]
    edge = (n_fft - hop) // 2
    padded = np.pad(wave.astype(np.float64), edge, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(n_fft), np.arange(n_fft // 2 + 1)) / n_fft)
    starts = range(0, len(padded) - n_fft + 1, hop)
    return np.stack([np.sqrt(np.abs((padded[s : s + n_fft] * window) @ waves) ** 2 + 1e-8) for s in starts])


@pytest.mark.parametrize(("n_fft", "hop", "n"), [(2048, 640, 6400), (1024, 320, 5000), (512, 128, 1111)])
def test_spectrogram_is_the_transform(n_fft: int, hop: int, n: int) -> None:
    wave = RANDOM.standard_normal(n).astype(np.float32)
    slow, fast = slow_spectrogram(wave, n_fft, hop), np.array(spectrogram(wave, n_fft, hop))
    assert fast.shape == (n // hop, n_fft // 2 + 1)
    np.testing.assert_allclose(fast, slow, atol=1e-5 * slow.max())
    np.testing.assert_array_equal(np.array(spectrogram(wave, n_fft, hop, 40)), fast[:, :40])


def test_a_batch_is_its_rows() -> None:
    waves = RANDOM.standard_normal((3, 4000)).astype(np.float32)
    for transform in (lambda x: spectrogram(x, 1024, 320), fbank):
        together = np.array(transform(waves))
        for row, wave in zip(together, waves, strict=True):
            np.testing.assert_allclose(row, np.array(transform(wave)), atol=1e-4)


def test_fbank_peaks_at_the_tone() -> None:
    """A tone lies in the mel channel whose centre is nearest; silence is the floor."""
    rate, hertz = 16000, 1000.0
    tone = np.sin(2 * np.pi * hertz * np.arange(rate) / rate).astype(np.float32)
    energies = np.array(fbank(tone))
    assert energies.shape == (98, 80)
    lowest, highest = (1127 * np.log(1 + f / 700) for f in (20.0, 8000.0))
    centres = np.linspace(lowest, highest, 82)[1:-1]
    assert (energies.argmax(axis=1) == np.abs(centres - 1127 * np.log(1 + hertz / 700)).argmin()).all()
    np.testing.assert_allclose(np.array(fbank(np.zeros(400, np.float32))), np.log(1.1920929e-07), rtol=1e-6)


def test_too_little_sound_is_said() -> None:
    with pytest.raises(AudioError, match="700 samples"):
        spectrogram(np.zeros(700, np.float32), 2048, 640)
    with pytest.raises(AudioError, match="399 samples"):
        fbank(np.zeros(399, np.float32))
