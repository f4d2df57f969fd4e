"""voices.json: strict, merged, edited by several processes at once, whole after a kill at any write."""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from example_voice import example

from mlx_voice.errors import InputError, RegistryError, UnknownVoiceError
from mlx_voice.voices import registry as module
from mlx_voice.voices.registry import Registry, faults, read

ADD = Path(__file__).with_name("example_voice.py")
# Runs the script given after the number, and dies just before the n-th change to the file system.
KILLED = """
import os, runpy, sys
left = int(sys.argv[1])
def hook(event, args):
    global left
    writes = event == "open" and isinstance(args[0], str) and args[2] & (os.O_WRONLY | os.O_RDWR)
    if writes or event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir"):
        left -= 1
        if left < 0:
            os._exit(9)
sys.argv = sys.argv[2:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
sys.dont_write_bytecode = True
import mlx_voice.voices.registry
sys.addaudithook(hook)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(autouse=True)
def no_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "shipped", lambda: None)


def entry_json(**changes: object) -> dict[str, object]:
    keys = json.loads(json.dumps(example()[0].as_json()))
    return {**keys, **changes}


def document(path: Path, **voices: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": 1, "voices": voices}))
    return path


def test_a_voice_is_added_found_and_removed(own_home: Path) -> None:
    registry = Registry()
    voice = registry.add("anna", *example(aliases=("zh", "小安")))
    assert (own_home / "voices/anna/mel.bin").stat().st_size == 704 * 3 * 4
    assert Registry().find("小安") == Registry().find("anna") == voice
    assert faults(voice) == []
    registry.remove("anna")
    assert Registry().voices() == {}
    assert not (own_home / "voices/anna").exists()


def test_what_is_written_is_what_the_design_says(own_home: Path) -> None:
    Registry().add("anna", *example())
    written = json.loads((own_home / "voices.json").read_text())
    assert list(written) == ["version", "voices"]
    assert list(written["voices"]["anna"]) == [
        "ref_audio", "ref_text", "language", "mel_path", "codes_path", "features", "speed_factor", "aliases",
        "source", "license", "consent", "slot",
    ]  # fmt: skip
    assert list(written["voices"]["anna"]["features"]) == [
        "audio_sha256", "mel", "codes", "speaker", "timing", "style", "bert",
    ]  # fmt: skip
    assert set(written["voices"]["anna"]["features"]["mel"]["704"]) == {
        "path", "frames", "sample_rate", "n_fft", "hop", "sha256",
    }  # fmt: skip
    assert written["voices"]["anna"]["mel_path"] == "voices/anna/mel.bin"


def test_later_files_win(own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ships = document(tmp_path / "ships/voices.json", a=entry_json(source="1"), b=entry_json(aliases=["zh"]))
    document(own_home / "voices.json", a=entry_json(source="2"), c=entry_json(source="2", aliases=["zh"]))
    named = document(tmp_path / "named.json", a=entry_json(source="3"))
    monkeypatch.setattr(module, "shipped", lambda: ships)
    registry = Registry(named)
    assert {name: voice.entry.source for name, voice in registry.voices().items()} == {
        "a": "3", "b": "not stated", "c": "2",
    }  # fmt: skip
    assert registry.find("zh").name == "c"
    assert registry.find("b").root == ships.parent
    with pytest.raises(InputError, match="'b' stands in"):
        registry.remove("b")


def test_a_voice_that_is_not_there_names_the_closest() -> None:
    Registry().add("xiaoyu", *example())
    with pytest.raises(UnknownVoiceError, match="did you mean xiaoyu"):
        Registry().find("xiaoyi")


def test_a_voice_is_replaced_only_when_told(own_home: Path) -> None:
    registry = Registry()
    registry.add("anna", *example(1))
    with pytest.raises(InputError, match="anna"):
        registry.add("anna", *example(2))
    assert faults(registry.find("anna")) == []
    new = registry.add("anna", *example(2), over=True)
    assert faults(new) == []
    assert len(list((own_home / "voices").iterdir())) == 1


def test_a_slot_is_there_to_be_filled(own_home: Path) -> None:
    registry = Registry()
    shared = registry.add("mei", *example(1))
    document(
        own_home / "voices.json", mei=shared.entry.as_json(), slot={**shared.entry.as_json(), "slot": True}
    )
    registry.add("slot", *example(2))
    assert [faults(voice) for voice in registry.voices().values()] == [[], []]
    assert registry.find("slot").entry.slot is False


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"pitch": 1}, "unknown key 'pitch'"),
        ({"ref_text": 5}, "not text at 'ref_text'"),
        ({"language": "tlh"}, "'tlh'"),
        ({"ref_audio": "../../etc/passwd"}, "does not stay in its folder"),
        ({"mel_path": "/etc/passwd"}, "does not stay in its folder"),
        ({"mel_path": "C:\\mel.bin"}, "does not stay in its folder"),
        ({"speed_factor": 99}, "99"),
        ({"speed_factor": "fast"}, "not a number"),
        ({"aliases": ["a:1"]}, "'a:1'"),
        ({"slot": 1}, "true or false"),
        ({"features": {"mel": {"704": {}}}}, "no key 'features.mel.704.path'"),
        ({"features": {"codes": {"x/y": {"path": "a", "count": 1, "sha256": "0" * 64}}}}, "x/y"),
        ({"features": {"codes": {"x": {"path": "a", "count": 1, "sha256": "00"}}}}, "sha256"),
        ({"features": {"codes": {"x": {"path": "a", "count": -1, "sha256": "0" * 64}}}}, "-1"),
        ({"ref_text": "\ud800"}, "half a character"),
    ],
)
def test_a_wrong_entry_is_one_sentence_with_its_name(
    own_home: Path, change: dict[str, object], complaint: str
) -> None:
    document(own_home / "voices.json", good=entry_json(), bad=entry_json(**change))
    with pytest.raises(RegistryError, match="'bad'") as caught:
        Registry().voices()
    assert complaint in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_a_missing_and_an_altered_file_are_named(own_home: Path) -> None:
    voice = Registry().add("anna", *example())
    (own_home / "voices/anna/mel.bin").unlink()
    codes = own_home / "voices/anna/codes.bin"
    codes.write_bytes(codes.read_bytes()[:-4] + b"\0\0\0\0")
    (own_home / "voices/anna/reference.wav").write_bytes(b"")
    found = faults(voice)
    assert len(found) == 3
    assert all("'anna'" in fault for fault in found)
    assert "lacks" in found[0]


def test_a_link_does_not_lead_out(own_home: Path, tmp_path: Path) -> None:
    voice = Registry().add("anna", *example())
    mel = own_home / "voices/anna/mel.bin"
    mel.unlink()
    (tmp_path / "secret").write_bytes(b"secret")
    mel.symlink_to(tmp_path / "secret")
    with pytest.raises(RegistryError, match="anna"):
        faults(voice)


def test_damaged_files_are_one_sentence(own_home: Path, count: Callable[[int, int], int]) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    draw = random.Random(seed)
    path = document(own_home / "voices.json", anna=entry_json(), ben=entry_json())
    good = path.read_bytes()
    refused = 0
    for _ in range(count(100, 300)):
        path.write_bytes(damaged(good, draw))
        try:
            read(path)
        except RegistryError as error:
            refused += 1
            assert "\n" not in str(error)
            assert str(path) in str(error)
    assert refused > count(100, 300) // 2


def damaged(content: bytes, draw: random.Random) -> bytes:
    """Cut, flipped, doubled, or with a piece of it lost."""
    a, b = sorted(draw.sample(range(len(content)), 2))
    flipped = bytes(byte ^ (1 << draw.randrange(8)) for byte in content[a : a + 3])
    pieces = [
        content[:a],
        content[:a] + content[b:],
        content[:a] + flipped + content[a + 3 :],
        content[:b] + content[a:],
    ]
    return draw.choice(pieces)


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b"\xff\xfe", b"", b'{"version": 1}', b'{"a": NaN}', b"9" * 9999]
)
def test_hostile_json_is_one_sentence(own_home: Path, content: bytes) -> None:
    path = own_home / "voices.json"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(RegistryError, match="damaged"):
        Registry().voices()


def test_two_processes_lose_nothing(own_home: Path) -> None:
    target = str(own_home / "voices.json")
    names = [[f"{who}{i}" for i in range(20)] for who in "ab"]
    running = [subprocess.Popen([sys.executable, str(ADD), target, *mine]) for mine in names]
    assert [process.wait() for process in running] == [0, 0]
    voices = Registry().voices()
    assert sorted(voices) == sorted(names[0] + names[1])
    assert not [fault for voice in voices.values() for fault in faults(voice)]


def test_a_kill_at_any_write_leaves_the_store_whole() -> None:
    """Every change that replacing a voice makes is the last one in turn; then one finds its way through."""
    registry = Registry()
    old = registry.add("anna", *example(99))
    command = [sys.executable, "-c", KILLED]
    kills = 0
    while True:
        result = subprocess.run([*command, str(kills), str(ADD), str(registry.target), "anna"], check=False)
        voice = Registry().find("anna")
        assert faults(voice) == []
        if result.returncode == 0:
            break
        assert result.returncode == 9
        kills += 1
    assert kills >= 9
    assert voice.entry != old.entry
    assert voice.entry.ref_text == old.entry.ref_text
