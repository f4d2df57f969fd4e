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
WAV_BYTES = (1 << 32) - (1 << 10)  # its sizes have 32 bits
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


class Encoder:
    """Sound into an open file, piece by piece; what lies beyond full scale is clipped.

    The bytes do not depend on how the sound was cut (but an ogg draws a number for itself), and no more than
    a block of it is held.
    """

    def __init__(self, out: BinaryIO, rate: int, format: str = "wav", channels: int = 1) -> None:  # noqa: A002
        if format not in FORMATS:
            raise AudioError(f"Audio cannot be written as {format!r}: choose one of {', '.join(FORMATS)}.")
        container, subtype = FORMATS[format]
        # A real file goes by its handle, so that libsndfile itself meets a full disk, and says so.
        target = out if isinstance(out, io.BytesIO) else out.fileno()
        try:
            self._file = soundfile.SoundFile(
                target, "w", rate, channels, subtype, format=container, closefd=False
            )
        except soundfile.SoundFileError as error:
            raise AudioError(
                f"{format} cannot hold sound at {rate} Hz: choose wav, or another rate."
            ) from error
        self._room = WAV_BYTES // (2 * channels) if format == "wav" else None  # frames
        self._held: list[Samples] = []
        self._count = 0  # frames that are held

    def write(self, samples: Samples) -> None:
        self._held.append(samples)
        self._count += len(samples)
        if self._count >= BLOCK:
            self._encode(self._count // BLOCK * BLOCK)

    def __enter__(self) -> "Encoder":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """The rest, unless something went wrong; then the header is right."""
        try:
            if kind is None:
                self._encode(self._count)
        finally:
            self._file.close()

    def _encode(self, frames: int) -> None:
        """That many of those that are held."""
        if not frames:
            return
        if self._room is not None and self._file.frames + frames > self._room:
            raise AudioError("A wav file holds 4 GB at most: write flac, ogg or mp3.")
        held = np.concatenate(self._held)
        try:
            for start in range(0, frames, BLOCK):
                self._file.write(np.clip(held[start : min(start + BLOCK, frames)], -1.0, 1.0))
        except soundfile.SoundFileError as error:
            raise OSError(str(error).rstrip(".")) from error
        self._held = [held[frames:].copy()]
        self._count -= frames


def encode(samples: Samples, rate: int, format: str = "wav") -> bytes:  # noqa: A002
    """A whole file as bytes."""
    out = io.BytesIO()
    with Encoder(out, rate, format, 1 if samples.ndim == 1 else samples.shape[1]) as encoder:
        encoder.write(samples)
    return out.getvalue()


def write(path: str | os.PathLike[str], samples: Samples, rate: int, format: str | None = None) -> None:  # noqa: A002
    """A file in the format of its extension unless told; it is there whole or not at all."""
    target = Path(path)
    write_bytes(target, encode(samples, rate, format or target.suffix.removeprefix(".").lower() or "wav"))
