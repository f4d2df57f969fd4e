"""Where the sound of `speak` goes: a file, standard output, or the machine's sound output."""

import logging
import queue
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import typer

from mlx_voice.errors import AudioError

if TYPE_CHECKING:
    from mlx_voice.results import Audio


log = logging.getLogger("mlx_voice")
HEADER = 44  # bytes before the samples of a wav


class Sink(Protocol):
    def write(self, chunk: "Audio") -> None: ...

    def close(self) -> None:
        """All chunks have come; not called when something went wrong."""


def sink(output: Path | None, form: str | None, stream: bool, play: bool = False) -> Sink:
    from mlx_voice.audio import FORMATS, can_play

    if form is not None and form not in FORMATS:
        raise typer.BadParameter(f"choose one of {', '.join(FORMATS)}", param_hint="--format")
    if output is not None and str(output) != "-":
        if form is None and output.suffix[1:].lower() not in FORMATS:
            known = ", ".join(FORMATS)
            raise typer.BadParameter(f"{output} should end in one of {known}", param_hint="--output")
        return File(output, form, play and can_play())
    if output is not None or not sys.stdout.isatty():
        return Pipe(form or "wav", stream)
    if not can_play():
        raise AudioError("Nothing here can play sound: write it to a file with -o hello.wav.")
    return Player()


class File:
    """Written whole at the end, or not at all; its path is printed."""

    def __init__(self, path: Path, form: str | None, play: bool) -> None:
        self.path, self.form, self.play = path, form, play
        self.chunks: list[Audio] = []

    def write(self, chunk: "Audio") -> None:
        self.chunks.append(chunk)

    def close(self) -> None:
        from mlx_voice.results import Audio

        whole = Audio.joined(self.chunks)
        whole.save(self.path, self.form)
        typer.echo(self.path)
        if self.play:
            try:
                whole.play()
            except AudioError as error:  # what was asked for is written
                log.warning("%s", error)


class Pipe:
    """Standard output: chunk by chunk when streaming wav, else whole."""

    def __init__(self, form: str, stream: bool) -> None:
        self.form, self.stream = form, stream and form == "wav"
        self.header: bytes | None = None
        self.chunks: list[Audio] = []

    def write(self, chunk: "Audio") -> None:
        if not self.stream:
            self.chunks.append(chunk)
            return
        wav = chunk.encoded()
        if self.header is None:
            self.header = endless(wav)
            sys.stdout.buffer.write(self.header)
        sys.stdout.buffer.write(wav[HEADER:])
        sys.stdout.buffer.flush()

    def close(self) -> None:
        from mlx_voice.results import Audio

        if not self.stream:
            sys.stdout.buffer.write(Audio.joined(self.chunks).encoded(self.form))
            sys.stdout.buffer.flush()


class Player:
    """Plays what there is while more is made."""

    def __init__(self) -> None:
        self.chunks: queue.SimpleQueue[Audio | None] = queue.SimpleQueue()
        self.error: AudioError | None = None
        self.thread = threading.Thread(target=self._play, daemon=True)
        self.thread.start()

    def write(self, chunk: "Audio") -> None:
        self.chunks.put(chunk)

    def close(self) -> None:
        self.chunks.put(None)
        self.thread.join()
        if self.error is not None:
            raise self.error

    def _play(self) -> None:
        from mlx_voice.results import Audio

        try:
            while (chunk := self.chunks.get()) is not None:
                ready = [chunk]
                while not self.chunks.empty() and (chunk := self.chunks.get()) is not None:
                    ready.append(chunk)
                Audio.joined(ready).play()
                if chunk is None:
                    return
        except AudioError as error:
            self.error = error


def endless(wav: bytes) -> bytes:
    """The header of a wav whose length nobody knows yet."""
    return wav[:4] + b"\xff" * 4 + wav[8 : HEADER - 4] + b"\xff" * 4
