"""Checkpoints of every kind give the numbers that were saved; strangers get a sentence."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch_files
from safetensors.numpy import save_file

from mlx_voice.checkpoints.reader import open_checkpoint
from mlx_voice.errors import CheckpointError


def expected() -> dict[str, np.ndarray]:
    """What tests/data/checkpoints/make.py saved, as this package hands it out."""
    grid = np.arange(24, dtype=np.float32).reshape(4, 6) / 8
    bits = (grid * 1000).view(np.uint32)
    rounded = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16).view(np.float32)  # to bfloat16 and back
    return {
        "grid": grid,
        "turned": grid.T,
        "row": grid[2],
        "every_other": grid[::2, 1::3],
        "half": grid.astype(np.float16),
        "bfloat16": rounded,
        "double": (grid.astype(np.float64) / 3).astype(np.float32),
        "long": np.arange(5) - 2,
        "int": np.arange(5, dtype=np.int32),
        "flags": np.array([True, False, True]),
        "bytes": np.arange(3, dtype=np.uint8),
        "scalar": np.array(7.5, np.float32),
        "nothing": np.zeros((0, 3), np.float32),
        "parameter": grid[:1] + 1,
    }


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_what_torch_saved(data: Path, kind: str) -> None:
    checkpoint = open_checkpoint(data / "checkpoints" / f"{kind}.pth")
    wanted = expected()
    assert list(checkpoint.state) == list(wanted)
    for key, array in wanted.items():
        tensor = checkpoint.state[key]
        found = tensor.numpy()
        assert (found.shape, found.dtype) == (array.shape, array.dtype), key
        assert tensor.shape == array.shape
        assert np.array_equal(found, array), key
    assert checkpoint.state["bfloat16"].dtype == "bfloat16"
    assert checkpoint.config == {
        "data": {"sampling_rate": 32000},
        "model": {"version": "v2", "rates": [10, 8]},
        "note": None,
    }


@pytest.mark.parametrize("kind", ["state.bin", "state_legacy.bin"])
def test_a_bare_state_with_attributes(data: Path, kind: str) -> None:
    state = open_checkpoint(data / "checkpoints" / kind).state
    assert list(state) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    assert state["running_var"].numpy().tolist() == [1, 1, 1]


WEIGHTS = torch_files.Ordered(a=np.arange(6, dtype=np.float16).reshape(2, 3), b=np.arange(4))
CONTENT = {"weight": WEIGHTS, "config": torch_files.HParams(data=torch_files.HParams(rate=1)), "info": "x"}


def saved(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def assert_read(path: Path) -> None:
    state = open_checkpoint(path).state
    assert state["a"].numpy().tolist() == [[0, 1, 2], [3, 4, 5]]
    assert state["b"].numpy().tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("head", [b"PK", b"00", b"01", b"02", b"03", b"04", b"05", b"06"])
def test_version_bytes_over_the_head(tmp_path: Path, head: bytes) -> None:
    path = saved(tmp_path / "x.pth", torch_files.zip_file(CONTENT, head=head))
    assert_read(path)
    assert open_checkpoint(path).version_byte == ("" if head == b"PK" else head.decode())


@pytest.mark.parametrize("top", ["archive", "s1", "1735689600.25", "模型", "a b"])
def test_any_top_folder(tmp_path: Path, top: str) -> None:
    assert_read(saved(tmp_path / "x.pth", torch_files.zip_file(CONTENT, top=top)))


def test_old_zip_and_legacy(tmp_path: Path) -> None:
    assert_read(saved(tmp_path / "old.pth", torch_files.zip_file(CONTENT, old=True)))
    assert_read(saved(tmp_path / "legacy.pth", torch_files.legacy_file(CONTENT)))
    narrow = torch_files.zip_of(CONTENT)
    narrow.wide = False
    assert_read(saved(tmp_path / "narrow.pth", narrow.build()))


def test_numbers_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    built = torch_files.zip_of(CONTENT)
    content = bytearray(built.build())
    content[built.offsets[3]] ^= 1  # the first number of `a`
    state = open_checkpoint(saved(tmp_path / "x.pth", bytes(content))).state
    assert state["a"].shape == (2, 3)
    assert state["b"].numpy().tolist() == [0, 1, 2, 3]
    with pytest.raises(CheckpointError, match="checksum"):
        state["a"].numpy()


def test_safetensors(tmp_path: Path) -> None:
    save_file(dict(WEIGHTS), tmp_path / "x.safetensors", metadata={"format": "pt"})
    assert_read(tmp_path / "x.safetensors")


def test_hugging_face_folders(tmp_path: Path) -> None:
    config = {"hidden_size": 3}
    single, safe, sharded = (tmp_path / name for name in ("single", "safe", "sharded"))
    for folder in (single, safe, sharded):
        saved(folder / "config.json", json.dumps(config).encode())
    saved(single / "pytorch_model.bin", torch_files.zip_file(WEIGHTS))
    save_file(dict(WEIGHTS), safe / "model.safetensors")
    places = {"a": "part-1.bin", "b": "part-2.bin"}
    for key, name in places.items():
        saved(sharded / name, torch_files.zip_file(torch_files.Ordered({key: WEIGHTS[key]})))
    saved(sharded / "pytorch_model.bin.index.json", json.dumps({"weight_map": places}).encode())
    for folder in (single, safe, sharded):
        assert_read(folder)
        assert open_checkpoint(folder).config == config
    assert {f.name for f in open_checkpoint(sharded).files} >= {"part-1.bin", "part-2.bin", "config.json"}


STRANGERS = {
    "empty": (b"", "is empty"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
    "page": (b"\n<!doctype html><html></html>", "web page"),
    "sound": (b"RIFF\0\0\0\0WAVEfmt ", "no torch or safetensors checkpoint"),
    "text": (b"hello", "no torch or safetensors checkpoint"),
    "zip": (torch_files.Zip([torch_files.Entry("a/readme.txt", b"hi")]).build(), "without data.pkl"),
    "training": (torch_files.zip_file({"model": {}, "optimizer": {}, "iteration": 3}), "training checkpoint"),
    "empty state": (torch_files.zip_file({}), "holds no weights"),
}


@pytest.mark.parametrize("kind", STRANGERS)
def test_strangers_get_one_sentence(tmp_path: Path, kind: str) -> None:
    data, words = STRANGERS[kind]
    with pytest.raises(CheckpointError, match=words) as caught:
        open_checkpoint(saved(tmp_path / "x.ckpt", data))
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_no_file_there(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist"):
        open_checkpoint(tmp_path / "no.ckpt")
    with pytest.raises(CheckpointError, match="does not exist"):
        open_checkpoint(tmp_path)  # a folder without config.json


@pytest.mark.parametrize("index", [
    {"weight_map": {"a": "../part.bin"}}, {"weight_map": {"a": "/etc/passwd"}}, {"weight_map": {"a": ".."}},
    {"weight_map": {"a": 3}}, {"weight_map": []}, {}, [], {"weight_map": {"a": "absent.bin"}},
    {"weight_map": {"absent": "part.bin"}},
])  # fmt: skip
def test_an_index_cannot_lead_elsewhere(tmp_path: Path, index: object) -> None:
    folder = tmp_path / "inner"
    for place in (folder, tmp_path):
        saved(place / "part.bin", torch_files.zip_file(WEIGHTS))
    saved(folder / "config.json", b"{}")
    saved(folder / "pytorch_model.bin.index.json", json.dumps(index).encode())
    with pytest.raises(CheckpointError):
        open_checkpoint(folder)


def test_a_forbidden_name_is_named(tmp_path: Path, data: Path) -> None:
    evil = torch_files.Raw(
        torch_files.name("os", "system") + torch_files.pickled("true", [])[2:-1] + b"\x85R"
    )
    path = saved(tmp_path / "x.pth", torch_files.zip_file({"weight": evil}))
    with pytest.raises(CheckpointError, match=r"forbidden name 'os\.system'"):
        open_checkpoint(path)
    shutil.copy(data / "checkpoints" / "zip.pth", tmp_path)  # and nothing of it stays for the next file
    assert open_checkpoint(tmp_path / "zip.pth").config
