"""F0 and energy against sounds whose truth is known."""

import numpy as np
import pytest

from mlx_voice.corpus import pitch

RATE, HOP = 16000, 320


@pytest.mark.parametrize("hertz", [70, 110, 183.5, 260, 440])
@pytest.mark.parametrize("harmonics", [1, 12])
def test_a_steady_voice(hertz: float, harmonics: int) -> None:
    t = np.arange(RATE) / RATE
    wave = sum(np.sin(2 * np.pi * hertz * k * t + k) / k for k in range(1, harmonics + 1) if hertz * k < 7000)
    found = pitch.f0((0.2 * wave).astype(np.float32), RATE, 50, HOP)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[2:-3], hertz, rtol=0.01)


def test_a_glide_is_followed() -> None:
    t = np.arange(2 * RATE) / RATE
    truth = 120 + 60 * t
    wave = sum(np.sin(2 * np.pi * k * np.cumsum(truth) / RATE) / k for k in range(1, 8))
    found = pitch.f0((0.1 * wave).astype(np.float32), RATE, 100, HOP)
    np.testing.assert_allclose(found[3:-3], truth[HOP // 2 :: HOP][3:-3], rtol=0.02)


def test_noise_and_silence_have_none() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32) * 0.1
    assert np.mean(pitch.f0(noise, RATE, 50, HOP) > 0) < 0.1
    assert not pitch.f0(np.zeros(RATE, np.float32), RATE, 50, HOP).any()


def test_energy_is_the_root_mean_square() -> None:
    wave = np.repeat(np.array([0.0, 0.5], np.float32), RATE // 2)
    found = pitch.energy(wave, 50, HOP, 1024)
    assert found.shape == (50,)
    np.testing.assert_allclose(found[:20], 0, atol=1e-6)
    np.testing.assert_allclose(found[30:46], 0.5, rtol=1e-5)


def test_frames_lie_where_the_spectrogram_has_them() -> None:
    """A click is loudest in the frame that it falls into."""
    for place in (0, 1000, 7777, 15999):
        wave = np.zeros(RATE, np.float32)
        wave[place] = 1
        windows = pitch.frames(wave, 50, HOP, HOP)
        assert windows.shape == (50, HOP)
        assert int(windows.sum(axis=1).argmax()) == place // HOP
