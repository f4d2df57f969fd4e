"""One request under way: sentences enter the token loop in order and are heard in order."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from mlx_voice.cache import LRU
from mlx_voice.device import mx
from mlx_voice.generate.align import Verdict, away, boundaries, followed, judged, path, told, words_of
from mlx_voice.generate.layout import Before, tail
from mlx_voice.generate.loop import Reason, Token
from mlx_voice.generate.sampling import Sampling
from mlx_voice.generate.stream import SoundStream
from mlx_voice.nn.weights import Array
from mlx_voice.results import Samples, Word
from mlx_voice.settings import SamplingOptions, SpeakOptions
from mlx_voice.voices.state import VoiceState

if TYPE_CHECKING:
    from mlx_voice.checkpoints import Model
    from mlx_voice.text import Sentence

RESEED = 0x9E3779B1  # from one take of a sentence to the next
Sound = tuple[Samples, tuple[Word, ...]]

AHEAD = 8  # sentences of one request in the loop or waiting to be heard
RETRIES = 2  # where nobody said how many, and the check can be relied on
Ear = Callable[[], Array | None]  # see `heard.phone_table`


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
    bytes: Mapping[str, int] = field(default_factory=dict)  # what each tier of generation holds now
    evictions: Mapping[str, int] = field(default_factory=dict)  # of each tier, since the first request
    words: tuple[Word, ...] = ()
    done: bool = False  # nothing follows
    error: Exception | None = None  # then there is no sound, and the request is over


@dataclass(frozen=True)
class Take:
    """A sentence said to its end; the words' times begin with it."""

    samples: Samples
    words: tuple[Word, ...]

    @property
    def nbytes(self) -> int:
        return self.samples.nbytes


@dataclass
class Utterance:
    """One sentence under way."""

    sentence: "Sentence"
    codes: list[int] = field(default_factory=list)
    reason: Reason | None = None
    timing: tuple[int, ...] | None = None  # codes per phone, where they were foretold
    sound: SoundStream | None = None
    pieces: list[Samples] = field(default_factory=list)  # given out so far
    wanting: list[tuple[Verdict, Take]] = field(default_factory=list)  # takes that sounded wrong
    stored: Take | None = None  # said before, in an earlier request
    edges: Array = field(default_factory=lambda: np.zeros(0))  # the frame in which each phone begins
    verdict: Verdict | None = None  # on the last take
    bert: mx.array | None = None  # what BERT knows of its text

    @property
    def over(self) -> bool:
        return self.reason is not None or self.stored is not None

    @property
    def before_the_last(self) -> int:
        """Codes that a piece may be made of; one that comes with its end belongs to the last piece."""
        return len(self.codes) - (self.reason not in (None, "end"))

    def again(self) -> None:
        self.codes, self.reason, self.sound, self.pieces = [], None, None, []

    def hear(self, token: Token) -> None:
        self.reason = token.reason
        if token.reason != "end":
            self.codes.append(token.code)


