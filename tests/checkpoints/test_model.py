"""Opening a model: from memory, checked on disk, made again when it is damaged."""

import gc
import logging
import os
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile_files
import numpy as np
import pytest
import torch_files
from safetensors.numpy import load_file, save_file

from mlx_voice.checkpoints import convert, hub, manifest, open_model, versions
from mlx_voice.errors import CheckpointError, InputError, ModelError, ModelMissingError, NetworkError

FILE = "t2s.safetensors"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "x.ckpt"
    path.write_bytes(hostile_files.sound())
    return path


@pytest.fixture
def folder(source: Path) -> Path:
    return convert(t2s=source, name="mine")


def test_the_second_time_is_from_memory(folder: Path) -> None:
    model = open_model("mine")
    assert open_model("mine") is open_model(folder) is model
    assert open_model("mine", "float32") is not model


def test_a_model_converted_anew_is_opened_anew(source: Path) -> None:
    convert(t2s=source, name="mine")
    model = open_model("mine")
    source.write_bytes(torch_files.zip_file(hostile_files.content(info="other")))
    convert(t2s=source, name="mine", dtype="float32")
    assert open_model("mine") is not model
    assert open_model("mine").config.dtype == "float32"


def test_checksums_are_computed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    true = manifest.sha256
    monkeypatch.setattr(manifest, "sha256", lambda path: read.append(path.name) or true(path))
    open_model("mine")
    assert read == []  # the conversion has just written them
    manifest.forget_checksums()
    open_model("mine")
    assert sorted(read) == ["config.json", FILE]
    open_model("mine")
    assert len(read) == 2
    os.utime(folder / FILE, ns=(1, 1))
    open_model("mine")
    assert read[2:] == [FILE]


def cut(folder: Path) -> None:
    data = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(data[: len(data) // 2])


def alter(folder: Path) -> None:
    data = bytearray((folder / FILE).read_bytes())
    data[-5] ^= 1
    (folder / FILE).write_bytes(data)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "truncated": cut,
    "altered": alter,
    "missing": lambda folder: (folder / FILE).unlink(),
    "config altered": lambda folder: (folder / "config.json").write_text("{}"),
    "config gone": lambda folder: (folder / "config.json").unlink(),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_noticed_set_aside_and_mended(
    folder: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    sound = {path.name: path.read_bytes() for path in folder.iterdir()}
    DAMAGE[what](folder)
    with caplog.at_level(logging.WARNING, "mlx_voice"):
        model = open_model("mine")
    assert model.t2s is not None
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == sound
    assert (folder.parent / "mine.damaged").is_dir()
    assert len(caplog.messages) == 1
    assert "cannot be used" in caplog.messages[0] and "converted again from its source" in caplog.messages[0]
    assert "\n" not in caplog.messages[0]
    caplog.clear()
    open_model("mine")
    assert caplog.messages == []


@pytest.mark.parametrize("what", ["gone", "changed"])
def test_damage_without_its_source(folder: Path, source: Path, what: str) -> None:
    source.unlink() if what == "gone" else source.write_bytes(b"something else")
    cut(folder)
    with pytest.raises(ModelError, match="have moved or changed: convert it again"):
        open_model("mine")
    assert not folder.exists() and (folder.parent / "mine.damaged").is_dir()
    with pytest.raises(ModelMissingError, match="models list"):
        open_model("mine")


def test_a_model_of_an_older_layout_is_converted_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(manifest, "WEIGHTS", 2)
    assert open_model("mine").t2s is not None
    assert "laid out as mlx-voice" in caplog.messages[0]
    assert folder.is_dir()


def test_only_the_latest_model_stays_without_a_user(folder: Path, source: Path) -> None:
    convert(t2s=source, name="other")
    mine = weakref.ref(open_model(folder))
    assert mine() is not None
    assert open_model("other") is open_model("other")
    gc.collect()
    assert mine() is None


def test_a_broken_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"format": 1')
    with pytest.raises(ModelError, match="convert it again"):
        open_model("mine")


def test_an_official_model_is_fetched_again(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = convert(t2s=source, name="v2")
    pulled: list[str] = []

    def pull(name: str, **options: Any) -> Path:
        pulled.append(name)
        return convert(t2s=fresh, name=name, **options)

    official = versions.Version("v2", "v2", 732, 57, {"t2s": "gpt/x.ckpt"})
    monkeypatch.setitem(versions.BY_NAME, "v2", official)
    monkeypatch.setattr(hub, "pull", pull)
    fresh = source.rename(source.with_name("fresh.ckpt"))
    cut(folder)
    assert open_model("v2").t2s is not None
    shutil.rmtree(folder)
    assert open_model("v2").t2s is not None
    assert pulled == ["v2", "v2"]


def test_somebodys_own_voice_never_becomes_the_official_one(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = convert(t2s=source, name="v2")
    monkeypatch.delattr(hub, "pull")
    source.unlink()
    cut(folder)
    with pytest.raises(ModelError, match="have moved or changed"):
        open_model("v2")


def test_no_such_model(own_home: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="no model 'nothing'"):
        open_model("nothing")
    with pytest.raises(ModelMissingError):
        open_model(tmp_path)
    with pytest.raises(ModelMissingError):
        open_model("/no/such/folder")
    with pytest.raises(InputError, match="no name for a model"):
        open_model("..")
    assert not own_home.exists()


def test_loading_is_strict(folder: Path) -> None:
    """Whatever the manifest says: a key missing, surplus or misshapen is an error that names it."""
    weights = load_file(folder / FILE)
    changes = {
        "lacks the weight 'head.weight'": {k: v for k, v in weights.items() if k != "head.weight"},
        "holds the weight 'more'": weights | {"more": np.zeros(1, np.float16)},
        r"has 'head.weight' as \(8, 5\)": weights
        | {"head.weight": np.ascontiguousarray(weights["head.weight"].T)},
    }
    for words, changed in changes.items():
        save_file(changed, folder / FILE)
        table = manifest.Manifest.read(folder)
        files = dict(table.files) | {FILE: manifest.record_of(folder / FILE)}
        manifest.Manifest(table.name, files, table.sources).write(folder)
        with pytest.raises(CheckpointError, match=words):
            assert open_model(folder).t2s


def test_a_home_that_may_only_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be remembered there, which costs time and nothing else."""
    monkeypatch.setenv("MLX_VOICE_HOME", "/proc")
    assert open_model(folder).t2s is not None


def test_offline_and_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_cached", lambda _: False)
    monkeypatch.setattr(hub.socket, "create_connection", _refused)
    with pytest.raises(NetworkError, match="cannot be reached"):
        open_model("v2")


def _refused(*_: object, **__: object) -> None:
    raise ConnectionRefusedError("refused")
