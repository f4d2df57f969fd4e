"""What is measured: the official sizes with random weights, or a model that is installed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import full_size
import numpy as np

from mlx_voice.generate.loop import Row
from mlx_voice.voices.state import VoiceState

PHONES, PROMPT = 60, 100  # of the token measurements: 160 positions before the first code
PACE = 2.8  # words a second
WORDS = """river morning window garden small quiet people yellow street travel summer letter music water
bread mountain nobody always simple under yesterday carry happy seven open winter paper green""".split()


@dataclass(frozen=True)
class Subject:
    name: str
    model: Any
    voice: VoiceState
    sentence: Callable[[float, int], Any]  # seconds, seed

    def row(self, seed: int = 0, limit: int = 240) -> Row:
        """For the token loop alone: it never ends by itself."""
        config, rng = self.model.t2s.config, np.random.default_rng(seed)
        phones = rng.integers(1, min(config.phones, 700), PHONES).tolist()
        codes = rng.integers(0, config.codes - 1, PROMPT).tolist()
        sampling = {"seed": seed, "limit": limit, "minimum": limit}
        return Row(tuple(phones), codes=tuple(codes), **sampling)


def random_weights() -> Subject:
    return Subject("full size, random weights", full_size.model(), full_size.voice(), full_size.sentence)


def installed(name: str) -> Subject:
    from mlx_voice.checkpoints import open_model
    from mlx_voice.text import analyse
    from mlx_voice.voices.registry import Registry
    from mlx_voice.voices.tiers import Tiers

    model, registry = open_model(name), Registry()
    voice = Tiers(model, registry).state([(registry.find("en"), 1.0)])

    def sentence(seconds: float, seed: int) -> Any:
        words = np.random.default_rng(seed).choice(WORDS, max(1, round(seconds * PACE)))
        (found,) = analyse(f"{' '.join(words)}.".capitalize(), "en", symbols=model.config.symbols)
        return found

    return Subject(name, model, voice, sentence)


def subject(name: str | None) -> Subject:
    return installed(name) if name else random_weights()
