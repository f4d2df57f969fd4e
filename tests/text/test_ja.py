"""Japanese through OpenJTalk, an extra."""

import pytest

from mlx_voice.text.reading import Context, Traced

pytest.importorskip("pyopenjtalk", reason="Japanese is an extra")

from mlx_voice.text.ja import read
from mlx_voice.text.ja.normalise import normalise


def said(text: str) -> str:
    return " ".join(read(text, Context()).phones)


def test_accent_and_phrases() -> None:
    assert said("橋の端") == "h a [ sh i ] n o UNK h a [ sh i"
    assert said("こんにちは、世界！") == "k o [ N n i ch i w a , s e ] k a i !"
    assert said("えっ、まじで……？！") == "e ] cl , m a ] j i d e … ? !"


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("待ってください", "m a ] cl t e UNK k u [ d a s a ] i"),
        ("食べている", "t a ] b e t e UNK i [ r u"),
        ("入学しました", "ny u [ u g a k u UNK sh i [ m a ] sh i t a"),
    ],
)
def test_auxiliaries_begin_a_phrase_as_in_training(text: str, phones: str) -> None:
    assert said(text) == phones


def test_what_is_nan_before_dentals() -> None:
    assert said("何ですか") == "n a ] N d e s u k a"
    assert said("何が") == "n a ] n i g a"


def test_brackets_are_the_unknown_mark_of_training() -> None:
    assert said("「ね」").split()[0] == "UNK"


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("1,234円", "1234円"),
        ("¥1980", "1980円"),
        ("2024/1/5", "2024年1月5日"),
        ("7:30", "7時30分"),
        ("3.5km", "3点5キロメートル"),
        ("090-12-3456", "ゼロキューゼロ、イチニー、サンヨンゴーロク"),
        ("1/2と-5度", "2分の1とマイナス5度"),
        ("１２％", "12パーセント"),
        ("ｱｲｳ", "アイウ"),
    ],
)
def test_normalised(written: str, plain: str) -> None:
    assert normalise(Traced.of(written)).text == plain


def test_anything_goes(capfd: pytest.CaptureFixture[str]) -> None:
    for text in ("", "😀", "\ud800", "ーー", "ー", "عرب", "1" * 300, "あ" * 2000, "々", "\x00", "한국"):
        reading = read(text, Context())
        assert len(reading.origin) == len(reading.text)
    assert capfd.readouterr() == ("", "")
