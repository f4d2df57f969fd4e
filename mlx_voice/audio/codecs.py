"""Reading whatever libsndfile reads; writing wav, flac, ogg and mp3."""

import io
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from mlx_voice.audio.samples import Samples
from mlx_voice.errors import AudioError
from mlx_voice.files import write_bytes

FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
BLOCK = 1 << 16  # frames at a time: libsndfile's Vorbis encoder overflows its stack on very long writes

Source = str | os.PathLike[str] | bytes | BinaryIO


def read(source: Source, longest: float = 3600.0) -> tuple[Samples, int]:
    """Samples float32, [n] or [n, channels], and their rate. Sound beyond `longest` seconds is an error."""
    name = "The audio"
    if isinstance(source, str | os.PathLike):
        name, source = str(source), os.fspath(source)
        if not Path(source).is_file():
            raise AudioError(f"{name} is not a file: give the path of a recording.")
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with soundfile.SoundFile(stream) as file:
            samples, rate = _decoded(file, longest), int(file.samplerate)
    except (soundfile.SoundFileError, OSError) as error:
        reason = str(error).rstrip(".")
        raise AudioError(
            f"{name} is not audio that can be read ({reason}): give wav, flac, ogg or mp3."
        ) from error
    if samples is None:
        raise AudioError(f"{name} is longer than {longest:g} s: cut it first.")
    return samples, rate


def _decoded(file: soundfile.SoundFile, longest: float) -> Samples | None:
    """Block by block, since a damaged header may promise any number of frames; None if there are too many."""
    blocks: list[Samples] = []
    room = int(longest * file.samplerate)
    while room >= 0:
        block = file.read(BLOCK, dtype="float32")
        if len(block) == 0:
            return np.concatenate(blocks) if blocks else block
        blocks.append(block)
        room -= len(block)
    return None


def encode(samples: Samples, rate: int, format: str = "wav") -> bytes:  # noqa: A002
    """A whole file as bytes; what lies beyond full scale is clipped."""
    if format not in FORMATS:
        raise AudioError(f"Audio cannot be written as {format!r}: choose one of {', '.join(FORMATS)}.")
    container, subtype = FORMATS[format]
    clipped = np.clip(samples, -1.0, 1.0)
    channels = 1 if clipped.ndim == 1 else clipped.shape[1]
    out = io.BytesIO()
    try:
        with soundfile.SoundFile(out, "w", rate, channels, subtype, format=container) as file:
            for start in range(0, len(clipped), BLOCK):
                file.write(clipped[start : start + BLOCK])
    except soundfile.SoundFileError as error:
        raise AudioError(f"{format} cannot hold sound at {rate} Hz: choose wav, or another rate.") from error
    return out.getvalue()


def write(path: str | os.PathLike[str], samples: Samples, rate: int, format: str | None = None) -> None:  # noqa: A002
    """A file in the format of its extension unless told; it is there whole or not at all."""
    target = Path(path)
    write_bytes(target, encode(samples, rate, format or target.suffix.removeprefix(".").lower() or "wav"))
