"""Playing through whatever the machine has."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import soundfile

from mlx_voice.audio.codecs import BLOCK, Encoder, write
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
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sound.wav"
        write(file, samples, rate)
        _play(file)


def play_file(path: Path) -> None:
    """The same of what was written, in any format, whatever its length."""
    with tempfile.TemporaryDirectory() as folder, soundfile.SoundFile(path) as sound:
        file = Path(folder) / "sound.wav"
        with file.open("wb") as out, Encoder(out, sound.samplerate, channels=sound.channels) as encoder:
            for block in sound.blocks(BLOCK, dtype="float32"):
                encoder.write(block)
        _play(file)


def _play(wav: Path) -> None:
    player = _player()
    if player is None:
        raise AudioError("Nothing here can play sound: install ffmpeg (ffplay), or open the written file.")
    done = subprocess.run([*player, str(wav)], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise AudioError(f"{player[0]} could not play the sound ({reason}): open the written file instead.")


def _player() -> tuple[str, ...] | None:
    return next((player for player in PLAYERS if shutil.which(player[0])), None)
