"""Cantonese."""

import sys

import pytest

from mlx_voice.errors import TextError
from mlx_voice.text import analyse, languages
from mlx_voice.text.lexicon import Lexicon
from mlx_voice.text.reading import Context
from mlx_voice.text.yue import phones_of, read


@pytest.mark.parametrize(
    ("syllable", "phones"),
    [
        *[
            ("nei5", ("Yn", "Yei5")),
            ("gwok3", ("Ygw", "Yok3")),
            ("jyu4", ("Yj", "Yyu4")),
            ("m4", ("Ym", "Ym4")),
        ],
        *[("ng5", ("Yng", "Yg5")), ("aa3", ("Yaa", "Ya3")), ("on1", ("Yon", "Yn1")), (",", (",",))],
    ],
)
def test_syllables(syllable: str, phones: tuple[str, ...]) -> None:
    assert phones_of(syllable) == phones


def test_figures_are_said_the_cantonese_way() -> None:
    reading = read("128蚊", Context())
    assert reading.text == "一百二十八蚊"
    assert reading.phones[:2] == ("Yj", "Yat1")
    assert "Yiu1" not in read("電話13812345678", Context()).phones


def test_traditional_characters_keep_their_readings() -> None:
    assert read("銀行喺度", Context()).phones[:4] == ("Yng", "Yan4", "Yh", "Yong4")


def test_the_user_knows_better() -> None:
    context = Context(lexicon=Lexicon.of({"行长": "hong4 zoeng2"}))
    assert read("行长", context).phones == ("Yh", "Yong4", "Yz", "Yoeng2")
    assert analyse("行长(zoeng2)", "yue")[0].phones[2:] == ("Yz", "Yoeng2")


def test_v1_models_have_no_cantonese() -> None:
    with pytest.raises(TextError, match="v1 model cannot speak Cantonese"):
        analyse("你好", "yue", symbols="v1")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ToJyutping", None)
    monkeypatch.delitem(sys.modules, "mlx_voice.text.yue")
    languages.reader.cache_clear()
    with pytest.raises(TextError, match=r'pip install "mlx-voice\[yue\]"'):
        analyse("你好", "yue")
    languages.reader.cache_clear()
