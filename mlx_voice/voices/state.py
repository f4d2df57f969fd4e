"""What generation needs of a voice, ready to speak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlx_voice.device import mx

if TYPE_CHECKING:
    from mlx_voice.text import Sentence


@dataclass(frozen=True)
class VoiceState:
    """Independent of the text to be spoken. Without a prompt, `phones`, `codes` and `text` are empty."""

    key: str  # hash of everything it was made from
    condition: mx.array  # [1, 1, gin]: the decoder's speaker
    phones: tuple[int, ...]  # of what the reference says, in the model's symbols
    codes: mx.array  # [n] int32: the reference, 40 ms each
    text: tuple[Sentence, ...]  # what the reference says, for features of the text
    timing: tuple[int, ...] | None  # codes per prompt phone, where the model lays its text out in time

    @property
    def nbytes(self) -> int:
        return int(self.condition.nbytes + self.codes.nbytes)
