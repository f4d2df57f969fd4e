"""Which stretch is in which language."""

import json
from pathlib import Path

import pytest

from mlx_voice.errors import TextError
from mlx_voice.text import scripts


def runs(text: str, mode: str = "auto") -> list[tuple[str, str]]:
    return [(run.language, text[run.start : run.end]) for run in scripts.runs(text, mode)]


@pytest.mark.parametrize(
    ("text", "mode", "wanted"),
    [
        ("我喜欢吃寿司，でも刺身も好き。", "auto", [("zh", "我喜欢吃寿司，"), ("ja", "でも刺身も好き。")]),
        ("今日は雨です。", "auto", [("ja", "今日は雨です。")]),
        ("안녕하세요，我是小明。", "auto", [("ko", "안녕하세요，"), ("zh", "我是小明。")]),
        ("去Starbucks飲咖啡", "auto_yue", [("yue", "去"), ("en", "Starbucks"), ("yue", "飲咖啡")]),
        ("今日はTokyoに行く", "zh", [("zh", "今日は"), ("en", "Tokyo"), ("zh", "に行く")]),
        ("今日はTokyoに行く", "ja", [("ja", "今日は"), ("en", "Tokyo"), ("ja", "に行く")]),
        ("The word 你好", "en", [("en", "The word 你好")]),
        ("Café的老板是José。", "zh", [("en", "Café"), ("zh", "的老板是"), ("en", "José。")]),
        (
            "全长3.6km，重5 kg左右，120m²",
            "zh",
            [("zh", "全长3.6km，重5 "), ("en", "kg"), ("zh", "左右，120m²")],
        ),
        ("(3) apples", "auto", [("en", "(3) apples")]),
        ("12345", "auto", [("zh", "12345")]),
        ("有24GB", "zh", [("zh", "有"), ("en", "24GB")]),
        ("有24GB", "all_zh", [("zh", "有24"), ("en", "GB")]),
        ("", "auto", []),
    ],
)
def test_runs(text: str, mode: str, wanted: list[tuple[str, str]]) -> None:
    assert runs(text, mode) == wanted


DATA = Path(__file__).parents[1] / "data/text"
ROWS = [json.loads(line) for line in (DATA / "split.jsonl").read_text("utf-8").splitlines()]
MODES = [
    (row["text"], mode, found["segments"])
    for row in ROWS
    if row["kind"] == "language"
    for mode, found in row["modes"].items()
    if found["detector_independent"]
]


@pytest.mark.parametrize(("text", "mode", "wanted"), MODES)
def test_the_segments_of_the_reference(text: str, mode: str, wanted: list[dict]) -> None:
    assert runs(text, mode) == [(segment["lang"], segment["text"]) for segment in wanted]


@pytest.mark.parametrize("mode", scripts.MODES)
def test_runs_cover_the_text(mode: str) -> None:
    text = "中a1かな한 , \U000f0000 2.\U000f0000é"
    assert "".join(part for _, part in runs(text, mode)) == text


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("東京へ行く。本日休業。", "ja"),
        ("我喜欢吃寿司。でも", "auto"),
        ("我最喜歡のび太和大雄的故事", "auto"),
        ("本日休業", "auto"),
    ],
)
def test_a_japanese_text_is_japanese_throughout(text: str, mode: str) -> None:
    assert scripts.settled(text, "auto") == mode


def test_an_unknown_language_is_one_sentence() -> None:
    with pytest.raises(TextError, match="no language 'fr': choose one of auto"):
        scripts.runs("bonjour", "fr")
