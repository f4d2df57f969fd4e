"""The reference's HuBERT, BERT and speaker encoder, loaded strictly through their renames."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import numpy as np
from mlx.utils import tree_flatten
from reference_t2s import Array
from reference_weights import _read, manifest, state

from mlx_voice.device import mx
from mlx_voice.models import bert, hubert, speaker

NETWORKS = {
    "hubert": (hubert, hubert.HuBERT),
    "bert": (bert, bert.Bert),
    "eres2netv2": (speaker, speaker.Speaker),
}


def hf_config(name: str, size: str = "tiny") -> dict[str, Any]:
    """A Hugging Face config.json; the speaker encoder has none."""
    content: dict[str, Any] = _read("hf_configs").get(f"{size}_{name}", {})
    return content


def build(
    name: str, official: Mapping[str, Any], weights: Mapping[str, np.ndarray], dtype: Any = mx.float32
) -> Any:
    code, network = NETWORKS[name]
    tensors = {key: Array(values) for key, values in weights.items()}
    config = code.config_from_checkpoint(official, tensors)
    assert type(config).from_dict(as_json(config)) == config
    model = network(config)
    plan = code.renames(tensors, config)
    arrays = {key: weight.make() for key, weight in plan.items()}
    for key, weight in plan.items():
        assert arrays[key].shape == weight.shape, key
    model.load_weights(
        [(k, mx.array(np.ascontiguousarray(a)).astype(dtype)) for k, a in arrays.items()], strict=True
    )
    model.eval()
    return model


@cache
def reference(name: str, size: str = "tiny") -> Any:
    return build(name, hf_config(name, size), state(name, size))


def as_json(config: Any) -> dict[str, Any]:
    """What a configuration is after a trip through config.json."""
    fields: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return fields


def close(ours: mx.array, theirs: np.ndarray, tolerance: float = 1e-4) -> None:
    assert ours.shape == theirs.shape
    error = np.abs(np.array(ours.astype(mx.float32)) - theirs).max() / np.abs(theirs).max()
    assert error <= tolerance, f"off by {error:.1e} of the largest value"


@dataclass
class Stub:
    """A tensor of a full-size file without its memory, which tells that it was read."""

    key: str
    shape: tuple[int, ...]
    dtype: str
    read: set[str]

    def numpy(self) -> np.ndarray:
        self.read.add(self.key)
        return np.broadcast_to(np.ones((), self.dtype), self.shape)


def demand_all_used(name: str, file: str, official: Mapping[str, Any]) -> None:
    """Every key of the official file becomes a weight or is listed as unused; the weights fit the network."""
    code, network = NETWORKS[name]
    read: set[str] = set()
    tensors = {key: Stub(key, shape, dtype, read) for key, (shape, dtype) in manifest(file).items()}
    config = code.config_from_checkpoint(official, tensors)
    plan = code.renames(tensors, config)
    wanted = {key: array.shape for key, array in tree_flatten(network(config).parameters())}
    assert {key: weight.shape for key, weight in plan.items()} == wanted
    for weight in plan.values():
        weight.make()
    unused = code.unused(config) if hasattr(code, "unused") else code.UNUSED
    useless = {key for key in tensors if any(fnmatchcase(key, pattern) for pattern in unused)}
    assert read | useless == set(tensors)
    assert not read & useless
