"""mlx-voice: voice cloning on MLX. Importing this package loads neither MLX nor a model."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlx_voice.cloner import VoiceCloner as VoiceCloner
    from mlx_voice.corpus.dataset import Corpus as Corpus
    from mlx_voice.errors import VoiceError as VoiceError
    from mlx_voice.results import Audio as Audio
    from mlx_voice.results import Stats as Stats
    from mlx_voice.settings import CacheOptions as CacheOptions
    from mlx_voice.settings import SamplingOptions as SamplingOptions
    from mlx_voice.settings import SpeakOptions as SpeakOptions
    from mlx_voice.settings import StreamOptions as StreamOptions
    from mlx_voice.voices.adding import Recording as Recording
    from mlx_voice.voices.entry import Voice as Voice

__version__ = "0.1.0"

_HOMES = {
    "Audio": "results",
    "CacheOptions": "settings",
    "Corpus": "corpus.dataset",
    "Recording": "voices.adding",
    "SamplingOptions": "settings",
    "SpeakOptions": "settings",
    "Stats": "results",
    "StreamOptions": "settings",
    "Voice": "voices.entry",
    "VoiceCloner": "cloner",
    "VoiceError": "errors",
}
__all__ = [  # noqa: PLE0604
    *_HOMES,
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"mlx_voice.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
