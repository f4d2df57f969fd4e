"""A string under rewriting remembers where its characters were written."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_voice.text.reading import Traced


def test_a_replacement_stands_where_the_match_stood() -> None:
    text = Traced.of("ab 12 cd").sub(re.compile(r"\d+"), lambda _: "twelve")
    assert text.text == "ab twelve cd"
    assert text.origin[3:9] == ((3, 5),) * 6
    assert text.origin[9:] == ((5, 6), (6, 7), (7, 8))


def test_a_replacement_of_the_same_length_keeps_each_place() -> None:
    assert Traced.of("x12").sub(re.compile(r"\d+"), "ab").origin == ((0, 1), (1, 2), (2, 3))


def test_what_is_put_between_has_an_empty_place() -> None:
    text = Traced.of("ab").sub(re.compile("$"), "!")
    assert text.text == "ab!"
    assert text.origin[-1] == (2, 2)


def test_translate_drops_and_grows() -> None:
    text = Traced.of("a-b").translate({"-": "", "b": "xy"})
    assert (text.text, text.origin) == ("axy", ((0, 1), (2, 3), (2, 3)))


def test_split_leaves_the_match_with_what_it_ends() -> None:
    parts = Traced.of("a,b,").split(re.compile(","))
    assert [part.text for part in parts] == ["a,", "b,"]


@pytest.mark.parametrize("pattern", ["a", "a|$", "(?=b)", "[ab]+"])
@given(st.text("abc", max_size=30))
def test_the_text_is_what_a_plain_sub_gives(pattern: str, text: str) -> None:
    traced = Traced.of(text).sub(re.compile(pattern), "xyz")
    assert traced.text == re.sub(pattern, "xyz", text)
    assert len(traced.origin) == len(traced)
    assert list(traced.origin) == sorted(traced.origin)
