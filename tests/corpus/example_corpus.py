"""A small corpus of synthetic clips, and what its tests ask of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlx_voice.audio import write
from mlx_voice.corpus.dataset import store_of
from mlx_voice.corpus.form import Form
from mlx_voice.corpus.items import read_listing
from mlx_voice.corpus.networks import form_of
from mlx_voice.corpus.run import Run, RunOptions
from mlx_voice.corpus.store import Store
from mlx_voice.engine import Engine

RATE = 16000
FORM = Form(("f0",), "v2", 32000, 2048, 640, 704, "", 16000, 0.6, "energy", "", 0, "float32", 60.0, False)
TEXTS = ("今天天气很好。", "你好，世界！", "We walk in the park.", "他说 hello。")


def tone(seconds: float, hertz: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Harmonics under a swelling and falling envelope, over a little noise."""
    t = np.arange(int(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * hertz * k * t) / k for k in range(1, 8)) * np.hanning(len(t))
    noise = np.random.default_rng(int(hertz)).standard_normal(len(t)) * 1e-3
    return np.asarray(0.2 * wave + noise, np.float32)


def make(folder: Path, count: int = 4) -> Path:
    """`wavs/` and an LJSpeech list."""
    lines = []
    for i in range(count):
        write(folder / "wavs" / f"clip{i}.wav", tone(0.8 + 0.11 * i, 100 + 20 * i), RATE)
        lines.append(f"clip{i}|{TEXTS[i % len(TEXTS)]}")
    (folder / "metadata.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def compute(
    folder: Path,
    model: Path,
    store: Store | None = None,
    split: str | None = None,
    names: Sequence[str] | None = None,
    compressed: bool = False,
    longest: float = 60.0,
    **options: Any,
) -> tuple[dict[str, Any], Run]:
    """Precompute in this process; the metadata, and the run."""
    engine = Engine(model)
    aligned = options.get("alignments") is not None
    form = engine.call(
        lambda: form_of(engine.model, names, True, aligned, longest=longest, compressed=compressed)
    )
    listing = read_listing(folder, split)
    run = Run(listing, store or store_of(folder), engine, form, RunOptions(**{"workers": 0, **options}))
    try:
        return run.all(), run
    finally:
        engine.close()


def contents(folder: Path) -> dict[str, bytes]:
    """Every clip's file, byte for byte; not what another process is about to rename."""
    root = folder / ".feature_cache"
    return {
        p.relative_to(root).as_posix(): p.read_bytes()
        for p in sorted((root / "clips").rglob("*.safetensors*"))
        if p.suffix != ".part"
    }
