"""One thread owns MLX, and everybody is served by it."""

import gc
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference_model import model, sentence, voice

from mlx_voice import engine as engines
from mlx_voice.device import mx
from mlx_voice.engine import Engine
from mlx_voice.errors import CancelledError, VoiceError
from mlx_voice.generate import Generator, Request
from mlx_voice.settings import SpeakOptions, StreamOptions

OPTIONS = SpeakOptions(streaming=StreamOptions(4, 1.5, 16, 2, 4), pause=0.1)


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine("tiny")
    made._model = model()
    yield made
    made.close()


def request(*names: str, seed: int = 0, who: str = "tiny", streamed: bool = True) -> Request:
    return Request(tuple(sentence(n) for n in names), voice(who), OPTIONS, seed, streamed)


def spoken(engine: Engine, wanted: Request) -> np.ndarray:
    events = engine.speak(lambda: wanted, threading.Event())
    return np.concatenate([event.samples for event in events])


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and float(np.abs(a - b).max()) < 1e-3 * float(np.abs(b).max())


def test_threads_do_not_mix(engine: Engine, count: Any) -> None:
    texts = [("text0",), ("en", "text0"), ("text1",)]
    wanted = [
        request(*texts[i % 3], seed=i, who=("tiny", "other", "else")[i % 3], streamed=i % 2 == 0)
        for i in range(count(8, 200))
    ]
    alone = [spoken(engine, r) for r in wanted]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda r: spoken(engine, r), wanted))
    assert all(same(a, b) for a, b in zip(together, alone, strict=True))
    assert not engine.under_way


def test_all_is_computed_in_one_thread(engine: Engine) -> None:
    names = {engine.call(lambda: threading.current_thread().name) for _ in range(3)}
    assert names == {"mlx-voice"} and engine.call(lambda: engine.call(lambda: 5)) == 5
    with pytest.raises(ZeroDivisionError):
        engine.call(lambda: 1 // 0)


def test_a_request_taken_back_ends_at_once(engine: Engine) -> None:
    cancelled = threading.Event()
    events = engine.speak(lambda: request(*["text2"] * 50), cancelled)
    next(events)
    cancelled.set()
    started = time.monotonic()
    with pytest.raises(CancelledError, match="taken back"):
        list(events)
    assert time.monotonic() - started < 5 and not engine.call(lambda: engine.under_way)


def test_leaving_the_stream_ends_the_request(engine: Engine) -> None:
    events = engine.speak(lambda: request(*["text2"] * 50), threading.Event())
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert spoken(engine, request("text0")).size
    assert not engine.call(lambda: engine.under_way)


def test_a_reader_that_fails_ends_its_request_and_no_other(engine: Engine) -> None:
    def read() -> None:
        for _ in engine.speak(lambda: request(*["text2"] * 50), threading.Event()):
            raise ArithmeticError("the reader's own")

    with ThreadPoolExecutor(2) as pool:
        good = pool.submit(spoken, engine, request("text1"))
        with pytest.raises(ArithmeticError, match="own"):
            pool.submit(read).result()
        assert same(good.result(), spoken(engine, request("text1")))
    gc.collect()
    assert not engine.call(lambda: engine.under_way)


def test_cancelled_before_it_began(engine: Engine) -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(CancelledError):
        list(engine.speak(lambda: request("text0"), cancelled))


def test_errors_reach_their_caller_only(engine: Engine) -> None:
    def fails() -> Request:
        raise VoiceError("no such voice.")

    broken = replace(request("text0"), voice=replace(voice(), condition=voice().condition[..., :5]))
    with ThreadPoolExecutor(3) as pool:
        good = pool.submit(spoken, engine, request("text1"))
        early = pool.submit(lambda: list(engine.speak(fails, threading.Event())))
        late = pool.submit(lambda: list(engine.speak(lambda: broken, threading.Event())))
        with pytest.raises(VoiceError, match="no such voice"):
            early.result()
        assert isinstance(late.result()[-1].error, ValueError)
        assert same(good.result(), spoken(engine, request("text1")))


def test_a_failing_step_tells_all_and_the_next_request_works(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setattr(Generator, "step", lambda _: 1 // 0)
        for doomed in [pool.submit(spoken, engine, request("text0")) for _ in range(2)]:
            with pytest.raises(ZeroDivisionError):
                doomed.result()
    assert spoken(engine, request("text0")).size


def test_a_reader_who_stops_holds_only_himself(engine: Engine) -> None:
    slow = engine.speak(lambda: request(*["text1"] * 30), threading.Event())
    next(slow)
    assert spoken(engine, request("text0")).size
    time.sleep(0.5)
    (speech,) = engine._speeches.values()
    for _ in range(100):
        if speech.held:
            break
        time.sleep(0.1)
    waiting = speech.events.qsize()
    time.sleep(0.3)
    assert engines.UNREAD <= speech.events.qsize() <= waiting + 1
    assert len(list(islice(slow, 40))) == 40  # reading on sets it free


def test_closing_ends_what_nobody_hears() -> None:
    engine = Engine("tiny")
    engine._model = model()
    slow = engine.speak(lambda: request(*["text1"] * 30), threading.Event())
    next(slow)
    engine.close()
    engine.close()
    assert not engine.under_way
    with pytest.raises(VoiceError, match="closed"):
        engine.call(lambda: 1)


def test_two_engines_share_the_thread(engine: Engine) -> None:
    other = Engine("tiny")
    other._model = model()
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda e: spoken(e, request("text1")), (engine, other))
    assert same(first, second) and other._worker is engine._worker
    other.close()


def test_memory_stays_flat(engine: Engine, count: Any) -> None:
    """Random lengths, some taken back, some failing."""
    rng = np.random.default_rng(8)
    names = ["text0", "text1", "text2", "en"]
    used = []
    total = count(32, 300)
    for i in range(total):
        wanted = request(*rng.choice(names, rng.integers(1, 4)), seed=i, streamed=bool(i % 2))
        if i % 7 == 3:
            wanted = replace(wanted, voice=replace(voice(), condition=voice().condition[..., :5]))
        events = engine.speak(lambda wanted=wanted: wanted, threading.Event())  # type: ignore[misc]
        for n, _ in enumerate(events):
            if i % 5 == 4 and n:
                break
        events.close()  # type: ignore[attr-defined]
        while engine.call(lambda: engine.under_way):
            time.sleep(0.01)
        used.append((engine.call(in_use), resident()))
    early, late = used[count(8, 30)], used[-1]
    assert late[0] <= 1.01 * early[0]
    assert late[1] <= count(1.1, 1.05) * early[1]  # the first few still meet new lengths


def in_use() -> int:
    gc.collect()
    return mx.get_active_memory()


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) if Path("/proc").exists() else 1


def test_warm_up_leaves_nothing_behind(engine: Engine) -> None:
    def warm() -> int:
        generator = engine._ready_generator()
        generator.warm_up()
        return len(generator.loop.rows)

    assert engine.call(warm) == 0


def test_a_process_that_spoke_ends_in_peace(count: Callable[[int, int], int]) -> None:
    """MLX aborts one process in three whose thread ends with streams of its own."""
    code = (
        "from mlx_voice.engine import Engine\nfrom mlx_voice.device import mx\n"
        "Engine('none').call(lambda: mx.eval(mx.random.normal((99, 99)) @ mx.zeros((99, 99))))"
    )
    for _ in range(count(6, 40)):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
