"""A text as a whole: sentences, marks, pauses, readings in place, and where each character was written."""

from pathlib import Path

import pytest

from mlx_voice.errors import TextError
from mlx_voice.text import analyse, lexicon
from mlx_voice.text.symbols import load


def phones(text: str, language: str = "zh", **options: object) -> str:
    return " ".join(p for s in analyse(text, language, **options) for p in s.phones)  # type: ignore[arg-type]


def test_ids_are_the_phones_of_the_table() -> None:
    for name in ("v1", "v2"):
        sentence = analyse("你好，world。", symbols=name)[0]
        index = load(name).index
        assert sentence.ids == tuple(index[phone] for phone in sentence.phones)
        assert sentence.text == "你好,world."
        assert [span.language for span in sentence.spans] == ["zh", "en"]


def test_every_character_leads_back_to_the_user() -> None:
    text = "你好！这是2024年的iPad，角(jue2)色不错。"
    for sentence in analyse(text, "zh"):
        assert sentence.written in text.replace("(jue2)", "")
        for span in sentence.spans:
            assert len(span.origin) == len(span.text)
            for char, (start, end) in zip(span.text, span.origin, strict=True):
                if char in text:
                    assert char in text[start:end]
    (sentence,) = analyse("  角(jue2)色。 ")
    assert (sentence.written, sentence.start, sentence.end) == ("角色。", 2, 11)


def test_what_the_networks_want_around_a_text() -> None:
    assert phones("你好") == "n i2 h ao3"
    assert phones("你好", role="prompt") == "n i2 h ao3 ."
    assert phones("你好", role="target") == ". n i2 h ao3 ."
    assert phones("你们好吗，世界", role="target") == "n i3 m en5 h ao3 m a5 , sh ir4 j ie4 ."
    assert phones("Hi there", "en", role="target").split()[-1] == "."


def test_pauses() -> None:
    text = "[pause:1s]今天天气很好[pause:0.5s][pause:300ms]明天也不会下雨。后天下雨。[pause:99s]"
    sentences = analyse(text)
    assert [s.pause for s in sentences] == [0.8, None, 10.0]
    assert "pause" not in "".join(s.written for s in sentences)


def test_readings_in_place() -> None:
    assert phones("角(jue2)色") == "j ve2 s e4"
    assert phones("角（jiao3）色") == "j iao3 s e4"
    assert "V IY1 T UW1" in phones("版本(v2)")
    assert phones("say {W ER1 D} now", "en") == f"{phones('say', 'en')} W ER1 D {phones('now', 'en')}"
    assert phones("我{W ER1 D}你") == "w o3 W ER1 D n i3"
    assert phones("{你好}") == "n i2 h ao3"


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("<b>你好</b>世界", "你好世界"),
        ('<p class="x">你好。</p><p>世界大同</p>', "你好。\n世界大同"),
        ("你好<!-- not this -->世界", "你好世界"),
        ("\x1b[31m你好\x1b[0m世界", "你好世界"),
        ("你好[voice:anna]世界", "你好世界"),
        ("[你好]世界", "你好世界"),
        ("三&lt;五", "三<五"),
        ("1<2，3>2", "1小于2，3大于2"),
        ("**你好**_世界_", "你好世界"),
    ],
)
def test_other_mark_up(marked: str, plain: str) -> None:
    assert phones(marked) == phones(plain)


@pytest.mark.parametrize(
    "text", ["", " \n", "。。。", "!?", "😀👍", "<br/>", "[pause:1s]", "\ud800", "\u0301", "—— ……"]
)
@pytest.mark.parametrize("cut", [None, "cut0", "cut5"])
def test_nothing_to_say_is_one_sentence(text: str, cut: str | None) -> None:
    with pytest.raises(TextError, match="nothing to say in this text"):
        analyse(text, cut=cut)


def test_a_lexicon_is_a_file_of_words_and_readings(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("# names\n重重 chong2 chong2\n你好 jiu3 jiu3\nQwen K W EH1 N\n", "utf-8")
    words = lexicon.load(path)
    assert phones("重重", lexicon=words) == "ch ong2 ch ong2"
    assert phones("Qwen, qwen", "en", lexicon=words).count("K W EH1 N") == 2


@pytest.mark.parametrize("line", ["重重 chong2", "重 chong", "Qwen KW", "Qwen", "重"])
def test_a_lexicon_that_cannot_be_used(tmp_path: Path, line: str) -> None:
    (tmp_path / "words.txt").write_text(line, "utf-8")
    with pytest.raises(TextError, match="cannot be used"):
        lexicon.load(tmp_path / "words.txt")
    with pytest.raises(TextError, match="cannot be read"):
        lexicon.load(tmp_path / "missing.txt")


def test_an_unknown_symbol_table() -> None:
    with pytest.raises(TextError, match="no symbol table 'v9'"):
        analyse("你好", symbols="v9")
