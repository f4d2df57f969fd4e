"""The house: imports run downward only, MLX has one door, files stay short."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mlx_voice"
FLOORS = [
    ("__main__",),
    ("cli",),
    ("server", "tune"),
    ("corpus",),
    ("subtitles",),
    ("cloner",),
    ("account", "takes"),
    ("engine",),
    ("generate",),
    ("voices",),
    ("checkpoints",),
    ("models",),
    ("text",),
    ("results",),
    ("audio",),
    ("nn",),
    ("device",),
    ("cache", "files"),
    ("settings",),
    ("errors",),
]
HEIGHT = {room: len(FLOORS) - i for i, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


def imports(path: Path) -> list[str]:
    """Absolute names of all that a file imports, lazy imports inside functions included."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the floor"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_downward(path: Path) -> None:
    here = room(path)
    assert here in HEIGHT, f"{here} stands on no floor"
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "mlx_voice" or len(parts) == 1 or parts[1] in (here, "__version__"):
            continue
        assert HEIGHT[parts[1]] < HEIGHT[here], f"{path} imports {name}, which is not below it"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_mlx_has_one_door(path: Path) -> None:
    if room(path) != "device":
        assert not [n for n in imports(path) if n.split(".")[0] == "mlx"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_and_functions_fit_in_the_head(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= 400
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, f"{node.name} is too long"


def test_no_torch_anywhere_in_the_package() -> None:
    assert not [p for p in FILES for n in imports(p) if n.split(".")[0] in ("torch", "torchaudio")]
