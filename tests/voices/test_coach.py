"""The coach hears what is wrong with a reference, and finds the best part of a long one."""

from pathlib import Path

import numpy as np
import pytest

from mlx_voice.audio import write
from mlx_voice.errors import AudioError, InputError
from mlx_voice.voices.coach import best_window, coach, fit, guess, listen

RATE = 16000
draw = np.random.default_rng(7)


def speech(seconds: float, level: float = 0.3) -> np.ndarray:
    """Syllables of 0.2 s: a buzz that swells and falls, over a little noise."""
    time = np.arange(round(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 12))
    swell = np.sin(np.pi * (time % 0.2) / 0.2) ** 2
    return (level / 2 * buzz * swell + 1e-4 * draw.standard_normal(len(time))).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    return (1e-4 * draw.standard_normal(round(seconds * RATE))).astype(np.float32)


def test_good_speech_is_taken_whole_and_as_it_is() -> None:
    wave = speech(6)
    heard = coach(wave, RATE)
    assert np.array_equal(heard.samples, wave)
    assert heard.advice == ()


@pytest.mark.parametrize(
    ("samples", "complaint"),
    [
        (np.zeros(0, np.float32), "empty"),
        (np.zeros(5 * RATE, np.float32), "silent"),
        (np.full(5 * RATE, np.nan, np.float32), "NaN"),
        (speech(0.4), "too short"),
    ],
)
def test_what_is_no_reference_is_refused_in_one_sentence(samples: np.ndarray, complaint: str) -> None:
    with pytest.raises(AudioError, match=complaint) as caught:
        coach(samples, RATE)
    assert "\n" not in str(caught.value)


def test_two_hours_are_refused_without_reading_them(tmp_path: Path) -> None:
    write(tmp_path / "long.flac", np.zeros(2 * 3600 * 1000, np.float32), 1000)
    with pytest.raises(AudioError, match="longer than 600 s"):
        listen(tmp_path / "long.flac")


@pytest.mark.parametrize(
    ("samples", "rate", "advice"),
    [
        (speech(2), RATE, "lasts 2.0 s"),
        (speech(6), 8000, "8000 Hz"),
        (np.clip(10 * speech(6), -1, 1), RATE, "clipped"),
        (speech(6, 0.005), RATE, "quiet"),
        (speech(6) + 0.05 * draw.standard_normal(6 * RATE).astype(np.float32), RATE, "above the noise"),
        (np.concatenate([speech(1.5), silence(5)]), RATE, "cut the silence"),
        (np.stack([speech(6)] * 2, axis=1), RATE, "mixed to one"),
    ],
)
def test_what_could_be_better_is_said(samples: np.ndarray, rate: int, advice: str) -> None:
    assert any(advice in sentence for sentence in coach(samples, rate).advice)


def test_channels_that_cancel_are_not_mixed() -> None:
    wave = speech(5)
    assert np.array_equal(coach(np.stack([-wave, wave], axis=1), RATE).samples ** 2, wave**2)
    left = coach(np.stack([wave, np.zeros_like(wave)], axis=1), RATE)
    assert np.array_equal(left.samples, wave)


def test_more_than_full_scale_is_brought_back() -> None:
    assert np.abs(coach(5 * speech(5), RATE).samples).max() == 1


def test_of_a_long_clip_the_densest_part_between_pauses_is_used() -> None:
    parts = [silence(3), speech(2), silence(2), speech(8), silence(3), speech(1.6), silence(2)]
    heard = coach(np.concatenate(parts), RATE)
    assert 6.8 <= heard.start <= 7.0
    assert 8.0 <= heard.seconds <= 8.5
    assert any("is used" in sentence for sentence in heard.advice)


def test_a_clipped_stretch_is_avoided() -> None:
    shouting = np.sign(speech(8)).astype(np.float32)
    start, end = best_window(np.concatenate([shouting, silence(0.5), speech(5), silence(0.5)]), RATE)
    assert start > 8
    assert end > 13


def test_a_clip_without_pauses_has_a_window_too() -> None:
    start, end = best_window(speech(30), RATE)
    assert 3 <= end - start <= 10


def test_a_window_can_be_chosen() -> None:
    wave = np.concatenate([speech(20), silence(1)])
    heard = coach(wave, RATE, window=(4.0, 9.0))
    assert np.array_equal(heard.samples, wave[4 * RATE : 9 * RATE])
    with pytest.raises(InputError, match="window"):
        coach(wave, RATE, window=(18, 25))


@pytest.mark.parametrize(
    ("text", "language", "seconds", "advice"),
    [
        ("今天天气很好，我们去公园。", "zh", 3.0, None),
        ("The weather is fine, let us go to the park.", "en", 3.0, None),
        ("The weather is fine.", "zh", 2.0, "--language en"),
        ("今天天气很好，我们去公园。" * 5, "zh", 4.0, "exactly what is said"),
        ("好。", "zh", 9.0, "exactly what is said"),
    ],
)
def test_a_text_that_does_not_fit_is_noticed(
    text: str, language: str, seconds: float, advice: str | None
) -> None:
    said = fit(text, language, seconds)
    assert (not said) if advice is None else advice in " ".join(said)


@pytest.mark.parametrize(
    ("text", "language"), [("你好", "zh"), ("Hello", "en"), ("こんにちは世界", "ja"), ("안녕하세요", "ko")]
)
def test_a_language_is_guessed_by_its_script(text: str, language: str) -> None:
    assert guess(text) == language
