"""The token loop, batches and streams, each against its baseline: a table, and one JSON line.

    python benchmarks/generation.py                 full-size random weights
    python benchmarks/generation.py --model mini    a model that is installed
    python benchmarks/generation.py --only tokens   one section
    python benchmarks/generation.py --soak 300      memory over so many utterances

On a busy machine only the ratios mean something: what is compared runs in turns within one process.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from baselines import concatenated_and_host, without_cache
from networks import bandwidth, parameters
from soak import soak
from subjects import Subject, subject

from mlx_voice.device import mx
from mlx_voice.generate import Event, Generator, Request
from mlx_voice.generate.kv import KVCache, QuantizedKV
from mlx_voice.generate.loop import Row, TokenLoop
from mlx_voice.generate.speech import Speech
from mlx_voice.settings import SpeakOptions

Figures = dict[str, float]


def in_turns(ways: dict[str, Iterator[None]], steps: int, turn: int = 20) -> dict[str, float]:
    """Typical seconds of a step; the ways alternate, so that whatever else the machine does hits all.

    A turn ends when the device has done all that it was given: nobody's step runs in another's time.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        next(way)  # prefill
    for _ in range(steps // turn):
        for name, way in ways.items():
            mx.synchronize()
            started = time.perf_counter()
            for _ in range(turn):
                next(way)
            mx.synchronize()
            times[name].append((time.perf_counter() - started) / turn)
    return {name: statistics.median(each) for name, each in times.items()}


def looped(t2s: Any, rows: list[Row]) -> Iterator[None]:
    loop = TokenLoop(t2s)
    loop.add(rows)
    yield from stepped(loop)


def stepped(loop: TokenLoop) -> Iterator[None]:
    while loop.rows:
        loop.step()
        yield


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def tokens(what: Subject, quick: bool) -> Figures:
    """160 to 400 positions: ours, the usual loop, and a batch of 8; then 500 codes without a cache."""
    t2s, steps = what.model.t2s, 60 if quick else 240
    limit = steps + 2
    ways = {
        "ours": looped(t2s, [what.row(limit=limit)]),
        "usual": concatenated_and_host(t2s, what.row(limit=limit)),
        "batch8": looped(t2s, [what.row(i, limit) for i in range(8)]),
    }
    typical = in_turns(ways, steps)
    reached = bandwidth(mx.float32)
    weights = sum(a.nbytes for a in parameters(t2s.layers)) + t2s.head.weight.nbytes
    return {
        "tokens_per_second": 1 / typical["ours"],
        "tokens_per_second_usual_loop": 1 / typical["usual"],
        "faster_than_usual_loop": typical["usual"] / typical["ours"],
        "batch8_throughput_ratio": 8 * typical["ours"] / typical["batch8"],
        "bandwidth_GB_per_second": reached / 1e9,
        "bandwidth_share": weights / typical["ours"] / reached,
    }


def uncached(what: Subject, quick: bool) -> Figures:
    """500 codes with the loop, and without a cache: all steps of a small model, every 20th of a large one."""
    t2s, count = what.model.t2s, 100 if quick else 500
    every = 20 if t2s.config.width > 256 else 1
    ours = _timed(lambda: list(looped(t2s, [what.row(limit=count)])))
    theirs = sum(_timed(lambda n=n: without_cache(t2s, what.row(), n)) for n in range(0, count, every))
    return {
        f"seconds_of_{count}": ours,
        f"seconds_of_{count}_without_cache": theirs * every,
        f"faster_than_no_cache_at_{count}": theirs * every / ours,
    }


Timed = list[
    tuple[float, Event, int]
]  # seconds since the start, and the memory that the step took for itself


def run(generator: Generator, requests: list[Request]) -> tuple[float, list[Timed]]:
    started = time.perf_counter()
    entered = [generator.add(request) for request in requests]
    events: dict[int, Timed] = {ident: [] for ident in entered}
    while generator.busy:
        mx.reset_peak_memory()
        before = mx.get_active_memory()
        for event in generator.step():
            if event.error:
                raise event.error
            took = mx.get_peak_memory() - before
            events[event.request].append((time.perf_counter() - started, event, took))
    return time.perf_counter() - started, list(events.values())


def stream(what: Subject, quick: bool) -> Figures:
    """One stream: when its first sound comes, what lies between pieces, what memory a piece takes."""
    request = Request((what.sentence(3.0 if quick else 8.0, 0),), what.voice, SpeakOptions())
    run(Generator(what.model), [request])
    total, (events,) = run(Generator(what.model), [request])
    rate = what.model.sovits.config.sample_rate
    times = [at for at, _, _ in events]
    lengths = np.array([event.samples.size / rate for _, event, _ in events])
    ahead = times[0] + np.concatenate([[0], np.cumsum(lengths)[:-1]]) - times  # sound left when a piece comes
    return {
        "first_sound_seconds": times[0],
        "first_sound_codes": events[0][1].tokens,
        "pieces": len(events),
        "median_gap_seconds": statistics.median(np.diff(times)),
        "longest_gap_seconds": max(np.diff(times), default=0.0),
        "least_sound_left": float(ahead[1:].min(initial=lengths[0])),
        "transient_MB_of_a_piece": statistics.median(took for *_, took in events) / 1e6,
        "transient_MB_of_the_largest": max(took for *_, took in events) / 1e6,
        "real_time_factor": total / lengths.sum(),
    }


def concurrent(what: Subject, quick: bool) -> Figures:
    """Two streams together against one after the other."""
    seconds = 2.0 if quick else 5.0
    requests = [Request((what.sentence(seconds, i),), what.voice, SpeakOptions(), i) for i in range(2)]
    run(Generator(what.model), requests[:1])
    apart = [run(Generator(what.model), [request]) for request in requests]
    together, events = run(Generator(what.model), requests)
    alone = apart[0][1] + apart[1][1]
    return {
        "two_streams_ratio": (apart[0][0] + apart[1][0]) / together,
        "first_sound_alone": max(timed[0][0] for timed in alone),
        "first_sound_together": max(timed[0][0] for timed in events),
    }


def whole(parts: tuple[Any, ...], what: Subject) -> Request:
    return Request(parts, what.voice, SpeakOptions(), streamed=False)


def text(what: Subject, quick: bool) -> Figures:
    """A text of many sentences: everything shared, against each sentence in a generator of its own."""
    parts = tuple(what.sentence(2.0, i) for i in range(4 if quick else 8))

    def apart() -> None:
        for part in parts:
            run(Generator(what.model), [whole((part,), what)])
            mx.clear_cache()

    ours = _timed(lambda: run(Generator(what.model), [whole(parts, what)]))
    theirs = _timed(apart)
    return {"text_seconds": ours, "text_seconds_apart": theirs, "text_time_saved": 1 - ours / theirs}


def linear(what: Subject, quick: bool) -> Figures:
    """Seconds per sentence, from 1 to 64 sentences."""
    figures = {}
    for n in (1, 4) if quick else (1, 4, 16, 64):
        parts = tuple(what.sentence(1.0, i) for i in range(n))
        seconds, _ = run(Generator(what.model), [whole(parts, what)])
        figures[f"seconds_per_sentence_of_{n}"] = seconds / n
    return figures


def check(what: Subject, quick: bool) -> Figures:
    """What the self-check and the times of words cost, where the model has an ear for its codes."""
    parts = tuple(what.sentence(3.0, i) for i in range(2 if quick else 8))
    spent, listen = [], Speech._listen

    def timed(speech: Speech, utterance: Any) -> None:
        spent.append(_timed(lambda: listen(speech, utterance)))

    run(Generator(what.model), [whole(parts[:1], what)])
    with patch.object(Speech, "_listen", timed):
        seconds, (events,) = run(Generator(what.model), [whole(parts, what)])
    again = sum(event.misses.get("check", 0) for _, event, _ in events)
    return {"check_share": sum(spent) / seconds, "check_ms": 1000 * max(spent), "said_again": again}


def approximate(what: Subject, quick: bool) -> Figures:
    """The sentence before as context, against sentences apart and in a batch; keys and values in 8 bits."""
    parts = tuple(what.sentence(2.0, i) for i in range(3 if quick else 8))
    request, figures = whole(parts, what), {"batched_seconds": 0.0, "apart_seconds": 0.0}
    figures["batched_seconds"] = run(Generator(what.model), [request])[0]
    figures["apart_seconds"] = run(Generator(what.model, slots=1), [request])[0]
    for context in (25, 75):
        longer = replace(request, options=SpeakOptions(context=context))
        figures[f"context_{context}_seconds"], (events,) = run(Generator(what.model), [longer])
        figures[f"context_{context}_carried"] = sum(event.hits.get("context", 0) for _, event, _ in events)
        figures[f"context_{context}_said_again"] = sum(e.misses.get("check", 0) for _, e, _ in events)
    steps, t2s = 40 if quick else 120, what.model.t2s
    loops = {kind.__name__: TokenLoop(t2s, kind) for kind in (KVCache, QuantizedKV)}
    for loop in loops.values():
        loop.add([what.row(i, steps + 2) for i in range(8)])
    typical = in_turns({name: stepped(loop) for name, loop in loops.items()}, steps)
    return figures | {
        "quantized_kv_bytes": loops["QuantizedKV"].nbytes / loops["KVCache"].nbytes,
        "quantized_kv_step": typical["QuantizedKV"] / typical["KVCache"],
    }


MEASURES = (tokens, uncached, stream, concurrent, text, linear, check, approximate)
SECTIONS = {section.__name__: section for section in MEASURES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", help="a name or a folder; else the official sizes with random weights")
    parser.add_argument("--only", help=f"some of {', '.join(SECTIONS)}, with commas")
    parser.add_argument("--quick", action="store_true", help="smaller sizes")
    parser.add_argument("--soak", type=int, metavar="N", help="only this: memory over N utterances")
    arguments = parser.parse_args()
    what = subject(arguments.model)
    print(f"{what.name}, float32, {mx.default_device()}")
    chosen = arguments.only.split(",") if arguments.only else SECTIONS
    sections = {name: lambda name=name: SECTIONS[name](what, arguments.quick) for name in chosen}
    if arguments.soak:
        sections = {"soak": lambda: soak(what, arguments.soak)}
    figures: dict[str, Figures] = {}
    for name, section in sections.items():
        figures[name] = section()
        for key, value in figures[name].items():
            print(f"{name:12s} {key:36s} {value:10.3f}", flush=True)
    print(json.dumps({"benchmark": "generation", "model": what.name, **figures}))


if __name__ == "__main__":
    main()
