#!/usr/bin/env python3
"""What a store of features costs and saves, on synthetic clips made on the fly.

    python benchmarks/corpus.py                     2,000 clips with the default model
    python benchmarks/corpus.py --clips 400 --model mini
    python benchmarks/corpus.py --folder DIR        clips are made there once, for several runs

A first pass computes and stores, a second reads every clip, both over all items. Memory is that of the
process that runs the networks, in quarters of the first pass. It ends in one JSON line.
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from mlx_voice.audio import write
from mlx_voice.cloner import default_model
from mlx_voice.corpus.dataset import Corpus, store_of
from mlx_voice.corpus.items import Listing, read_listing
from mlx_voice.corpus.networks import form_of
from mlx_voice.corpus.run import Progress, Run, RunOptions
from mlx_voice.device import mx
from mlx_voice.engine import Engine

RATE = 24000
WORDS = "今天 天气 很好 我们 去 公园 看看 花 明天 早上 八点 见面 他说 这本书 非常 有意思".split()


def make(folder: Path, count: int) -> None:
    """Gliding harmonic tones of 1 to 5 s, in syllables of a quarter of a second, with a text for each."""
    draw = np.random.default_rng(7)
    lines = []
    for i in range(count):
        seconds = draw.uniform(1, 5)
        time_ = np.arange(int(seconds * RATE)) / RATE
        phase = np.cumsum(draw.uniform(90, 250) * (1 + 0.2 * np.sin(2 * np.pi * time_ / seconds))) / RATE
        tone = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 12))
        syllables = np.clip(np.sin(np.pi * (time_ % 0.25) / 0.25) - 0.2, 0, 1)
        noise = draw.standard_normal(len(time_)) * 0.003
        write(folder / "wavs" / f"clip-{i:05}.wav", (0.2 * tone * syllables + noise).astype(np.float32), RATE)
        words = draw.choice(WORDS, max(1, round(seconds * 1.5)))
        lines.append(f"clip-{i:05}|{''.join(words)}。\n")
    (folder / "metadata.csv").write_text("".join(lines), encoding="utf-8")


def resident() -> float:
    """MB of this process."""
    done = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, check=True)
    return int(done.stdout) / 1e3


class Bench:
    def __init__(self, folder: Path, model: str) -> None:
        self.folder, self.engine = folder, Engine(model)
        self.form = self.engine.call(lambda: form_of(self.engine.model))
        self.memory: list[tuple[float, float]] = []  # MB of the process, and of MLX therein

    def first(self, listing: Listing, workers: int, place: str) -> tuple[float, dict[str, object]]:
        """Seconds to compute and store a listing in an empty store."""
        shutil.rmtree(self.folder / place, ignore_errors=True)
        store = store_of(self.folder, self.folder / place)
        start = time.perf_counter()
        table = Run(listing, store, self.engine, self.form, RunOptions(workers), self._watch).all()
        return time.perf_counter() - start, table

    def again(self, listing: Listing, place: str) -> float:
        """Seconds of a run that finds everything done."""
        start = time.perf_counter()
        Run(listing, store_of(self.folder, self.folder / place), self.engine, self.form, RunOptions()).all()
        return time.perf_counter() - start

    def epoch(self, place: str) -> tuple[float, float]:
        """Seconds to open a corpus and read all clips in batches of 8, and to do so once more from memory."""
        start = time.perf_counter()
        with Corpus(self.folder, cache_dir=self.folder / place, memory=4 << 30) as corpus:
            seen = sum(len(batch) for batch in corpus.batches(8, seed=0))
            read = time.perf_counter() - start
            start = time.perf_counter()
            assert seen == sum(len(batch) for batch in corpus.batches(8, seed=0, epoch=1))
        return read, time.perf_counter() - start

    def _watch(self, progress: Progress) -> None:
        if progress.done % max(1, progress.total // 80) == 0:
            self.memory.append((resident(), (mx.get_active_memory() + mx.get_cache_memory()) / 1e6))

    def quarters(self, which: int) -> list[int]:
        """The median of each quarter of the first pass."""
        parts = np.array_split([sample[which] for sample in self.memory], 4)
        return [round(float(np.median(part))) for part in parts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--model", default=None)
    parser.add_argument("--folder", type=Path, help="where the clips are, or are made")
    options = parser.parse_args()
    model = options.model or default_model()
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        if not (folder / "metadata.csv").exists():
            make(folder, options.clips)
        print(json.dumps({"model": model} | measure(Bench(folder, model))))


def measure(bench: Bench) -> dict[str, object]:
    listing = read_listing(bench.folder)
    clips = len(listing.items)
    few = Listing(bench.folder, None, listing.items[: clips // 10])
    bench.first(Listing(bench.folder, None, few.items[:16]), 2, "warm")
    one, two = (min(bench.first(few, n, "few")[0] for _ in range(2)) for n in (1, 2))
    bench.memory.clear()
    spent, table = bench.first(listing, 2, "all")
    again = bench.again(listing, "all")
    read, remembered = bench.epoch("all")
    bench.engine.close()
    return {
        "clips": clips,
        "audio_seconds": table["seconds"],
        "first_s": round(spent, 2),
        "clips_per_s": round(clips / spent, 1),
        "rerun_s": round(again, 2),
        "read_all_s": round(read, 2),
        "from_memory_s": round(remembered, 2),
        "first_over_read": round(spent / read, 1),
        "first_over_rerun": round(spent / again, 1),
        "a_tenth_one_worker_s": round(one, 2),
        "a_tenth_two_workers_s": round(two, 2),
        "cost_per_clip_against_a_tenth": round(spent / clips / (two / len(few.items)), 2),
        "bytes_per_clip": round(int(str(table["bytes"])) / clips),
        "memory_mb": bench.quarters(0),
        "of_it_mlx_mb": bench.quarters(1),
        "load": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    main()
