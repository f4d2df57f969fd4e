"""From a voice to its state, by the shortest way: memory, the mel in memory, files, the recording itself."""

import logging
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Protocol

import numpy as np

from mlx_voice import files
from mlx_voice.audio import Samples
from mlx_voice.cache import LRU
from mlx_voice.checkpoints import Model
from mlx_voice.checkpoints.config import Reference as Spectrum
from mlx_voice.checkpoints.load import DTYPES
from mlx_voice.device import mx
from mlx_voice.errors import RegistryError
from mlx_voice.nn.weights import Array
from mlx_voice.settings import CacheOptions
from mlx_voice.text import Sentence, analyse
from mlx_voice.voices import coach, features
from mlx_voice.voices.entry import MelFile, Numbers, Voice
from mlx_voice.voices.registry import Registry
from mlx_voice.voices.shelf import Shelf
from mlx_voice.voices.state import VoiceState

log = logging.getLogger("mlx_voice")
Blend = Sequence[tuple[Voice, float]]  # the first one gives the prompt
Counts = Mapping[str, tuple[int, int]]  # tier -> hits and misses so far


class Store(Protocol):
    """Where a source's features are kept: see `voices.shelf`."""

    def get(self, kind: str, key: str, form: Spectrum | None = None) -> bytes | None: ...

    def put(self, kind: str, key: str, content: bytes, record: MelFile | Numbers) -> None: ...


class Source:
    """One voice on its way to a state: where its features are, and its recording once it has to be heard."""

    def __init__(self, voice: Voice, audio: str | None, store: Store) -> None:
        self.voice, self.audio, self.store = voice, audio, store

    @cached_property
    def reference(self) -> coach.Reference:
        path = self.voice.reference
        if path is None or self.audio is None:
            raise RegistryError(
                f"The voice {self.voice.name!r} has no recording here, which this model needs: add it again."
            )
        return coach.listen(path)

    def advise(self) -> None:
        """Say what could be better about the recording, if it had to be heard."""
        for sentence in self.reference.advice if "reference" in vars(self) else ():
            log.info("%s: %s", self.voice.name, sentence)


