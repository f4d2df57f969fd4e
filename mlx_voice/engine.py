"""The one thread that owns MLX: whoever wants something computed posts it here and waits for the answer.

Jobs go first; between them every request under way advances by one step, so that many are spoken at a time,
one taken back ends within a step, and an error reaches only the caller that it belongs to.
"""

import atexit
import logging
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

from mlx_voice.errors import CancelledError, VoiceError
from mlx_voice.settings import CacheOptions

if TYPE_CHECKING:
    from mlx_voice.checkpoints import Model
    from mlx_voice.generate import Event, Generator, Request

T = TypeVar("T")
log = logging.getLogger("mlx_voice")

UNREAD = 8  # pieces that wait for their reader before a request is held
PATIENCE = 0.05  # seconds between looks at requests that are all held
BUFFERS = 512 << 20  # bytes that MLX may keep for reuse


@dataclass(eq=False)
class _Speech:
    """A request on its way: `prepare` runs in the engine's thread, events come back through a queue."""

    prepare: "Callable[[], Request]"
    cancelled: threading.Event
    events: "queue.SimpleQueue[Event | BaseException | None]" = field(default_factory=queue.SimpleQueue)

    @property
    def held(self) -> bool:
        return self.events.qsize() >= UNREAD


class Engine:
    """One model, opened when it is first needed; of `cache` it keeps said sentences and a form of the KV."""

    def __init__(
        self, model: str | Path, dtype: str | None = None, cache: CacheOptions | None = None
    ) -> None:
        self._name, self._dtype, self._cache = model, dtype, cache or CacheOptions()
        self._model: Model | None = None
        self._generator: Generator | None = None
        self._speeches: dict[int, _Speech] = {}  # by the generator's number
        self._closed = False
        self._worker = _worker()

    @property
    def model(self) -> "Model":
        """Only in the engine's thread."""
        assert self._worker.is_current
        if self._model is None:
            from mlx_voice.checkpoints import open_model

            self._model = open_model(self._name, self._dtype)
        return self._model

    def call(self, function: Callable[..., T], *args: object) -> T:
        """Run a function in the engine's thread."""
        if self._worker.is_current:
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
        """The events of a request, as they come; leaving the iterator, or setting `cancelled`, ends it.

        A reader that is slow holds its own request back, and no other.
        """
        speech = _Speech(prepare, cancelled)
        self._post(lambda: self._enter(speech))
        try:
            while (event := speech.events.get()) is not None:
                if isinstance(event, BaseException):
                    raise event
                yield event
        finally:
            cancelled.set()

    def close(self) -> None:
        """Finish what is being listened to, end what is not; nothing more can be asked."""
        if not self._closed:
            self._closed = True
            if not self._worker.is_current:
                self._worker.finish(self)

    @property
    def under_way(self) -> bool:
        return bool(self._speeches)

    @property
    def held(self) -> bool:
        """Whether nothing can be done before a reader reads."""
        return all(speech.held and not speech.cancelled.is_set() for speech in self._speeches.values())

    def drop_unread(self) -> None:
        """End the requests whose pieces nobody takes."""
        for speech in self._speeches.values():
            if speech.held:
                speech.cancelled.set()

    def turn(self) -> None:
        """One step for all requests under way; in the engine's thread."""
        assert self._generator is not None
        for ident, speech in list(self._speeches.items()):
            self._generator.hold(ident, speech.held)
            if speech.cancelled.is_set():
                self._leave(ident, CancelledError("The request was taken back."))
        try:
            events = self._generator.step()
        except Exception as error:  # noqa: BLE001 - nobody knows whose it was, so all are told
            self._generator = None
            for ident in list(self._speeches):
                self._leave(ident, error)
            return
        for event in events:
            self._speeches[event.request].events.put(event)
            if event.done:
                self._leave(event.request, None)

    def _post(self, job: Callable[[], None]) -> None:
        if self._closed:
            raise VoiceError("This VoiceCloner is closed: make another one.")
        self._worker.post(job)

    def _enter(self, speech: _Speech) -> None:
        try:
            if speech.cancelled.is_set():
                raise CancelledError("The request was taken back.")
            ident = self._ready_generator().add(speech.prepare())
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the caller
            speech.events.put(error)
            return
        self._speeches[ident] = speech
        self._worker.visit(self)

    def _leave(self, ident: int, last: BaseException | None) -> None:
        if self._generator is not None:
            self._generator.cancel(ident)
        self._speeches.pop(ident).events.put(last)

    def _ready_generator(self) -> "Generator":
        if self._generator is None:
            from mlx_voice.device import mx

            self._generator = self.generator(spoken=self._cache.speech)
            if mx.default_device() == mx.gpu:
                started = perf_counter()
                self._generator.warm_up()
                log.info("%s is warm after %.1f s.", self.model.name, perf_counter() - started)
        return self._generator

    def generator(self, **options: int) -> "Generator":
        """One of its own, with the keys and values that this engine was told to use; on the thread of MLX."""
        from mlx_voice.device import mx
        from mlx_voice.generate import Generator
        from mlx_voice.generate.kv import KVCache, QuantizedKV

        mx.set_cache_limit(BUFFERS)
        return Generator(self.model, cache=QuantizedKV if self._cache.quantized_kv else KVCache, **options)


class _Worker:
    """The thread. It runs jobs as they come, and in between gives a turn to each engine with requests."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._engines: list[Engine] = []
        self._thread = threading.Thread(target=self._run, name="mlx-voice", daemon=True)
        self._thread.start()
        atexit.register(self._stop)  # MLX must not be at work while the interpreter goes

    @property
    def is_current(self) -> bool:
        return threading.current_thread() is self._thread

    def post(self, job: Callable[[], None]) -> None:
        self._jobs.put(job)

    def visit(self, engine: Engine) -> None:
        """Give this engine turns while it has requests; in the thread."""
        if engine not in self._engines:
            self._engines.append(engine)

    def finish(self, engine: Engine) -> None:
        """Wait until the engine has done all that it was asked before."""
        done = threading.Event()

        def look() -> None:
            engine.drop_unread()
            if engine.under_way:
                self._turns()
                self._jobs.put(look)
            else:
                done.set()

        self._jobs.put(look)
        done.wait()

    def _run(self) -> None:
        while True:
            try:
                wait = self._wait
                job = self._jobs.get(wait != 0, wait)
            except queue.Empty:
                self._turns()
                continue
            if job is None:
                return self._put_away()
            job()

    def _put_away(self) -> None:
        """A thread that ends with MLX's streams of its own aborts the process every now and then."""
        if "mlx.core" in sys.modules:
            from mlx_voice.device import mx

            mx.clear_streams()

    @property
    def _wait(self) -> float | None:
        """Seconds to wait for a job: for ever when idle, not at all while there is something to speak."""
        if not self._engines:
            return None
        return PATIENCE if all(engine.held for engine in self._engines) else 0

    def _turns(self) -> None:
        for engine in self._engines:
            engine.turn()
        self._engines = [engine for engine in self._engines if engine.under_way]

    def _stop(self) -> None:
        self._jobs.put(None)
        self._thread.join()


@cache
def _worker() -> _Worker:
    return _Worker()
