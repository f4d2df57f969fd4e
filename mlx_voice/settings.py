"""The knobs, as frozen dataclasses, and where things live on disk."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


def home() -> Path:
    """The user's folder: models, voices, cache. `MLX_VOICE_HOME` moves it."""
    return Path(os.environ.get("MLX_VOICE_HOME") or Path.home() / ".mlx-voice").expanduser()


@dataclass(frozen=True)
class SamplingOptions:
    """How the next semantic token is drawn; None means the model's own default."""

    top_k: int | None = None
    top_p: float | None = None
    temperature: float | None = None
    repetition_penalty: float | None = None


@dataclass(frozen=True)
class StreamOptions:
    """How a stream is cut. Sizes are in semantic tokens of 40 ms; 0 look-ahead is soonest."""

    first_chunk: int = 6
    growth: float = 1.5
    largest_chunk: int = 75
    look_ahead: int = 2  # tokens known beyond a sound before it is decided
    settle: int | None = 8  # decoder frames of 20 ms decided beyond a sound; None: all that its samples feel


@dataclass(frozen=True)
class CacheOptions:
    """How much of what was computed is kept, in bytes, and what of it is used."""

    states: int = 64 << 20  # voices ready to speak, in memory
    mels: int = 64 << 20  # their spectrograms, in memory
    references: int = 512 << 20  # features of references that were never added as a voice, on disk
    speech: int = 0  # finished sentences, for requests that say the same with the same seed again
    quantized_kv: bool = False  # running keys and values in 8 bits: approximate, a quarter of their memory
    use_gpu_mel: bool = True  # spectrograms through MLX, else through numpy
    use_precomputed_mel: bool = True  # those on disk
    use_precomputed_codes: bool = True


@dataclass(frozen=True)
class SpeakOptions:
    """Everything about one utterance but its text and voice."""

    language: str = "auto"
    lexicon: Mapping[str, str] = field(default_factory=dict)  # word -> its reading, before the voice's own
    speed: float = 1.0
    seed: int | None = None
    noise_scale: float | None = None  # None: the model's own
    pause: float = 0.3  # seconds between sentences
    retries: int | None = None  # of a sentence said wrong; 0: nobody checks; None: where that is reliable
    context: int = 0  # codes of the sentence before that a sentence hears too: approximate; 0: none
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    streaming: StreamOptions = field(default_factory=StreamOptions)
