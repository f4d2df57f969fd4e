"""The token loop, batches and streams, each against its baseline: a table, and one JSON line.

    python benchmarks/generation.py                 full-size random weights
    python benchmarks/generation.py --only tokens   one section
    python benchmarks/generation.py --soak 300      memory over so many utterances

On a busy machine only the ratios mean something: what is compared runs in turns within one process.
"""

import argparse
import json
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from baselines import concatenated_and_host, without_cache
from full_size import SOVITS_SIZES, T2S_SIZES, model, sentence, voice

from mlx_voice.device import mx
from mlx_voice.engine import Engine
from mlx_voice.generate import Event, Generator, Request
from mlx_voice.generate.loop import Row, TokenLoop
from mlx_voice.settings import SpeakOptions

PHONES, PROMPT = 60, 100  # of the token measurements: 160 positions before the first code
Figures = dict[str, float]


def in_turns(ways: dict[str, Iterator[None]], steps: int, turn: int = 20) -> dict[str, float]:
    """Typical seconds of a step; the ways alternate, so that whatever else the machine does hits all."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        next(way)  # prefill
    for _ in range(steps // turn):
        for name, way in ways.items():
            mx.synchronize()
            started = time.perf_counter()
            for _ in range(turn):
                next(way)
            times[name].append((time.perf_counter() - started) / turn)
    return {name: statistics.median(each) for name, each in times.items()}


def row(seed: int = 0, limit: int = 240) -> Row:
    rng = np.random.default_rng(seed)
    phones, codes = rng.integers(1, 700, PHONES).tolist(), rng.integers(0, 1024, PROMPT).tolist()
    return Row(tuple(phones), codes=tuple(codes), seed=seed, limit=limit, minimum=limit)


def looped(t2s: Any, rows: list[Row]) -> Iterator[None]:
    loop = TokenLoop(t2s)
    loop.add(rows)
    while loop.rows:
        loop.step()
        yield


def bandwidth() -> float:
    """Bytes per second of reading, as BLAS reads."""
    x = np.ones(100_000_000, np.float32)
    best = min(_timed(lambda: float(x @ x)) for _ in range(5))
    return x.nbytes * 2 / best / 2  # both operands are the same memory


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def tokens(whole: Any, steps: int) -> Figures:
    """160 to 400 positions: ours, the usual loop, a batch of 8, and no cache at all."""
    t2s = whole.t2s
    limit = steps + 2
    ways = {
        "ours": looped(t2s, [row(limit=limit)]),
        "usual": concatenated_and_host(t2s, row(limit=limit)),
        "batch8": looped(t2s, [row(i, limit) for i in range(8)]),
    }
    typical = in_turns(ways, steps)
    weights = sum(a.nbytes for _, a in _flat(t2s.layers)) + t2s.head.weight.nbytes
    reached = bandwidth()
    lengths = (0, 125, 250, 375, 500)
    cold = [min(_timed(lambda n=n: without_cache(t2s, row(), n)) for _ in range(2)) for n in lengths]
    uncached = float(np.interp(np.arange(500), lengths, cold).sum())
    return {
        "tokens_per_second": 1 / typical["ours"],
        "tokens_per_second_usual_loop": 1 / typical["usual"],
        "faster_than_usual_loop": typical["usual"] / typical["ours"],
        "batch8_throughput_ratio": 8 * typical["ours"] / typical["batch8"],
        "faster_than_no_cache_at_500": uncached / (500 * typical["ours"]),
        "bandwidth_GB_per_second": reached / 1e9,
        "bandwidth_share": weights / typical["ours"] / reached,
    }


def _flat(layers: Any) -> Iterator[tuple[str, mx.array]]:
    from mlx.utils import tree_flatten

    return iter(tree_flatten([layer.parameters() for layer in layers]))


def run(generator: Generator, requests: list[Request]) -> tuple[float, list[list[tuple[float, Event]]]]:
    """Seconds in all, and each request's events with their times."""
    started = time.perf_counter()
    entered = [generator.add(request) for request in requests]
    events: dict[int, list[tuple[float, Event]]] = {ident: [] for ident in entered}
    while generator.busy:
        for event in generator.step():
            if event.error:
                raise event.error
            events[event.request].append((time.perf_counter() - started, event))
    return time.perf_counter() - started, list(events.values())


