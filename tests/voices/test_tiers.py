"""Each tier gives the same state; what is damaged on disk is said, made again, and found the next time."""

import logging
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlx_voice.checkpoints import Model, open_model
from mlx_voice.device import mx
from mlx_voice.errors import RegistryError
from mlx_voice.settings import CacheOptions
from mlx_voice.voices import adding, shelf, tally
from mlx_voice.voices.adding import Recording
from mlx_voice.voices.entry import Entry, Voice
from mlx_voice.voices.registry import Registry, faults
from mlx_voice.voices.state import VoiceState
from mlx_voice.voices.tiers import Tiers

TEXT = "今天天气很好，我们去公园。"


@pytest.fixture
def model(tiny_model: Path) -> Model:
    return open_model(tiny_model)


@pytest.fixture
def loose(recording: Path) -> Voice:
    """A reference that was never added."""
    return Voice("loose", Entry(TEXT, "zh", recording.name), recording.parent, None)


def same(a: VoiceState, b: VoiceState) -> bool:
    arrays = bool(mx.array_equal(a.condition, b.condition)) and bool(mx.array_equal(a.codes, b.codes))
    return arrays and (a.key, a.phones, a.text, a.timing) == (b.key, b.phones, b.text, b.timing)


class Deaf:
    """A model whose content encoder must not be needed."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        assert name != "content", "HuBERT was loaded"
        return getattr(self._model, name)


def test_every_tier_gives_the_same_state(model: Model, loose: Voice) -> None:
    first = Tiers(model, Registry())
    from_sound = first.state([(loose, 1.0)])
    assert from_sound.codes.shape == (94,)
    assert len(from_sound.phones) > 20
    from_memory = first.state([(loose, 1.0)])
    assert from_memory is from_sound
    first.states.clear()
    from_mel = first.state([(loose, 1.0)])
    from_disk = Tiers(Deaf(model), Registry()).state([(loose, 1.0)])  # type: ignore[arg-type]
    unstored = CacheOptions(use_precomputed_mel=False, use_precomputed_codes=False)
    anew = Tiers(model, Registry(), unstored).state([(loose, 1.0)])
    assert all(same(from_sound, other) for other in (from_mel, from_disk, anew))
    assert first.counts() == {"voice": (1, 2), "mel": (1, 1), "disk": (1, 2)}


def test_a_voice_in_memory_costs_next_to_nothing(model: Model, loose: Voice) -> None:
    tiers = Tiers(model, Registry())
    tiers.state([(loose, 1.0)])
    spent = []
    for _ in range(50):
        started = time.perf_counter()
        tiers.state([(loose, 1.0)])
        spent.append(time.perf_counter() - started)
    assert min(spent) < 1e-4
    assert tiers.counts()["voice"] == (50, 1)


def test_a_recording_is_known_by_its_content(model: Model, loose: Voice, tmp_path: Path) -> None:
    Tiers(model, Registry()).state([(loose, 1.0)])
    shutil.copy(loose.root / "recording.wav", tmp_path / "copy.wav")
    copy = Voice("copy", Entry(TEXT, "zh", "copy.wav"), tmp_path, None)
    tiers = Tiers(Deaf(model), Registry())  # type: ignore[arg-type]
    tiers.state([(copy, 1.0)])
    assert tiers.counts()["disk"] == (2, 0)


def test_a_file_that_is_replaced_is_heard_again(model: Model, loose: Voice) -> None:
    from mlx_voice.audio import read, write

    tiers = Tiers(model, Registry())
    before = tiers.state([(loose, 1.0)])
    samples, rate = read(loose.root / "recording.wav")
    write(loose.root / "recording.wav", samples[::-1], rate)
    after = tiers.state([(loose, 1.0)])
    assert not np.array_equal(before.codes, after.codes)


def added(model: Model, recording: Path, name: str = "anna", **more: Any) -> Voice:
    return adding.add(Tiers(model, Registry()), name, Recording(recording, TEXT, **more))[0]


def test_an_added_voice_is_what_its_recording_was(model: Model, loose: Voice, recording: Path) -> None:
    voice = added(model, recording)
    assert faults(voice) == []
    assert (voice.root / "voices/anna/codes.bin").stat().st_size == 4 * 94
    tiers = Tiers(Deaf(model), Registry())  # type: ignore[arg-type]
    assert same(tiers.state([(voice, 1.0)]), Tiers(model, Registry()).state([(loose, 1.0)]))
    assert tiers.counts()["disk"] == (2, 0)


@pytest.mark.parametrize(
    ("name", "damage"),
    [("mel.bin", "cut"), ("mel.bin", "altered"), ("codes.bin", "altered"), ("codes.bin", "gone")],
)
def test_a_damaged_file_heals(
    model: Model, recording: Path, caplog: pytest.LogCaptureFixture, name: str, damage: str
) -> None:
    voice = added(model, recording)
    whole = Tiers(model, Registry()).state([(voice, 1.0)])
    path = voice.root / "voices/anna" / name
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-7] if damage == "cut" else bytes([content[0] ^ 1]) + content[1:])
    assert same(Tiers(model, Registry()).state([(voice, 1.0)]), whole)
    assert caplog.messages == [f"The voice 'anna': {name} is damaged or missing; it is made again."]
    assert path.read_bytes() == content
    assert faults(Registry().find("anna")) == []


def test_damage_on_disk_is_never_heard(
    model: Model, loose: Voice, count: Callable[[int, int], int], caplog: pytest.LogCaptureFixture
) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    draw = random.Random(seed)
    caplog.set_level(logging.CRITICAL, "mlx_voice")
    whole = Tiers(model, Registry()).state([(loose, 1.0)])
    (folder,) = shelf.stored()
    for _ in range(count(12, 300)):
        path = draw.choice([p for p in folder.iterdir() if not p.name.startswith(".")])
        content = bytearray(path.read_bytes())
        at = draw.randrange(len(content))
        content[at] ^= 1 << draw.randrange(8)
        path.write_bytes(content if draw.random() < 0.5 else content[:at])
        assert same(Tiers(model, Registry()).state([(loose, 1.0)]), whole)


def test_a_changed_recording_of_a_voice_is_heard_again(
    model: Model, recording: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from mlx_voice.audio import read, write

    voice = added(model, recording)
    before = Tiers(model, Registry()).state([(voice, 1.0)])
    samples, rate = read(recording)
    write(voice.root / "voices/anna/reference.wav", samples[::-1], rate)
    after = Tiers(model, Registry()).state([(voice, 1.0)])
    assert not np.array_equal(before.codes, after.codes)
    assert "has changed" in caplog.text
    healed = Registry().find("anna")
    assert faults(healed) == []
    assert same(Tiers(Deaf(model), Registry()).state([(healed, 1.0)]), after)  # type: ignore[arg-type]


def test_a_voice_without_its_recording_speaks_from_its_files(model: Model, recording: Path) -> None:
    voice = added(model, recording)
    (voice.root / "voices/anna/reference.wav").unlink()
    Tiers(Deaf(model), Registry()).state([(voice, 1.0)])  # type: ignore[arg-type]
    (voice.root / "voices/anna/codes.bin").unlink()
    with pytest.raises(RegistryError, match="'anna' has no recording"):
        Tiers(model, Registry()).state([(voice, 1.0)])


def test_a_blend_is_the_weighted_mean(model: Model, recording: Path, tmp_path: Path) -> None:
    from mlx_voice.audio import read, write

    samples, rate = read(recording)
    write(tmp_path / "other.wav", 0.5 * samples[::-1], rate)
    a = Voice("a", Entry(TEXT, "zh", recording.name), tmp_path, None)
    b = Voice("b", Entry("", "zh", "other.wav"), tmp_path, None)  # nobody wrote down what it says
    tiers = Tiers(model, Registry())
    one, two, mixed = (tiers.state(blend) for blend in ([(a, 1.0)], [(b, 1.0)], [(a, 3.0), (b, 1.0)]))
    assert mx.allclose(mixed.condition, 0.75 * one.condition + 0.25 * two.condition, atol=1e-6)
    assert mixed.phones == one.phones
    assert mx.array_equal(mixed.codes, one.codes)
    assert two.phones == ()
    assert two.codes.size == 0


def test_the_oldest_references_leave_first(model: Model, recording: Path, tmp_path: Path) -> None:
    from mlx_voice.audio import read, write

    samples, rate = read(recording)
    tiers = Tiers(model, Registry(), CacheOptions(references=1 << 20))
    for i in range(4):  # each has a mel of 450 kB
        write(tmp_path / f"{i}.wav", samples * (1 - i / 10), rate)
        tiers.state([(Voice(str(i), Entry(TEXT, "zh", f"{i}.wav"), tmp_path, None), 1.0)])
    assert sum(map(shelf.size, shelf.stored())) <= 1 << 20
    kept = Tiers(Deaf(model), Registry())  # type: ignore[arg-type]
    kept.state([(Voice("3", Entry(TEXT, "zh", "3.wav"), tmp_path, None), 1.0)])
    assert len(shelf.stored()) == 2


def test_a_disk_that_refuses_costs_no_sound(
    model: Model, loose: Voice, own_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (own_home / "cache/.counts.json.lock").mkdir(parents=True)
    (own_home / "cache/references").write_text("in the way")
    Tiers(model, Registry()).state([(loose, 1.0)])
    assert "is not kept" in caplog.text
    tally.count({"voice": (1, 0)})


def test_hits_are_counted_over_runs() -> None:
    tally.count({"voice": (3, 1)})
    tally.count({"voice": (1, 0), "mel": (2, 2)})
    assert tally.read() == tally.Tally({"mel": 2, "voice": 4}, {"mel": 2, "voice": 1})
    tally.file().write_bytes(b"{")
    assert tally.read() == tally.Tally()
