#!/usr/bin/env python3
"""What a store of features costs and saves, on synthetic clips made on the fly.

    python benchmarks/corpus.py                     2,000 clips with the default model
    python benchmarks/corpus.py --clips 400 --model mini

A first pass computes and stores, a second reads every clip, both over all items. It ends in one JSON line.
"""

import argparse
import json
import os
import shutil
import statistics
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
        self.memory: list[float] = []

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
        if progress.done % 50 == 0:
            self.memory.append(resident())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--model", default=None)
    options = parser.parse_args()
    model = options.model or default_model()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, options.clips)
        bench, listing = Bench(folder, model), read_listing(folder)
        few = Listing(folder, None, listing.items[: options.clips // 10])
        bench.first(Listing(folder, None, few.items[:16]), 2, "warm")
        workers = {n: [bench.first(few, n, "few")[0] for _ in range(2)] for n in (1, 2)}
        bench.memory.clear()
        spent, table = bench.first(listing, 2, "all")
        again = bench.again(listing, "all")
        read, remembered = bench.epoch("all")
        part = max(1, len(bench.memory) // 4)
        small = min(workers[2])
        result = {
            "model": model,
            "clips": options.clips,
            "audio_seconds": table["seconds"],
            "first_s": round(spent, 2),
            "clips_per_s": round(options.clips / spent, 1),
            "rerun_s": round(again, 2),
            "read_all_s": round(read, 2),
            "from_memory_s": round(remembered, 2),
            "first_over_read": round(spent / read, 1),
            "first_over_rerun": round(spent / again, 1),
            "one_worker_s": round(min(workers[1]), 2),
            "two_workers_s": round(small, 2),
            "cost_per_clip_against_a_tenth": round(spent / options.clips / (small / len(few.items)), 2),
            "bytes_per_clip": round(int(str(table["bytes"])) / options.clips),
            "memory_mb_first_quarter": round(statistics.median(bench.memory[:part])),
            "memory_mb_last_quarter": round(statistics.median(bench.memory[-part:])),
            "load": round(os.getloadavg()[0], 1),
        }
        bench.engine.close()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
