"""mlx-voice: voice cloning on MLX. Importing this package loads neither MLX nor a model."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlx_voice.errors import VoiceError as VoiceError

__version__ = "0.1.0"

_HOMES = {
    "VoiceError": "errors",
}
__all__ = ["VoiceError", "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"mlx_voice.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
