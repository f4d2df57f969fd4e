"""The wheel and the sdist carry what the package needs at run time."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = "import setuptools.build_meta as b, sys; print(getattr(b, 'build_' + sys.argv[1])(sys.argv[2]))"


def built(kind: str, source: Path, out: Path) -> Path:
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BUILD, kind, str(out)],
        cwd=source, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return out / result.stdout.splitlines()[-1]


def test_shipped_voices_travel_in_sdist_and_wheel(tmp_path: Path) -> None:
    """Tree -> sdist -> wheel, as an installer does it that finds no wheel."""
    tree = tmp_path / "tree"
    left_out = shutil.ignore_patterns(
        ".*", "*.egg-info", "build", "dist", "tests", "recipes", "docs", "__pycache__"
    )
    shutil.copytree(ROOT, tree, ignore=left_out)
    source = built("sdist", tree, tmp_path)
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    wheel = built("wheel", tmp_path / source.name.removesuffix(".tar.gz"), tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert archive.read("mlx_voice/assets/voices.json") == (ROOT / "voices.json").read_bytes()
    data = [path for path in (tree / "mlx_voice").rglob("*") if path.is_file()]
    assert {path.relative_to(tree).as_posix() for path in data} <= names
    voices = [path for path in (ROOT / "voices").rglob("*") if path.is_file()]
    assert {f"mlx_voice/assets/{path.relative_to(ROOT).as_posix()}" for path in voices} <= names
