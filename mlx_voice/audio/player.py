"""Playing through whatever the machine has."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from mlx_voice.audio.codecs import write
from mlx_voice.audio.samples import Samples
from mlx_voice.errors import AudioError

PLAYERS = (
    ("afplay",),
    ("paplay",),
    ("aplay", "-q"),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
)


def can_play() -> bool:
    return _player() is not None


def play(samples: Samples, rate: int) -> None:
    """Play to the end; the caller's Ctrl-C stops it."""
    player = _player()
    if player is None:
        raise AudioError("Nothing here can play sound: install ffmpeg (ffplay), or open the written file.")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sound.wav"
        write(file, samples, rate)
        done = subprocess.run([*player, str(file)], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise AudioError(f"{player[0]} could not play the sound ({reason}): open the written file instead.")


def _player() -> tuple[str, ...] | None:
    return next((player for player in PLAYERS if shutil.which(player[0])), None)
