"""HuBERT against the reference, in batches, in half precision, and in its relatives' spellings."""

import numpy as np
import pytest
from reference_encoders import build, close, demand_all_used, hf_config, reference
from reference_weights import case, state

from mlx_voice.device import mx
from mlx_voice.errors import CheckpointError
from mlx_voice.models.hubert import config_from_checkpoint

POSITIONS = "encoder.pos_conv_embed.conv"


def hub_input() -> np.ndarray:
    wave = case("02_hubert_codes")["wave16k_ref"]
    return np.pad(wave, (0, 9600))[None]


def test_every_stage_equals_the_reference() -> None:
    model, want = reference("hubert"), case("02_hubert_codes")
    features = model.extract(mx.array(hub_input()))
    close(features.swapaxes(1, 2), want["features"])
    last = model(mx.array(hub_input()))
    close(last, want["last_hidden_state"])
    assert model.config.frames(hub_input().shape[1]) == last.shape[1]


@pytest.mark.parametrize("rows", [1, 3])
def test_a_padded_batch_is_its_rows(rows: int) -> None:
    """Whatever follows a row's end, its features are those it has alone."""
    model, wave = reference("hubert"), hub_input()[0]
    lengths = [len(wave) - 7777 * i for i in range(rows)]
    batch = np.full((rows, len(wave) + 500), 3.0, np.float32)
    for row, n in zip(batch, lengths, strict=True):
        row[:n] = wave[-n:]
    together = model(mx.array(batch), lengths)
    for i, n in enumerate(lengths):
        alone = model(mx.array(wave[None, -n:]))
        close(together[i : i + 1, : alone.shape[1]], np.array(alone))


def test_half_precision_is_near() -> None:
    model = build("hubert", hf_config("hubert"), state("hubert"), mx.float16)
    last = model(mx.array(hub_input()).astype(mx.float16))
    assert last.dtype == mx.float16
    close(last, case("02_hubert_codes")["last_hidden_state"], 2e-2)


def test_newer_exports_name_the_weight_norm_otherwise() -> None:
    weights = state("hubert")
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        weights[f"{POSITIONS}.parametrizations.weight.{new}"] = weights.pop(f"{POSITIONS}.{old}")
    close(
        build("hubert", hf_config("hubert"), weights)(mx.array(hub_input())),
        case("02_hubert_codes")["last_hidden_state"],
    )


@pytest.mark.parametrize(("name", "value"), [("do_stable_layer_norm", True), ("feat_extract_norm", "layer")])
def test_relatives_are_refused(name: str, value: object) -> None:
    with pytest.raises(CheckpointError, match=f"{name} = {value}"):
        config_from_checkpoint({**hf_config("hubert"), name: value}, {})


def test_full_size_keys_are_all_used() -> None:
    demand_all_used("hubert", "chinese_hubert_base", hf_config("hubert", "full"))
