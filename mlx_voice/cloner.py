"""`VoiceCloner`: text and a voice in, sound out. It may be called from any thread.

with VoiceCloner() as cloner:
    cloner.speak("Hello, world.").save("hello.wav")
    me = cloner.clone("me.wav", "What I say in that recording.")
    for chunk in cloner.stream("A long story.", me):
        chunk.play()
"""

import os
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlx_voice.account import Account
from mlx_voice.engine import Engine
from mlx_voice.errors import AudioError, InputError, UnknownVoiceError
from mlx_voice.results import Audio
from mlx_voice.settings import CacheOptions, SpeakOptions
from mlx_voice.voices import tally
from mlx_voice.voices.blend import parse
from mlx_voice.voices.entry import Entry, Voice
from mlx_voice.voices.registry import Registry

if TYPE_CHECKING:
    from mlx_voice.checkpoints.config import ModelConfig
    from mlx_voice.generate import Event, Request
    from mlx_voice.text import Sentence
    from mlx_voice.voices.adding import Recording
    from mlx_voice.voices.tiers import Blend, Tiers

PREFERRED = ("v2ProPlus", "v2Pro", "v2", "v1")  # of what is installed, where no model is named
EMBEDDED = "mini"
VoiceLike = str | Voice | Sequence[str | Voice] | Mapping[str, float]


