"""The embedded model fits the style of a voice that it never heard: once, where it can, and as well in half
precision."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlx_voice.audio import read, resample, write
from mlx_voice.checkpoints import Model, open_model
from mlx_voice.checkpoints.config import ModelConfig, Style
from mlx_voice.device import mx
from mlx_voice.errors import ModelError, RegistryError
from mlx_voice.voices import features
from mlx_voice.voices.entry import Entry, Voice
from mlx_voice.voices.registry import Registry
from mlx_voice.voices.tiers import Tiers


@pytest.fixture
def model() -> Model:
    return open_model("mini")


@pytest.fixture
def cedar() -> Voice:
    return Registry().find("cedar")


@pytest.fixture
def stranger(cedar: Voice, tmp_path: Path) -> Voice:
    """Cedar with a shorter throat than training ever heard."""
    assert cedar.reference is not None
    samples, rate = read(cedar.reference)
    write(tmp_path / "stranger.wav", resample(samples, rate, round(rate / 1.26)), rate)
    return Voice("stranger", Entry(cedar.entry.ref_text, "en", "stranger.wav"), tmp_path, None)


def style(model: Model, voice: Voice) -> np.ndarray:
    tiers = Tiers(model, Registry())
    return tiers.style(tiers.source(voice))


def guess(model: Model, voice: Voice) -> np.ndarray:
    tiers = Tiers(model, Registry())
    spectrum = mx.array(tiers.mel(tiers.source(voice)).T)[None]
    return np.array(model.sovits.condition(spectrum)[0, 0].astype(mx.float32))


def moved(model: Model, voice: Voice) -> float:
    """How far the style is from the guess, for the guess's length."""
    first = guess(model, voice)
    return float(np.linalg.norm(style(model, voice) - first) / np.linalg.norm(first))


def test_a_stranger_is_fitted_once(
    model: Model, stranger: Voice, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mlx_voice")
    first = style(model, stranger)
    assert caplog.messages == ["stranger: fitting the voice to its recording; this is done once."]
    assert moved(model, stranger) > 0.3
    monkeypatch.delattr(features, "style")
    assert np.array_equal(style(model, stranger), first)
    assert len(caplog.messages) == 1


def test_a_voice_that_training_knew_keeps_the_guess(model: Model, cedar: Voice) -> None:
    assert moved(model, cedar) < 1e-4
    fresh = Voice("fresh", Entry(cedar.entry.ref_text, "en", cedar.entry.ref_audio), cedar.root, None)
    assert moved(model, fresh) < 1e-4


def test_the_shipped_are_stored(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(features, "style")
    for voice in Registry().voices().values():
        (numbers,) = voice.entry.features.style.values()
        assert np.array_equal(style(model, voice), np.fromfile(voice.path(numbers.path), "<f4"))


def quick(model: Model, steps: int = 2) -> Model:
    """The same model with another fit."""
    other = Model(model.folder, model.dtype)
    object.__setattr__(other.config, "style", Style(steps, 0.01, nearness=1.0, firmness=0.0, gain=0.0))
    return other


def test_another_way_to_fit_is_another_style(model: Model, stranger: Voice) -> None:
    one, two = (style(quick(model, steps), stranger) - guess(model, stranger) for steps in (1, 2))
    assert 0 < np.abs(one).max() < 0.011
    assert np.abs(one).max() < np.abs(two).max() < 0.021


@pytest.mark.parametrize("lacking", ["text", "recording", "a model that can"])
def test_where_it_cannot_be_fitted_the_guess_stands(
    model: Model, cedar: Voice, stranger: Voice, lacking: str
) -> None:
    if lacking == "text":
        voice = replace(stranger, entry=Entry("", "en", "stranger.wav"))
    elif lacking == "recording":
        unfitted = replace(cedar.entry.features, style={})
        voice = replace(cedar, entry=replace(cedar.entry, ref_audio=None, features=unfitted))
    else:
        voice, model = stranger, Model(model.folder)
        object.__setattr__(model.config, "style", None)
    assert moved(model, voice) == 0


def test_half_precision_goes_all_the_way(model: Model, cedar: Voice) -> None:
    """A condition in float32 would make the whole decoder compute in it."""
    sounds = []
    for net in (model, open_model("mini", "float16")):
        state = Tiers(net, Registry()).state([(cedar, 1.0)])
        codes, phones, inter = state.codes[None], mx.array([state.phones]), net.sovits.config.inter_channels
        noise = mx.random.normal((1, 2 * codes.shape[1], inter), key=mx.random.key(0))
        noise = noise.astype(state.condition.dtype)
        sound = net.sovits.decode(codes, phones, state.condition, noise, 0.2)
        assert sound.dtype == net.sovits.codebook.weight.dtype
        sounds.append(np.array(sound.astype(mx.float32)))
    whole, half = sounds
    assert np.sqrt(np.mean((half - whole) ** 2)) < 0.01 * np.sqrt(np.mean(whole**2))


def test_half_precision_fits_as_well(model: Model, stranger: Voice, own_home: Path) -> None:
    whole = style(quick(model), stranger)
    (record,) = own_home.rglob("features.json")
    record.unlink()
    half = style(quick(open_model("mini", "float16")), stranger)
    assert np.linalg.norm(whole - half) < 0.1 * np.linalg.norm(whole - guess(model, stranger))


@pytest.mark.parametrize("content", [b"\0" * 8, np.full(128, np.nan, "<f4").tobytes()])
def test_a_style_that_is_none_is_told(model: Model, stranger: Voice, content: bytes) -> None:
    class Wrong:
        def get(self, *_: object) -> bytes:
            return content

    source = Tiers(model, Registry()).source(stranger)
    source.store = Wrong()  # type: ignore[assignment]
    with pytest.raises(RegistryError, match="'stranger' holds no style for this model"):
        Tiers(model, Registry()).style(source)


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        ("style", {"steps": 0}),
        ("style", {"rate": float("nan")}),
        ("style", {"gain": -1.0}),
        ("style", {"more": 1}),
        ("content", {"mels": 40}),
        ("sovits", {"inter_channels": 192}),
    ],
)
def test_a_fit_that_cannot_be(part: str, wrong: dict[str, float], tmp_path: Path, model: Model) -> None:
    table = json.loads((model.folder / "config.json").read_text())
    table[part] |= wrong
    (tmp_path / "config.json").write_text(json.dumps(table))
    with pytest.raises(ModelError, match="cannot be used"):
        ModelConfig.read(tmp_path)
