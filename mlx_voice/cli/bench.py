"""`mlx-voice bench`: how fast the installed model is on this machine."""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from mlx_voice.cli.options import ModelName, VoicesFile, opened

TEXT = {
    "en": "The quick brown fox jumps over the lazy dog, and nobody knows why it does so every single day.",
    "zh": "今天天气很好，我们一起去公园散步，看看湖边的花，再到茶馆里坐一坐。",
}
WORD = {"en": "Hello.", "zh": "你好。"}
TITLES = {
    "cold_start_s": "process start to end of a first word",
    "load_s": "model opened, voice ready, a first word",
    "first_audio_s": "first sound of a stream",
    "real_time_factor": "time for a second of sound",
    "tokens_per_second": "semantic tokens per second",
    "peak_memory_mb": "peak memory of MLX",
}


def bench(
    model: ModelName = None,
    voice: Annotated[
        str | None, typer.Option("-v", "--voice", help="The language's default unless told.")
    ] = None,
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    rounds: Annotated[int, typer.Option(min=1, help="Each figure is the median of so many.")] = 3,
    voices: VoicesFile = None,
) -> None:
    """Measure this machine: a table, then one line of JSON."""
    if language not in TEXT:
        raise typer.BadParameter("choose en or zh", param_hint="--language")
    figures: dict[str, Any] = {"cold_start_s": _cold_start(model, voice, language, voices)}
    started = time.perf_counter()
    with opened(model, voices) as cloner:
        cloner.speak(WORD[language], voice, seed=0)
        figures["load_s"] = time.perf_counter() - started
        texts = [f"{TEXT[language]} {i}." for i in range(2 * rounds)]  # none twice: nothing is reused
        streams = [list(cloner.stream(text, voice, seed=0))[-1].stats for text in texts[:rounds]]
        whole = [cloner.speak(text, voice, seed=0).stats for text in texts[rounds:]]
        figures["model"] = str(cloner.model)
    figures["first_audio_s"] = statistics.median(stats.first_audio for stats in streams)
    figures["real_time_factor"] = statistics.median(stats.real_time_factor for stats in whole)
    figures["tokens_per_second"] = statistics.median(stats.tokens_per_second for stats in whole)
    figures["peak_memory_mb"] = max(stats.peak_memory for stats in whole) / 1e6
    for name, title in TITLES.items():
        typer.echo(f"{title:40} {figures[name]:10.3f}")
    typer.echo(json.dumps(figures))


def _cold_start(model: str | None, voice: str | None, language: str, voices: Path | None) -> float:
    """A process of its own that says one word."""
    options = {"--model": model, "--voice": voice, "--voices": voices and str(voices)}
    named = [part for option, value in options.items() if value for part in (option, value)]
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "mlx_voice", "speak", WORD[language], "-o", "-", "--quiet", *named],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - started
