"""Every key of the official files is used or known to be useless; weight norm is read in both spellings."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from fnmatch import fnmatch
from typing import Any

import numpy as np
import pytest
from reference_sovits import random_model, random_sizes
from reference_t2s import Array
from reference_weights import config, manifest, state

from mlx_voice.device import mx
from mlx_voice.errors import CheckpointError
from mlx_voice.models.sovits import UNUSED, SoVITS, SoVITSConfig, config_from_checkpoint, renames
from mlx_voice.nn.weights import Plan

OFFICIAL = {
    "s2_v1": (config("s2_v1"), 322, 1025),
    "s2_v2": (config("s2_v2", "full"), 732, 704),
    "s2_v2Pro": (config("s2_v2Pro", "full"), 732, 704),
    "s2_v2ProPlus": (config("s2_v2Pro", "full"), 732, 704),
}


def shapes(model: SoVITS) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}

    def walk(tree: Any, path: str) -> None:
        if isinstance(tree, mx.array):
            found[path] = tree.shape
            return
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            walk(value, f"{path}.{key}" if path else str(key))

    walk(model.parameters(), "")
    return found


def planned(plan: Plan) -> dict[str, tuple[int, ...]]:
    return {name: weight.shape for name, weight in plan.items()}


class Counted(Array):
    """A tensor that knows whether it was read."""

    read = False

    def numpy(self) -> np.ndarray:
        object.__setattr__(self, "read", True)
        return self.values


@pytest.mark.parametrize("name", OFFICIAL)
def test_every_key_of_an_official_file_is_used_or_known_to_be_useless(name: str) -> None:
    official, symbols, bins = OFFICIAL[name]
    tensors = {key: Counted(np.zeros(shape, dtype)) for key, (shape, dtype) in manifest(name).items()}
    sizes = config_from_checkpoint(official, tensors)
    assert (sizes.symbols, sizes.spec_bins, sizes.samples_per_frame) == (symbols, bins, 640)
    plan = renames(tensors, sizes)
    assert planned(plan) == shapes(SoVITS(sizes))
    with np.errstate(invalid="ignore"):
        assert all(weight.make().shape == weight.shape for weight in plan.values())
    for key, tensor in tensors.items():
        assert tensor.read != any(fnmatch(key, pattern) for pattern in UNUSED), key


def test_both_spellings_of_weight_norm_are_the_same() -> None:
    older = state("s2_v2")
    newer = {
        key.replace("weight_g", "parametrizations.weight.original0").replace(
            "weight_v", "parametrizations.weight.original1"
        ): array
        for key, array in older.items()
    }
    assert newer.keys() != older.keys()
    plans = [
        renames(tensors, config_from_checkpoint(config("s2_v2"), tensors))
        for tensors in ({key: Array(array) for key, array in spelling.items()} for spelling in (older, newer))
    ]
    assert planned(plans[0]) == planned(plans[1])
    assert all((plans[0][name].make() == plans[1][name].make()).all() for name in plans[0])


def test_the_sizes_survive_a_config_file() -> None:
    sizes = random_model(random_sizes(np.random.default_rng(3)), 3).config
    assert SoVITSConfig.from_dict(json.loads(json.dumps(asdict(sizes)))) == sizes


def without(arrays: Mapping[str, np.ndarray], *keys: str) -> dict[str, Array]:
    return {key: Array(array) for key, array in arrays.items() if key not in keys}


def test_what_is_missing_or_surplus_shows_in_the_plan() -> None:
    arrays = state("s2_v2")
    sizes = config_from_checkpoint(config("s2_v2"), without(arrays))
    wanted = shapes(SoVITS(sizes))
    assert planned(renames(without(arrays), sizes)) == wanted
    for lost in ("dec.ups.1.weight_v", "dec.cond.bias", "enc_p.mrte.cross_attention.conv_k.weight"):
        assert planned(renames(without(arrays, lost), sizes)) != wanted, lost
    surplus = renames({**without(arrays), "dec.extra.weight": Array(np.zeros((2, 2)))}, sizes)
    assert planned(surplus).keys() - wanted.keys() == {"generator.extra.weight"}


@pytest.mark.parametrize("lost", ["ssl_proj.weight", "ref_enc.fc.fc.weight", "dec.conv_pre.weight"])
def test_a_file_that_is_no_sovits_is_refused(lost: str) -> None:
    with pytest.raises(CheckpointError, match="do not describe a SoVITS"):
        config_from_checkpoint(config("s2_v2"), without(state("s2_v2"), lost))
    with pytest.raises(CheckpointError, match="do not describe a SoVITS"):
        config_from_checkpoint({}, without(state("s2_v2")))