class VoiceCloner:
    """One model with its voices. A voice is given by name, alias, blend (`a:0.7+b:0.3`), or as a `Voice`;
    several in a list are mixed equally, in a mapping by weight. None is the default of the text's language.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        voices: str | os.PathLike[str] | None = None,
        dtype: str | None = None,
        cache: CacheOptions | None = None,
        **changes: Any,
    ) -> None:
        """`changes` are fields of `CacheOptions`: use_gpu_mel, use_precomputed_codes, …"""
        self.model = default_model() if model is None else model
        self.voices = Voices(self, Registry(None if voices is None else Path(voices)))
        self._cache = replace(cache or CacheOptions(), **changes)
        folder_or_name = self.model if isinstance(self.model, str) else Path(self.model)
        self._engine = Engine(folder_or_name, dtype, self._cache)
        self._tiers: Tiers | None = None

    def speak(
        self,
        text: str,
        voice: VoiceLike | None = None,
        options: SpeakOptions | None = None,
        *,
        cancel: threading.Event | None = None,
        **changes: Any,
    ) -> Audio:
        """The whole text as one sound. `changes` are fields of `SpeakOptions`: speed, seed, language, …"""
        return Audio.joined(self.sentences(text, voice, options, cancel=cancel, **changes))

    def sentences(
        self,
        text: str,
        voice: VoiceLike | None = None,
        options: SpeakOptions | None = None,
        *,
        cancel: threading.Event | None = None,
        **changes: Any,
    ) -> Iterator[Audio]:
        """The same sound sentence by sentence: of a book no more is held than what is being said."""
        options = replace(options or SpeakOptions(), **changes)
        return self._spoken(text, voice, options, cancel, streamed=False)

    def stream(
        self,
        text: str,
        voice: VoiceLike | None = None,
        options: SpeakOptions | None = None,
        *,
        cancel: threading.Event | None = None,
        **changes: Any,
    ) -> Iterator[Audio]:
        """The same sound in pieces, as soon as each is there; leaving the iterator cancels the rest."""
        options = replace(options or SpeakOptions(), **changes)
        return self._spoken(text, voice, options, cancel, streamed=True)

    def takes(
        self,
        text: str,
        count: int,
        voice: VoiceLike | None = None,
        options: SpeakOptions | None = None,
        *,
        cancel: threading.Event | None = None,
        first: int = 0,
        **changes: Any,
    ) -> Iterator[tuple[int, Audio]]:
        """Several takes of a text, which is read once: the number of a take, and its next sentence.

        Take 0 has the seed that is given, take 1 the one after it. All begin with the sentence `first`; where
        `takes.stretch` divides it, they sound as they do when the whole is said.
        """
        from mlx_voice.takes import MOST, said

        if not 1 <= count <= MOST:
            raise InputError(f"{count} takes cannot be said at a time: choose 1 to {MOST}.")
        asked = self._asked(text, voice, replace(options or SpeakOptions(), **changes))
        request = self._engine.call(self._request, asked)
        requests = [replace(request, seed=asked.seed + take) for take in range(count)]
        accounts = [asked.account, *(Account(asked.sentences) for _ in requests[1:])]

        def chunk(event: "Event") -> tuple[int, Audio]:
            take = event.request
            return take, accounts[take].chunk(event, self.sample_rate, requests[take].seed)

        cancel = cancel or threading.Event()
        return map(chunk, said(self._engine, requests, first, cancel))

    def fingerprint(
        self, text: str, voice: VoiceLike | None = None, options: SpeakOptions | None = None
    ) -> str:
        """A hash of all that decides how a text sounds, but the seed."""
        from mlx_voice import __version__

        asked = self._asked(text, voice, replace(options or SpeakOptions(), seed=0))

        def parts() -> tuple[object, ...]:
            model = self._engine.model
            hashes = sorted((name, file.sha256) for name, file in model.manifest.files.items())
            return model.dtype, self._cache.quantized_kv, hashes, self.tiers.state(asked.blend).key

        said = (__version__, text, asked.sentences, asked.options, self._engine.call(parts))
        return sha256(repr(said).encode()).hexdigest()

    def clone(self, reference: str | os.PathLike[str], text: str = "", language: str | None = None) -> Voice:
        """A voice from a recording and what is said in it; without the text only the timbre is taken.

        Nothing is added to the registry, but what is computed is kept on disk by the recording's content.
        """
        from mlx_voice.voices import coach

        path = Path(reference)
        if not path.is_file():
            raise AudioError(f"{path} is not a file: give the path of a recording.")
        try:
            entry = Entry(text.strip(), language or coach.guess(text), path.name)
        except ValueError as error:
            raise InputError(f"No voice can be taken from {path}: {error}.") from error
        voice = Voice(path.stem, entry, path.parent, None)
        self._engine.call(lambda: self.tiers.state([(voice, 1.0)]))
        return voice

    def close(self) -> None:
        """End the engine, after what was asked before."""
        if self._tiers is not None:
            tally.count(self._engine.call(self._tiers.counts))
            self._tiers = None
        self._engine.close()

    def __enter__(self) -> "VoiceCloner":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def tiers(self) -> "Tiers":
        """Only in the engine's thread."""
        if self._tiers is None:
            from mlx_voice.voices.tiers import Tiers

            self._tiers = Tiers(self._engine.model, self.voices.registry, self._cache)
        return self._tiers

    @cached_property
    def config(self) -> "ModelConfig":
        """Of the model; asking for it opens the model."""
        return self._engine.call(lambda: self._engine.model.config)

    @property
    def sample_rate(self) -> int:
        """Of all that is said."""
        rate: int = self.config.networks["sovits"]["sample_rate"]
        return rate

    def _read(self, text: str, options: SpeakOptions, lexicon: Mapping[str, str]) -> "list[Sentence]":
        from mlx_voice.text import Lexicon, analyse

        readings = Lexicon.of(lexicon)
        return analyse(text, options.language, symbols=self.config.symbols, lexicon=readings, role="target")

    def _asked(self, text: str, voice: VoiceLike | None, options: SpeakOptions) -> "_Asked":
        _ = self.config  # opening the model is no part of the account
        started = time.perf_counter()
        sentences = self._read(text, options, options.lexicon)
        blend = self.voices.blend(voice, sentences)
        if own := blend[0][0].entry.lexicon:
            sentences = self._read(text, options, {**own, **options.lexicon})
        seed = secrets.randbits(32) if options.seed is None else options.seed
        options = replace(options, seed=seed, speed=options.speed * blend[0][0].entry.speed_factor)
        account = Account(sentences, started)
        account.spend(text=time.perf_counter() - started)
        return _Asked(tuple(sentences), blend, options, seed, account)

    def _request(self, asked: "_Asked", streamed: bool = False) -> "Request":
        """Only in the engine's thread."""
        from mlx_voice.generate import Request

        before, started = self.tiers.counts(), time.perf_counter()
        state = self.tiers.state(asked.blend)
        asked.account.count(before, self.tiers.counts())
        asked.account.spend(reference=time.perf_counter() - started)
        return Request(asked.sentences, state, asked.options, asked.seed, streamed)

    def _spoken(
        self,
        text: str,
        voice: VoiceLike | None,
        options: SpeakOptions,
        cancel: threading.Event | None,
        streamed: bool,
    ) -> Iterator[Audio]:
        asked = self._asked(text, voice, options)
        events = self._engine.speak(lambda: self._request(asked, streamed), cancel or threading.Event())
        return (asked.account.chunk(event, self.sample_rate, asked.seed) for event in events)


