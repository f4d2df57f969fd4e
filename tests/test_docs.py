"""The sessions and snippets of the documentation, run as they are written."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", re.M | re.S)


def blocks(page: str) -> list[tuple[str, str]]:
    return [match.groups() for match in BLOCK.finditer((ROOT / page).read_text(encoding="utf-8"))]  # type: ignore[misc]


@pytest.mark.parametrize("page", ["README.md", "docs/cli.md", "docs/voices.md"])
def test_what_is_written_works(page: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "voices/cedar/reference.wav", tmp_path)
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for kind, text in blocks(page):
        if kind == "python":
            run([sys.executable, "-c", text], tmp_path, env)
            continue
        for line in text.splitlines():
            assert line.startswith("$ "), (
                f"{page}: {line!r} is neither a command nor could its output be checked"
            )
            run(["bash", "-o", "pipefail", "-c", line.removeprefix("$ ")], tmp_path, env)


def run(command: list[str], folder: Path, env: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr


def test_every_verb_is_documented() -> None:
    from typer.main import get_command

    from mlx_voice.cli import app

    said = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    verbs = get_command(app).commands  # type: ignore[attr-defined]
    assert all(f"## {verb}\n" in said for verb in verbs)
