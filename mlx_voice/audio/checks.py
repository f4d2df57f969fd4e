"""What can be wrong with sound that is given as a reference, one sentence each."""

import numpy as np

from mlx_voice.audio.samples import Samples
from mlx_voice.errors import AudioError

SILENCE = 1e-4  # -80 dB of full scale


def check_samples(samples: Samples, what: str = "The audio") -> None:
    """Refuse what is no sound at all."""
    if samples.size == 0:
        raise AudioError(f"{what} is empty: give a recording with speech in it.")
    if not np.isfinite(samples).all():
        raise AudioError(f"{what} holds values that are not numbers (NaN or infinity): export it again.")
    if np.abs(samples).max() < SILENCE:
        raise AudioError(f"{what} is silent: give a recording with speech in it.")


def check_reference(
    samples: Samples, rate: int, shortest: float = 3.0, longest: float = 10.0, what: str = "The reference"
) -> None:
    """Refuse what a voice cannot be taken from; the bounds (seconds) are what the models were trained for."""
    check_samples(samples, what)
    seconds = len(samples) / rate
    if seconds < shortest:
        raise AudioError(
            f"{what} lasts {seconds:.2f} s, which is too short: give {shortest:g} to {longest:g} s of speech."
        )
    if seconds > longest:
        raise AudioError(
            f"{what} lasts {seconds:.2f} s, which is too long: cut it to {shortest:g} to {longest:g} s."
        )
