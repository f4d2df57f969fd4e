"""`Corpus`: clips from the store, from memory, or computed when they are asked for."""

import io
import pickle
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from example_corpus import RATE, compute, contents, make, tone

from mlx_voice import Corpus
from mlx_voice.audio import write
from mlx_voice.cli import main
from mlx_voice.corpus.collate import Clip, collate
from mlx_voice.corpus.dataset import BadClipError
from mlx_voice.corpus.export import export
from mlx_voice.errors import CorpusError, ModelError
from mlx_voice.settings import home


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    made = make(tmp_path_factory.mktemp("computed"), 6)
    compute(made, tiny_model)
    return made


@pytest.fixture
def folder(tmp_path: Path, computed: Path) -> Path:
    """A corpus may be copied or moved with its store."""
    return Path(shutil.copytree(computed, tmp_path / "corpus"))


def test_items_from_the_store_without_a_model(folder: Path) -> None:
    with Corpus(folder, model=None) as corpus:
        assert len(corpus) == 6
        assert [clip.id for clip in corpus] == [f"clip{i}" for i in range(6)]
        assert corpus["clip2"] is corpus[2]
        assert corpus[-1].id == "clip5"
        assert corpus[1].text == "你好，世界！"
        assert corpus._engine is None
        assert len(corpus[1:3]) == 2


def test_memory_is_bounded_in_bytes(folder: Path) -> None:
    with Corpus(folder) as corpus:
        size = corpus[0].nbytes
        assert corpus.preload() == 6
        assert corpus.counts.misses == 6
    with Corpus(folder, memory=3 * size) as corpus:
        assert corpus.preload() < 4
        assert corpus.counts.bytes <= 3 * size


def test_batches_hold_every_clip_once(folder: Path) -> None:
    with Corpus(folder, features=["codes", "mel", "phones", "bert", "word2ph"]) as corpus:
        batches = list(corpus.batches(4, seed=3))
        assert sorted(i for batch in batches for i in batch.clips) == [f"clip{i}" for i in range(6)]
        assert [len(batch) for batch in corpus.batches(4, seed=3, drop_last=True)] == [4]
        batch = next(b for b in batches if len(b) == 4)
        for row, ident in enumerate(batch.clips):
            clip = corpus[ident]
            for name, axis in (("mel", "frames"), ("codes", "codes"), ("phones", "phones")):
                n = int(batch.lengths[axis][row])
                assert n == len(clip[name])
                np.testing.assert_array_equal(batch[name][row, :n], clip[name])
                assert not batch[name][row, n:].any()
                assert batch.masks[axis][row].sum() == n
        assert batch["bert"].shape[:2] == batch["phones"].shape


def test_shuffling_is_the_same_everywhere(folder: Path) -> None:
    with Corpus(folder) as corpus, Corpus(folder) as other:
        assert corpus.order() == list(range(6))
        assert corpus.order(1) == other.order(1)
        assert sorted(corpus.order(1)) == list(range(6))
        assert len({tuple(corpus.order(seed, epoch)) for seed in (1, 2) for epoch in (0, 1)}) == 4
        assert [b.clips for b in corpus.batches(2, seed=5)] == [b.clips for b in other.batches(2, seed=5)]


def test_what_is_missing_is_computed_and_stored(tmp_path: Path, tiny_model: Path, folder: Path) -> None:
    auto = make(tmp_path / "auto", 6)
    with Corpus(auto, model=tiny_model) as corpus:
        assert contents(auto) == {}
        corpus[3]
        assert len(contents(auto)) == 1
        assert sum(len(batch) for batch in corpus.batches(4)) == 6
    assert contents(auto) == contents(folder)
    with Corpus(auto, model=tiny_model) as corpus:
        assert corpus._engine is not None  # it was asked what it would make
        before = corpus.counts
        corpus[0]
        assert corpus.counts.misses == before.misses + 1


def test_nothing_is_stored_where_nothing_may_be(tmp_path: Path, tiny_model: Path, folder: Path) -> None:
    plain = make(tmp_path / "plain", 2)
    with Corpus(plain, model=tiny_model, use_feature_cache=False) as corpus, Corpus(folder) as stored:
        for name, array in corpus[1].features.items():
            np.testing.assert_array_equal(array, stored[1][name])
    assert not (plain / ".feature_cache").exists()


