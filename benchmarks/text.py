"""What text costs: characters a second, cold start and memory of each language, and time against length.

Cold start is a fresh process: import and first sentence, as wall and as processor time (a busy machine shows
in their difference). A table, then one line of JSON; `--plot FILE` draws time against length as an SVG.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mlx_voice.text import analyse

SAMPLES = {
    "zh": "今天天气不错，我们下午2:30去公园散步吧。这件衣服打八折，现在只要199.9元！",
    "en": "It was a bright cold day in April, and the clocks were striking 13. She paid $4.50 for it.",
    "ja": "今日は天気がいいので、公園へ散歩に行きましょう。",
    "ko": "오늘은 날씨가 좋아서 공원에 산책하러 갑니다.",
    "yue": "今日天氣好好，我哋下晝去公園行下啦。",
}
LENGTHS = (1_000, 2_000, 5_000, 10_000, 20_000)
COLD = """
import resource, sys, time
wall, processor = time.perf_counter(), time.process_time()
from mlx_voice.text import analyse
analyse(sys.argv[2], sys.argv[1])
print(time.perf_counter() - wall, time.process_time() - processor)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10))
"""


def cold(language: str, runs: int = 3) -> tuple[float, float, float]:
    """Seconds of wall and processor time, and megabytes; the best of a few processes."""
    results = []
    for _ in range(runs):
        command = [sys.executable, "-c", COLD, language, SAMPLES[language]]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        results.append([float(figure) for figure in done.stdout.split()])
    wall, processor, megabytes = (min(column) for column in zip(*results, strict=True))
    return wall, processor, megabytes


def seconds(language: str, length: int, runs: int = 3) -> float:
    sample = SAMPLES[language]
    text = (sample * (length // len(sample) + 1))[:length]
    best = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        analyse(text, language)
        best = min(best, time.perf_counter() - start)
    return best


def plot(curves: dict[str, list[float]], path: Path) -> None:
    """Straight lines are linear time."""
    width, height, edge = 640, 400, 50
    top = max(max(times) for times in curves.values())
    lines = []
    for i, (language, times) in enumerate(curves.items()):
        places = [
            (edge + n / LENGTHS[-1] * (width - 2 * edge), height - edge - t / top * (height - 2 * edge))
            for n, t in zip(LENGTHS, times, strict=True)
        ]
        colour = f"hsl({i * 72},70%,40%)"
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        x, y = places[-1]
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines.append(f'<text x="{x + 4:.1f}" y="{y:.1f}" fill="{colour}">{language}</text>')
    axes = f'<path d="M{edge},{edge}V{height - edge}H{width - edge}" fill="none" stroke="black"/>'
    title = (
        f'<text x="{edge}" y="30">seconds (top: {top:.2f}) against characters (right: {LENGTHS[-1]:,})</text>'
    )
    body = "\n".join([axes, title, *lines])
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="13">\n{body}\n</svg>\n'
    )


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*", default=list(SAMPLES), help="zh en ja ko yue")
    parser.add_argument("--plot", type=Path, help="an SVG of time against length")
    options = parser.parse_args(arguments)
    report: dict[str, dict[str, float]] = {}
    curves: dict[str, list[float]] = {}
    print("language  cold s  processor s  MB    characters/s  10 000 against 1 000")
    for language in options.languages:
        wall, processor, megabytes = cold(language)
        curves[language] = times = [seconds(language, length) for length in LENGTHS]
        speed, growth = 10_000 / times[3], times[3] / times[0]
        report[language] = {
            "cold_s": round(wall, 3),
            "cold_processor_s": round(processor, 3),
            "megabytes": round(megabytes),
            "characters_per_s": round(speed),
            "growth_10x": round(growth, 2),
        }
        print(
            f"{language:8}  {wall:6.3f}  {processor:11.3f}  {megabytes:4.0f}  {speed:12.0f}  {growth:20.1f}"
        )
    if options.plot:
        plot(curves, options.plot)
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1:])