class Tiers:
    """For one model; used in the thread that owns MLX."""

    def __init__(self, model: Model, registry: Registry, options: CacheOptions | None = None) -> None:
        self.model, self.registry = model, registry
        self.options = options or CacheOptions()
        self.states: LRU[Hashable, VoiceState] = LRU(self.options.states, lambda state: state.nbytes)
        self.mels: LRU[Hashable, Samples] = LRU(self.options.mels, lambda mel: mel.nbytes)
        self.files: Counter[str] = Counter()  # hits and misses on disk

    def state(self, blend: Blend) -> VoiceState:
        key = tuple((_stamp(voice), weight) for voice, weight in blend)
        state = self.states.get(key)
        if state is None:
            sources = [(self.source(voice), weight) for voice, weight in blend]
            state = self.made(sources)
            self.states.put(key, state)
            for source, _ in sources:
                source.advise()
        return state

    def counts(self) -> Counts:
        states, mels = self.states.counts, self.mels.counts
        return {
            "voice": (states.hits, states.misses),
            "mel": (mels.hits, mels.misses),
            "disk": (self.files["hits"], self.files["misses"]),
        }

    def source(self, voice: Voice) -> Source:
        path, known = voice.reference, voice.entry.features.audio_sha256
        audio = files.sha256(path) if path is not None and path.is_file() else None
        if audio is not None and known not in (None, audio):
            log.warning("The recording of the voice %r has changed; its features are made anew.", voice.name)
        return Source(voice, audio, Shelf(voice, audio, self.registry, self.options.references))

    def mel(self, source: Source) -> Samples:
        """The spectrogram [bins, frames] of a reference."""
        form = features.spectrum(self.model)
        key = (source.audio or (source.voice.root, source.voice.name), form)
        mel = self.mels.get(key)
        if mel is None:
            mel = self._mel(source)
            self.mels.put(key, mel)
        return mel

    def codes(self, source: Source) -> Array:
        """What the reference says, as int32, one every 40 ms."""
        return self._numbers(
            source,
            "codes",
            self.model.encoder_id,
            "<i4",
            lambda: features.codes(source.reference, self.model),
        )

    def speaker(self, source: Source) -> Samples | None:
        """The speaker encoder's vector, where the model has one."""
        if "speaker" not in self.model.config.networks:
            return None
        key = self.model.part_hash("speaker")[:16]
        return self._numbers(
            source, "speaker", key, "<f4", lambda: features.speaker(source.reference, self.model)
        )

    def timing(self, source: Source, phones: Sequence[int]) -> tuple[int, ...] | None:
        """How many codes each of its phones lasts, where the model lays text out in time."""
        if self.model.config.layout != "timed" or not phones:
            return None
        key = sha256(f"{self.model.encoder_id} {list(phones)}".encode()).hexdigest()[:16]
        found = self._numbers(
            source, "timing", key, "<i4", lambda: features.timing(source.reference, phones, self.model)
        )
        return tuple(found.tolist())

    def style(self, source: Source) -> Samples:
        """The decoder's condition [gin]: what its encoder guesses or, where the model can, what fits best."""
        guess, fit = lambda: self._guess(source), self.model.config.style
        phones = self.phones(source.voice)
        if fit is None or not phones:
            return guess()
        made_of = self.model.part_hash("sovits"), self.model.encoder_id, fit, phones
        key = sha256(repr(made_of).encode()).hexdigest()[:16]
        if source.audio is None and source.store.get("style", key) is None:
            return guess()

        def make() -> Samples:
            log.info("%s: fitting the voice to its recording; this is done once.", source.voice.name)
            return features.style(source.reference, guess(), self.codes(source), phones, self.model, fit)

        found = self._numbers(source, "style", key, "<f4", make)
        if found.size != self.model.sovits.config.gin_channels or not np.isfinite(found).all():
            raise RegistryError(
                f"The voice {source.voice.name!r} holds no style for this model: add it again."
            )
        return found

    def phones(self, voice: Voice) -> tuple[int, ...]:
        """What the reference says."""
        return tuple(phone for sentence in self.text(voice) for phone in sentence.ids)

    def text(self, voice: Voice) -> tuple[Sentence, ...]:
        """What the reference says, in the model's symbols; nothing where nobody wrote it down."""
        entry = voice.entry
        if not entry.ref_text:
            return ()
        return tuple(
            analyse(entry.ref_text, entry.language, symbols=self.model.config.symbols, role="prompt")
        )

    def made(self, blend: Sequence[tuple[Source, float]]) -> VoiceState:
        whole = sum(weight for _, weight in blend)
        styles = [self.style(source) * np.float32(weight / whole) for source, weight in blend]
        style = sum(styles[1:], styles[0])
        first = blend[0][0]
        text, phones = self.text(first.voice), self.phones(first.voice)
        codes = self.codes(first) if phones else np.zeros(0, np.int32)
        key = sha256(style.tobytes() + codes.tobytes() + repr(phones).encode())
        condition = mx.array(style, DTYPES[self.model.dtype])[None, None]
        return VoiceState(
            key.hexdigest(), condition, phones, mx.array(codes), text, self.timing(first, phones)
        )

    def _guess(self, source: Source) -> Samples:
        """What the decoder's own encoder takes the voice for."""
        spec, speaker = mx.array(self.mel(source).T)[None], self.speaker(source)
        condition = self.model.sovits.condition(spec, None if speaker is None else mx.array(speaker)[None])
        return np.array(condition[0, 0].astype(mx.float32))

    def _mel(self, source: Source) -> Samples:
        form = features.spectrum(self.model)
        content = source.store.get("mel", str(form.bins), form) if self.options.use_precomputed_mel else None
        self._count(content)
        if content is None:
            mel = features.mel(source.reference, form, self.options.use_gpu_mel)
            content = mel.astype("<f4").tobytes()
            name, digest = f"mel-{form.bins}.bin", sha256(content).hexdigest()
            record = MelFile(name, mel.shape[1], form.sample_rate, form.n_fft, form.hop, digest)
            source.store.put("mel", str(form.bins), content, record)
        return np.frombuffer(content, "<f4").reshape(form.bins, -1)

    def _numbers(self, source: Source, kind: str, key: str, dtype: str, make: Callable[[], Array]) -> Array:
        content = source.store.get(kind, key) if self.options.use_precomputed_codes else None
        self._count(content)
        if content is None:
            made = make().astype(dtype)
            content = made.tobytes()
            record = Numbers(f"{kind}-{key}.bin", made.size, sha256(content).hexdigest())
            source.store.put(kind, key, content, record)
        return np.frombuffer(content, dtype)

    def _count(self, found: bytes | None) -> None:
        self.files["misses" if found is None else "hits"] += 1


def _stamp(voice: Voice) -> Hashable:
    """All that a state depends on, without reading a file."""
    path, entry = voice.reference, voice.entry
    try:
        stat = path.stat() if path is not None else None
    except FileNotFoundError:
        stat = None
    mark = None if stat is None else (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    return voice.root, voice.name, entry.ref_text, entry.language, entry.features.audio_sha256, mark
