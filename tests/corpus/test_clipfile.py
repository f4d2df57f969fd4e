"""Files that are believed only when they are as they were written, wherever they are."""

import random
from pathlib import Path

import numpy as np
import pytest

from mlx_voice.corpus.clipfile import Header, pack, unpack
from mlx_voice.corpus.store import Store
from mlx_voice.errors import CorpusError, InputError

HEADER = Header("a/b", "c0", "f0", 1, "你好", "zh", "", 1.5, -20.0, 120.0, 2.0, {"frames": 75})
ARRAYS = {
    "codes": np.arange(7, dtype=np.int32),
    "mel": np.linspace(0, 1, 24, dtype=np.float16).reshape(3, 8),
    "bert": np.zeros((0, 4), np.float16),
    "stop": np.array([0, 1], np.uint8),
}


@pytest.mark.parametrize("compressed", [False, True])
def test_there_and_back(compressed: bool) -> None:
    data = pack(HEADER, ARRAYS, compressed)
    assert data == pack(HEADER, ARRAYS, compressed)
    header, arrays = unpack(data, "file")
    assert header == HEADER
    assert list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


def test_others_can_read_it() -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    theirs = safetensors.load(pack(HEADER, ARRAYS))
    assert all(np.array_equal(theirs[name], array) for name, array in ARRAYS.items())


@pytest.mark.parametrize("compressed", [False, True])
def test_no_damage_goes_unseen(compressed: bool) -> None:
    data, draw = pack(HEADER, ARRAYS, compressed), random.Random(1)
    for _ in range(300):
        cut = data[: draw.randrange(len(data))]
        with pytest.raises(CorpusError, match="is damaged"):
            unpack(cut, "file")
        at = draw.randrange(len(data))
        flipped = data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]
        try:
            header, arrays = unpack(flipped, "file")
        except CorpusError:
            continue
        assert header == HEADER  # what is not covered by the checksum changes nothing
        assert all(np.array_equal(arrays[name], array) for name, array in ARRAYS.items())


@pytest.mark.parametrize("address", ["folder", "memory://corpus-test/x"])
def test_places(tmp_path: Path, address: str) -> None:
    store = Store(address if "://" in address else tmp_path / address)
    name = store.name("Ünï/clip 1", False)
    assert store.clips() == {}
    assert store.metadata(None) is None
    with pytest.raises(FileNotFoundError):
        store.place.read(name)
    store.place.write(name, b"12345")
    store.place.write(name, b"123")
    assert store.clips() == {name: 3}
    assert store.place.read(name) == b"123"
    store.place.write("metadata.json", b"{}")
    with pytest.raises(CorpusError, match="is damaged"):
        store.metadata(None)
    store.clear()
    assert store.clips() == {}
    assert not (tmp_path / "folder").exists()


def test_clearing_leaves_what_is_not_ours(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.place.write(store.name("a", False), b"1")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "clips" / "mine.wav").write_text("mine")
    store.clear()
    assert {p.name for p in tmp_path.rglob("*") if p.is_file()} == {"notes.txt", "mine.wav"}


def test_names_differ_where_capitals_do_not_count() -> None:
    names = {
        Store("x").name(ident, False).lower() for ident in ("a", "A", "a/a", "a%2Fa", "x" * 300, "x" * 301)
    }
    assert len(names) == 6
    assert all(len(Path(name).name) < 255 for name in names)


def test_an_address_that_nobody_knows() -> None:
    with pytest.raises(InputError, match="cannot be opened"):
        Store("nonsense://x")
