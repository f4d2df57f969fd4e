"""From phones and a voice to sound."""

from mlx_voice.generate.batch import Generator
from mlx_voice.generate.speech import Event, Request

__all__ = ["Event", "Generator", "Request"]
