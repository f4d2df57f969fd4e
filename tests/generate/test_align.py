"""Attention -> when each phone and word is heard, and whether all is well."""

from itertools import pairwise
from typing import Any

import numpy as np
from reference_model import Sentence, Span

from mlx_voice.generate.align import Verdict, boundaries, judged, path, words_of


def heard(lengths: list[int], blur: float = 0.05, seed: int = 0) -> np.ndarray:
    """Attention of phones that last so many frames."""
    way = np.repeat(np.arange(len(lengths)), lengths)
    rng = np.random.default_rng(seed)
    attention = np.exp(-((np.arange(len(lengths)) - way[:, None]) ** 2)) + blur * rng.random(
        (len(way), len(lengths))
    )
    return attention / attention.sum(axis=1, keepdims=True)


def edges(attention: np.ndarray) -> np.ndarray:
    return boundaries(path(attention), attention.shape[1])


def verdict(attention: np.ndarray) -> Verdict:
    return judged(attention, path(attention), 0.02, True)


def test_the_path_finds_the_lengths(count: Any) -> None:
    rng = np.random.default_rng(3)
    for trial in range(count(20, 500)):
        lengths = rng.integers(2, 12, rng.integers(1, 40)).tolist()
        found = np.diff(boundaries(path(heard(lengths, seed=trial)), len(lengths)))
        assert np.abs(np.cumsum(found) - np.cumsum(lengths)).max() <= 1


def test_a_path_through_too_few_frames() -> None:
    way = path(np.full((3, 20), 0.05))
    assert way[0] == 0 and (np.diff(way) >= 0).all() and len(way) == 3
    assert boundaries(way, 20).tolist()[-1] == 3


def test_words_of_chinese_english_and_figures() -> None:
    zh = Span("zh", "二十,你好", (1,) * 9, (2, 2, 1, 2, 2), origin=((0, 2), (0, 2), (2, 3), (3, 4), (4, 5)))
    en = Span("en", "big cat.", (1,) * 7, None, origin=tuple((5 + i, 6 + i) for i in range(8)))
    said = Sentence((zh, en))
    words = words_of(said, edges(heard([4] * 16)), 0.02)  # type: ignore[arg-type]
    assert [word.text for word in words] == ["二十", "你", "好", "big", "cat"]
    starts = [round(word.start / 0.08) for word in words]
    assert starts == [0, 5, 7, 9, 12] and words[0].end < words[1].start
    assert all(a.end <= b.start for a, b in pairwise(words))


def test_a_word_that_nobody_hears_is_left_out() -> None:
    zh = Span("zh", "你好吗", (1,) * 3, (1, 1, 1), origin=((0, 1), (1, 2), (2, 3)))
    attention = np.repeat(np.array([[1, 0, 0], [0, 0, 1.0]]), 5, axis=0)
    words = words_of(Sentence((zh,)), edges(attention), 0.02)  # type: ignore[arg-type]
    assert [word.text for word in words] == ["你", "吗"]


def test_faults_are_found_and_good_speech_is_not_blamed(count: Any) -> None:
    rng = np.random.default_rng(4)
    found = alarms = 0
    trials = count(40, 200)
    for trial in range(trials):
        lengths = rng.integers(4, 9, 40).tolist()
        good = heard(lengths, seed=trial)
        alarms += not verdict(good).sound
        frames = len(good)
        cut = good[: int(frames * 0.6)]
        found += not verdict(cut).sound
    assert found >= 0.9 * trials and alarms <= 0.02 * trials


def test_an_end_that_did_not_come_is_a_fault() -> None:
    attention = heard([5] * 10)
    good, bad = (judged(attention, path(attention), 0.02, complete) for complete in (True, False))
    assert good.sound and not bad.sound and good.rank > bad.rank
