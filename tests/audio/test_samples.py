"""Resampling against the formula written out, and the sentences about unusable references."""

import math

import numpy as np
import pytest

from mlx_voice.audio import (
    Samples,
    check_reference,
    check_samples,
    mono,
    peak_limited,
    resample,
    resample_sinc,
)
from mlx_voice.errors import AudioError


def noise(n: int, seed: int = 0) -> Samples:
    return (0.3 * np.random.default_rng(seed).standard_normal(n)).astype(np.float32)


def sinc_by_definition(x: Samples, old: int, new: int) -> list[float]:
    """One output sample at a time, from the continuous kernel."""
    cutoff = min(old, new) * 0.99
    out = []
    for i in range(math.ceil(len(x) * new / old)):
        here = i / new
        distance = np.clip((np.arange(len(x)) / old - here) * cutoff, -6, 6)
        kernel = np.sinc(distance) * np.cos(distance * np.pi / 12) ** 2 * cutoff / old
        out.append(float(kernel @ x))
    return out


@pytest.mark.parametrize(("old", "new"), [(32000, 16000), (44100, 32000), (16000, 24000), (22050, 48000)])
def test_sinc_is_its_definition(old: int, new: int) -> None:
    x = noise(700)
    np.testing.assert_allclose(resample_sinc(x, old, new), sinc_by_definition(x, old, new), atol=2e-6)


@pytest.mark.parametrize("change", [resample, resample_sinc])
def test_a_tone_keeps_its_pitch_and_the_length_is_rounded_up(change) -> None:  # type: ignore[no-untyped-def]
    x = np.sin(2 * np.pi * 1000 * np.arange(44101) / 44100).astype(np.float32)
    y = change(x, 44100, 16000)
    assert len(y) == math.ceil(44101 * 16000 / 44100) and y.dtype == np.float32
    assert np.argmax(np.abs(np.fft.rfft(y[:16000]))) == 1000
    assert change(x, 44100, 44100) is x


def test_stereo_is_resampled_and_mixed_down() -> None:
    both = np.stack([noise(1000), noise(1000, 1)], axis=1)
    np.testing.assert_allclose(
        mono(resample(both, 32000, 16000)), resample(mono(both), 32000, 16000), atol=1e-6
    )


def test_a_peak_is_halved_at_most() -> None:
    for peak, expected in ((0.9, 0.9), (1.5, 1.0), (3.0, 1.5)):
        assert np.abs(peak_limited(np.array([peak, -0.1], np.float32))).max() == pytest.approx(expected)
    assert peak_limited(np.zeros(0, np.float32)).size == 0


def test_unusable_references_are_named() -> None:
    good = noise(5 * 16000)
    check_reference(good, 16000)
    check_reference(np.stack([good, good], axis=1), 16000)
    broken = good.copy()
    broken[7] = np.nan
    cases = {"empty": good[:0], "not numbers": broken, "silent": good * 1e-6, "too short": good[:16000]}
    cases["too long"] = np.tile(good, 3)
    for words, samples in cases.items():
        with pytest.raises(AudioError, match=words) as error:
            check_reference(samples, 16000)
        assert str(error.value).count(".") - str(error.value).count(".00") == 1
    check_samples(np.tile(good, 3))