class Speech:
    def __init__(
        self, ident: int, request: Request, model: "Model", spoken: LRU[Hashable, Take], ear: Ear
    ) -> None:
        self.id, self.request, self.model, self.spoken, self.ear = ident, request, model, spoken, ear
        self.sampling = decided(request.options.sampling, model.config.sampling)
        self.admitted = 0
        self.heard = 0
        self.held = False
        self.under_way: list[Utterance] = []  # from the sentence being heard to the last one admitted
        self.repeated: list[Utterance] = []  # those of them that wait to be said again
        self.before: Before | None = None  # what the next sentence hears of the last one
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
        if self.request.options.context:
            return not self.under_way
        if self.request.streamed:
            return all(u.over for u in self.under_way)
        return len(self.under_way) < AHEAD

    def seed(self, utterance: Utterance) -> int:
        """Each take of a sentence has its own."""
        return (self.request.seed + len(utterance.wanting) * RESEED) & 0xFFFFFFFF

    def admit(self) -> Utterance:
        if self.repeated:
            return self.repeated.pop()
        utterance = Utterance(self.request.sentences[self.admitted])
        self.admitted += 1
        self.under_way.append(utterance)
        if self.request.options.context:
            (self.misses if self.before is None else self.hits)["context"] += 1
        if self._kept:
            utterance.stored = self.spoken.get(self._name(utterance))
            (self.misses if utterance.stored is None else self.hits)["speech"] += 1
        return utterance

    def voiced(self) -> Event | None:
        """The next piece of sound, where the codes allow one."""
        if not self.under_way:
            return None
        utterance = self.under_way[0]
        if not utterance.over and not self.request.streamed:
            return None
        started = perf_counter()
        sound = self._piece(utterance) if self.request.streamed and utterance.stored is None else None
        if sound is None and utterance.over:
            sound = self._finished(utterance)
        self.seconds["decode"] += perf_counter() - started
        return self.account(*sound) if sound else None

    def _piece(self, utterance: Utterance) -> Sound | None:
        utterance.sound = utterance.sound or self._sound(utterance)
        due = utterance.sound.due(utterance.before_the_last)
        if due is None:
            return None
        utterance.pieces.append(utterance.sound.take(utterance.codes[:due]))
        return utterance.pieces[-1], ()

    def _finished(self, utterance: Utterance) -> Sound | None:
        """What is left of a sentence whose codes are complete; nothing where it is to be said again."""
        before = sum(piece.size for piece in utterance.pieces)
        take = utterance.stored or self._approved(utterance, self._take(utterance))
        if take is None:
            return None
        self.under_way.pop(0)
        self.heard += 1
        self.before = self._carried(utterance)
        if self._kept:
            self.spoken.put(self._name(utterance), take)
        at = before / self.model.sovits.config.sample_rate
        words = tuple(replace(w, start=w.start - at, end=w.end - at) for w in take.words)
        return np.concatenate([take.samples[before:], self._pause(utterance)]), words

    @property
    def _kept(self) -> bool:
        """Whether a sentence may be found again: not where it heard another one before it."""
        return self.spoken.limit > 0 and not self.request.options.context

    def _carried(self, utterance: Utterance) -> Before | None:
        """Of a sentence that went well, where that is wished."""
        window, verdict, timing = self.request.options.context, utterance.verdict, utterance.timing
        if not window or verdict is None or not verdict.sound:
            return None
        edges = (
            np.cumsum((0, *timing)) if timing else utterance.edges // self.model.sovits.config.frames_per_code
        )
        ids = utterance.sentence.ids
        return tail(ids, utterance.bert, utterance.codes, edges[:-1].tolist(), timing, window)

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

    def _take(self, utterance: Utterance) -> Take:
        utterance.sound = utterance.sound or self._sound(utterance)
        utterance.pieces.append(utterance.sound.take(utterance.codes, final=True))
        self._listen(utterance)
        words = words_of(utterance.sentence, utterance.edges, utterance.sound.frame)
        return Take(np.concatenate(utterance.pieces), words)

    def _listen(self, utterance: Utterance) -> None:
        """The frame in which each phone begins, and whether all were said: by what the codes say where the
        model has an ear for that; else as it was foretold, or by the decoder's attention."""
        sound, timing, ear = utterance.sound, utterance.timing, self.ear()
        assert sound is not None
        frames = self.model.sovits.config.frames_per_code
        if timing is None:
            attention = sound.attention
            way = path(attention)
            utterance.edges = boundaries(way, attention.shape[1])
            utterance.verdict = judged(attention, way, sound.frame, utterance.reason == "end")
        elif ear is None:
            utterance.edges = np.cumsum((0, *timing)) * frames
            utterance.verdict = Verdict(len(utterance.codes) == sum(timing), 0.0)
        else:
            chances = ear[utterance.codes][:, list(utterance.sentence.ids)]
            distance = away(timing, len(utterance.codes))
            way = told(chances, distance)
            utterance.edges = boundaries(way, chances.shape[1]) * frames
            utterance.verdict = followed(chances, way, distance, len(utterance.codes) == sum(timing))

    @property
    def retries(self) -> int:
        """By default where it is known that good speech is hardly ever blamed."""
        asked = self.request.options.retries
        if asked is None:
            return RETRIES if self.ear() is not None and self.model.config.layout == "timed" else 0
        return asked

    def _approved(self, utterance: Utterance, take: Take) -> Take | None:
        """The take, where it may be heard; else the sentence is said again, and of many the best is heard."""
        verdict, retries = utterance.verdict, self.retries
        if not retries or verdict is None:
            return take
        (self.hits if verdict.sound else self.misses)["check"] += 1
        if verdict.sound or self.request.streamed:
            return take
        utterance.wanting.append((verdict, take))
        if len(utterance.wanting) > retries:
            return max(utterance.wanting, key=lambda pair: pair[0].rank)[1]
        utterance.again()
        self.repeated.append(utterance)
        return None

    def _name(self, utterance: Utterance) -> Hashable:
        """What a sentence's sound depends on."""
        request, options = self.request, self.request.options
        stream = options.streaming if request.streamed else None
        drawn = (self.sampling, request.seed, options.noise_scale, options.retries)
        return request.voice.key, utterance.sentence, drawn, options.speed, stream

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
