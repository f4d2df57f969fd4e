"""Checkpoints in the official file formats: the reference's random networks, and full-size random numbers."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import reference_weights
import torch_files
from torch_files import HParams, Ordered

HALF_NOISE = np.random.default_rng(0).normal(0, 0.05, 999_983).astype(np.float16)
SIZES = {  # what else distinguishes the official configurations
    "v1": {"gin_channels": 512},
    "v2": {"gin_channels": 512},
    "v2Pro": {"gin_channels": 1024},
    "v2ProPlus": {
        "gin_channels": 1024,
        "upsample_initial_channel": 768,
        "upsample_kernel_sizes": [20, 16, 8, 2, 2],
    },
}


def write(path: Path, content: Any, head: bytes = b"PK", top: str = "archive") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        torch_files.zip_of(content, top=top, head=head).write(file)
    return path


def write_t2s(path: Path, state: dict[str, np.ndarray], config: dict[str, Any]) -> Path:
    return write(path, Ordered(weight=Ordered(state), config=config, info="GPT-e12"), top="s1")


def write_sovits(
    path: Path, state: dict[str, np.ndarray], config: dict[str, Any], head: bytes = b"PK"
) -> Path:
    return write(path, Ordered(weight=state, config=_hparams(config), info="8epoch"), head, "1735689600.25")


def write_folder(path: Path, state: dict[str, np.ndarray], config: dict[str, Any]) -> Path:
    write(path / "pytorch_model.bin", Ordered(state))
    (path / "config.json").write_text(json.dumps(config))
    (path / "tokenizer.json").write_bytes((reference_weights.REFERENCE / "tokenizer.json").read_bytes())
    return path


def hugging_face_config(name: str, size: str = "tiny") -> dict[str, Any]:
    with gzip.open(reference_weights.REFERENCE / "hf_configs.json.gz") as file:
        config: dict[str, Any] = json.load(file)[f"{size}_{name}"]
    return config


def tiny(folder: Path, *names: str) -> dict[str, Path]:
    """The reference's small networks: s1, s2_v1, s2_v2, s2_v2pro, hubert, bert, eres2netv2."""
    return {name: _tiny(folder, name) for name in names}


def _tiny(folder: Path, name: str) -> Path:
    state = reference_weights.state(name)
    if name == "s1":
        return write_t2s(folder / "s1.ckpt", state, reference_weights.config(name))
    if name.startswith("s2"):
        config = dict(reference_weights.config(name))
        return write_sovits(folder / f"{name}.pth", state, config, config.pop("_head", "PK").encode())
    if name in ("hubert", "bert"):
        return write_folder(folder / name, state, hugging_face_config(name))
    return write(folder / f"{name}.ckpt", Ordered(state))


def full_state(manifest: str) -> dict[str, np.ndarray]:
    """Numbers for every key of an official file."""
    return {key: _numbers(key, *form) for key, form in reference_weights.manifest(manifest).items()}


def _numbers(key: str, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    if dtype.startswith("int"):
        return np.zeros(shape, dtype)
    noise = np.resize(HALF_NOISE, shape).astype(dtype)
    return abs(noise) if key.endswith("running_var") else noise  # a variance is not negative


def full_t2s(folder: Path, manifest: str) -> Path:
    return write_t2s(
        folder / f"{manifest}.ckpt", full_state(manifest), reference_weights.config("s1", "full")
    )


def full_sovits(folder: Path, version: str) -> Path:
    config = reference_weights.config("s2_v2", "full")
    config = config | {"model": config["model"] | SIZES[version] | {"version": version}}
    return write_sovits(folder / f"{version}.pth", full_state(f"s2_{version}"), config)


def _hparams(config: dict[str, Any]) -> HParams:
    return HParams(
        {key: _hparams(value) if isinstance(value, dict) else value for key, value in config.items()}
    )
