"""Subtitles: times that only go on, within the sound; all of the text, once; files that others can read."""

import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_voice.errors import InputError, StorageError
from mlx_voice.results import Audio, Word
from mlx_voice.subtitles import COLUMNS, LONGEST, Subtitles

RATE = 1000
STAMP = r"(\d\d):([0-5]\d):([0-5]\d)[,.](\d{3})"
TOKEN = re.compile(r"[A-Za-z0-9']+|[一-鿿]")


def milliseconds(stamp: str) -> int:
    match = re.fullmatch(STAMP, stamp)
    assert match, stamp
    hours, minutes, seconds, rest = map(int, match.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest


def parsed(document: str, form: str) -> list[tuple[int, int, list[str]]]:
    """Strictly what the formats allow."""
    blocks = document.rstrip("\n").split("\n\n")
    if form == "vtt":
        assert blocks.pop(0) == "WEBVTT"
    cues = []
    for number, block in enumerate(filter(None, blocks), 1):
        lines = block.split("\n")
        if form == "srt":
            assert lines.pop(0) == str(number)
        start, arrow, end = lines.pop(0).partition(" --> ")
        assert arrow
        assert ("," in start) == (form == "srt")
        assert lines
        assert all(line.strip() and "-->" not in line for line in lines)
        cues.append((milliseconds(start), milliseconds(end), lines))
    return cues


def said(text: str, each: float = 0.3, pause: float = 0.2) -> Audio:
    """Words at a steady pace."""
    words, at = [], 0.0
    for match in TOKEN.finditer(text):
        words.append(Word(match[0], at, at + each, match.span()))
        at += each
    return Audio(np.zeros(round((at + pause) * RATE), np.float32), RATE, words=tuple(words))


def written(path: Path, text: str, *sounds: Audio) -> list[tuple[int, int, list[str]]]:
    subtitles = Subtitles(path)
    subtitles.begin(text)
    for sound in sounds:
        subtitles.add(sound)
    subtitles.save()
    return parsed(path.read_text(encoding="utf-8"), path.suffix[1:])


def test_srt_as_it_stands(tmp_path: Path) -> None:
    written(tmp_path / "a.srt", "“Go on,” he said. Stop!", said("“Go on,” he said. Stop!"))
    assert (tmp_path / "a.srt").read_text(encoding="utf-8") == (
        "1\n00:00:00,000 --> 00:00:01,200\n“Go on,” he said.\n\n2\n00:00:01,200 --> 00:00:01,700\nStop!\n"
    )


def test_vtt_has_the_time_of_each_word(tmp_path: Path) -> None:
    written(tmp_path / "a.vtt", "Go & stop < now.", said("Go & stop < now."))
    assert (tmp_path / "a.vtt").read_text(encoding="utf-8") == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nGo &amp; <00:00:00.300>stop &lt; <00:00:00.600>now.\n"
    )


def test_a_long_sentence_is_cut_behind_marks(tmp_path: Path) -> None:
    text = "We walked along the beach for an hour, and nobody spoke, because nobody had anything to say."
    cues = written(tmp_path / "a.srt", text, said(text))
    assert [" ".join(lines) for _, _, lines in cues] == [
        "We walked along the beach for an hour,",
        "and nobody spoke, because nobody had anything to say.",
    ]


def test_chinese_is_cut_by_characters(tmp_path: Path) -> None:
    text = "我们沿着海边慢慢地走了一个钟头谁也没有说话因为那天大家实在都没有什么话想要说出来给别人听。"
    cues = written(tmp_path / "a.vtt", text, said(text, each=0.1))
    lines = [seen(line) for _, _, lines in cues for line in lines]
    assert "".join(lines) == text
    assert max(map(len, lines)) <= COLUMNS // 2


