"""Sound as files and numbers: read, write, play, resample, check. Spectra live in `audio.spectrum` (MLX)."""

from mlx_voice.audio.checks import check_reference, check_samples
from mlx_voice.audio.codecs import FORMATS, encode, read, write
from mlx_voice.audio.player import can_play, play
from mlx_voice.audio.samples import Samples, mono, peak_limited, resample, resample_sinc

__all__ = [
    "FORMATS",
    "Samples",
    "can_play",
    "check_reference",
    "check_samples",
    "encode",
    "mono",
    "peak_limited",
    "play",
    "read",
    "resample",
    "resample_sinc",
    "write",
]