def stream(whole: Any, seconds: float) -> Figures:
    """One stream: when its first sound comes, what lies between pieces, what memory a piece takes."""
    options = SpeakOptions()
    request = Request((sentence(seconds),), voice(), options)
    run(Generator(whole), [request])
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    total, (events,) = run(Generator(whole), [request])
    times = [at for at, _ in events]
    steps = options.streaming.first_chunk + options.streaming.look_ahead
    settle = options.streaming.settle or SOVITS_SIZES.flow_context + SOVITS_SIZES.generator_context
    return {
        "first_sound_seconds": times[0],
        "first_sound_codes": steps + settle / SOVITS_SIZES.frames_per_code,
        "longest_gap_seconds": max(np.diff(times), default=0.0),
        "transient_MB": (mx.get_peak_memory() - before) / 1e6,
        "real_time_factor": total / (sum(event.samples.size for _, event in events) / 32000),
    }


def concurrent(whole: Any, seconds: float) -> Figures:
    """Two streams together against one after the other."""
    requests = [Request((sentence(seconds, i),), voice(), SpeakOptions(), i) for i in range(2)]
    apart = sum(run(Generator(whole), [request])[0] for request in requests)
    together, _ = run(Generator(whole), requests)
    return {"two_streams_ratio": apart / together}


def text(whole: Any, sentences: int, seconds: float) -> Figures:
    """A text of many sentences: everything shared, against each sentence in a generator of its own."""
    parts = tuple(sentence(seconds, i) for i in range(sentences))

    def shared() -> None:
        run(Generator(whole), [Request(parts, voice(), SpeakOptions(), streamed=False)])

    def apart() -> None:
        for part in parts:
            run(Generator(whole), [Request((part,), voice(), SpeakOptions(), streamed=False)])
            mx.clear_cache()

    ours, theirs = _timed(shared), _timed(apart)
    return {"text_seconds": ours, "text_time_saved": 1 - ours / theirs}


def linear(whole: Any, most: int) -> Figures:
    """Seconds per sentence from 1 to `most` sentences; 1 is perfectly linear."""
    costs = {}
    n = 1
    while n <= most:
        parts = tuple(sentence(1.0, i) for i in range(n))
        costs[n] = run(Generator(whole), [Request(parts, voice(), SpeakOptions(), streamed=False)])[0] / n
        n *= 4
    return {f"seconds_per_sentence_of_{n}": cost for n, cost in costs.items()}


def soak(whole: Any, utterances: int) -> Figures:
    """Random lengths through the engine, some taken back, some failing: memory at a tenth and at the end."""
    rng = np.random.default_rng(0)
    engine = Engine("soak")
    engine._model = whole
    said = voice(2.0)
    early: tuple[float, float] = (0.0, 0.0)
    for i in range(utterances):
        parts = tuple(sentence(float(rng.uniform(0.5, 3.0)), int(rng.integers(1 << 30))) for _ in range(2))
        state = said if rng.random() > 0.1 else None
        request = Request(parts, state, SpeakOptions(), i)  # type: ignore[arg-type]
        events = engine.speak(lambda request=request: request, threading.Event())
        stop_after = 1 if rng.random() < 0.2 else 1 << 30
        for n, _ in enumerate(events, 1):
            if n >= stop_after:
                break
        events.close()  # type: ignore[attr-defined]
        if i + 1 == max(1, utterances // 10):
            early = _memory()
    late = _memory()
    engine.close()
    return {
        "process_growth": late[0] / early[0] - 1,
        "mlx_growth": late[1] / early[1] - 1,
        "process_MB": late[0] / 1e6,
        "mlx_MB": late[1] / 1e6,
    }


def _memory() -> tuple[float, float]:
    """Bytes of this process, and of MLX in use and kept for reuse."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        process = int(statm.read_text().split()[1]) * resource.getpagesize()
    else:
        process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return process, mx.get_active_memory() + mx.get_cache_memory()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", help="tokens, stream, concurrent, text or linear")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--soak", type=int, metavar="N", help="only this: memory over N utterances")
    arguments = parser.parse_args()
    whole = model()
    few = arguments.quick
    sections: dict[str, Callable[[], Figures]] = {
        "tokens": lambda: tokens(whole, 60 if few else 240),
        "stream": lambda: stream(whole, 3.0 if few else 8.0),
        "concurrent": lambda: concurrent(whole, 2.0 if few else 5.0),
        "text": lambda: text(whole, 4 if few else 12, 2.0),
        "linear": lambda: linear(whole, 4 if few else 64),
    }
    if arguments.soak:
        sections = {"soak": lambda: soak(whole, arguments.soak)}
    elif arguments.only:
        sections = {arguments.only: sections[arguments.only]}
    figures: dict[str, Figures] = {}
    print(f"{T2S_SIZES.layers} layers of {T2S_SIZES.width}, float32, {mx.default_device()}")
    for name, section in sections.items():
        figures[name] = section()
        for key, value in figures[name].items():
            print(f"{name:12s} {key:32s} {value:10.3f}", flush=True)
    print(json.dumps({"benchmark": "generation", "device": str(mx.default_device()), **figures}))


if __name__ == "__main__":
    main()
