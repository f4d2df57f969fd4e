"""What the networks hear equals the reference's own numbers, and numpy hears what MLX hears."""

from pathlib import Path

import numpy as np
import pytest

from mlx_voice.checkpoints import Model, open_model
from mlx_voice.errors import ModelError
from mlx_voice.voices import features
from mlx_voice.voices.coach import Reference


@pytest.fixture
def model(tiny_model: Path) -> Model:
    return open_model(tiny_model)


@pytest.fixture
def heard(data: Path) -> Reference:
    cases = np.load(data / "reference/cases/02_hubert_codes.npz")
    return Reference(cases["wave16k_ref"], 16000, 0.0, 3.2, ())


def test_codes_are_the_references_own(model: Model, heard: Reference, data: Path) -> None:
    expected = np.load(data / "reference/cases/02_hubert_codes.npz")["codes"]
    assert np.array_equal(features.codes(heard, model), expected)


def test_a_mel_has_the_form_that_the_decoder_wants(model: Model, heard: Reference) -> None:
    mel = features.mel(heard, features.spectrum(model))
    assert mel.shape == (704, 160)
    assert mel.dtype == np.float32


def test_numpy_hears_what_mlx_hears(model: Model, heard: Reference) -> None:
    form = features.spectrum(model)
    ours, numpys = (features.mel(heard, form, on_device) for on_device in (True, False))
    assert ours.shape == numpys.shape
    assert np.abs(ours - numpys).max() <= 1e-5 * ours.max()


def test_a_model_without_its_parts_says_so(tiny_model: Path, heard: Reference) -> None:
    model = Model(tiny_model)
    object.__setattr__(model.config, "reference", None)
    object.__setattr__(model.config, "content", None)
    with pytest.raises(ModelError, match="no decoder"):
        features.spectrum(model)
    with pytest.raises(ModelError, match="--hubert"):
        features.codes(heard, model)
