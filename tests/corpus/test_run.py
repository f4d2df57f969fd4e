"""Computing what is missing: all of it, once, the same bytes however often it was broken off."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from example_corpus import FORM, RATE, compute, contents, make, tone

from mlx_voice.audio import write
from mlx_voice.corpus.clipfile import unpack
from mlx_voice.corpus.dataset import store_of
from mlx_voice.corpus.form import FEATURES
from mlx_voice.corpus.index import Index
from mlx_voice.corpus.items import read_listing
from mlx_voice.corpus.networks import Networks, form_of
from mlx_voice.corpus.scan import Scan, tasks
from mlx_voice.corpus.status import status, verify
from mlx_voice.corpus.workers import Ready, Task, prepare
from mlx_voice.device import mx
from mlx_voice.engine import Engine
from mlx_voice.errors import CorpusError, InputError, StorageError
from mlx_voice.settings import home
from mlx_voice.voices import features as voice_features
from mlx_voice.voices.coach import Reference


def precompute(folder: Path, model: Path, *more: str) -> list[str]:
    command = [sys.executable, "-m", "mlx_voice", "corpus", "precompute", str(folder), "--model", str(model)]
    return [*command, "--workers", "0", *more]


def computed(done: subprocess.CompletedProcess[str]) -> int:
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[0])


def test_every_feature_of_every_clip(tmp_path: Path, tiny_model: Path) -> None:
    folder = make(tmp_path / "corpus")
    table, run = compute(folder, tiny_model)
    assert table["complete"]
    assert (table["clips"], table["stored"], table["failed"]) == (4, 4, {})
    assert table == json.loads((folder / ".feature_cache/metadata.json").read_text()) | {
        "form": table["form"]
    }
    for name, data in contents(folder).items():
        header, arrays = unpack(data, name)
        frames, codes, phones = arrays["lengths"].tolist()
        assert set(arrays) == set(FEATURES)
        assert arrays["spectrogram"].shape == (frames, run.form.bins)
        assert arrays["mel"].shape == (frames, 80)
        assert arrays["f0"].shape == arrays["energy"].shape == arrays["stop"].shape == (frames,)
        assert arrays["stop"].sum() == arrays["stop"][-1] == 1
        assert len(arrays["codes"]) == codes > 0
        assert len(arrays["phones"]) == phones == arrays["word2ph"].sum()
        assert len(arrays["durations"]) == phones
        assert arrays["durations"].sum() == frames
        assert arrays["bert"].shape == ((0 if header.text.startswith("We") else phones), run.form.bert_width)
        assert abs(header.seconds * 50 - frames) <= 1


def test_codes_and_spectra_are_those_of_a_voice(tmp_path: Path, tiny_model: Path) -> None:
    """A corpus hears a clip as `voices` hears a reference."""
    folder = make(tmp_path / "corpus", 2)
    compute(folder, tiny_model)
    clips = [unpack(data, name) for name, data in contents(folder).items()]
    header, arrays = next(clip for clip in clips if clip[0].id == "clip1")
    from mlx_voice.audio import read

    samples, rate = read(folder / "wavs" / "clip1.wav")
    reference = Reference(samples, rate, 0.0, header.seconds, ())
    engine = Engine(tiny_model)
    codes = engine.call(lambda: voice_features.codes(reference, engine.model))
    mel = engine.call(lambda: voice_features.mel(reference, voice_features.spectrum(engine.model)))
    engine.close()
    np.testing.assert_array_equal(arrays["codes"], codes)
    np.testing.assert_array_equal(arrays["spectrogram"], mel.T.astype(np.float16))


def test_company_makes_no_difference(tmp_path: Path, tiny_model: Path) -> None:
    """In batches of a fixed shape a clip's bytes do not depend on its neighbours, nor on who is missing."""
    folder = make(tmp_path / "corpus", 6)
    compute(folder, tiny_model, batch=4)
    together = contents(folder)
    for name in list(together)[::2]:
        (folder / ".feature_cache" / name).unlink()
    _, run = compute(folder, tiny_model, batch=4)
    assert run.progress.stored == 3
    assert contents(folder) == together
    _, run = compute(folder, tiny_model, batch=1, force=True)
    alone = contents(folder)
    for name, data in together.items():
        np.testing.assert_array_equal(unpack(data, name)[1]["codes"], unpack(alone[name], name)[1]["codes"])