def test_a_figure_is_shown_as_it_was_written(tmp_path: Path) -> None:
    text = "In 1984 [pause:1s] <b>all</b> 角(jue2)色."
    words = [("In", 0, 2), ("nineteen", 3, 7), ("eighty", 3, 7), ("four", 3, 7), ("all", 22, 25)]
    words += [("角", 30, 31), ("色", 37, 38)]
    timed = tuple(Word(word, i / 4, (i + 1) / 4, (a, b)) for i, (word, a, b) in enumerate(words))
    cues = written(tmp_path / "a.srt", text, Audio(np.zeros(2000, np.float32), RATE, words=timed))
    assert [lines for _, _, lines in cues] == [["In 1984 all 角色."]]


def test_sentence_by_sentence_as_the_whole(tmp_path: Path) -> None:
    text = 'One two three. "Four five," he said. Six!'
    whole = said(text)
    ends = [3, 7, 8]
    parts, first, at = [], 0, 0.0
    for end in ends:
        words = whole.words[first:end]
        last = words[-1].end if end < 8 else whole.seconds
        moved = tuple(Word(w.text, w.start - at, w.end - at, w.place) for w in words)
        parts.append(Audio(np.zeros(round((last - at) * RATE), np.float32), RATE, words=moved))
        first, at = end, last
    texts = [
        [lines for _, _, lines in written(tmp_path / "a.srt", text, *sounds)] for sounds in ([whole], parts)
    ]
    assert texts[0] == [["One two three."], ['"Four five," he said.'], ["Six!"]]
    assert " ".join(line for lines in texts[1] for line in lines) == text


words = st.one_of(
    st.sampled_from("a the 中 文 it's 1984 Dr".split()),
    st.text("abcxyz09", min_size=1, max_size=9),
    st.just("W" * 100),
)
marks = st.sampled_from(
    [" ", ". ", ", ", "。", "，", "!\n", " “", "” ", " (", ") ", "\n\n", " --> ", " & ", " < "]
)


@given(
    st.lists(st.tuples(words, marks, st.floats(0.0, 9.0), st.booleans()), max_size=40),
    st.sampled_from(["srt", "vtt"]),
)
def test_times_go_on_and_nothing_is_lost(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[str, str, float, bool]], form: str
) -> None:
    """`parts` are words, what follows them, how long they last, and whether a sound ends behind them."""
    text, sounds, timed, at = "", [], [], 0.0
    total = 0.0
    for word, mark, lasts, ends in parts:
        place = (len(text), len(text) + len(word))
        text += word + mark
        timed.append(Word(word, at, at + lasts, place))
        at += lasts
        if ends:
            sounds.append(Audio(np.zeros(int(at * RATE), np.float32), RATE, words=tuple(timed)))
            total += sounds[-1].seconds
            timed, at = [], 0.0
    kept = text if not timed else text[: timed[0].place[0]]
    cues = written(tmp_path_factory.getbasetemp() / f"property.{form}", text, *sounds)
    before = 0
    for start, end, lines in cues:
        assert before <= start < end <= total * 1000 + 1e-6
        assert end - start <= LONGEST * 1000 + 1  # both are cut to milliseconds
        before = end
        inner = [milliseconds(time) for line in lines for time in re.findall("<([^<>]*)>", line)]
        assert inner == sorted(set(inner))
        assert all(start < time < end for time in inner)
    if all(lasts > 0.01 for _, _, lasts, _ in parts):
        shown = "".join(line if form == "srt" else seen(line) for _, _, lines in cues for line in lines)
        assert letters(shown) == letters(kept)


def seen(line: str) -> str:
    return unescape(re.sub("<[^<>]*>", "", line))


def letters(text: str) -> str:
    return "".join(TOKEN.findall(text))


@pytest.mark.parametrize("name", ["a.txt", "a", "a.sub"])
def test_other_formats_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"\.srt or \.vtt"):
        Subtitles(tmp_path / name)


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    subtitles = Subtitles(tmp_path / "file/a.srt")
    with pytest.raises(StorageError):
        subtitles.save()


def test_silence_has_no_subtitles(tmp_path: Path) -> None:
    assert written(tmp_path / "a.vtt", "…", Audio(np.zeros(99, np.float32), RATE)) == []
    assert written(tmp_path / "a.srt", "") == []
