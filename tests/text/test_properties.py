"""Any string is read or refused: known phones, a bounded number of them, in linear time."""

import random
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from mlx_voice.errors import TextError
from mlx_voice.text import analyse, scripts, split

POOL = (
    *(
        "你好世界的一不了着过长行得地",
        "今日は雨です",
        "안녕하세요",
        "don't ABCxyz ",
        "0123456789",
        "。，！？…；：、",
        "αβγ",
    ),
    *(
        "\ud800\udfff",
        "\x00\x01\x7f\ufffe\uffff",
        "\x1b[0m",
        "<b>hi</b><br/>",
        "&amp;&#39;&#1114111;",
        "[pause:1s]",
    ),
    *(
        "{W ER1 D}",
        "(jue2)",
        "😀👨‍👩‍👧🇨🇳",
        "مرحبا שלום",
        "é̂à́ñ",
        "𠮷𪚥",
        "$€￥%°℃+-*/=~^",
        "①②㎡½Ⅲ",
        "\n\t \u3000\u200b",
    ),
    *(
        "1,234.5 12:30 2024-01-05 3/4 -5~3℃",
        "138-1234-5678",
        "www.a.com a@b.c",
        "km m² km/h",
        "第一二十一儿",
        "١٢٣",
    ),
    *("\ue000\uf8ff\U000f0000\U0010ffff", "Mr. U.S. etc."),
)


def anything(source: random.Random) -> str:
    parts = []
    for _ in range(source.randint(0, source.choice([2, 5, 12, 30]))):
        kind = source.random()
        if kind < 0.3:
            parts.append(chr(source.randrange(0x110000)))
        elif kind < 0.95:
            words = source.choice(POOL)
            at = source.randrange(len(words))
            parts.append(words[at : at + source.randint(1, 8)])
        else:
            parts.append(str(source.randrange(10 ** source.randint(1, 40))))
    return "".join(parts)


def check(text: str, mode: str, cut: str | None, role: str) -> None:
    try:
        sentences = analyse(text, mode, cut=cut, role=role)  # type: ignore[arg-type]
    except TextError as error:
        assert "nothing to say" in str(error)
        return
    assert sum(len(s.ids) for s in sentences) <= 60 * len(text) + 20
    for sentence in sentences:
        assert sentence.said
        assert all(0 <= i < 732 for i in sentence.ids)
        assert 0 <= sentence.start <= sentence.end <= len(text)
        for span in sentence.spans:
            assert len(span.origin) == len(span.text)
            assert all(0 <= start <= end <= len(text) for start, end in span.origin)
            if span.word2ph is not None:
                assert len(span.word2ph) == len(span.text)
                assert sum(span.word2ph) == len(span.ids) == len(span.phones)


def test_any_string(count: Callable[[int, int], int]) -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    source = random.Random(seed)
    for _ in range(count(5_000, 100_000)):
        text, mode = anything(source), source.choice(scripts.MODES)
        cut, role = source.choice([None, *split.METHODS]), source.choice(["text", "prompt", "target"])
        try:
            check(text, mode, cut, role)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {text!r} {mode} {cut} {role}") from error


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "今天天气很好我们去公园玩",
            "1234567890",
            "3.14",
            "1,234",
            "1+",
            "1-",
            "1/",
            "12:30",
            " ",
            "<a ",
            "&a",
            "[a:",
        ),
        *(
            "{W",
            "\x1b[0",
            "hello world, ",
            "abcdefghij",
            "我a1",
            "一",
            "😀",
            "e\u0301",
            "مرحبا",
            "。",
            "(",
            "Mr. ",
            "A.",
            "$1",
        ),
        *(
            "今日は雨です",
            "안녕하세요",
            "www.a.com/",
            "\n",
            "好[pause:1s]",
            "{W ER1 D}",
            "儿",
            "5%",
            "2024年",
        ),
    ],
)
def test_ten_times_the_text_takes_ten_times_as_long(unit: str) -> None:
    def seconds(length: int) -> float:
        text = (unit * (length // len(unit) + 1))[:length]
        start = time.process_time()
        with suppress(TextError):
            analyse(text)
        return time.process_time() - start

    seconds(500)
    short, long = min(seconds(1_000) for _ in range(3)), seconds(10_000)
    for _ in range(4):  # a busy machine is not a slow algorithm
        if long <= 12 * short + 0.02:
            return
        short, long = max(short, seconds(1_000)), min(long, seconds(10_000))
    assert long <= 12 * short + 0.02
