"""The model inside the package, and the voices that ship with it: whole, small, and they speak."""

import json
from pathlib import Path

import numpy as np
import pytest

import mlx_voice
from mlx_voice.checkpoints import open_model
from mlx_voice.cloner import VoiceCloner
from mlx_voice.voices.registry import Registry, shipped

FOLDER = Path(mlx_voice.__file__).parent / "assets" / "mini"
TEXTS = {"en": "The river was cold.", "zh": "今天天气很好。"}


@pytest.fixture(scope="module")
def cloner():
    with VoiceCloner("mini") as made:
        yield made


def test_it_is_small_and_whole():
    files = list(FOLDER.iterdir())
    assert sum(file.stat().st_size for file in files) < 16_000_000
    model = open_model("mini")
    assert not list(model.manifest.damage(FOLDER))
    assert {"NOTICE", "MODEL_CARD.md", "config.json"} <= {file.name for file in files}


def test_the_shipped_voices_are_complete():
    model = open_model("mini")
    voices = Registry().voices()
    spoken = [voice.language for voice in voices.values() if not voice.entry.slot]
    assert spoken.count("zh") >= 3 and spoken.count("en") >= 3
    for voice in voices.values():
        features = voice.entry.features
        assert {voice.entry.source, voice.entry.license, voice.entry.consent}.isdisjoint({"not stated"})
        assert voice.reference is not None and voice.reference.is_file()
        for path, count, _ in features.files():
            assert voice.path(path).stat().st_size == 4 * count
        assert "704" in features.mel
        codes, (timing,) = features.codes[model.encoder_id], features.timing.values()
        numbers = np.fromfile(voice.path(timing.path), "<i4")
        assert numbers.sum() == codes.count and numbers.min() >= 1
        (style,) = features.style.values()
        assert style.count == model.sovits.config.gin_channels


def test_the_slot_is_the_default_mandarin_voice():
    table = json.loads(shipped().read_text("utf-8"))["voices"]
    slot, default = table["luoxiang"], next(v for v in table.values() if "zh" in v["aliases"])
    assert slot["slot"] and not default["slot"]
    assert slot["ref_audio"] == default["ref_audio"] and slot["features"] == default["features"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_speaks(cloner: VoiceCloner, language: str):
    audio = cloner.speak(TEXTS[language], seed=1, language=language)
    assert 0.7 < len(audio.samples) / audio.sample_rate < 4
    assert np.isfinite(audio.samples).all() and 0.01 < np.sqrt(np.mean(audio.samples**2)) < 0.5
    again = cloner.speak(TEXTS[language], seed=1, language=language)
    np.testing.assert_array_equal(audio.samples, again.samples)