class Voices:
    """The registry of a cloner: shipped voices, the user's, and those of a file that was named."""

    def __init__(self, cloner: VoiceCloner, registry: Registry) -> None:
        self._cloner, self.registry = cloner, registry

    def __iter__(self) -> Iterator[Voice]:
        return iter(self.registry.voices().values())

    def __getitem__(self, name: str) -> Voice:
        return self.registry.find(name)

    def __len__(self) -> int:
        return len(self.registry.voices())

    def add(self, name: str, recording: "Recording", *, over: bool = False) -> tuple[Voice, tuple[str, ...]]:
        """Store a voice; the second result is what could be better about its recording."""
        from mlx_voice.voices.adding import add

        return self._cloner._engine.call(lambda: add(self._cloner.tiers, name, recording, over=over))

    def remove(self, name: str) -> Voice:
        return self.registry.remove(name)

    def export(self, name: str, path: str | os.PathLike[str]) -> None:
        """Write a voice as one file that travels."""
        from mlx_voice.voices.bundle import export

        export(self[name], Path(path))

    def install(self, path: str | os.PathLike[str], name: str | None = None, *, over: bool = False) -> Voice:
        """Add the voice of such a file."""
        from mlx_voice.voices.bundle import install

        return install(Path(path), self.registry, name, over=over)

    def blend(self, voice: VoiceLike | None, sentences: "Sequence[Sentence]") -> "Blend":
        """Voices with their weights; the first one gives the prompt."""
        if voice is None:
            return [(self.default(sentences[0].spans[0].language), 1.0)]
        if isinstance(voice, str):
            return [(self[name], weight) for name, weight in parse(voice)]
        if isinstance(voice, Voice):
            return [(voice, 1.0)]
        if isinstance(voice, Mapping):
            return [(self[name], weight) for name, weight in voice.items()]
        if not voice:
            raise InputError("No voice was given: name one, or leave it out.")
        return [(self[v] if isinstance(v, str) else v, 1.0) for v in voice]

    def default(self, language: str) -> Voice:
        """The voice with the language's name as an alias, else the first that speaks it, else the first."""
        try:
            return self[language]
        except UnknownVoiceError:
            known = sorted(self, key=lambda voice: voice.language != language)
        if not known:
            raise UnknownVoiceError("There is no voice yet: make one with mlx-voice voices add.")
        return known[0]


@dataclass(frozen=True)
class _Asked:
    """A text that was read, who will say it, and how."""

    sentences: "tuple[Sentence, ...]"
    blend: "Blend"
    options: SpeakOptions
    seed: int
    account: Account


def default_model() -> str:
    """The best one that is installed, else the embedded one."""
    from mlx_voice.checkpoints.install import installed

    names = [folder.name for folder in installed()]
    others = [name for name in names if name != EMBEDDED]
    return next((name for name in (*PREFERRED, *others) if name in names), EMBEDDED)
