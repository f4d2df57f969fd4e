"""Clips of different lengths as one batch: padded with zeros, with masks of what is real."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mlx_voice.corpus.clipfile import Header
    from mlx_voice.nn.weights import Array

AXES = {  # what the first axis of each feature counts
    "codes": "codes",
    "spectrogram": "frames",
    "mel": "frames",
    "f0": "frames",
    "energy": "frames",
    "stop": "frames",
    "phones": "phones",
    "bert": "phones",
    "durations": "phones",
    "word2ph": "characters",
}


@dataclass(frozen=True)
class Clip:
    """One clip with its features."""

    header: "Header"
    features: "Mapping[str, Array]"

    @property
    def id(self) -> str:
        return self.header.id

    @property
    def text(self) -> str:
        return self.header.text

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self.features.values())

    def __getitem__(self, name: str) -> "Array":
        return self.features[name]


@dataclass(frozen=True)
class Batch:
    """Clips side by side, [B, longest, …] for each feature."""

    clips: tuple[str, ...]
    features: "Mapping[str, Array]"
    lengths: "Mapping[str, Array]"  # of frames, codes, phones, characters: int32 [B]
    masks: "Mapping[str, Array]"  # the same as bool [B, longest]

    def __getitem__(self, name: str) -> "Array":
        return self.features[name]

    def __len__(self) -> int:
        return len(self.clips)


def collate(clips: Sequence[Clip]) -> Batch:
    """A feature with no rows (`bert`, where it has nothing to say) becomes zeros."""
    names = [name for name in clips[0].features if name in AXES]
    lengths: dict[str, Any] = {}
    for name in names:
        found = np.array([len(clip[name]) for clip in clips], np.int32)
        lengths[AXES[name]] = np.maximum(lengths.get(AXES[name], 0), found)
    features = {
        name: _padded([clip[name] for clip in clips], int(lengths[AXES[name]].max())) for name in names
    }
    masks = {axis: np.arange(count.max()) < count[:, None] for axis, count in lengths.items()}
    return Batch(tuple(clip.id for clip in clips), features, lengths, masks)


def _padded(arrays: "Sequence[Array]", longest: int) -> "Array":
    whole = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), arrays[0].dtype)
    for row, array in zip(whole, arrays, strict=True):
        row[: len(array)] = array
    return whole
