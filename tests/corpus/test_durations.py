"""Frames of each phone: from an alignment, or by where the sound is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_voice.corpus import durations
from mlx_voice.errors import InputError

GRID = """File type = "ooTextFile"
Object class = "TextGrid"
xmin = 0
xmax = 1
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 1
        intervals: size = 1
        intervals [1]:
            xmin = 0.2
            xmax = 0.8
            text = "hay"
    item [2]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 1
        intervals: size = 4
        intervals [1]:
            xmin = 0
            xmax = 0.2
            text = ""
        intervals [2]:
            xmin = 0.2
            xmax = 0.3
            text = "HH"
        intervals [3]:
            xmin = 0.3
            xmax = 0.8
            text = "EY1"
        intervals [4]:
            xmin = 0.8
            xmax = 1
            text = "sil"
"""


def test_a_textgrid_of_mfa() -> None:
    intervals = durations.read_textgrid(GRID, "clip")
    assert intervals == [(0, 0.2, ""), (0.2, 0.3, "HH"), (0.3, 0.8, "EY1"), (0.8, 1, "sil")]
    found = durations.aligned(intervals, ["HH", "EY1", "."], 50, 0.02)
    assert found.tolist() == [15, 25, 10]  # the silence before it is the first phone's
    assert durations.aligned(intervals, [",", "HH", "EY1", "."], 50, 0.02).tolist() == [10, 5, 25, 10]


def test_labels_that_disagree_share_the_time_between_those_that_agree() -> None:
    intervals = [(0.0, 0.2, "K"), (0.2, 0.3, "AE"), (0.3, 0.6, "X"), (0.6, 1.0, "T")]
    assert durations.aligned(intervals, ["K", "AE1", "S", "S", "S", "T"], 50, 0.02).tolist() == [
        10,
        5,
        5,
        5,
        5,
        20,
    ]


@pytest.mark.parametrize(
    "text", ["", GRID.replace('"phones"', '"other"'), GRID.replace("xmin = 0.3", "xmin = 0.9")]
)
def test_what_is_no_alignment(text: str) -> None:
    with pytest.raises(InputError, match="no tier of phones"):
        durations.read_textgrid(text, "clip")


@settings(deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=200), st.integers(1, 60))
def test_estimates_fill_the_sound(energy: list[float], phones: int) -> None:
    found = durations.estimated(np.array(energy, np.float32), phones, len(energy))
    assert len(found) == phones
    assert found.sum() == len(energy)
    assert found.min() >= 0


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "c", ",", "."]), min_size=1, max_size=20), st.data())
def test_alignments_fill_the_sound(phones: list[str], data: st.DataObject) -> None:
    edges = sorted(data.draw(st.lists(st.floats(0, 2), min_size=2, max_size=12)))
    labels = data.draw(
        st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=len(edges) - 1, max_size=len(edges) - 1)
    )
    intervals = list(zip(edges[:-1], edges[1:], labels, strict=True))
    found = durations.aligned(intervals, phones, 100, 0.02)
    assert found.sum() == 100
    assert found.min() >= 0


def test_speech_lasts_longer_than_silence() -> None:
    energy = np.concatenate([np.zeros(50), np.ones(50)]).astype(np.float32)
    found = durations.estimated(energy, 10, 100)
    assert found[0] > 40
    assert set(found[2:].tolist()) <= {5, 6}
