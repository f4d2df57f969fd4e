"""NAME.voice: what goes in comes out, and nothing else does."""

import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from example_voice import example

from mlx_voice.errors import InputError, RegistryError
from mlx_voice.voices.bundle import export, install, load_bundle
from mlx_voice.voices.registry import Registry, faults


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    voice = Registry().add("anna", *example(aliases=("an",)))
    path = tmp_path / "anna.voice"
    export(voice, path)
    return path


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_a_voice_travels_whole(bundle: Path, tmp_path: Path) -> None:
    elsewhere = Registry(tmp_path / "elsewhere" / "voices.json")
    before, after = elsewhere.find("anna"), install(bundle, elsewhere)
    assert faults(after) == []
    assert after.entry == before.entry
    assert after.root == tmp_path / "elsewhere"
    assert install(bundle, elsewhere, "ben").name == "ben"


def test_a_bundle_is_the_same_file_every_time(bundle: Path, tmp_path: Path) -> None:
    export(Registry().find("anna"), tmp_path / "again.voice")
    assert (tmp_path / "again.voice").read_bytes() == bundle.read_bytes()


def test_a_damaged_voice_does_not_travel(own_home: Path, tmp_path: Path) -> None:
    voice = Registry().add("anna", *example())
    (own_home / "voices/anna/codes.bin").write_bytes(b"")
    with pytest.raises(RegistryError, match="'anna'"):
        export(voice, tmp_path / "anna.voice")
    assert not (tmp_path / "anna.voice").exists()


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/b", "MEL.bin", "extra.bin"])
def test_a_file_that_does_not_belong_is_refused(bundle: Path, tmp_path: Path, name: str) -> None:
    path = packed(tmp_path / "bad.voice", {**contents(bundle), name: b"evil"})
    with pytest.raises(RegistryError, match="is damaged"):
        install(path, Registry(), "evil")
    assert "evil" not in Registry().voices()
    assert not list(tmp_path.rglob("*evil*"))


def test_an_entry_that_leads_out_is_refused(bundle: Path, tmp_path: Path) -> None:
    files = contents(bundle)
    header = json.loads(files["voice.json"])
    header["voice"]["ref_audio"] = "../reference.wav"
    path = packed(tmp_path / "bad.voice", {**files, "voice.json": json.dumps(header).encode()})
    with pytest.raises(RegistryError, match="does not stay"):
        load_bundle(path)


def test_a_bomb_is_refused_before_it_is_unpacked(bundle: Path, tmp_path: Path) -> None:
    path = packed(tmp_path / "bomb.voice", {**contents(bundle), "mel.bin": bytes(65 << 20)})
    assert path.stat().st_size < 1 << 20
    with pytest.raises(RegistryError, match="64 MB"):
        load_bundle(path)


def test_a_bomb_that_lies_about_its_size_is_refused(bundle: Path, tmp_path: Path) -> None:
    path = packed(tmp_path / "liar.voice", {**contents(bundle), "mel.bin": bytes(65 << 20)})
    true, small = (65 << 20).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(true, small))
    with pytest.raises(RegistryError, match="is damaged"):
        load_bundle(path)


def test_no_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not there"):
        load_bundle(tmp_path / "none.voice")
    with pytest.raises(RegistryError, match="damaged or no voice"):
        load_bundle(tmp_path)


def test_damaged_bundles_are_one_sentence(bundle: Path, count: Callable[[int, int], int]) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    draw = random.Random(seed)
    good = bundle.read_bytes()
    whole = load_bundle(bundle)
    refused = 0
    for _ in range(count(60, 300)):
        content = io.BytesIO(good)
        content.seek(draw.randrange(len(good)))
        content.write(draw.randbytes(draw.randrange(1, 9)))
        bundle.write_bytes(content.getvalue()[: draw.choice([None, None, draw.randrange(len(good))])])
        try:
            assert load_bundle(bundle) == whole
        except RegistryError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > count(60, 300) // 2
