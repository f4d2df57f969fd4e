"""Where the sound of `speak` goes: a file, standard output, or the machine's sound output.

A sink is entered with the sample rate, and is given the sound as it is made. Nothing is kept of one that is
left with an error.
"""

import logging
import queue
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import typer

from mlx_voice.errors import AudioError

if TYPE_CHECKING:
    from mlx_voice.results import Audio


log = logging.getLogger("mlx_voice")
HEADER = 44  # bytes before the samples of a wav
Write = Callable[["Audio"], None]
Sink = Callable[[int], AbstractContextManager[Write]]


def sink(
    output: Path | None, form: str | None, stream: bool, play: bool = False, draft: Path | None = None
) -> Sink:
    from mlx_voice.audio import FORMATS, can_play

    if form is not None and form not in FORMATS:
        raise typer.BadParameter(f"choose one of {', '.join(FORMATS)}", param_hint="--format")
    if output is not None and str(output) != "-":
        if form is None and output.suffix[1:].lower() not in FORMATS:
            known = ", ".join(FORMATS)
            raise typer.BadParameter(f"{output} should end in one of {known}", param_hint="--output")
        if output.is_dir():
            raise typer.BadParameter(f"{output} is a folder", param_hint="--output")
        return partial(file, output, form or output.suffix[1:].lower(), play and can_play(), draft)
    if output is not None or not sys.stdout.isatty():
        form, out = form or "wav", sys.stdout.buffer
        return partial(streamed, out) if stream and form == "wav" else partial(whole, form, out)
    if not can_play():
        raise AudioError("Nothing here can play sound: write it to a file with -o hello.wav.")
    return played


@contextmanager
def file(path: Path, form: str, play: bool, draft: Path | None, rate: int) -> Iterator[Write]:
    """Under another name, or as `draft`, until all is written; then its path is printed."""
    from mlx_voice.audio import Encoder, play_file
    from mlx_voice.files import atomic

    if path.is_fifo() or path.is_char_device():
        with path.open("wb") as pipe, whole(form, pipe, rate) as write:
            yield write
        return
    with atomic(draft or path) as out, Encoder(out, rate, form) as encoder:
        yield lambda chunk: encoder.write(chunk.samples)
    if draft:
        draft.replace(path)
    typer.echo(path)
    if play:
        try:
            play_file(path)
        except AudioError as error:  # what was asked for is written
            log.warning("%s", error)


@contextmanager
def whole(form: str, out: BinaryIO, rate: int) -> Iterator[Write]:
    """Held on disk until its length is known."""
    from mlx_voice.audio import Encoder

    with tempfile.TemporaryFile() as held:
        with Encoder(held, rate, form) as encoder:
            yield lambda chunk: encoder.write(chunk.samples)
        held.seek(0)
        shutil.copyfileobj(held, out)
        out.flush()


@contextmanager
def streamed(out: BinaryIO, rate: int) -> Iterator[Write]:  # noqa: ARG001
    """A wav without a length, as soon as there is sound."""
    begun = False

    def write(chunk: "Audio") -> None:
        nonlocal begun
        wav = chunk.encoded()
        out.write(wav[HEADER:] if begun else endless(wav) + wav[HEADER:])
        out.flush()
        begun = True

    yield write


@contextmanager
def played(rate: int) -> Iterator[Write]:  # noqa: ARG001
    """What there is is played while more is made."""
    chunks: queue.SimpleQueue[Audio | None] = queue.SimpleQueue()
    errors: list[AudioError] = []
    thread = threading.Thread(target=_play, args=(chunks, errors), daemon=True)
    thread.start()
    yield chunks.put
    chunks.put(None)
    thread.join()
    if errors:
        raise errors[0]


def _play(chunks: "queue.SimpleQueue[Audio | None]", errors: list[AudioError]) -> None:
    from mlx_voice.results import Audio

    try:
        while (chunk := chunks.get()) is not None:
            ready = [chunk]
            while not chunks.empty() and (chunk := chunks.get()) is not None:
                ready.append(chunk)
            Audio.joined(ready).play()
            if chunk is None:
                return
    except AudioError as error:
        errors.append(error)


def endless(wav: bytes) -> bytes:
    """The header of a wav whose length nobody knows yet."""
    return wav[:4] + b"\xff" * 4 + wav[8 : HEADER - 4] + b"\xff" * 4
