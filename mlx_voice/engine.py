"""The one thread that owns MLX: whoever wants something computed posts it here and waits for the answer."""

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mlx_voice.errors import CancelledError, VoiceError

if TYPE_CHECKING:
    from mlx_voice.checkpoints import Model
    from mlx_voice.generate import Event, Generator, Request

T = TypeVar("T")


@dataclass
class _Speech:
    """A request on its way: `prepare` runs in the engine's thread, events come back through a queue."""

    prepare: "Callable[[], Request]"
    cancelled: threading.Event
    events: "queue.SimpleQueue[Event | BaseException | None]" = field(default_factory=queue.SimpleQueue)


class Engine:
    """One model, opened when it is first needed. One request is spoken at a time, in the order they come."""

    def __init__(self, model: str | Path, dtype: str | None = None) -> None:
        self._name, self._dtype = model, dtype
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._model: Model | None = None
        self._generator: Generator | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="mlx-voice engine", daemon=True)
        self._thread.start()

    @property
    def model(self) -> "Model":
        """Only in the engine's thread."""
        assert threading.current_thread() is self._thread
        if self._model is None:
            from mlx_voice.checkpoints import open_model

            self._model = open_model(self._name, self._dtype)
        return self._model

    def call(self, function: Callable[..., T], *args: object) -> T:
        """Run a function in the engine's thread."""
        if threading.current_thread() is self._thread:
            return function(*args)
        answer: Future[T] = Future()

        def job() -> None:
            try:
                answer.set_result(function(*args))
            except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the caller
                answer.set_exception(error)

        self._post(job)
        return answer.result()

    def speak(self, prepare: "Callable[[], Request]", cancelled: threading.Event) -> "Iterator[Event]":
        """The events of a request, as they come; leaving the iterator, or setting `cancelled`, ends it."""
        speech = _Speech(prepare, cancelled)
        self._post(lambda: self._speak(speech))
        try:
            while (event := speech.events.get()) is not None:
                if isinstance(event, BaseException):
                    raise event
                yield event
        finally:
            cancelled.set()

    def close(self) -> None:
        """Finish what was asked before, and end the thread."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _post(self, job: Callable[[], None]) -> None:
        if self._closed:
            raise VoiceError("This VoiceCloner is closed: make another one.")
        self._jobs.put(job)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _speak(self, speech: _Speech) -> None:
        try:
            self._generate(speech)
            speech.events.put(None)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the caller
            speech.events.put(error)

    def _generate(self, speech: _Speech) -> None:
        if self._generator is None:
            from mlx_voice.generate import Generator

            self._generator = Generator(self.model)
        self._check(speech)
        ident = self._generator.add(speech.prepare())
        try:
            done = False
            while not done:
                self._check(speech)
                for event in self._generator.step():
                    speech.events.put(event)
                    done = done or event.done
        finally:
            self._generator.cancel(ident)

    def _check(self, speech: _Speech) -> None:
        if speech.cancelled.is_set():
            raise CancelledError("The request was taken back.")
