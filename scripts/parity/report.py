"""One case's arrays and what was found of each."""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlx_voice.device import mx

FLOAT, WAVE, STEPS = 1e-4, 1e-3, 33  # of the largest value, of the largest value, of 16 bits

SOUND = re.compile(r"(^|_)wave\d*$")

Array = np.ndarray[Any, np.dtype[Any]]


class MissingError(Exception):
    """A stage needs an array that its case lacks, or a checkpoint that the folder lacks."""


class AbsentError(Exception):
    """The folder has no checkpoint of a network that it may lack: v1, or the speaker encoder."""


@dataclass(frozen=True)
class Verdict:
    ok: bool
    absolute: float = 0.0
    relative: float = 0.0
    note: str = ""

    def __str__(self) -> str:
        errors = f"abs {self.absolute:.1e}  rel {self.relative:.1e}" if self.absolute else "exact"
        return f"{errors}  {self.note}".rstrip()


@dataclass
class Case:
    name: str
    arrays: dict[str, Array]
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    error: str = ""  # what stopped the stage before its end
    absent: bool = False  # it was a checkpoint that the folder may lack

    def __contains__(self, array: str) -> bool:
        return array in self.arrays

    def __getitem__(self, array: str) -> Array:
        if array not in self.arrays:
            raise MissingError(f"{self.name} has no {array}")
        return self.arrays[array]

    def named(self, ending: str) -> list[str]:
        """The beginnings of all arrays that end so."""
        return [array.removesuffix(ending) for array in self.arrays if array.endswith(ending)]

    def tensor(self, array: str) -> mx.array:
        return mx.array(self[array])

    def ids(self, array: str, below: int) -> mx.array:
        """Whole numbers that a table of `below` rows can look up, as one batch row."""
        values = self[array].reshape(-1)
        if values.size and not (values.min() >= 0 and values.max() < below):
            raise ValueError(
                f"{self.name}/{array} goes from {values.min()} to {values.max()}, beyond {below}"
            )
        return mx.array(values.astype(np.int32))[None]

    def check(self, array: str, ours: Any) -> None:
        """Compare ours with the case's, if the case has it; of several answers the worst one counts."""
        if array not in self.arrays:
            return
        verdict = compare(array, np.array(ours), self.arrays[array])
        if array not in self.verdicts or self.verdicts[array].ok:
            self.verdicts[array] = verdict

    def consistent(self, array: str, holds: bool, note: str) -> None:
        """A rule that an array must obey whatever else is found of it; breaking it makes the array out."""
        if array in self.arrays and not holds:
            self.verdicts[array] = Verdict(False, note=note)

    def verify(self, array: str, holds: bool, note: str) -> None:
        """A rule that settles an array: it is ok, or it is out."""
        if array in self.arrays:
            self.verdicts.setdefault(array, Verdict(True))
            self.consistent(array, holds, note)


def compare(name: str, ours: Array, theirs: Array) -> Verdict:
    if ours.shape != theirs.shape:
        return Verdict(False, note=f"shape {ours.shape}, not {theirs.shape}")
    if theirs.size == 0:
        return Verdict(True)
    with np.errstate(invalid="ignore"):
        distance = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    difference = np.where(ours == theirs, 0.0, distance)  # infinities are equal to themselves
    absolute = float(difference.max())
    largest = float(np.abs(theirs.astype(np.float64)).max())
    relative = absolute / largest if largest else absolute
    if theirs.dtype == np.int16:
        good = absolute <= STEPS
    elif theirs.dtype.kind in "iub":
        good = absolute == 0
    else:
        good = relative <= (WAVE if SOUND.search(name) else FLOAT)  # false for NaN
    return Verdict(good, absolute, relative)
