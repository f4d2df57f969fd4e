"""Processes that make clips ready: none outlives its parent, and one that dies is told."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from example_corpus import FORM, contents, make

from mlx_voice.corpus.items import Item
from mlx_voice.corpus.workers import Task, Workers
from mlx_voice.errors import VoiceError


def test_a_process_that_is_ended_from_outside(tmp_path: Path) -> None:
    with Workers(1) as workers:
        assert workers._pool is not None
        workers._pool.submit(os._exit, 1)
        with pytest.raises(VoiceError, match="ended from outside"):
            list(workers.prepared([Task(Item("a", tmp_path / "a.wav", "你好"), FORM)] * 2))


def test_nothing_outlives_a_killed_run(tmp_path: Path, tiny_model: Path) -> None:
    folder = make(tmp_path / "corpus", 24)
    command = [
        sys.executable,
        "-m",
        "mlx_voice",
        "corpus",
        "precompute",
        str(folder),
        "--model",
        str(tiny_model),
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while not contents(folder) and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 30
    with pytest.raises(ProcessLookupError):  # the group is empty
        while time.monotonic() < deadline:
            os.killpg(process.pid, 0)
            time.sleep(0.1)


def test_readers_do_not_load_mlx() -> None:
    script = "import mlx_voice.corpus.workers, sys; sys.exit('mlx.core' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
