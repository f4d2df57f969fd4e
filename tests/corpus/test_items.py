"""Lists as people have them."""

from pathlib import Path

import pytest

from mlx_voice.corpus.items import read_listing
from mlx_voice.errors import CorpusError


def test_ljspeech(tmp_path: Path) -> None:
    (tmp_path / "wavs").mkdir()
    (tmp_path / "wavs/LJ001.flac").touch()
    (tmp_path / "metadata.csv").write_text(
        '\ufeffLJ001|In 1923, "they"|In nineteen twenty-three, they\nLJ002|Two|\n'
    )
    first, second = read_listing(tmp_path, language="en").items
    assert (first.id, first.audio, first.language) == ("LJ001", tmp_path / "wavs/LJ001.flac", "en")
    assert first.text == "In nineteen twenty-three, they"
    assert (second.text, second.audio) == ("Two", tmp_path / "wavs/LJ002.wav")


def test_gpt_sovits_lists(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.wav").touch()
    (tmp_path / "mine.list").write_text("a/1.wav|anna|JP|こんにちは\n/far/2.wav|bo|ZH|一|二\n")
    first, second = read_listing(tmp_path).items
    assert (first.id, first.speaker, first.language, first.audio) == (
        "a/1",
        "anna",
        "ja",
        tmp_path / "a/1.wav",
    )
    assert (second.id, second.language, second.text) == ("/far/2", "zh", "一|二")


def test_texts_beside_sounds(tmp_path: Path) -> None:
    for name in ("x/1.wav", "x/2.mp3", "3.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "x/1.lab").write_text("one\n")
    (tmp_path / "x/2.txt").write_text("two")
    assert {i.id: i.text for i in read_listing(tmp_path).items} == {"3": "", "x/1": "one", "x/2": "two"}


def test_a_split_in_a_folder_of_its_own(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / split / "wavs").mkdir(parents=True)
        (tmp_path / split / "wavs/1.wav").touch()
        (tmp_path / split / "metadata.csv").write_text("1|text")
    (item,) = read_listing(tmp_path, "test").items
    assert (item.id, item.audio) == ("test/1", tmp_path / "test/wavs/1.wav")


@pytest.mark.parametrize("name", ["metadata.csv", "x.list"])
def test_what_is_no_list(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\xff\xfe1|text")
    with pytest.raises(CorpusError, match="must be text in UTF-8"):
        read_listing(tmp_path)


def test_a_missing_corpus(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="is not a folder"):
        read_listing(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match="There are no clips"):
        read_listing(tmp_path)
    with pytest.raises(CorpusError, match="no split 'dev'"):
        read_listing(tmp_path, "dev")
