"""`mlx-voice models …` as a user meets it."""

import json
import subprocess
import sys
from pathlib import Path

import hostile_files
import official_files
import pytest
from typer.testing import CliRunner

from mlx_voice.checkpoints import convert
from mlx_voice.cli.models import app


def run(*words: object) -> "subprocess.CompletedProcess[str]":
    code = "from mlx_voice.cli import main; main()"
    command = [sys.executable, "-c", code, "models", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def called(*words: str) -> str:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "x.ckpt"
    path.write_bytes(hostile_files.sound())
    return convert(t2s=path, name="mine")


def test_convert_and_what_follows(tmp_path: Path, own_home: Path) -> None:
    files = official_files.tiny(tmp_path, "s1", "s2_v2")
    done = run("convert", "--t2s", files["s1"], "--sovits", files["s2_v2"], "--name", "mine", "--quantize", 8)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"mine: {own_home / 'models' / 'mine'}"
    swapped = run("convert", "--t2s", files["s2_v2"], "--sovits", files["s1"], "--name", "other")
    assert (swapped.returncode, swapped.stdout) == (1, "")
    assert swapped.stderr.strip().endswith("was given as --t2s: give it as --sovits.")
    outside = run("convert", "--t2s", files["s1"], "--sovits", files["s2_v2"], "--name", "../other")
    assert (outside.returncode, len(outside.stderr.splitlines())) == (1, 1)
    assert run("convert", "--t2s", files["s1"]).returncode == 2
    assert [p.name for p in (own_home / "models").glob("[!.]*")] == ["mine"]


def test_list(folder: Path) -> None:
    rows = {row["name"]: row for row in json.loads(called("list", "--json"))}
    assert rows["mine"]["folder"] == str(folder)
    assert rows["mine"]["dtype"] == "float16"
    assert "mine" in called("list")
    (folder / "config.json").write_text("{")
    assert json.loads(called("list", "--json"))[-1]["damage"]


def test_show(folder: Path) -> None:
    table = json.loads(called("show", "mine", "--json"))
    assert table["max_seconds"] == 54
    assert table["sources"]["t2s"].endswith("x.ckpt")
    assert "t2s.safetensors" in called("show", str(folder))


def test_verify(folder: Path) -> None:
    assert "every file is whole" in called("verify", "mine")
    data = (folder / "t2s.safetensors").read_bytes()
    (folder / "t2s.safetensors").write_bytes(data[:-1] + b"x")
    result = CliRunner().invoke(app, ["verify", "--json"])
    assert result.exit_code == 1
    assert json.loads(result.output)[str(folder)] == ["t2s.safetensors was altered"]


def test_remove(folder: Path) -> None:
    assert json.loads(called("remove", "mine", "--json")) == {"removed": str(folder)}
    assert not folder.exists()
    missing = run("remove", "mine")
    assert (missing.returncode, len(missing.stderr.splitlines())) == (1, 1)
