"""From the start of the process to the first sample of `mlx-voice speak`, files warm: where the time goes.

The command is run as a user runs it, its sound read from a pipe; in a second run Python says what each import
costs. Medians; a table, then one line of JSON.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TEXT = {"en": "Hello, this voice was made on your own machine.", "zh": "你好，世界。"}
HEADER = 44  # bytes of a wav before its samples
PARTS = ("text", "reference", "prefill", "tokens", "decode", "first_audio")


# As after an installation: bytecode is there. The tree stays clean.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
ENVIRONMENT["PYTHONPYCACHEPREFIX"] = str(Path(tempfile.gettempdir(), "mlx-voice-start"))


def command(language: str, model: str | None, *python: str) -> list[str]:
    options = ["--stream", "--stats", "--seed", "1", *(["--model", model] if model else [])]
    return [sys.executable, *python, "-m", "mlx_voice", "speak", TEXT[language], *options]


def run(language: str, model: str | None) -> dict[str, float]:
    """Seconds to the first sample, and the command's own account."""
    started = time.perf_counter()
    with subprocess.Popen(
        command(language, model),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=ENVIRONMENT,
    ) as speaking:
        assert speaking.stdout is not None
        assert speaking.stderr is not None
        received = 0
        while received <= HEADER:
            chunk = os.read(speaking.stdout.fileno(), 1 << 16)
            if not chunk:
                raise SystemExit(speaking.stderr.read().decode())
            received += len(chunk)
        first = time.perf_counter() - started
        while os.read(speaking.stdout.fileno(), 1 << 16):
            pass
        said = speaking.stderr.read().decode().splitlines()
    stats = json.loads(next(line for line in said if line.startswith("{")))
    return {"first_sample_s": first, **{f"{part}_s": stats[part] for part in PARTS}}


def imports(language: str, model: str | None) -> tuple[float, dict[str, float]]:
    """Seconds spent in imports, and in the most expensive packages."""
    timed = command(language, model, "-X", "importtime")
    done = subprocess.run(timed, capture_output=True, check=True, env=ENVIRONMENT)
    packages: dict[str, float] = {}
    for line in done.stderr.decode().splitlines():
        if line.startswith("import time:") and line.split(":")[1].split("|")[0].strip().isdigit():
            own, _, name = (part.strip() for part in line.removeprefix("import time:").split("|"))
            package = name.partition(".")[0]
            packages[package] = packages.get(package, 0.0) + int(own) / 1e6
    dearest = sorted(packages.items(), key=lambda item: -item[1])[:8]
    return sum(packages.values()), dict(dearest)


def main() -> None:
    parser = argparse.ArgumentParser(description="From process start to the first sample.")
    parser.add_argument("--language", choices=TEXT, default="en")
    parser.add_argument("--model", help="a model's name or folder; the best unless told")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    run(arguments.language, arguments.model)  # warms the files
    runs = [run(arguments.language, arguments.model) for _ in range(arguments.rounds)]
    figures = {name: statistics.median(each[name] for each in runs) for name in runs[0]}
    total, dearest = imports(arguments.language, arguments.model)
    print(f"{'process start to first sample':34} {figures['first_sample_s']:7.3f} s")
    for part in PARTS:
        print(f"  {part:32} {figures[f'{part}_s']:7.3f} s")
    print(f"{'imports, as Python counts them':34} {total:7.3f} s")
    for package, seconds in dearest.items():
        print(f"  {package:32} {seconds:7.3f} s")
    print(json.dumps({**figures, "imports_s": total, "imports": dearest}))


if __name__ == "__main__":
    main()
