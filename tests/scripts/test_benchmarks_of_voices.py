"""The benchmarks of a reference and of a start end in one line of JSON, and reach what they are to show."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def figures(name: str, *options: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / name), *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_a_reference(tiny_model: Path) -> None:
    found = figures("reference.py", "--model", str(tiny_model), "--rounds", "5", "--seconds", "3")
    assert found["mlx_over_numpy"] < 4
    assert found["direct_over_mlx"] is None or found["direct_over_mlx"] > 300
    assert found["ready_ms"]["voice in memory"] < 1
    assert found["ready_ms"]["mel and codes stored"] < found["ready_ms"]["the recording"]


def test_a_start() -> None:
    found = figures("start.py", "--rounds", "1")
    assert 0 < found["imports_s"] < found["first_sample_s"] + 5
