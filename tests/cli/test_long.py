"""Long texts: nothing is held, nothing half-written stays, and what was broken off goes on."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from mlx_voice import Audio, VoiceCloner
from mlx_voice.audio import read
from mlx_voice.cli import main, resume
from mlx_voice.errors import InputError

TEXT = "Go on. Stop it. Come in. We ran. It rains. "
COMMAND = [sys.executable, "-m", "mlx_voice", "speak"]
Count = Callable[[int, int], int]


def speak(*arguments: object) -> int:
    try:
        main(["speak", *map(str, arguments), "--model", "mini", "-v", "cedar"])
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 1
    return 0


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


def test_of_a_long_text_little_is_held(place: Path, count: Count, monkeypatch: pytest.MonkeyPatch) -> None:
    alive = [0]
    most = [0]

    def watched(self: VoiceCloner, *arguments: Any, **more: Any) -> Iterator[Audio]:
        for part in sentences(self, *arguments, **more):
            size = part.samples.size
            alive[0] += size
            most[0] = max(most[0], alive[0])
            weakref.finalize(part.samples, lambda size=size: alive.__setitem__(0, alive[0] - size))
            yield part
            del part

    sentences = VoiceCloner.sentences
    monkeypatch.setattr(VoiceCloner, "sentences", watched)
    text = " ".join(f"Go on {i}." for i in range(count(12, 220)))
    assert speak(text, "-o", place / "a.flac", "--seed", 1) == 0
    whole = soundfile.info(place / "a.flac").frames
    assert whole > count(5, 100) * 32000
    assert most[0] < 2 * 32000 + (1 << 16)  # a sentence, and a block on its way to the file


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3"])
def test_a_file_is_what_the_class_says(place: Path, kind: str) -> None:
    out = place / f"a.{kind}"
    assert speak("Go on.", "-o", out, "--seed", 1) == 0
    with VoiceCloner("mini") as cloner:
        said = cloner.speak("Go on.", "cedar", seed=1)
    assert files(place) == [out.name]
    if kind == "ogg":  # which draws itself a number
        assert np.array_equal(read(out)[0], read(said.encoded(kind))[0])
    else:
        assert out.read_bytes() == said.encoded(kind)


def test_progress_is_for_people(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    out = place / "a.wav"
    assert speak("Go on. Stop it.", "-o", out, "--seed", 1) == 0
    assert capsys.readouterr().err.count("sentence") == 0
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert speak("Go on. Stop it.", "-o", out, "--seed", 1, "-q") == 0
    assert capsys.readouterr().err == ""
    assert speak(TEXT, "-o", out, "--seed", 1) == 0
    lines = capsys.readouterr().err.split("\r\x1b[K")
    shown = [line for line in lines if line.startswith("sentence")]
    assert len(shown) > 1
    assert shown[0].startswith(f"sentence 1 of {len(shown)}, ")
    assert shown[0].endswith(" s left")
    assert shown[-1].endswith(" s of speech")
    assert lines[-1] == ""  # the line is wiped


def limited() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


@pytest.mark.parametrize("more", [[], ["--resume"]])
def test_a_full_disk_leaves_nothing_half_written(place: Path, more: list[str]) -> None:
    command = [*COMMAND, "Go on. Stop it.", "-o", "a.wav", "--model", "mini", *more]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, preexec_fn=limited)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert files(place) == []


def test_a_pipe_with_a_name_is_written_to(place: Path) -> None:
    os.mkfifo(place / "a.wav")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append((place / "a.wav").read_bytes()))
    reader.start()
    assert speak("Hello.", "-o", place / "a.wav", "--seed", 1) == 0
    reader.join(30)
    assert read(got[0])[0].size > 8000
    assert (place / "a.wav").is_fifo()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--takes", "2"], "-o"),
        (["--takes", "2", "-o", "-"], "-o"),
        (["--takes", "2", "-o", "a.wav", "--stream"], "--stream"),
        (["--takes", "2", "-o", "a.wav", "--resume"], "not both"),
        (["--takes", "0", "-o", "a.wav"], "takes"),
        (["--resume"], "-o"),
        (["--resume", "-o", "-"], "-o"),
        (["--resume", "-o", "a.wav", "--stream"], "--stream"),
        (["--resume", "-o", "a.doc"], "a.doc"),
        (["--resume", "-o", "/dev/null"], "-o"),
    ],
)
def test_what_does_not_go_together(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, arguments: list[str], complaint: str
) -> None:
    monkeypatch.chdir(place)
    assert speak("Hello.", *arguments) == 2
    assert complaint in capsys.readouterr().err
    assert list(place.iterdir()) == []


def test_takes_are_numbered_and_differ(place: Path, capsys: Any) -> None:
    out = place / "a.wav"
    assert (
        speak(
            "Go on. Stop it.", "-o", out, "--takes", 3, "--seed", 7, "--stats", "--subtitles", place / "a.srt"
        )
        == 0
    )
    printed, said = capsys.readouterr()
    names = [place / f"a-{i}.wav" for i in (1, 2, 3)]
    assert printed.splitlines() == [str(name) for name in names]
    assert files(place) == sorted(f"a-{i}.{kind}" for i in (1, 2, 3) for kind in ("srt", "wav"))
    assert len({name.read_bytes() for name in names}) == 3
    accounts = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert [account["seed"] for account in accounts] == [7, 8, 9]
    assert [account["hits"].get("prefill", 0) for account in accounts] == [0, *[accounts[0]["sentences"]] * 2]


def test_takes_that_fail_leave_nothing(place: Path) -> None:
    (place / "a-2.wav").mkdir()
    assert speak("Hello.", "-o", place / "a.wav", "--takes", 2) == 2
    assert files(place) == []


# What was broken off goes on.


def killed(place: Path, text: str, when: Callable[[float], bool]) -> bool:
    """Speak; kill it as soon as `when` says so of the seconds that it has run. Whether it was."""
    options = ["-o", "a.flac", "--resume", "--seed", "5", "--model", "mini", "-v", "cedar", "-q"]
    started = time.monotonic()
    with subprocess.Popen(
        [*COMMAND, text, *options], cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as job:
        while job.poll() is None:
            if when(time.monotonic() - started):
                job.kill()
                break
            time.sleep(0.002)
        _, said = job.communicate(timeout=120)
        assert said == b""
        assert job.returncode in (0, -signal.SIGKILL)
        return job.returncode != 0


def test_killed_and_resumed_is_as_if_nothing_had_been(place: Path, count: Count) -> None:
    text, draw, kills = TEXT * count(2, 5), random.Random(11), 0
    assert speak(text, "-o", place / "whole.flac", "--resume", "--seed", 5) == 0
    expected = (place / "whole.flac").read_bytes()
    while kills < count(2, 30):
        kills += killed(place, text, lambda _: (place / "a.flac.part/000000.part").exists())
        longest = 6.0
        while True:
            end = draw.uniform(0.2, longest)
            if not killed(place, text, lambda seconds: seconds > end):  # noqa: B023
                break
            assert not (place / "a.flac").exists() or (place / "a.flac").read_bytes() == expected
            kills, longest = kills + 1, longest + 1
        assert (place / "a.flac").read_bytes() == expected
        assert files(place) == ["a.flac", "whole.flac"]
        assert not (place / "a.flac.part").exists()
        (place / "a.flac").unlink()


@pytest.fixture
def broken_off(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a speech that was broken off behind its first stretch."""

    def interrupted(self: resume.Journal, first: int, made: list[Audio]) -> None:
        keep(self, first, made)
        if first == 0:
            raise KeyboardInterrupt

    keep = resume.Journal.keep
    with monkeypatch.context() as patch:
        patch.setattr(resume.Journal, "keep", interrupted)
        assert speak(TEXT * 2, "-o", place / "a.wav", "--resume") == 130
    folder = place / "a.wav.part"
    assert files(folder) == ["000000.part", "job.json"]
    return folder