def test_a_changed_or_damaged_clip_is_computed_again(folder: Path, tiny_model: Path) -> None:
    before = contents(folder)
    write(folder / "wavs/clip0.wav", tone(1.5, 222), RATE)
    name = next(name for name in before if "clip1" in name)
    (folder / ".feature_cache" / name).write_bytes(before[name][:-1])
    with Corpus(folder, model=tiny_model) as corpus:
        assert abs(corpus[0].header.seconds - 1.5) < 0.01
        assert corpus[1].id == "clip1"
    assert contents(folder)[name] == before[name]


def test_a_store_that_may_only_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    shutil.rmtree(folder / ".feature_cache/local")
    with Corpus(folder) as corpus:
        assert corpus[0].id == "clip0"
        assert corpus.store.local.is_relative_to(home())
    assert not (folder / ".feature_cache/local").exists()


def test_the_guide_runs(folder: Path, tiny_model: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = (data.parents[1] / "docs/corpus.md").read_text()
    monkeypatch.chdir(folder.parent)
    monkeypatch.setattr("mlx_voice.corpus.dataset.default_model", lambda: str(tiny_model))
    monkeypatch.setattr("mlx_voice.cloner.default_model", lambda: str(tiny_model))
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    (block,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    exec(block, {})
    for line in re.findall(r"^\$ mlx-voice (.*)", guide, re.MULTILINE):
        with pytest.raises(SystemExit) as ended:
            main(shlex.split(line.replace("DIR", "corpus"), comments=True))
        assert ended.value.code == 0, line
    assert not (folder / ".feature_cache").exists()


def test_another_model_does_not_mix_in(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (folder / ".feature_cache" / next(iter(contents(folder)))).unlink()
    monkeypatch.setattr("mlx_voice.corpus.dataset.default_model", lambda: str(tmp_path / "none"))
    with Corpus(folder) as corpus, pytest.raises((CorpusError, ModelError)):
        list(corpus)


def test_bad_clips_are_left_out(tmp_path: Path, tiny_model: Path) -> None:
    folder = make(tmp_path / "corpus", 3)
    write(folder / "wavs/clip1.wav", np.zeros(RATE, np.float32), RATE)
    with Corpus(folder, model=tiny_model) as corpus:
        assert len(corpus) == 3  # nobody has heard it yet
        with pytest.raises(BadClipError, match="silent"):
            corpus[1]
        assert [len(batch) for batch in corpus.batches(3)] == [2]
    with Corpus(folder, model=tiny_model) as corpus:
        assert len(corpus) == 2
        assert "silent" in corpus.failures["clip1"]


def test_it_travels_to_other_processes(folder: Path) -> None:
    with Corpus(folder, features=["codes"]) as corpus:
        with pickle.loads(pickle.dumps(corpus)) as other:  # noqa: S301
            np.testing.assert_array_equal(other[4]["codes"], corpus[4]["codes"])
            assert set(other[4].features) == {"codes"}
        script = (
            "from concurrent.futures import ProcessPoolExecutor as P\n"
            "from multiprocessing import get_context as c\n"
            "from mlx_voice import Corpus\nfrom operator import getitem\n"
            "if __name__ == '__main__':\n"
            f"  corpus = Corpus({str(folder)!r})\n"
            "  with P(2, c('spawn')) as pool:\n"
            "    print([clip.id for clip in pool.map(getitem, [corpus] * 6, range(6))])"
        )
        file = folder / "script.py"
        file.write_text(script)
        done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == str([f"clip{i}" for i in range(6)])


def test_collate_counts_no_rows_as_zeros() -> None:
    def clip(rows: int) -> Clip:
        return Clip(None, {"bert": np.ones((rows, 3), np.float16)})  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Clip, "id", "x")
        batch = collate([clip(2), clip(0)])
    assert batch["bert"].shape == (2, 2, 3)
    assert batch["bert"][1].sum() == 0


def test_export_for_other_tools(folder: Path, tmp_path: Path) -> None:
    with Corpus(folder, features=["codes", "f0"]) as corpus:
        assert export(corpus, tmp_path / "all.npz") == 6
        with np.load(tmp_path / "all.npz") as archive:
            np.testing.assert_array_equal(archive["clip3/codes"], corpus[3]["codes"])
            assert len(archive.files) == 12
        first = (tmp_path / "all.npz").read_bytes()
        export(corpus, tmp_path / "all.npz")
        assert (tmp_path / "all.npz").read_bytes() == first
        export(corpus, tmp_path / "each")
    with np.load(tmp_path / "each/clip2.npz") as archive:
        assert set(archive.files) == {"codes", "f0"}
    assert (tmp_path / "each/metadata.csv").read_text().splitlines()[1] == "clip1.npz||auto|你好，世界！"
