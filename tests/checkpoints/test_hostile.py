"""Hundreds of damaged and hostile files: our error, nothing run, little memory, nothing installed."""

import itertools
import os
import random
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import hostile_files
import pytest

from mlx_voice.checkpoints.convert import convert
from mlx_voice.checkpoints.parts import T2S
from mlx_voice.checkpoints.plans import plan
from mlx_voice.checkpoints.reader import open_checkpoint
from mlx_voice.errors import CheckpointError

SEED = random.Random(int(os.environ.get("MLX_VOICE_SEED", "0"))).randrange(1 << 30)
MEMORY = 150 << 20  # of one refusal; a pickle may have 16 MB


def test_the_sound_file_is_accepted(tmp_path: Path, own_home: Path) -> None:
    path = tmp_path / "x.ckpt"
    path.write_bytes(hostile_files.sound())
    assert convert(t2s=path, name="sound") == own_home / "models" / "sound"


def test_every_hostile_file_is_refused(
    tmp_path: Path, own_home: Path, count: Callable[[int, int], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cases = hostile_files.all_cases(SEED)
    assert len(cases) >= 500
    chosen = random.Random(SEED).sample(cases, count(120, len(cases)))
    print(f"seed {SEED}: {len(chosen)} of {len(cases)} files")
    tracemalloc.start()
    for what, name, data in chosen:
        path = tmp_path / name
        path.write_bytes(data)
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        with pytest.raises(CheckpointError) as caught:
            convert(t2s=path, name="hostile")
            pytest.fail(f"accepted: {what}")
        grown = tracemalloc.get_traced_memory()[1] - before
        assert grown < MEMORY, f"{what}: {grown >> 20} MB"
        assert "\n" not in str(caught.value), what
        assert len(str(caught.value)) < 600, what
        str(caught.value).encode()  # may be printed
        assert {p.name for p in (own_home / "models").glob("*")} <= {".mlx-voice-installing.lock"}, what
        assert {p.name for p in tmp_path.iterdir()} <= {name, own_home.name, "x.ckpt", "x.safetensors"}, what
    tracemalloc.stop()


def test_any_flipped_bit_is_noticed_or_harmless(tmp_path: Path, count: Callable[[int, int], int]) -> None:
    """Padding and dates may be flipped: then every number is as it was."""
    data, rng = hostile_files.sound(), random.Random(SEED)
    path = tmp_path / "x.ckpt"
    wanted = {key: array.tobytes() for key, array in hostile_files.weights().items()}
    for _ in range(count(100, 2000)):
        at = rng.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :])
        try:
            state = open_checkpoint(path).state
            found = {key: tensor.numpy().tobytes() for key, tensor in state.items()}
        except CheckpointError:
            continue
        assert found == wanted, at


def test_random_spoiling_meets_no_other_error(tmp_path: Path, count: Callable[[int, int], int]) -> None:
    rng, path = random.Random(SEED), tmp_path / "x.ckpt"
    for data in itertools.islice(hostile_files.fuzzed(rng), count(200, 5000)):
        path.write_bytes(data)
        with suppress(CheckpointError):
            checkpoint = open_checkpoint(path)
            plan(T2S, checkpoint)
            assert all(tensor.numpy().shape == tensor.shape for tensor in checkpoint.state.values())
