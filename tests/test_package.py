"""The wheel and the sdist carry what the package needs at run time."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import soundfile

ROOT = Path(__file__).parents[1]
BUILD = "import setuptools.build_meta as b, sys; print(getattr(b, 'build_' + sys.argv[1])(sys.argv[2]))"


def built(kind: str, source: Path, out: Path) -> Path:
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BUILD, kind, str(out)],
        cwd=source, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return out / result.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tree -> sdist -> wheel, as an installer does it that finds no wheel."""
    tmp_path = tmp_path_factory.mktemp("package")
    tree = tmp_path / "tree"
    left_out = shutil.ignore_patterns(
        ".*", "*.egg-info", "build", "dist", "tests", "recipes", "docs", "__pycache__"
    )
    shutil.copytree(ROOT, tree, ignore=left_out)
    source = built("sdist", tree, tmp_path)
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    return built("wheel", tmp_path / source.name.removesuffix(".tar.gz"), tmp_path)


def test_all_that_is_needed_travels(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert archive.read("mlx_voice/assets/voices.json") == (ROOT / "voices.json").read_bytes()
    package = (wheel.parent / "tree/mlx_voice").rglob("*")
    assert {p.relative_to(wheel.parent / "tree").as_posix() for p in package if p.is_file()} <= names
    voices = [path for path in (ROOT / "voices").rglob("*") if path.is_file()]
    assert {f"mlx_voice/assets/{path.relative_to(ROOT).as_posix()}" for path in voices} <= names


def test_an_installed_wheel_speaks_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("-c", "import mlx_voice; print(mlx_voice.__file__)").startswith(str(tmp_path / "site"))
    listed = json.loads(run("-m", "mlx_voice", "voices", "list", "--json"))
    assert "luoxiang" in {voice["name"] for voice in listed}
    assert all(voice["registry"].startswith(str(tmp_path / "site")) for voice in listed)
    run("-m", "mlx_voice", "speak", "Hello, world.", "-o", "hello.wav")
    assert soundfile.info(tmp_path / "hello.wav").duration > 0.3
