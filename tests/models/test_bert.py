"""BERT against the reference, padded, and in old spellings."""

import numpy as np
from reference_encoders import build, close, demand_all_used, hf_config, reference
from reference_weights import case, state

from mlx_voice.device import mx


def test_equal_to_the_reference() -> None:
    model, want = reference("bert"), case("03_bert")
    ids = mx.array(want["input_ids"])
    close(model.embed(ids), want["embeddings"])
    close(model(ids), want["hidden_minus3"])


def test_padding_is_not_seen() -> None:
    model, want = reference("bert"), case("03_bert")
    n, more = want["input_ids"].shape[1], 5
    ids = np.pad(want["input_ids"], ((0, 1), (0, more)))
    ids[1] = np.arange(n + more)
    mask = mx.arange(n + more) < mx.array([[n], [n + more]])
    together = model(mx.array(ids), mask)
    close(together[:1, :n], want["hidden_minus3"])
    close(together[1:], np.array(model(mx.array(ids[1:]))))


def test_old_and_headless_exports_are_the_same_network() -> None:
    want = case("03_bert")
    weights = {}
    for key, array in state("bert").items():
        if key.startswith("bert."):
            key = key.removeprefix("bert.")
            for new, old in (("weight", "gamma"), ("bias", "beta")):
                key = key.replace(f"LayerNorm.{new}", f"LayerNorm.{old}")
            weights[key] = array
    model = build("bert", hf_config("bert"), weights)
    close(model(mx.array(want["input_ids"])), want["hidden_minus3"])


def test_half_precision_is_near() -> None:
    model, want = build("bert", hf_config("bert"), state("bert"), mx.float16), case("03_bert")
    close(model(mx.array(want["input_ids"])), want["hidden_minus3"], 2e-2)


def test_full_size_keys_are_all_used() -> None:
    demand_all_used("bert", "chinese_roberta_wwm_ext_large", hf_config("bert", "full"))
