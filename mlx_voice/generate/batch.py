"""Many requests at a time: their sentences share the token loop, and each hears only its own.

`add`, `step` until an event says done, `cancel`. No threads: whoever owns MLX calls this.
"""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from mlx_voice.cache import LRU
from mlx_voice.device import mx
from mlx_voice.errors import TextError
from mlx_voice.generate.features import joined, text_features
from mlx_voice.generate.heard import phone_table
from mlx_voice.generate.kv import KVCache
from mlx_voice.generate.layout import laid_out
from mlx_voice.generate.loop import NewCache, Row, Token, TokenLoop
from mlx_voice.generate.speech import Event, Request, Speech, Take, Utterance
from mlx_voice.generate.stream import SoundStream
from mlx_voice.voices.state import VoiceState

if TYPE_CHECKING:
    from mlx_voice.checkpoints import Model

SLOTS = 8  # sentences at a time
PROMPT_FEATURES = 64 << 20  # bytes

Entering = tuple[Speech, Utterance]


class Generator:
    """`spoken` is how many bytes of finished sentences are kept, for requests that say the same again.

    `cache` makes the keys and values of rows that enter: `kv.QuantizedKV`, or with one slot a `Borrowed` one.
    """

    def __init__(
        self, model: "Model", slots: int = SLOTS, spoken: int = 0, cache: NewCache = KVCache
    ) -> None:
        self.model = model
        self.slots = slots
        self.loop = TokenLoop(model.t2s, cache)
        self._ear = lru_cache(partial(phone_table, model))  # not before the first sentence is over
        self._added = 0
        self._speeches: OrderedDict[int, Speech] = OrderedDict()  # whose turn it is stands first
        self._owners: dict[int, Entering] = {}  # by row of the loop
        self._spoken: LRU[Hashable, Take] = LRU(spoken, lambda take: take.nbytes)
        self._prompts: LRU[str, mx.array] = LRU(PROMPT_FEATURES, lambda features: features.nbytes)

    @property
    def busy(self) -> bool:
        return bool(self._speeches)

    def add(self, request: Request) -> int:
        if not request.sentences or not all(sentence.ids for sentence in request.sentences):
            raise TextError("There is nothing to say in this text: give some words.")
        ident = self._added
        self._added += 1
        self._speeches[ident] = Speech(ident, request, self.model, self._spoken, self._ear)
        return ident

    def hold(self, ident: int, held: bool) -> None:
        """A request on hold gives no sound and begins no sentence; its reader is behind."""
        self._speeches[ident].held = held

    def warm_up(self) -> None:
        """Compile what a first request would otherwise wait for."""
        self.loop.add([Row((0,) * 16, codes=(0,) * 16, limit=4, minimum=4)])
        while self.loop.rows:
            self.loop.step()
        sovits = self.model.sovits
        condition = mx.zeros((1, 1, sovits.config.gin_channels))
        SoundStream(sovits, [0] * 16, condition).take([0] * 16, final=True)

    def cancel(self, ident: int) -> None:
        """Forget a request, whether under way or over."""
        speech = self._speeches.pop(ident, None)
        rows = [row for row, (owner, _) in self._owners.items() if owner is speech]
        self.loop.cancel(rows)
        for row in rows:
            del self._owners[row]

    def step(self) -> list[Event]:
        """One code for every sentence under way, and the sound that has become possible."""
        events = self._admit()
        started = perf_counter()
        tokens = self.loop.step()
        self._hear(tokens, perf_counter() - started)
        for speech in [speech for speech in self._speeches.values() if not speech.held]:
            try:
                event = speech.voiced()
            except Exception as error:  # noqa: BLE001 - it belongs to this request, and to no other
                event = self._failed(speech, error)
            if event:
                events.append(self._counted(event))
                if event.done:
                    self.cancel(speech.id)
        return events

    def _counted(self, event: Event) -> Event:
        counts = {"speech": self._spoken.counts, "bert": self._prompts.counts}
        held = {name: count.bytes for name, count in counts.items()} | {"kv": self.loop.nbytes}
        evicted = {name: count.evictions for name, count in counts.items()}
        return replace(event, bytes=held, evictions=evicted)

    def _hear(self, tokens: Sequence[Token], seconds: float) -> None:
        speaking = {}
        for token in tokens:
            speech, utterance = self._owners[token.row]
            utterance.hear(token)
            speech.tokens += 1
            speaking[speech.id] = speech
            if token.reason:
                del self._owners[token.row]
        for speech in speaking.values():
            speech.seconds["tokens"] += seconds

    def _admit(self) -> list[Event]:
        """Fill the free slots, one sentence of each request in turn; the events are those of failures."""
        chosen: list[Entering] = []
        while len(self._owners) + len(chosen) < self.slots:
            speech = next((speech for speech in self._speeches.values() if speech.ready), None)
            if speech is None:
                break
            self._speeches.move_to_end(speech.id)
            utterance = speech.admit()
            if utterance.stored is None:
                chosen.append((speech, utterance))
        return self._prefill(chosen) if chosen else []

    def _prefill(self, chosen: Sequence[Entering]) -> list[Event]:
        started = perf_counter()
        events: list[Event] = []
        laid: list[tuple[Row, Entering]] = []
        features = text_features(self.model, [utterance.sentence for _, utterance in chosen])
        for (speech, utterance), bert in zip(chosen, features, strict=True):
            if speech.id not in self._speeches:
                continue
            try:
                laid.append((self._row(speech, utterance, bert), (speech, utterance)))
            except Exception as error:  # noqa: BLE001 - it belongs to this request, and to no other
                events.append(self._failed(speech, error))
        laid = [(row, entering) for row, entering in laid if entering[0].id in self._speeches]
        if laid:
            rows = self.loop.add([row for row, _ in laid])
            self._owners |= dict(zip(rows, (entering for _, entering in laid), strict=True))
        for speech in {speech.id: speech for speech, _ in chosen}.values():
            speech.seconds["prefill"] += perf_counter() - started
        return events

    def _row(self, speech: Speech, utterance: Utterance, bert: mx.array | None) -> Row:
        request = speech.request
        prompt = self._prompt(speech, request.voice)
        sentence, sampling = utterance.sentence, speech.sampling
        voice, seed, utterance.bert = request.voice, speech.seed(utterance), bert
        if speech.before is not None:
            voice, prompt = speech.before.after(voice, prompt)
        row, utterance.timing = laid_out(self.model, voice, prompt, sentence, bert, sampling, seed)
        return row

    def _prompt(self, speech: Speech, voice: VoiceState) -> mx.array | None:
        """What BERT knows of the prompt's text."""
        if self.model.bert is None or not voice.text:
            return None
        features = self._prompts.get(voice.key)
        (speech.misses if features is None else speech.hits)["bert"] += 1
        if features is None:
            parts = text_features(self.model, voice.text)
            features = joined(parts, [len(sentence.ids) for sentence in voice.text])
            if features is None:
                return None
            self._prompts.put(voice.key, features)
        return features

    def _failed(self, speech: Speech, error: Exception) -> Event:
        self.cancel(speech.id)
        return Event(speech.id, np.zeros(0, np.float32), speech.heard, done=True, error=error)
