"""The reference's T2S networks, loaded strictly through their renames, and what their cases share."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from reference_weights import case, config, state

from mlx_voice.device import mx
from mlx_voice.models.t2s import T2S, config_from_checkpoint, renames


@dataclass(frozen=True)
class Array:
    """A checkpoint's tensor that is in memory already."""

    values: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def dtype(self) -> str:
        return str(self.values.dtype)

    def numpy(self) -> np.ndarray:
        return self.values


def build(official: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> T2S:
    tensors = {key: Array(values) for key, values in weights.items()}
    sizes = config_from_checkpoint(official, tensors)
    model = T2S(sizes)
    plan = renames(tensors, sizes)
    model.load_weights([(k, mx.array(w.make().astype(np.float32))) for k, w in plan.items()], strict=True)
    return model


@cache
def reference(size: str = "tiny") -> T2S:
    return build(config("s1", size), state("s1", size))


def bert_of(*names: str) -> mx.array:
    """[phones, 1024] features of e.g. "prompt", "text0" one after the other."""
    features = case("03_bert")
    return mx.array(np.concatenate([features[f"{name}_feature"] for name in names], axis=1).T)


def close(ours: mx.array, theirs: np.ndarray, tolerance: float = 1e-4) -> None:
    """Within `tolerance` of the largest value."""
    error = np.abs(np.array(ours) - theirs).max() / np.abs(theirs).max()
    assert ours.shape == theirs.shape and error < tolerance, (ours.shape, theirs.shape, error)


def ids(array: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in array)
