"""What every test may ask for."""

import logging
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import mlx_voice.device  # noqa: F401  # first, so that no test's own import of MLX gets there before OpenBLAS

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a background job; a child would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
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


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small random v2 model, converted from checkpoints in the official formats."""
    import official_files

    from mlx_voice.checkpoints import convert

    folder = tmp_path_factory.mktemp("tiny-model")
    files = official_files.tiny(folder, "s1", "s2_v2", "hubert", "bert")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLX_VOICE_HOME", str(folder / "home"))
        return convert(
            t2s=files["s1"],
            sovits=files["s2_v2"],
            hubert=files["hubert"],
            bert=files["bert"],
            out=folder / "tiny",
            dtype="float32",
        )


@pytest.fixture
def recording(tmp_path: Path, data: Path) -> Path:
    """3.2 s of sound at 16 kHz, in which `tiny_model` hears codes; call it 今天天气很好，我们去公园。"""
    from mlx_voice.audio import write

    path = tmp_path / "recording.wav"
    write(path, np.load(data / "reference/cases/02_hubert_codes.npz")["wave16k_ref"], 16000)
    return path


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees or touches the user's own models, voices and cache."""
    home = tmp_path / "mlx-voice-home"
    monkeypatch.setenv("MLX_VOICE_HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """The command, run within a test, decides what is said; the next test does not inherit that."""
    logger = logging.getLogger("mlx_voice")
    level = logger.level
    yield
    logger.setLevel(level)
