"""What is computed of each clip, and with what: two stores agree where their forms do."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from mlx_voice.errors import CorpusError, InputError

VERSION = 1  # of the way features are computed and stored
FEATURES = {
    "codes": "semantic codes, int32 [codes]",
    "spectrogram": "linear magnitudes, float16 [frames, bins]",
    "mel": "log mel magnitudes, float16 [frames, 80]",
    "f0": "Hz, 0 where no voice is heard, float32 [frames]",
    "energy": "root mean square, float32 [frames]",
    "phones": "symbols of the model's table, int32 [phones]",
    "word2ph": "phones of each character, int32 [characters]; a stretch without alignment counts as one",
    "bert": "what BERT knows, float16 [phones, width]; [0, width] where it has nothing to say",
    "durations": "frames that each phone lasts, int32 [phones]",
    "stop": "1 in the last frame, uint8 [frames]",
    "lengths": "frames, codes and phones, int32 [3]",
}
VARIANCE = ("f0", "energy")
MELS = 80


@dataclass(frozen=True)
class Form:
    """Everything that decides what a clip's file holds, besides the clip itself."""

    features: tuple[str, ...]
    symbols: str
    sample_rate: int  # of the spectrogram, which also sets the frames of mel, F0 and energy
    n_fft: int
    hop: int
    bins: int
    content: str  # hash of the weights that make codes
    content_rate: int
    content_tail: float
    aligner: str  # what durations come from: alignments, content or energy
    bert: str  # hash of its weights
    bert_width: int
    dtype: str  # what the networks computed in
    longest: float  # seconds
    compressed: bool
    version: int = VERSION

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.dumps().encode()).hexdigest()[:16]

    def dumps(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_dict(cls, table: dict[str, Any]) -> "Form":
        try:
            return cls(**table | {"features": tuple(table["features"])})
        except (TypeError, KeyError) as error:
            raise CorpusError(
                f"The store was made by another mlx-voice ({error}): run corpus precompute again."
            ) from error

    def changes(self, other: "Form") -> str:
        """What differs, in words."""
        names = [f.name for f in fields(self) if getattr(self, f.name) != getattr(other, f.name)]
        return ", ".join(f"{n}: {getattr(other, n)} -> {getattr(self, n)}" for n in names)


def chosen(names: Sequence[str] | None, variance: bool, bert: bool) -> tuple[str, ...]:
    """The wanted features in the table's order; all that the model can make unless told."""
    if names is not None:
        unknown = [name for name in names if name not in FEATURES]
        if unknown or not names:
            raise InputError(
                f"There is no feature {', '.join(unknown)!r}: choose among {', '.join(FEATURES)}."
            )
        if "bert" in names and not bert:
            raise InputError("This model has no BERT: leave that feature out, or choose another model.")
    left_out = ([] if variance else list(VARIANCE)) + ([] if bert else ["bert"])
    return tuple(n for n in FEATURES if (names is None or n in names) and n not in left_out)
