"""Many utterances in one process: random lengths, some taken back, some failing; memory by quarter."""

import resource
import threading
import time
from pathlib import Path

import numpy as np
from subjects import Subject

from mlx_voice.device import mx
from mlx_voice.engine import Engine
from mlx_voice.generate import Request
from mlx_voice.settings import SpeakOptions

LEFT, FAILING = 0.2, 0.1  # shares of the requests


def soak(what: Subject, utterances: int) -> dict[str, float]:
    rng = np.random.default_rng(0)
    engine = Engine("soak")
    engine._model = what.model
    memory: list[tuple[float, float]] = []
    for i in range(utterances):
        parts = tuple(
            what.sentence(float(rng.uniform(0.5, 3.0)), int(rng.integers(1 << 30))) for _ in range(2)
        )
        state = what.voice if rng.random() > FAILING else None
        request = Request(parts, state, SpeakOptions(), i, bool(rng.random() < 0.5))  # type: ignore[arg-type]
        speak(engine, request, leave=rng.random() < LEFT)
        memory.append(used())
    engine.close()
    return by_quarter(memory)


def speak(engine: Engine, request: Request, leave: bool) -> None:
    """Hear a request, or only its beginning; and wait until the engine is done with it."""
    events = engine.speak(lambda: request, threading.Event())
    try:
        for _ in events:
            if leave:
                break
    except (AttributeError, TypeError):  # what a request without a voice fails with
        if request.voice is not None:
            raise
    events.close()  # type: ignore[attr-defined]
    while engine.call(lambda: engine.under_way):
        time.sleep(0.01)


def by_quarter(memory: list[tuple[float, float]]) -> dict[str, float]:
    """The highest of each quarter, and the end against the 10th part."""
    figures = {}
    for number, part in enumerate(np.array_split(np.array(memory), 4), 1):
        process, device = part.max(axis=0) / 1e6
        figures |= {f"process_MB_quarter_{number}": process, f"mlx_MB_quarter_{number}": device}
    early, late = memory[len(memory) // 10], memory[-1]
    return figures | {"process_growth": late[0] / early[0] - 1, "mlx_growth": late[1] / early[1] - 1}


def used() -> tuple[float, float]:
    """Bytes of this process, and of MLX in use and kept for reuse."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        process = int(statm.read_text().split()[1]) * resource.getpagesize()
    else:
        process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return process, mx.get_active_memory() + mx.get_cache_memory()
