"""What every test may ask for."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

FULL = os.environ.get("MLX_VOICE_FULL") == "1"


@pytest.fixture
def count() -> Callable[[int, int], int]:
    """`count(small, full)`: how often to repeat, in `make test` and in `make test-all`."""
    return lambda small, full: full if FULL else small


@pytest.fixture
def full() -> bool:
    return FULL


@pytest.fixture
def data() -> Path:
    return Path(__file__).parent / "data"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees or touches the user's own models, voices and cache."""
    home = tmp_path / "mlx-voice-home"
    monkeypatch.setenv("MLX_VOICE_HOME", str(home))
    return home
