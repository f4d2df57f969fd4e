"""What a reference costs, from the definition of the Fourier transform to a look into memory.

The same 10 s of sound each time, in one run: its spectrogram alone, six ways; then the whole step "voice
ready to speak", from the recording and from each tier above it. A table, then one line of JSON.
`direct_sum.c` is compiled where a C compiler is at hand.
"""

import argparse
import ctypes
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mlx_voice.audio import write
from mlx_voice.audio.spectrum import spectrogram
from mlx_voice.checkpoints import Model, open_model
from mlx_voice.cloner import default_model
from mlx_voice.settings import CacheOptions
from mlx_voice.voices.entry import Entry, Voice
from mlx_voice.voices.features import numpy_spectrogram
from mlx_voice.voices.registry import Registry
from mlx_voice.voices.tiers import Tiers

RATE, SIZE, HOP, BINS = 32000, 2048, 640, 1025
PUBLISHED = {"direct sum, C": 3700, "rfft, MLX": 22, "mel stored": 5, "mel in memory": 1}
TEXT = "今天天气很好，我们一起去公园散步，看看湖边的花，再到茶馆里坐一坐，听人说书。"


def speech(seconds: float) -> np.ndarray:
    """Syllables that swell and fall, over a little noise."""
    t = np.arange(round(RATE * seconds)) / RATE
    buzz = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 30))
    noise = np.random.default_rng(0).standard_normal(len(t))
    return (0.15 * buzz * np.sin(np.pi * (t % 0.2) / 0.2) ** 2 + 1e-4 * noise).astype(np.float32)


def milliseconds(work: Callable[[], Any], rounds: int) -> float:
    """The median of so many runs, after one that does not count."""
    work()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


def direct_sum(wave: np.ndarray) -> Callable[[], np.ndarray] | None:
    compiler = shutil.which("cc") or shutil.which("clang") or shutil.which("gcc")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "direct_sum.so")
        source = Path(__file__).with_name("direct_sum.c")
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", source, "-o", library, "-lm"], check=True)
        function = ctypes.CDLL(str(library)).direct_sum
    padded, window = padded_and_window(wave)
    frames = len(wave) // HOP
    out = np.empty((frames, BINS), np.float32)
    pointers = [a.ctypes.data_as(ctypes.POINTER(ctypes.c_float)) for a in (padded, window, out)]

    def run() -> np.ndarray:
        function(pointers[0], pointers[1], frames, HOP, SIZE, BINS, pointers[2])
        return out

    return run


def as_product(wave: np.ndarray) -> Callable[[], np.ndarray]:
    """All cosines and sines as one matrix."""
    angle = 2 * np.pi * np.outer(np.arange(SIZE), np.arange(BINS)) / SIZE
    table = np.concatenate([np.cos(angle), -np.sin(angle)], axis=1).astype(np.float32)
    padded, window = padded_and_window(wave)

    def run() -> np.ndarray:
        frames = np.lib.stride_tricks.sliding_window_view(padded, SIZE)[::HOP] * window
        both = frames @ table
        return np.sqrt(both[:, :BINS] ** 2 + both[:, BINS:] ** 2 + 1e-8)

    return run


def padded_and_window(wave: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SIZE) / SIZE)
    return np.pad(wave, (SIZE - HOP) // 2, mode="reflect"), window.astype(np.float32)


def on_mlx(wave: np.ndarray) -> np.ndarray:
    return np.array(spectrogram(wave, SIZE, HOP))


def spectrograms(wave: np.ndarray, rounds: int) -> dict[str, float]:
    ways: dict[str, Callable[[], np.ndarray]] = {
        "DFT as a product, numpy": as_product(wave),
        "rfft, numpy": lambda: numpy_spectrogram(wave, SIZE, HOP),
        "rfft, MLX": lambda: np.array(spectrogram(wave, SIZE, HOP)),
    }
    figures = {}
    expected = ways["rfft, numpy"]()
    if slow := direct_sum(wave):
        started = time.perf_counter()
        demand_equal("direct sum, C", slow(), expected)
        figures["direct sum, C"] = 1000 * (time.perf_counter() - started)
    for name, way in ways.items():
        demand_equal(name, way(), expected)
        figures[name] = milliseconds(way, rounds)
    return figures


def demand_equal(name: str, found: np.ndarray, expected: np.ndarray) -> None:
    error = np.abs(found - expected).max() / expected.max()
    if error > 1e-3:
        raise SystemExit(f"{name} differs by {error:.1e} of the peak")


def tiers(
    wave: np.ndarray, model: Model, folder: Path, rounds: int
) -> tuple[dict[str, float], dict[str, float]]:
    """The mel alone, and a voice ready to speak, by each tier."""
    write(folder / "reference.wav", wave, RATE)
    voice = Voice("reference", Entry(TEXT, "zh", "reference.wav"), folder, None)
    uncached = CacheOptions(use_precomputed_mel=False, use_precomputed_codes=False)
    stored, fresh = (Tiers(model, Registry(), options) for options in (None, uncached))

    def ready(which: Tiers, *forgotten: str) -> Callable[[], Any]:
        def run() -> Any:
            for tier in forgotten:
                getattr(which, tier).clear()
            return which.state([(voice, 1.0)])

        return run

    def mel(*forgotten: str) -> Any:
        for tier in forgotten:
            getattr(stored, tier).clear()
        return stored.mel(source)

    stored.state([(voice, 1.0)])
    source = stored.source(voice)
    mels = {
        "mel stored": milliseconds(lambda: mel("mels"), rounds),
        "mel in memory": milliseconds(mel, rounds),
    }
    states = {
        "the recording": milliseconds(ready(fresh, "states", "mels"), max(1, rounds // 4)),
        "mel and codes stored": milliseconds(ready(stored, "states", "mels"), rounds),
        "mel in memory, codes stored": milliseconds(ready(stored, "states"), rounds),
        "voice in memory": milliseconds(ready(stored), rounds),
    }
    return mels, states


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default=None, help="a model's name or folder")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10, help="of the reference, 3 to 10")
    arguments = parser.parse_args()
    wave = speech(arguments.seconds)
    model = open_model(arguments.model or default_model())
    mels = spectrograms(wave, arguments.rounds)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MLX_VOICE_HOME"] = str(Path(folder, "home"))
        more, states = tiers(wave, model, Path(folder), arguments.rounds)
    mels |= more
    print(f"The spectrogram of {arguments.seconds:g} s, milliseconds")
    for name, value in mels.items():
        print(f"  {name:30} {value:10.3f}   published {PUBLISHED.get(name, '-')}")
    print(f"A voice ready to speak with {model.name}, from …")
    for name, value in states.items():
        print(f"  {name:30} {value:10.3f}")
    direct = mels.get("direct sum, C")
    figures = {
        "model": model.name,
        "spectrogram_ms": mels,
        "ready_ms": states,
        "mlx_over_numpy": mels["rfft, MLX"] / mels["rfft, numpy"],
        "direct_over_mlx": direct and direct / mels["rfft, MLX"],
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
