"""One request under way: sentences enter the token loop in order and are heard in order."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from mlx_voice.device import mx
from mlx_voice.generate.loop import Reason, Token
from mlx_voice.generate.sampling import Sampling
from mlx_voice.generate.stream import SoundStream
from mlx_voice.results import Samples, Word
from mlx_voice.settings import SamplingOptions, SpeakOptions
from mlx_voice.voices.state import VoiceState

if TYPE_CHECKING:
    from mlx_voice.checkpoints import Model
    from mlx_voice.text import Sentence

AHEAD = 8  # sentences of one request in the loop or waiting to be heard


@dataclass(frozen=True)
class Request:
    """Text with a voice. Streamed: sound as soon as there is some; else by whole sentences, batched."""

    sentences: tuple["Sentence", ...]
    voice: VoiceState
    options: SpeakOptions = field(default_factory=SpeakOptions)
    seed: int = 0
    streamed: bool = True


@dataclass(frozen=True)
class Event:
    """The next piece of a request's sound, and what was spent since the piece before it."""

    request: int
    samples: Samples
    sentence: int  # how many of the request's sentences have been heard
    seconds: Mapping[str, float] = field(default_factory=dict)  # prefill, tokens, decode
    tokens: int = 0
    hits: Mapping[str, int] = field(default_factory=dict)
    misses: Mapping[str, int] = field(default_factory=dict)
    peak_memory: int = 0  # bytes, of MLX
    words: tuple[Word, ...] = ()
    done: bool = False  # nothing follows
    error: Exception | None = None  # then there is no sound, and the request is over


@dataclass
class Utterance:
    """One sentence under way."""

    sentence: "Sentence"
    codes: list[int] = field(default_factory=list)
    reason: Reason | None = None
    sound: SoundStream | None = None

    def hear(self, token: Token) -> None:
        self.reason = token.reason
        if token.reason != "end":
            self.codes.append(token.code)


class Speech:
    def __init__(self, ident: int, request: Request, model: "Model") -> None:
        self.id, self.request, self.model = ident, request, model
        self.sampling = decided(request.options.sampling, model.config.sampling)
        self.admitted = 0
        self.heard = 0
        self.held = False
        self.under_way: list[Utterance] = []  # from the sentence being heard to the last one admitted
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.tokens = 0
        self.hits: Counter[str] = Counter()
        self.misses: Counter[str] = Counter()

    @property
    def ready(self) -> bool:
        """Whether the next sentence may enter the loop now."""
        if self.held or self.admitted == len(self.request.sentences):
            return False
        if self.request.streamed:
            return all(u.reason for u in self.under_way)
        return len(self.under_way) < AHEAD

    def admit(self) -> Utterance:
        utterance = Utterance(self.request.sentences[self.admitted])
        self.admitted += 1
        self.under_way.append(utterance)
        return utterance

    def voiced(self) -> Event | None:
        """The next piece of sound, where the codes allow one."""
        if not self.under_way:
            return None
        utterance = self.under_way[0]
        final = utterance.reason is not None
        if not final and not self.request.streamed:
            return None
        started = perf_counter()
        utterance.sound = utterance.sound or self._sound(utterance)
        if not final and not utterance.sound.due(len(utterance.codes)):
            return None
        samples = utterance.sound.take(utterance.codes, final)
        if final:
            self.under_way.pop(0)
            self.heard += 1
            samples = np.concatenate([samples, self._pause(utterance)])
        self.seconds["decode"] += perf_counter() - started
        return self.account(samples)

    def account(self, samples: Samples) -> Event:
        event = Event(
            self.id,
            samples,
            self.heard,
            seconds=dict(self.seconds),
            tokens=self.tokens,
            hits=dict(self.hits),
            misses=dict(self.misses),
            peak_memory=mx.get_peak_memory(),
            done=self.heard == len(self.request.sentences),
        )
        self.tokens = 0
        self.seconds.clear()
        self.hits.clear()
        self.misses.clear()
        return event

    def _sound(self, utterance: Utterance) -> SoundStream:
        options, config = self.request.options, self.model.config
        return SoundStream(
            self.model.sovits,
            utterance.sentence.ids,
            self.request.voice.condition,
            self.request.seed,
            config.noise_scale if options.noise_scale is None else options.noise_scale,
            options.speed,
            options.streaming if self.request.streamed else None,
        )

    def _pause(self, utterance: Utterance) -> Samples:
        """Silence after a sentence: what the text wishes; else the usual one, but not behind the last."""
        last = self.heard == len(self.request.sentences)
        usual = 0.0 if last else self.request.options.pause
        wished = utterance.sentence.pause
        seconds = usual if wished is None else wished
        return np.zeros(round(seconds * self.model.sovits.config.sample_rate), np.float32)


def decided(wish: SamplingOptions, usual: SamplingOptions) -> Sampling:
    """The caller's settings where given, the model's elsewhere."""
    values = {name: getattr(usual, name) for name in vars(usual)}
    values |= {name: value for name, value in vars(wish).items() if value is not None}
    return Sampling(**values)
