"""What a caller gets back: sound, and where the time went."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

Samples = np.ndarray[Any, np.dtype[np.float32]]


SUMMED = "text reference prefill tokens decode total audio token_count sentences heard".split()


@dataclass(frozen=True)
class Word:
    text: str
    start: float  # seconds
    end: float
    place: tuple[int, int] = (0, 0)  # where it stands in the text that was given


@dataclass(frozen=True)
class Stats:
    """One answer's account. Seconds, unless a line says otherwise."""

    text: float = 0.0  # text to phones and their features
    reference: float = 0.0  # the voice made ready
    prefill: float = 0.0
    tokens: float = 0.0
    decode: float = 0.0
    first_audio: float = 0.0  # from the call to the first samples
    total: float = 0.0
    audio: float = 0.0  # of sound
    token_count: int = 0
    sentences: int = 0  # of the text
    heard: int = 0  # of them, by now
    seed: int = 0
    peak_memory: int = 0  # bytes, of MLX
    hits: Mapping[str, int] = field(default_factory=dict)  # tier -> how often it had the answer
    misses: Mapping[str, int] = field(default_factory=dict)
    bytes: Mapping[str, int] = field(default_factory=dict)  # what the tiers of generation hold by now
    evictions: Mapping[str, int] = field(default_factory=dict)  # by them, in all requests so far

    @property
    def real_time_factor(self) -> float:
        return self.total / self.audio if self.audio else 0.0

    @property
    def tokens_per_second(self) -> float:
        return self.token_count / self.tokens if self.tokens else 0.0

    def __add__(self, later: "Stats") -> "Stats":
        """The account of two answers, one after the other."""
        summed = {name: getattr(self, name) + getattr(later, name) for name in SUMMED}
        return replace(
            later,
            **summed,
            first_audio=self.first_audio or later.first_audio,
            peak_memory=max(self.peak_memory, later.peak_memory),
            hits=dict(Counter(self.hits) + Counter(later.hits)),
            misses=dict(Counter(self.misses) + Counter(later.misses)),
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "real_time_factor": self.real_time_factor,
            "tokens_per_second": self.tokens_per_second,
        }


@dataclass(frozen=True)
class Audio:
    """Sound: float32 samples [n] within -1 and 1."""

    samples: Samples
    sample_rate: int
    stats: Stats = field(default_factory=Stats)
    words: tuple[Word, ...] = ()

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> None:  # noqa: A002
        """Write wav, flac, ogg or mp3, by the extension unless told; whole or not at all."""
        from mlx_voice.audio import write

        write(path, self.samples, self.sample_rate, format)

    def encoded(self, format: str = "wav") -> bytes:  # noqa: A002
        from mlx_voice.audio import encode

        return encode(self.samples, self.sample_rate, format)

    def play(self) -> None:
        """Play on this machine's sound output, and return when it has ended."""
        from mlx_voice.audio import play

        play(self.samples, self.sample_rate)

    @classmethod
    def joined(cls, parts: Iterable["Audio"]) -> "Audio":
        """The chunks of one stream as one sound; the last chunk's stats account for all."""
        chunks = list(parts)
        words: list[Word] = []
        at = 0.0
        for chunk in chunks:
            words += [replace(word, start=word.start + at, end=word.end + at) for word in chunk.words]
            at += chunk.seconds
        samples = np.concatenate([chunk.samples for chunk in chunks])
        return cls(samples, chunks[-1].sample_rate, chunks[-1].stats, tuple(words))