def test_memory_does_not_grow_with_the_clips(tmp_path: Path, tiny_model: Path) -> None:
    """Clips of one length each leave nothing behind in MLX; RSS of long runs: benchmarks/corpus.py."""
    items = read_listing(make(tmp_path / "corpus", 12)).items
    engine = Engine(tiny_model)

    def held() -> list[tuple[int, int]]:
        form = form_of(engine.model)
        networks, after = Networks(engine.model, form), []
        for item in items:
            ready = prepare(Task(item, form))
            assert isinstance(ready, Ready)
            networks.features([ready])
            after.append((mx.get_active_memory(), mx.get_cache_memory()))
        return after

    after = engine.call(held)
    engine.close()
    assert set(after) == {(after[0][0], 0)}


def test_the_longest_comes_first(tmp_path: Path) -> None:
    """So that memory is at its highest at once, and not after hours."""
    folder = make(tmp_path / "corpus", 3)
    items = read_listing(folder).items
    seen = Scan({}, {}, {})
    assert [task.item.id for task in tasks(items, seen, FORM, None, False)] == ["clip2", "clip1", "clip0"]


def test_worker_processes_make_the_same(tmp_path: Path, tiny_model: Path) -> None:
    folder = make(tmp_path / "corpus", 16)
    compute(folder, tiny_model)
    here = contents(folder)
    _, run = compute(folder, tiny_model, force=True, workers=2)
    assert run.progress.stored == 16
    assert contents(folder) == here


def test_only_what_is_new_changed_or_damaged_is_computed(tmp_path: Path, tiny_model: Path) -> None:
    folder = make(tmp_path / "corpus", 5)
    compute(folder, tiny_model)
    before = contents(folder)

    def stored() -> int:
        return compute(folder, tiny_model)[1].progress.stored

    assert stored() == 0
    (folder / "wavs/clip0.wav").touch()
    assert stored() == 0  # only its date
    write(folder / "wavs/clip0.wav", tone(0.9, 300), RATE)
    assert status(read_listing(folder), store_of(folder)).stale == 1
    assert stored() == 1
    listed = (folder / "metadata.csv").read_text()
    (folder / "metadata.csv").write_text(listed.replace("你好，世界！", "你好。"))
    assert stored() == 1
    (folder / "metadata.csv").write_text(listed)
    write(folder / "wavs/clip0.wav", tone(0.8, 100), RATE)
    assert stored() == 2
    assert contents(folder) == before


def test_damage_is_found_and_mended(tmp_path: Path, tiny_model: Path) -> None:
    folder = make(tmp_path / "corpus")
    compute(folder, tiny_model)
    before, root = contents(folder), folder / ".feature_cache"
    truncated, flipped, gone, _ = before
    (root / truncated).write_bytes(before[truncated][:-100])
    (root / flipped).write_bytes(before[flipped][:-5] + b"\xff" + before[flipped][-4:])
    (root / gone).unlink()
    faults = dict(verify(read_listing(folder), store_of(folder)))
    assert sorted(map(bool, faults.values())) == [False, True, True, True]
    assert compute(folder, tiny_model)[1].progress.stored == 3
    assert contents(folder) == before
    assert not any(fault for _, fault in verify(read_listing(folder), store_of(folder)))


def test_what_killed_writers_left_is_swept_when_nobody_else_is_at_work(
    tmp_path: Path, tiny_model: Path
) -> None:
    folder = make(tmp_path / "corpus", 1)
    compute(folder, tiny_model)
    store, before = store_of(folder), contents(folder)
    (name,) = before
    whole = [folder / ".feature_cache" / of for of in ("metadata.json", name)]
    left = [path.with_name(f".{path.name}.0123abcd.part") for path in whole]
    for part in left:
        part.write_bytes(b"half")
    other = Index(store.local)
    compute(folder, tiny_model)
    assert all(part.exists() for part in left)
    other.close()
    compute(folder, tiny_model)
    assert not any(part.exists() for part in left)
    assert contents(folder) == before


def test_the_index_is_no_loss(tmp_path: Path, tiny_model: Path) -> None:
    folder = make(tmp_path / "corpus")
    compute(folder, tiny_model)
    for damage in (lambda p: p.unlink(), lambda p: p.write_bytes(b"not a database" * 100)):
        for path in (folder / ".feature_cache/local").glob("index.sqlite*"):
            damage(path)
        assert compute(folder, tiny_model)[1].progress.stored == 0
        assert status(read_listing(folder), store_of(folder)).complete


