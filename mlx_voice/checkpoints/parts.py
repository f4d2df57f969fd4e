"""The networks a model is made of, one row each, and how to tell their checkpoints apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlx_voice.device import nn
    from mlx_voice.nn.weights import State


@dataclass(frozen=True)
class Part:
    name: str  # of the file and of the section in config.json
    module: str  # under mlx_voice.models
    network: str  # the class there; its configuration is called the same with "Config" behind
    title: str
    option: str = ""  # of `models convert`; none where no official checkpoint exists
    marker: str = ""  # a key that only this network's checkpoints have
    quantizable: bool = False

    @property
    def file(self) -> str:
        return f"{self.name}.safetensors"

    @cached_property
    def code(self) -> ModuleType:
        return import_module(f"mlx_voice.models.{self.module}")

    def unused(self, config: Any) -> tuple[str, ...]:
        """Patterns of the checkpoint keys that inference never uses."""
        patterns: tuple[str, ...] = (
            self.code.unused(config) if hasattr(self.code, "unused") else self.code.UNUSED
        )
        return patterns

    def configured(self, fields: Mapping[str, Any]) -> Any:
        return getattr(self.code, f"{self.network}Config").from_dict(fields)

    def build(self, config: Any) -> "nn.Module":
        network: nn.Module = getattr(self.code, self.network)(config)
        return network


T2S = Part("t2s", "t2s", "T2S", "T2S (GPT)", "t2s", "model.ar_audio_embedding.word_embeddings.weight", True)
SOVITS = Part("sovits", "sovits", "SoVITS", "SoVITS", "sovits", "enc_p.text_embedding.weight")
HUBERT = Part(
    "content", "hubert", "HuBERT", "HuBERT", "hubert", "*feature_extractor.conv_layers.0.conv.weight"
)
BERT = Part("bert", "bert", "Bert", "BERT", "bert", "*embeddings.token_type_embeddings.weight", True)
SPEAKER = Part("speaker", "speaker", "Speaker", "speaker encoder", "speaker", "layer1.0.convs.0.weight")
CONTENT = Part("content", "content", "Content", "content encoder")
DURATION = Part("duration", "duration", "Duration", "duration model")

CONVERTIBLE = (T2S, SOVITS, HUBERT, BERT, SPEAKER)
CONTENT_KINDS = {"hubert": HUBERT, "content": CONTENT}


def recognised(state: "State") -> Part | None:
    """Whose checkpoint this is."""
    for part in CONVERTIBLE:
        if any(fnmatchcase(key, part.marker) for key in state):
            return part
    return None
