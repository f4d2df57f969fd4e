"""One clip made ready for the networks: read, resampled, its text read. Runs in processes without MLX."""

import hashlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlx_voice.audio import Samples, check_samples, mono, peak_limited, read, resample, resample_sinc
from mlx_voice.corpus import durations, pitch
from mlx_voice.corpus.form import Form
from mlx_voice.corpus.items import Item
from mlx_voice.errors import AudioError, TextError, VoiceError

if TYPE_CHECKING:
    from mlx_voice.nn.weights import Array
    from mlx_voice.text import Sentence

SHORTEST = 0.1  # seconds
PITCH_RATE = 16000
AHEAD = 4  # clips under way for each worker


@dataclass(frozen=True)
class Task:
    """A clip to be looked at. One whose content is the `known` one is not made ready again."""

    item: Item
    form: Form
    alignments: Path | None = None
    known: str = ""


@dataclass(frozen=True)
class Ready:
    """What the networks need of a clip, and what was computed without them."""

    item: Item
    content: str
    seconds: float
    loudness: float
    heard: Samples  # for the content encoder, with its tail of silence
    wave: Samples  # for the spectrogram
    sentences: "tuple[Sentence, ...]"
    arrays: "dict[str, Array]"


@dataclass(frozen=True)
class Failed:
    """Why a clip has no features."""

    item: Item
    content: str
    reason: str


@dataclass(frozen=True)
class Same:
    """The clip is as it was, though its file is not."""

    item: Item
    content: str


Outcome = Ready | Failed | Same


def stamp(item: Item, alignments: Path | None) -> str:
    """What tells cheaply that a clip is as it was: nothing is read."""
    marks = [item.text, item.language, item.speaker]
    for path in (item.audio, alignments and durations.textgrid(alignments, item.id)):
        try:
            stat = path.stat() if path else None
        except OSError:
            stat = None
        marks.append("" if path is None or stat is None else f"{path.name} {stat.st_size} {stat.st_mtime_ns}")
    return hashlib.sha256(repr(marks).encode()).hexdigest()[:24]


def prepare(task: Task) -> Outcome:
    """Nothing that is wrong with one clip may end a run over all of them."""
    content = ""
    try:
        sound, grid = _sources(task)
        content = _digest(task.item, sound, grid)
        if content == task.known:
            return Same(task.item, content)
        return _ready(task, content, sound, grid)
    except VoiceError as error:
        return Failed(task.item, content, str(error))
    except Exception as error:  # noqa: BLE001 - it is told with the clip that it belongs to
        return Failed(
            task.item, content, f"This should not happen ({type(error).__name__}: {error}): report it."
        )


def _sources(task: Task) -> tuple[bytes, str]:
    """The sound's file and the alignment's text."""
    path = task.item.audio
    try:
        sound = path.read_bytes()
    except OSError as error:
        raise AudioError(f"{path} cannot be read: {error.strerror or error}.") from error
    grid = durations.textgrid(task.alignments, task.item.id) if task.alignments else None
    return sound, grid.read_text(encoding="utf-8-sig") if grid else ""


def _digest(item: Item, sound: bytes, grid: str) -> str:
    told = hashlib.sha256(repr((item.text, item.language, item.speaker, grid)).encode())
    return hashlib.sha256(hashlib.sha256(sound).digest() + told.digest()).hexdigest()[:32]


def _ready(task: Task, content: str, sound: bytes, grid: str) -> Ready:
    from mlx_voice.text import analyse

    item, form = task.item, task.form
    if not item.text.strip():
        raise TextError("The text is empty: write down what is said.")
    samples, rate = read(sound, longest=form.longest)
    samples = mono(samples)
    check_samples(samples)
    if len(samples) < SHORTEST * rate:
        raise AudioError(f"The audio lasts {len(samples) / rate:.3f} s, which is too short: leave it out.")
    samples = samples / np.float32(max(1.0, float(np.abs(samples).max())))
    sentences = tuple(analyse(item.text, item.language, symbols=form.symbols))
    wave = peak_limited(resample_sinc(samples, rate, form.sample_rate))
    heard = resample(samples, rate, form.content_rate)
    count = len(wave) // form.hop
    arrays = _arrays(task, sentences, wave, count, grid)
    if "f0" in form.features:
        voice = heard if form.content_rate == PITCH_RATE else resample(samples, rate, PITCH_RATE)
        arrays["f0"] = pitch.f0(voice, PITCH_RATE, count, form.hop * PITCH_RATE // form.sample_rate)
    loudness = float(10 * np.log10(np.square(samples, dtype=np.float64).mean() + 1e-12))
    heard = np.pad(heard, (0, round(form.content_tail * form.content_rate)))
    seconds = len(samples) / rate
    return Ready(item, content, round(seconds, 4), round(loudness, 2), heard, wave, sentences, arrays)


def _arrays(
    task: Task, sentences: "tuple[Sentence, ...]", wave: Samples, count: int, grid: str
) -> "dict[str, Array]":
    """What follows from text and energy; `durations` are missing where the content encoder finds them."""
    form = task.form
    energy = pitch.energy(wave, count, form.hop, form.n_fft)
    spans = [span for sentence in sentences for span in sentence.spans]
    ids = [i for span in spans for i in span.ids]
    arrays = {
        "energy": energy,
        "phones": np.array(ids, np.int32),
        "word2ph": np.array([n for span in spans for n in span.word2ph or (len(span.ids),)], np.int32),
        "stop": np.eye(1, count, count - 1, dtype=np.uint8)[0],
    }
    if grid:
        intervals = durations.read_textgrid(grid, f"The alignment of {task.item.id}")
        names = [phone for span in spans for phone in span.phones]
        arrays["durations"] = durations.aligned(intervals, names, count, form.hop / form.sample_rate)
    elif form.aligner != "content":
        arrays["durations"] = durations.estimated(energy, len(ids), count)
    return arrays


class Workers:
    """Processes that make clips ready; with 0 of them it is done here."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Workers":
        if self.count:
            context = multiprocessing.get_context("spawn")  # MLX's threads would not survive a fork
            self._pool = ProcessPoolExecutor(self.count, context, initializer=_begin)
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def prepared(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """In the tasks' order; only a few are made ready ahead."""
        if self._pool is None:
            yield from map(prepare, tasks)
            return
        ahead: list[Future[Outcome]] = []
        try:
            for task in tasks:
                ahead.append(self._pool.submit(prepare, task))
                if len(ahead) > AHEAD * self.count:
                    yield ahead.pop(0).result()
            while ahead:
                yield ahead.pop(0).result()
        except BrokenProcessPool as error:
            raise VoiceError(
                "A process that reads clips was ended from outside, perhaps for lack of memory: run it again."
            ) from error
        finally:
            for future in ahead:
                future.cancel()


def _begin() -> None:
    """In a new process: Ctrl-C is the parent's to handle, and the parent's end is ours."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