def test_another_configuration_is_noticed_and_said(
    tmp_path: Path, tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make(tmp_path / "corpus", 2)
    compute(folder, tiny_model, names=["codes", "phones"])
    sizes = sum(map(len, contents(folder).values()))
    assert compute(folder, tiny_model, names=["codes", "phones", "mel"])[1].progress.stored == 2
    assert "The configuration has changed (features: " in caplog.text
    assert sum(map(len, contents(folder).values())) > sizes
    assert (
        compute(folder, tiny_model, names=["codes", "phones", "mel"], compressed=True)[1].progress.stored == 2
    )
    assert all(name.endswith(".safetensors.zst") for name in contents(folder))
    assert status(read_listing(folder), store_of(folder)).complete


def test_a_bad_clip_is_listed_with_its_reason(tmp_path: Path, tiny_model: Path) -> None:
    folder = make(tmp_path / "corpus", 2)
    (folder / "wavs/noise.wav").write_bytes(b"RIFF, perhaps")
    write(folder / "wavs/silent.wav", np.zeros(RATE, np.float32), RATE)
    write(folder / "wavs/long.wav", tone(3.5, 100), RATE)
    write(folder / "wavs/short.wav", tone(0.01, 100), RATE)
    write(folder / "wavs/mute.wav", tone(1, 100), RATE)
    lines = [
        "noise|你好",
        "silent|你好",
        "long|你好",
        "short|你好",
        "mute|",
        "marks|！",
        "gone|你好",
        "clip0|again",
        "?",
    ]
    write(folder / "wavs/marks.wav", tone(1, 100), RATE)
    with (folder / "metadata.csv").open("a") as file:
        file.write("\n" + "\n".join(lines))
    table, run = compute(folder, tiny_model, longest=3.0)
    assert (run.progress.stored, run.progress.failed) == (2, 7)
    assert not table["complete"]
    expected = {
        "noise": "not audio", "silent": "silent", "long": "longer than 3 s", "short": "too short",
        "mute": "text is empty", "marks": "nothing to say", "gone": "cannot be read",
        "metadata.csv:10": "twice", "metadata.csv:11": "not of the form",
    }  # fmt: skip
    assert set(table["failed"]) == set(expected)
    assert all(words in table["failed"][name] for name, words in expected.items())
    found = status(read_listing(folder), store_of(folder))
    assert (found.clips, found.stored, found.missing, len(found.failed)) == (11, 2, 0, 9)
    _, again = compute(folder, tiny_model, longest=3.0)
    assert again.progress.total == 0  # what is bad stays bad until it changes
    write(folder / "wavs/silent.wav", tone(1, 200), RATE)
    assert compute(folder, tiny_model, longest=3.0)[1].progress.stored == 1


def test_a_full_disk_ends_the_run_in_one_sentence(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(tmp_path / "corpus")
    store, put = store_of(folder), []

    def write_two(name: str, data: bytes) -> None:
        if name.startswith("clips") and len(put) >= 2:
            raise StorageError(f"{name} cannot be written: No space left on device; free some space.")
        put.append(name)
        folder_write(name, data)

    folder_write = store.place.write
    monkeypatch.setattr(store.place, "write", write_two)
    with pytest.raises(StorageError, match="No space left"):
        compute(folder, tiny_model, store)
    kept = contents(folder)
    assert len(kept) == len([name for name in put if name.startswith("clips")])
    _, run = compute(folder, tiny_model)
    assert run.progress.stored == 4 - len(kept)
    assert kept.items() <= contents(folder).items()


def test_splits_have_their_own_metadata(tmp_path: Path, tiny_model: Path) -> None:
    folder = make(tmp_path / "corpus", 3)
    lines = (folder / "metadata.csv").read_text().splitlines()
    (folder / "train.csv").write_text("\n".join(lines[:2]))
    (folder / "metadata_test.csv").write_text("\n".join([lines[2], "lost|你好"]))
    assert compute(folder, tiny_model, split="train")[0]["complete"]
    test, _ = compute(folder, tiny_model, split="test")
    assert not test["complete"]
    assert list(test["failed"]) == ["lost"]
    assert {p.name for p in (folder / ".feature_cache").glob("*.json")} == {
        "metadata-train.json",
        "metadata-test.json",
    }
    with pytest.raises(CorpusError, match="no clips in the split 'validation'"):
        read_listing(folder, "validation")


def test_remote_stores(tmp_path: Path, tiny_model: Path) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    MemoryFileSystem.store.clear()
    folder = make(tmp_path / "corpus", 3)
    store = store_of(folder, "memory://bucket/features")
    assert compute(folder, tiny_model, store)[0]["complete"]
    assert compute(folder, tiny_model, store)[1].progress.stored == 0
    assert str(store.local).startswith(str(home()))
    name = next(iter(store.clips()))
    store.place.write(name, store.place.read(name)[:-9])
    assert compute(folder, tiny_model, store)[1].progress.stored == 1
    store.clear()
    assert store.clips() == {}
    assert not (folder / ".feature_cache").exists()


def test_unknown_features_are_refused(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(InputError, match="no feature 'colour'"):
        compute(make(tmp_path / "corpus", 1), tiny_model, names=["colour"])


@pytest.mark.timeout(1800)
def test_killed_and_resumed_it_is_the_same(
    tmp_path: Path, tiny_model: Path, count: Callable[[int, int], int]
) -> None:
    """Killed at random points; the store is then what an uninterrupted run makes, byte for byte."""
    whole, folder = make(tmp_path / "whole", 8), make(tmp_path / "killed", 8)
    start = time.perf_counter()
    subprocess.run(precompute(whole, tiny_model), check=True, capture_output=True)
    spent = time.perf_counter() - start
    seed = random.randrange(1 << 30)
    print("seed", seed)
    draw = random.Random(seed)
    for round_ in range(count(5, 50)):
        there = len(contents(folder))
        wait = draw.uniform(0.0, 0.3)
        deadline = time.perf_counter() + 4 * spent
        with subprocess.Popen(
            precompute(folder, tiny_model), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            while (
                len(contents(folder)) == there and process.poll() is None and time.perf_counter() < deadline
            ):
                time.sleep(0.005)
            time.sleep(wait)
            process.send_signal(draw.choice([signal.SIGKILL, signal.SIGINT]))
        if len(contents(folder)) == 8:  # nothing is left to be broken off
            for name in draw.sample(sorted(contents(folder)), 5):
                (folder / ".feature_cache" / name).unlink()
            if round_ % 2:
                (folder / ".feature_cache/metadata.json").unlink(missing_ok=True)
    subprocess.run(precompute(folder, tiny_model), check=True, capture_output=True)
    assert contents(folder) == contents(whole)
    assert not list((folder / ".feature_cache").rglob("*.part"))
    metadata = [(f / ".feature_cache/metadata.json").read_bytes() for f in (folder, whole)]
    assert metadata[0] == metadata[1]


def test_two_processes_share_the_work(tmp_path: Path, tiny_model: Path) -> None:
    whole, folder = make(tmp_path / "whole", 14), make(tmp_path / "shared", 14)
    compute(whole, tiny_model)
    both = [
        subprocess.Popen(precompute(folder, tiny_model), stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    outputs = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum(int(output.split()[0]) for output in outputs) == 14  # none twice
    assert contents(folder) == contents(whole)


def test_a_claim_ends_with_its_process(tmp_path: Path, tiny_model: Path) -> None:
    folder = make(tmp_path / "corpus", 2)
    script = (
        "import os, sys; from pathlib import Path; from mlx_voice.corpus.index import Index;"
        f"Index(Path({str(folder / '.feature_cache/local')!r})).claim(['clip0', 'clip1']); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script], check=False)
    assert compute(folder, tiny_model)[1].progress.stored == 2


def test_ctrl_c_leaves_nothing_half_written(tmp_path: Path, tiny_model: Path) -> None:
    folder = make(tmp_path / "corpus", 12)
    process = subprocess.Popen(
        precompute(folder, tiny_model), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not contents(folder):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert not list((folder / ".feature_cache").rglob("*.part"))
    kept = contents(folder)
    assert all(unpack(data, name) for name, data in kept.items())
    done = subprocess.run(precompute(folder, tiny_model), capture_output=True, text=True, check=False)
    assert computed(done) == 12 - len(kept)
