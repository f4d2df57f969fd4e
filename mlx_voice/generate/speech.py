"""One request under way: sentences enter the token loop in order and are heard in order."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from mlx_voice.device import mx
from mlx_voice.generate.align import Verdict, judged, words_of
from mlx_voice.generate.loop import Reason, Token
from mlx_voice.generate.sampling import Sampling
from mlx_voice.generate.stream import SoundStream
from mlx_voice.results import Samples, Word
from mlx_voice.settings import SamplingOptions, SpeakOptions
from mlx_voice.voices.state import VoiceState

if TYPE_CHECKING:
    from mlx_voice.checkpoints import Model
    from mlx_voice.text import Sentence

RESEED = 0x9E3779B1  # from one take of a sentence to the next
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


@dataclass(frozen=True)
class Take:
    """A sentence said to its end."""

    samples: Samples
    words: tuple[Word, ...]
    verdict: Verdict


@dataclass
class Utterance:
    """One sentence under way."""

    sentence: "Sentence"
    codes: list[int] = field(default_factory=list)
    reason: Reason | None = None
    sound: SoundStream | None = None
    takes: "list[Take]" = field(default_factory=list)  # that were found wanting

    def again(self) -> None:
        self.codes, self.reason, self.sound = [], None, None

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
        self.repeated: list[Utterance] = []  # those of them that wait to be said again
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.tokens = 0
        self.hits: Counter[str] = Counter()
        self.misses: Counter[str] = Counter()

    @property
    def ready(self) -> bool:
        """Whether the next sentence may enter the loop now."""
        if self.repeated:
            return True
        if self.held or self.admitted == len(self.request.sentences):
            return False
        if self.request.streamed:
            return all(u.reason for u in self.under_way)
        return len(self.under_way) < AHEAD

    def seed(self, utterance: Utterance) -> int:
        """Each take of a sentence has its own."""
        return (self.request.seed + len(utterance.takes) * RESEED) & 0xFFFFFFFF

    def admit(self) -> Utterance:
        if self.repeated:
            return self.repeated.pop()
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
        offset = -utterance.sound.seconds
        samples = utterance.sound.take(utterance.codes, final)
        words: tuple[Word, ...] = ()
        if final:
            take = self._approved(utterance, self._take(utterance, samples, offset))
            if take is None:
                return None
            self.under_way.pop(0)
            self.heard += 1
            samples, words = np.concatenate([take.samples, self._pause(utterance)]), take.words
        self.seconds["decode"] += perf_counter() - started
        return self.account(samples, words)

    def account(self, samples: Samples, words: tuple[Word, ...]) -> Event:
        event = Event(
            self.id,
            samples,
            self.heard,
            seconds=dict(self.seconds),
            tokens=self.tokens,
            hits=dict(self.hits),
            misses=dict(self.misses),
            peak_memory=mx.get_peak_memory(),
            words=words,
            done=self.heard == len(self.request.sentences),
        )
        self.tokens = 0
        self.seconds.clear()
        self.hits.clear()
        self.misses.clear()
        return event

    def _take(self, utterance: Utterance, samples: Samples, offset: float) -> Take:
        assert utterance.sound is not None
        attention, frame = np.array(utterance.sound.attention.astype(mx.float32)), utterance.sound.frame
        words = words_of(utterance.sentence, attention, frame, offset)
        complete = utterance.reason == "end" or self.model.config.layout == "timed"
        return Take(samples, words, judged(attention, frame, complete))

    def _approved(self, utterance: Utterance, take: Take) -> Take | None:
        """The take, where it may be heard; else the sentence is said again, and of many the best is heard."""
        retries = self.request.options.retries
        if not retries:
            return take
        (self.hits if take.verdict.sound else self.misses)["check"] += 1
        if take.verdict.sound or self.request.streamed:
            return take
        utterance.takes.append(take)
        if len(utterance.takes) > retries:
            return max(utterance.takes, key=lambda take: take.verdict.rank)
        utterance.again()
        self.repeated.append(utterance)
        return None

    def _sound(self, utterance: Utterance) -> SoundStream:
        options, config = self.request.options, self.model.config
        return SoundStream(
            self.model.sovits,
            utterance.sentence.ids,
            self.request.voice.condition,
            self.seed(utterance),
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
