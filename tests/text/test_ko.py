"""Korean: numbers and letters in hangul, and the rules of pronunciation."""

import pytest

from mlx_voice.text.ko import read
from mlx_voice.text.ko.normalise import normalise, sino
from mlx_voice.text.reading import Context, Traced

# The standard's own examples: what is written, and how it sounds.
SOUNDS = [
    ("국물", "궁물"),
    ("독립", "동닙"),
    ("신라", "실라"),
    ("칼날", "칼랄"),
    ("담력", "담녁"),
    ("같이", "가치"),
    ("굳이", "구지"),
    ("닫혀", "다처"),
    ("붙여", "부처"),
    ("축하", "추카"),
    ("못하다", "모타다"),
    ("앉히다", "안치다"),
    ("좋다", "조타"),
    ("좋아", "조아"),
    ("좋네", "존네"),
    ("많다", "만타"),
    ("많아", "마나"),
    ("싫어", "시러"),
    ("끓는", "끌른"),
    ("닿소", "다쏘"),
    ("국밥", "국빱"),
    ("없다", "업따"),
    ("없어", "업써"),
    ("값만", "감만"),
    ("넋이", "넉씨"),
    ("읽어", "일거"),
    ("읽고", "일꼬"),
    ("닭갈비", "닥깔비"),
    ("흙만", "흥만"),
    ("밟다", "밥따"),
    ("넓다", "널따"),
    ("여덟도", "여덜도"),
    ("앉다", "안따"),
    ("핥다", "할따"),
    ("젊다", "점따"),
    ("넘게", "넘께"),
    ("남기다", "남기다"),
    ("할게", "할께"),
    ("할 것", "할 껃"),
    ("옷 안", "옫 안"),
    ("희망", "히망"),
    ("졌다", "젇따"),
    ("꽃잎", "꼰닙"),
    ("풀잎", "풀립"),
    ("십육", "심뉵"),
    ("강아지", "강아지"),
]


@pytest.mark.parametrize(("written", "sounds"), SOUNDS)
def test_pronunciation(written: str, sounds: str) -> None:
    assert said(written) == letters(sounds)


def said(text: str) -> str:
    return "".join(read(text, Context()).phones)


def letters(sounds: str) -> str:
    """A spelling that is already as it sounds, letter by letter."""
    from mlx_voice.text.ko.sound import SPLIT_VOWELS, _syllable

    out = ""
    for char in sounds:
        part = _syllable(char)
        out += "空" if part is None else part[0] + SPLIT_VOWELS.get(part[1], part[1]) + part[2]
    return out


WRITTEN = [
    ("1945년 6월 10일", "천구백사십오년 유월 십일"),
    ("사과 3개와 배 20개", "사과 세개와 배 스무개"),
    ("21살, 120명", "스물한살, 백이십명"),
    ("12,345원", "만이천삼백사십오원"),
    ("₩1,000 $5", "천원 오달러"),
    ("3.14%", "삼점일사퍼센트"),
    ("37℃ 5km", "삼십칠도 오킬로미터"),
    ("2024-01-05", "이천이십사년 일월 오일"),
    ("010-1234-5678", "영일영-일이삼사-오육칠팔"),
    ("KBS", "케이비에스"),
    ("GPT-4, -5도", "지피티 사, 마이너스 오도"),
    ("1/2, 20대, 2대", "이분의 일, 이십대, 두대"),
]


@pytest.mark.parametrize(("written", "plain"), WRITTEN)
def test_normalised(written: str, plain: str) -> None:
    assert normalise(Traced.of(written)).text == plain


def test_numbers() -> None:
    assert [sino(n) for n in ("0", "10", "110", "10000", "100000000", "20304")] == [
        "영",
        "십",
        "백십",
        "만",
        "일억",
        "이만삼백사",
    ]
    assert sino("1" * 30) == "일" * 30


def test_marks_and_pieces() -> None:
    assert read("안녕! ", Context()).phones[-2:] == ("!", "空")
    assert read("“네”", Context()).phones == ("停", "ㄴ", "ㅔ", "停")
    assert said("가") == letters("가")  # decomposed, as a Mac's file names are
    assert said("ㅋㅋㅠ") == "ㅋㅋㅣㅜ"
    assert read("😀\ud800", Context()).phones == ()
