"""Opens a checkpoint of any kind: torch files old and new, safetensors, Hugging Face folders."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlx_voice.checkpoints.legacy import HEAD, read_legacy
from mlx_voice.checkpoints.mapped import MappedFile, StoredTensor, shown
from mlx_voice.checkpoints.safetensors import looks_like_safetensors, read_safetensors
from mlx_voice.checkpoints.zips import read_zip
from mlx_voice.errors import CheckpointError

VERSION_BYTES = tuple(b"%02d" % n for n in range(7))  # may stand over "PK" in a fine-tuned SoVITS file
SINGLE = ("model.safetensors", "pytorch_model.bin")
LARGEST_JSON = 16 << 20
MOST_SETTINGS, DEEPEST = 10_000, 20


@dataclass(frozen=True)
class Checkpoint:
    path: Path  # as the user gave it: a file or a folder
    files: tuple[Path, ...]  # all that was read
    state: Mapping[str, StoredTensor]
    config: Mapping[str, Any] = field(default_factory=dict)
    version_byte: str = ""

    def error(self, what: str) -> CheckpointError:
        return CheckpointError(f"{self.path} {what}.")


def open_checkpoint(path: Path | str) -> Checkpoint:
    path = Path(path).expanduser()
    try:
        if path.is_dir():
            return _open_folder(path)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error
    file = MappedFile(path)
    content = _content(file)
    state, config = _parts(file, content)
    head = file.read(0, 2)
    return Checkpoint(path, (path,), state, config, head.decode() if head in VERSION_BYTES else "")


def _content(file: MappedFile) -> Any:
    head = file.read(0, 64)
    if head[2:4] == b"\3\4" and (head[:2] == b"PK" or head[:2] in VERSION_BYTES):
        return read_zip(file)
    if head.startswith(HEAD):
        return read_legacy(file)
    if looks_like_safetensors(file):
        return read_safetensors(file)
    if head.startswith(b"version https://git-lfs"):
        raise file.error("is a Git LFS pointer, not the file itself", "fetch it with git lfs pull")
    if head.lstrip()[:1] == b"<":
        raise file.error("is a web page, not a checkpoint", "download the file itself")
    raise file.error("is no torch or safetensors checkpoint", "give a .ckpt, .pth, .bin or .safetensors file")


def _parts(file: MappedFile, content: Any) -> tuple[dict[str, StoredTensor], dict[str, Any]]:
    """The tensors, and the configuration where there is one."""
    if not isinstance(content, dict):
        raise file.error("holds no weights")
    if isinstance(content.get("optimizer"), dict | list) or "optimizer_states" in content:
        raise file.error(
            "is a training checkpoint", "give the weights that the training exported for inference"
        )
    bare = not isinstance(content.get("weight"), dict)  # the state itself, perhaps with a tensor of that name
    state, config = (content, {}) if bare else (content["weight"], content.get("config", {}))
    if not state or not isinstance(config, dict):
        raise file.error("holds no weights")
    _demand_plain(file, config)
    for key, tensor in state.items():
        if not isinstance(key, str) or not isinstance(tensor, StoredTensor):
            raise file.error(f"has something under {shown(key)} that is not a tensor")
    return state, config


def _demand_plain(file: MappedFile, config: Any) -> None:
    """A configuration is small; one that holds its parts many times over is a trap for whoever prints it."""
    left, todo = MOST_SETTINGS, [(config, 0)]
    while todo:
        value, depth = todo.pop()
        inner = (
            value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
        )
        todo += [(item, depth + 1) for item in inner]
        left -= 1 + len(inner)
        if left < 0 or depth > DEEPEST or (isinstance(value, str) and len(value) > MOST_SETTINGS):
            raise file.error("holds an absurd configuration", "do not use it")


def _open_folder(folder: Path) -> Checkpoint:
    """A Hugging Face folder: config.json beside one weight file, or beside an index of several."""
    config_path = folder / "config.json"
    config = read_json(config_path)
    _demand_plain(MappedFile(config_path), config)
    for name in SINGLE:
        if (folder / name).exists():
            inner = open_checkpoint(folder / name)
            return Checkpoint(folder, (folder / name, config_path), inner.state, config)
    for name in SINGLE:
        index = folder / f"{name}.index.json"
        if index.exists():
            return _open_shards(folder, index, config)
    raise CheckpointError(
        f"{folder} holds no {' or '.join(SINGLE)}: give a folder with config.json and weights."
    )


def _open_shards(folder: Path, index: Path, config: dict[str, Any]) -> Checkpoint:
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not all(_is_plain_name(name) for name in places.values()):
        raise CheckpointError(f"{index} is no index of weight files: download it again.")
    files = [folder / name for name in sorted(set(places.values()))]
    states = {file.name: open_checkpoint(file).state for file in files}
    missing = [key for key, name in places.items() if key not in states[name]]
    if missing:
        raise CheckpointError(f"{folder} lacks the weight {shown(missing[0])}: download it again.")
    state = {key: states[name][key] for key, name in places.items()}
    return Checkpoint(folder, (*files, index, folder / "config.json"), state, config)


def _is_plain_name(name: Any) -> bool:
    return isinstance(name, str) and name == Path(name).name and name not in ("", "..")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON table of a few kilobytes, from a stranger."""
    file = MappedFile(path)
    try:
        table = json.loads(file.read(0, LARGEST_JSON))
    except (ValueError, RecursionError) as error:
        raise file.error("is not JSON") from error
    if not isinstance(table, dict):
        raise file.error("is no table")
    return table
