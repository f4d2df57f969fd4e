"""Where a text is cut."""

import json
from pathlib import Path

import pytest

from mlx_voice.errors import TextError
from mlx_voice.text import analyse, split
from mlx_voice.text.reading import Traced


def pieces(text: str) -> list[str]:
    return [piece.text for piece in split.natural(Traced.of(text))]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("今天天气不错！我们去公园吧？好的好的。", ["今天天气不错！", "我们去公园吧？", "好的好的。"]),
        ("“你真的会去吗？”她轻声地问道。", ["“你真的会去吗？”", "她轻声地问道。"]),
        ("嗯。好。行。没问题，就这么定了。", ["嗯。好。行。", "没问题，就这么定了。"]),
        ("第一行没有标点\n第二行有标点。", ["第一行没有标点\n", "第二行有标点。"]),
        ("圆周率是3.14159。版本号是v2.0.1。", ["圆周率是3.14159。", "版本号是v2.0.1。"]),
        ("Mr. Smith met Dr. J. Jones in the U.S. army.", ["Mr. Smith met Dr. J. Jones in the U.S. army."]),
        (
            "It was late in the evening. Nobody had come home yet.",
            ["It was late in the evening. ", "Nobody had come home yet."],
        ),
        ("我们明天早上见面。好。", ["我们明天早上见面。好。"]),
    ],
)
def test_natural(text: str, wanted: list[str]) -> None:
    assert pieces(text) == wanted


@pytest.mark.parametrize(
    "unit", ["天气很好", "天气很好，", "hello there ", "a", "，", "12", "今日は雨です", "안녕"]
)
def test_no_piece_is_longer_than_a_model_can_speak(unit: str) -> None:
    text = unit * 1000
    parts = pieces(text)
    assert "".join(parts) == text
    assert max(map(split._cost, parts)) <= split.LONGEST + split.SHORTEST


def test_long_sentences_are_cut_at_marks_where_there_are_any() -> None:
    parts = pieces("这是一个很长的句子，" * 30)
    assert all(part.endswith("，") for part in parts)


DATA = Path(__file__).parents[1] / "data/text"
ROWS = [json.loads(line) for line in (DATA / "split.jsonl").read_text("utf-8").splitlines()]
CUTS = [(row, method) for row in ROWS if row["kind"] == "sentence" for method in row["methods"]]


@pytest.mark.parametrize(("row", "method"), CUTS, ids=lambda v: v if isinstance(v, str) else v["id"])
def test_the_methods_of_the_reference(row: dict, method: str) -> None:
    raw = split.METHODS[method](Traced.of(row["text"]))
    assert "\n".join(piece.text for piece in raw) == row["methods"][method]
    fed = split.cut(Traced.of(row["text"]), method, "." if row["lang"] == "en" else "。")
    assert [piece.text for piece in fed] == row["pre_seg"][method]


def test_a_piece_of_the_reference_has_510_characters_at_most() -> None:
    parts = split.cut(Traced.of("很长的一句话，" * 200), "cut0", "。")
    assert max(map(len, parts)) <= 510
    assert "".join(part.text for part in parts) == "很长的一句话，" * 200


def test_an_unknown_method_is_one_sentence() -> None:
    with pytest.raises(TextError, match="choose one of cut0, cut1"):
        analyse("你好", cut="cut9")
