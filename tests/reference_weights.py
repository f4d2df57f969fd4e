"""The reference networks' random weights, rebuilt from their recipe: numpy only, the same everywhere.

A recipe is {"seed": str, "tensors": [entry, …]}. MT19937 uniforms are integer arithmetic and one exact
division, so the values depend neither on the processor nor on numpy's version.
"""

import gzip
import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

REFERENCE = Path(__file__).parent / "data" / "reference"
SQRT3 = 1.7320508075688772


def uniform(name: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.RandomState(zlib.crc32(name.encode())).random_sample(shape)


def make_tensor(seed: str, entry: dict[str, Any]) -> np.ndarray:
    shape, dtype = tuple(entry["shape"]), np.dtype(entry["dtype"])
    if "const" in entry:
        return np.full(shape, entry["const"], dtype)
    if "values" in entry:
        return np.array(entry["values"], np.float64).reshape(shape).astype(dtype)
    if "arange" in entry:
        return np.arange(int(np.prod(shape)), dtype=dtype).reshape(shape)
    name, scale = f"{seed}/{entry['key']}", entry["std"] * SQRT3
    x = entry["mean"] + scale * (2 * uniform(name, shape) - 1)
    for row, factor, n in entry.get("rows", ()):
        x[row] = factor * scale * (2 * uniform(f"{name}/row{row}/{n}", shape[1:]) - 1)
    return x.astype(dtype)


def make_state(recipe: dict[str, Any]) -> dict[str, np.ndarray]:
    """{checkpoint key: array}, in the order of the file."""
    return {entry["key"]: make_tensor(recipe["seed"], entry) for entry in recipe["tensors"]}


@cache
def _read(name: str) -> dict[str, Any]:
    with gzip.open(REFERENCE / f"{name}.json.gz", "rt", encoding="utf-8") as file:
        content: dict[str, Any] = json.load(file)
    return content


def state(name: str, size: str = "tiny") -> dict[str, np.ndarray]:
    """The checkpoint `name` (s1, s2_v2, s2_v2pro, s2_v1, hubert, bert, eres2netv2) of a set: tiny, full."""
    return make_state(_read(f"{size}_recipe")[name])


def config(name: str, size: str = "tiny") -> dict[str, Any]:
    """The official configuration that stands in that checkpoint."""
    content: dict[str, Any] = _read(f"{size}_configs")[name]
    return content


def case(name: str) -> dict[str, np.ndarray]:
    """The arrays of one reference case, e.g. `11_decode`."""
    with np.load(REFERENCE / "cases" / f"{name}.npz") as arrays:
        return dict(arrays)


def manifest(name: str) -> dict[str, tuple[tuple[int, ...], str]]:
    """{key: (shape, dtype)} of an official full-size file, e.g. `s2_v2ProPlus`."""
    return {key: (tuple(shape), dtype) for key, (shape, dtype) in _read("manifests")[name].items()}
