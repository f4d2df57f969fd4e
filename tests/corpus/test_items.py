"""Lists as people have them."""

from pathlib import Path

import pytest
from example_corpus import FORM

from mlx_voice.corpus.dataset import store_of
from mlx_voice.corpus.items import Item, read_listing
from mlx_voice.corpus.workers import Failed, Task, prepare
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


def one(folder: Path, line: str, *sounds: str) -> Item:
    """The only clip of a list of one line, beside these sounds."""
    for sound in sounds:
        (folder / sound).parent.mkdir(parents=True, exist_ok=True)
        (folder / sound).touch()
    (folder / "metadata.csv").write_text(line, encoding="utf-8")
    listing = read_listing(folder)
    assert listing.rejected == {}
    (item,) = listing.items
    return item


@pytest.mark.parametrize(
    ("line", "sound", "ident", "text"),
    [
        ('a|He said "no"', "wavs/a.wav", "a", 'He said "no"'),
        ("a|text\r\n", "wavs/a.wav", "a", "text"),
        ("\ufeffa|text", "wavs/a.wav", "a", "text"),
        ("a|one\u2028two\x0bthree\n", "wavs/a.wav", "a", "one\u2028two\x0bthree"),
        ("my clip 1 | text ", "wavs/my clip 1.wav", "my clip 1", "text"),
        ("v1.2|text", "wavs/v1.2.wav", "v1.2", "text"),
        ("a.WAV|text", "wavs/a.WAV", "a", "text"),
        ("cafe\u0301|text", "wavs/caf\u00e9.wav", "caf\u00e9", "text"),
        ("caf\u00e9|text", "wavs/cafe\u0301.wav", "caf\u00e9", "text"),
        ("a|anna|EN|one|two", "wavs/a.wav", "a", "one|two"),
        ("output\\slicer\\a.wav|anna|EN|text", "wavs/a.wav", "output/slicer/a", "text"),
        ("D:\\mine\\a.wav|anna|EN|text", "a.wav", "D:/mine/a", "text"),
        ("/elsewhere/a.wav|anna|EN|text", "a.wav", "/elsewhere/a", "text"),
        ("../a|text", "wavs/a.wav", "../a", "text"),
    ],
)
def test_lines_as_they_come(tmp_path: Path, line: str, sound: str, ident: str, text: str) -> None:
    item = one(tmp_path, line, sound)
    assert (item.id, item.text, item.audio) == (ident, text, tmp_path / sound)


def test_an_id_does_not_lead_out_of_the_store(tmp_path: Path) -> None:
    for ident in ("../../x", "/etc/passwd", "..", "a/../../b"):
        name = store_of(tmp_path).name(ident, False)
        assert name.startswith("clips/")
        assert ".." not in name.split("/")
        assert len(name.split("/")) == 3


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a|one|two|three", "leave out the |"),
        ("a", "not of the form"),
        ("|text", "not of the form"),
        ("good|again", "twice"),
        ("good.wav|again", "twice"),
    ],
)
def test_lines_that_are_none(tmp_path: Path, line: str, reason: str) -> None:
    (tmp_path / "good.wav").touch()
    (tmp_path / "metadata.csv").write_text(f"good|text\n\n{line}\n")
    listing = read_listing(tmp_path)
    assert [item.id for item in listing.items] == ["good"]
    assert reason in listing.rejected["metadata.csv:3"]


def test_links_are_followed_and_a_broken_one_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (tmp_path / "far.wav").touch()
    for name, target in (("a", tmp_path / "far.wav"), ("b", tmp_path / "gone.wav"), ("loop", folder)):
        (folder / f"{name}.wav").symlink_to(target)
        (folder / f"{name}.txt").write_text("text")
    assert [item.id for item in read_listing(folder).items] == ["a", "b", "loop"]
    for name in ("b", "loop"):
        outcome = prepare(Task(Item(name, folder / f"{name}.wav", "text"), FORM))
        assert isinstance(outcome, Failed)
        assert "cannot be read" in outcome.reason


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"wavs/": ""}, "There are no clips"),
        ({"wavs/": "", "metadata.csv": "a|one\nb|two"}, "None of the 2 sounds that .* lists is there"),
        ({"metadata.csv": "a|one\nb|two"}, "None of the 2 sounds that .* lists is there"),
        ({"metadata.csv": "", "a.wav": ""}, "There are no clips"),
        ({"a.wav": "", "b.wav": ""}, "None of the 2 clips in .* has a text"),
        ({"metadata.csv": "file,text\na,one", "a.wav": ""}, "No line of the list .* is of a form"),
    ],
)
def test_a_folder_with_half_a_corpus(tmp_path: Path, files: dict[str, str], words: str) -> None:
    for name, content in files.items():
        if name.endswith("/"):
            (tmp_path / name).mkdir()
        else:
            (tmp_path / name).write_text(content)
    with pytest.raises(CorpusError, match=words) as caught:
        read_listing(tmp_path)
    assert str(caught.value).count(". ") == 0  # one sentence