def test_what_was_kept_is_not_said_again(
    broken_off: Path, place: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = json.loads((broken_off / "job.json").read_text())["seed"]
    copy = shutil.copytree(broken_off, place / "copy")
    firsts: list[int] = []
    takes = VoiceCloner.takes
    monkeypatch.setattr(
        VoiceCloner,
        "takes",
        lambda self, *args, first, **more: (firsts.append(first), takes(self, *args, first=first, **more))[1],
    )
    arguments = [TEXT * 2, "-o", place / "a.wav", "--resume", "--stats", "--subtitles", place / "a.vtt"]
    assert speak(*arguments) == 0
    stats = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert stats["seed"] == seed
    assert firsts == [8]
    assert stats["heard"] == stats["sentences"]
    assert abs(stats["audio"] - soundfile.info(place / "a.wav").duration) < 1e-3
    assert not broken_off.exists()
    assert (
        speak(TEXT * 2, "-o", place / "b.wav", "--resume", "--seed", seed, "--subtitles", place / "b.vtt")
        == 0
    )
    assert (place / "a.wav").read_bytes() == (place / "b.wav").read_bytes()
    assert (place / "a.vtt").read_bytes() == (place / "b.vtt").read_bytes()
    shutil.copytree(copy, broken_off)  # what is left by one who died while the file got its name
    for left in ("sound", ".sound.0123abcd.part", ".job.json.0123abcd.part"):
        (broken_off / left).write_bytes(b"half")
    assert speak(*arguments) == 0
    assert not broken_off.exists()
    assert (place / "a.wav").read_bytes() == (place / "b.wav").read_bytes()
    shutil.rmtree(copy)
    assert files(place) == ["a.vtt", "a.wav", "b.vtt", "b.wav"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([TEXT * 3], "belongs to another text"),
        ([TEXT * 2, "--speed", "1.1"], "belongs to another text"),
        ([TEXT * 2, "--seed", "77"], "begun with --seed"),
    ],
)
def test_another_speech_is_not_mixed_in(
    broken_off: Path, place: Path, capsys: Any, arguments: list[str], complaint: str
) -> None:
    kept = {path.name: path.read_bytes() for path in broken_off.iterdir()}
    assert speak(*arguments, "-o", place / "a.wav", "--resume") == 1
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1
    assert files(place) == []
    assert {path.name: path.read_bytes() for path in broken_off.iterdir()} == kept


