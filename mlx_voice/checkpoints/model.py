"""A model folder as networks: each part is mapped, checked and built when it is first asked for."""

import hashlib
import threading
from collections import deque
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from mlx_voice.checkpoints import parts, repair
from mlx_voice.checkpoints.config import DTYPES, ModelConfig
from mlx_voice.checkpoints.load import load_part
from mlx_voice.checkpoints.manifest import FILE, Manifest
from mlx_voice.checkpoints.mapped import MappedFile
from mlx_voice.checkpoints.parts import Part
from mlx_voice.checkpoints.safetensors import read_safetensors
from mlx_voice.device import mx
from mlx_voice.errors import InputError

if TYPE_CHECKING:
    from tokenizers import Tokenizer


ENCODER_WEIGHTS = ("ssl_proj.", "codebook.")  # of SoVITS: what turns content features into codes

_opened: "WeakValueDictionary[tuple[Path, str | None, int], Model]" = WeakValueDictionary()
_latest: "deque[Model]" = deque(maxlen=1)  # stays in memory though nobody uses it, for whoever asks next
_lock = threading.Lock()


def open_model(name_or_path: str | Path, dtype: str | None = None) -> "Model":
    """The model of this name or in this folder: from memory, from disk, or from the hub.

    Without `dtype` it computes as it was converted, except on a CPU, where only float32 is fast.
    """
    if dtype not in (None, *DTYPES):
        raise InputError(f"a model computes in float16 or float32, not in {dtype}.")
    folder = repair.sound_folder(name_or_path)
    key = (folder.resolve(), dtype, (folder / FILE).stat().st_mtime_ns)
    with _lock:
        model = _opened.get(key) or Model(folder, dtype)
        _opened[key] = model
        _latest.append(model)
        return model


class Model:
    def __init__(self, folder: Path, dtype: str | None = None) -> None:
        self.folder = folder
        self.config = ModelConfig.read(folder)
        self.manifest = Manifest.read(folder)
        self.name = self.config.name
        self._dtype = dtype
        self._parts: dict[str, Any] = {}

    @property
    def t2s(self) -> Any:
        return self._part(parts.T2S)

    @property
    def sovits(self) -> Any:
        return self._part(parts.SOVITS)

    @property
    def content(self) -> Any:
        kind = self.config.content.kind if self.config.content else ""
        return self._part(parts.CONTENT_KINDS[kind]) if kind else None

    @property
    def bert(self) -> Any:
        return self._part(parts.BERT)

    @property
    def speaker(self) -> Any:
        return self._part(parts.SPEAKER)

    @property
    def duration(self) -> Any:
        return self._part(parts.DURATION)

    @cached_property
    def tokenizer(self) -> "Tokenizer | None":
        """BERT's; None where the model has no BERT."""
        if "bert" not in self.config.networks:
            return None
        from tokenizers import Tokenizer

        return Tokenizer.from_file(str(self.folder / "tokenizer.json"))

    @property
    def dtype(self) -> str:
        """What the networks compute in."""
        on_cpu = mx.default_device().type == mx.DeviceType.cpu
        return self._dtype or ("float32" if on_cpu else self.config.dtype)

    def exact(self, part: Part) -> Any:
        """A network in float32, for what half precision would spoil; it is not kept for that."""
        if self.dtype == "float32":
            return self._part(part)
        return load_part(self.folder, self.config, part, "float32")

    def loaded(self) -> list[str]:
        return sorted(self._parts)

    def release(self, name: str) -> None:
        """Forget a part; asked for again, it is loaded again."""
        self._parts.pop(name, None)

    def part_hash(self, name: str) -> str:
        """The sha256 of a part's file."""
        return self.manifest.files[f"{name}.safetensors"].sha256

    @cached_property
    def encoder_id(self) -> str:
        """Of the weights that turn a reference into codes: models that share them share a voice's codes."""
        digest = hashlib.sha256(self.part_hash("content").encode())
        tensors = read_safetensors(MappedFile(self.folder / parts.SOVITS.file))
        for key in sorted(tensors):
            if key.startswith(ENCODER_WEIGHTS):
                digest.update(f"{key} {tensors[key].dtype} {tensors[key].shape}".encode())
                digest.update(tensors[key].numpy().tobytes())
        return digest.hexdigest()[:16]

    def _part(self, part: Part) -> Any:
        if part.name not in self.config.networks:
            return None
        if part.name not in self._parts:
            self._parts[part.name] = load_part(self.folder, self.config, part, self.dtype)
        return self._parts[part.name]
