"""A model's config.json."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mlx_voice.errors import ModelError
from mlx_voice.files import write_bytes
from mlx_voice.settings import SamplingOptions

FILE = "config.json"
FORMAT = 1
DTYPES = ("float16", "float32")
SAMPLING = SamplingOptions(top_k=15, top_p=1.0, temperature=1.0, repetition_penalty=1.35)


@dataclass(frozen=True)
class Reference:
    """The spectrogram that the decoder's reference encoder reads."""

    sample_rate: int
    n_fft: int
    hop: int
    bins: int


@dataclass(frozen=True)
class Content:
    """How the content encoder wants to hear a reference."""

    kind: str  # hubert, or the embedded model's stand-in
    sample_rate: int = 16000
    tail_seconds: float = 0.6  # of silence after the reference


@dataclass(frozen=True)
class Style:
    """How the speaker's condition is fitted to a recording: see `models.sovits.style`.

    Only for a model whose latent is what its content encoder hears: another's is not known of a recording.
    """

    steps: int
    rate: float  # how far a step moves each number, at first
    nearness: float  # weight of the distance to the recording, beside its likelihood
    firmness: float  # of the square of how far the style is from what the encoder guesses
    gain: float  # in what is foretold of the recording, under which the guess stands

    def __post_init__(self) -> None:
        weights = self.nearness, self.firmness, self.gain
        if not 0 < self.steps <= 1000 or not 0 < self.rate <= 1 or not all(0 <= w <= 1000 for w in weights):
            raise ValueError(f"a style cannot be fitted so: {self}")


@dataclass(frozen=True)
class Quantization:
    bits: int
    group_size: int


@dataclass(frozen=True)
class ModelConfig:
    name: str
    version: str
    symbols: str  # the table that text is written in
    layout: str = "plain"  # or "timed": how text meets codes
    code_rate: int = 25  # semantic codes a second
    max_seconds: float = 57
    dtype: str = "float16"
    sampling: SamplingOptions = SAMPLING
    noise_scale: float = 0.5
    reference: Reference | None = None
    content: Content | None = None
    style: Style | None = None
    networks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # each part's sizes
    quantization: Mapping[str, Quantization] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        table = {"format": FORMAT, **asdict(self)}
        networks, content = table.pop("networks"), table.pop("content")
        table |= networks
        if content:
            table["content"] = content | networks["content"]
        table = {key: value for key, value in table.items() if value not in (None, {})}
        write_bytes(folder / FILE, json.dumps(table, indent=1, ensure_ascii=False).encode() + b"\n")

    @classmethod
    def read(cls, folder: Path) -> "ModelConfig":
        try:
            return cls._from_dict(json.loads((folder / FILE).read_bytes()))
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ModelError(
                f"{folder / FILE} cannot be used ({error}): convert or pull the model again."
            ) from error

    @classmethod
    def _from_dict(cls, table: dict[str, Any]) -> "ModelConfig":
        if table.pop("format") != FORMAT:
            raise ValueError("written by another version of mlx-voice")
        if table["dtype"] not in DTYPES:
            raise ValueError(f"dtype {table['dtype']}")
        if content := table.get("content"):
            names = ("kind", "sample_rate", "tail_seconds")
            own = {name: content.pop(name) for name in names if name in content}
            networks = {"content": content}
            table["content"] = Content(**own)
        else:
            networks = {}
        for name in ("t2s", "sovits", "bert", "speaker", "duration"):
            if name in table:
                networks[name] = table.pop(name)
        if "reference" in table:
            table["reference"] = Reference(**table["reference"])
        if "style" in table:
            table["style"] = Style(**table["style"])
        if "sampling" in table:
            table["sampling"] = SamplingOptions(**table["sampling"])
        packed = {name: Quantization(**q) for name, q in table.pop("quantization", {}).items()}
        config = cls(networks=networks, quantization=packed, **table)
        if config.style and not config.hears_latents:
            raise ValueError("a style, where the content encoder does not hear the decoder's latent")
        return config

    @property
    def hears_latents(self) -> bool:
        """Whether what the content encoder hears of a recording is the decoder's latent of it."""
        heard, said = (self.networks.get(name, {}) for name in ("content", "sovits"))
        return "mels" in heard and heard["mels"] == said.get("inter_channels")