def test_two_at_a_time_are_refused(place: Path, capsys: Any) -> None:
    with resume.journal(place / "a.wav"):
        assert speak("Hello.", "-o", place / "a.wav", "--resume") == 1
    assert "in use" in capsys.readouterr().err
    assert list(place.iterdir()) == []


def test_files_of_others_stay(place: Path, capsys: Any) -> None:
    folder = place / "a.wav.part"
    folder.mkdir()
    (folder / "letter.txt").write_text("Dear John")
    assert speak("Hello.", "-o", place / "a.wav", "--resume") == 1
    assert "letter.txt" in capsys.readouterr().err
    assert (folder / "letter.txt").read_text() == "Dear John"


def test_a_link_is_not_followed(place: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (place / "a.wav.part").symlink_to(tmp_path / "elsewhere")
    assert speak("Hello.", "-o", place / "a.wav", "--resume") == 1
    assert list((tmp_path / "elsewhere").iterdir()) == []


# The journal by itself: no model is needed.


def sound(seed: int, sentences: int = 8, total: int = 20) -> list[Audio]:
    from mlx_voice.results import Stats, Word

    draw = np.random.default_rng(seed)
    words = (Word("a", 0.1, 0.25, (0, 1)),)
    stats = Stats(sentences=total)
    return [Audio(draw.normal(size=40 + i).astype(np.float32), 32000, stats, words) for i in range(sentences)]


@pytest.fixture
def journal(place: Path) -> Iterator[resume.Journal]:
    with resume.journal(place / "a.wav") as journal:
        assert journal.begin("f", 3) == 3
        journal.keep(0, sound(1))
        yield journal


def test_what_is_kept_comes_back_bit_for_bit(journal: resume.Journal) -> None:
    back = journal.kept(0, 32000)
    assert back is not None
    for one, other in zip(back, sound(1), strict=True):
        assert np.array_equal(one.samples, other.samples)
        assert one.words == other.words
    assert [part.stats.heard for part in back] == list(range(1, 9))
    assert journal.kept(8, 32000) is None
    assert journal.kept(0, 24000) is None  # a model of another rate
    journal.begin("f", 3)
    assert journal.kept(0, 32000) is not None


@pytest.mark.parametrize("seed", range(3))
def test_damage_is_noticed(journal: resume.Journal, count: Count, seed: int) -> None:
    path, draw = journal.folder / "000000.part", random.Random(seed)
    whole = path.read_bytes()
    for _ in range(count(60, 1000)):
        damaged = bytearray(whole)
        match draw.randrange(4):
            case 0:
                damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
            case 1:
                del damaged[draw.randrange(len(damaged)) :]
            case 2:
                at = draw.randrange(len(damaged))
                del damaged[at : at + draw.randint(1, 50)]
            case 3:
                damaged += draw.randbytes(draw.randint(1, 50))
        path.write_bytes(damaged)
        assert journal.kept(0, 32000) is None
    journal.keep(0, sound(1))
    assert journal.kept(0, 32000) is not None


HOSTILE: dict[str, Any] = {
    "another speech": {"name": "g 3"},
    "another place": {"first": 8},
    "lengths that are no list": {"lengths": 5},
    "a length below zero": {"lengths": [-40, 80, 41, 42, 43, 44, 45, 46]},
    "lengths without end": {"lengths": [2**70] * 8},
    "too few": {"lengths": [348], "words": [[]]},
    "nobody": {"lengths": [], "words": []},
    "words that are none": {"words": [5] * 8},
    "a word without times": {"words": [[["a"]]] * 8},
    "a word at no time": {"words": [[["a", float("nan"), 1.0, 0, 1]]] * 8},
    "a word in words": {"words": [[["a", "soon", 1.0, 0, 1]]] * 8},
    "sentences in words": {"sentences": "many"},
    "fewer sentences than there are": {"sentences": 3},
}


@pytest.mark.parametrize("what", HOSTILE)
def test_well_hashed_nonsense_is_made_again(journal: resume.Journal, what: str) -> None:
    path = journal.folder / "000000.part"
    _, line, raw = path.read_bytes().split(b"\n", 2)
    body = json.dumps({**json.loads(line), **HOSTILE[what]}).encode() + b"\n" + raw
    path.write_bytes(resume.sha256(body).hexdigest().encode() + b"\n" + body)
    assert journal.kept(0, 32000) is None


def test_other_things_than_files_are_neither_read_nor_written_through(
    journal: resume.Journal, tmp_path: Path
) -> None:
    path, victim = journal.folder / "000000.part", tmp_path / "victim"
    victim.write_bytes(path.read_bytes())
    before = victim.read_bytes()
    path.unlink()
    path.symlink_to(victim)
    assert journal.kept(0, 32000) is None
    journal.keep(0, sound(2))
    assert victim.read_bytes() == before
    path.unlink()
    os.mkfifo(path)
    assert journal.kept(0, 32000) is None
    journal.keep(0, sound(2))
    assert journal.kept(0, 32000) is not None
    with path.open("ab") as file:
        file.truncate(resume.PART_BYTES + 1)
    assert journal.kept(0, 32000) is None


@pytest.mark.parametrize(
    "job", [b"", b"[]", b"{}", b"\xff", b"[" * 4000, b" " * 5000, b'{"fingerprint": "f", "seed": "x"}']
)
def test_a_damaged_beginning_is_said(journal: resume.Journal, job: bytes) -> None:
    (journal.folder / "job.json").write_bytes(job)
    with pytest.raises(InputError, match="damaged"):
        journal.begin("f", None)


def test_what_never_began_leaves_no_folder(place: Path) -> None:
    assert speak("…", "-o", place / "a.wav", "--resume") == 1
    assert list(place.iterdir()) == []
