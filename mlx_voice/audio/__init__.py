"""Sound as files and numbers: read, write, play, resample, check. Spectra live in `audio.spectrum` (MLX)."""

from mlx_voice.audio.checks import check_reference, check_samples
from mlx_voice.audio.codecs import FORMATS, Encoder, encode, read, write
from mlx_voice.audio.player import can_play, play, play_file
from mlx_voice.audio.samples import Samples, mono, peak_limited, resample, resample_sinc

__all__ = [
    "FORMATS",
    "Encoder",
    "Samples",
    "can_play",
    "check_reference",
    "check_samples",
    "encode",
    "mono",
    "peak_limited",
    "play",
    "play_file",
    "read",
    "resample",
    "resample_sinc",
    "write",
]
