"""A whole model of tiny networks with the reference's random weights, and sentences to say with it."""

from dataclasses import dataclass, replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import reference_encoders
import reference_sovits
import reference_t2s
from reference_weights import REFERENCE, case
from tokenizers import Tokenizer

from mlx_voice.checkpoints.config import ModelConfig
from mlx_voice.device import mx
from mlx_voice.models.duration import Duration, DurationConfig
from mlx_voice.models.sovits import SoVITS
from mlx_voice.voices.state import VoiceState


@dataclass(frozen=True)
class Span:
    language: str
    text: str
    ids: tuple[int, ...]
    word2ph: tuple[int, ...] | None
    origin: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Sentence:
    spans: tuple[Span, ...]
    pause: float | None = None

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(i for span in self.spans for i in span.ids)


TEXTS = {
    "prompt": "今天天气很好,我们去公园.",
    "text0": "你好,世界.",
    "text1": "人工智能改变生活!",
    "text2": "语音合成真有趣,大家都来试一试吧.",
}


def places(text: str) -> tuple[tuple[int, int], ...]:
    return tuple((i, i + 1) for i in range(len(text)))


def span(name: str) -> Span:
    arrays = case("03_bert")
    ids = reference_t2s.ids(arrays[f"{name}_phones"])
    if name == "en":
        return Span("en", "Hello world.", ids, None, places("Hello world."))
    return Span("zh", TEXTS[name], ids, reference_t2s.ids(arrays[f"{name}_word2ph"]), places(TEXTS[name]))


def sentence(*names: str, pause: float | None = None) -> Sentence:
    return Sentence(tuple(span(name) for name in names), pause)


@cache
def decoder() -> SoVITS:
    sizes = replace(reference_sovits.SMALL, symbols=732, codes=1024)
    return reference_sovits.random_model(sizes, 2)


def model(layout: str = "plain", bert: bool = True) -> Any:
    """What `open_model` gives, as far as generation asks."""
    mx.random.seed(1)
    config = ModelConfig(name="tiny", version="v2", symbols="v2", layout=layout, max_seconds=4)
    parts = SimpleNamespace(
        config=config,
        t2s=reference_t2s.reference(),
        sovits=decoder(),
        bert=reference_encoders.reference("bert") if bert else None,
        tokenizer=Tokenizer.from_file(str(REFERENCE / "tokenizer.json")) if bert else None,
        duration=Duration(DurationConfig(phones=732, width=8, kernel=3, layers=1)),
    )
    # evaluated, so that any thread may use it
    mx.eval([part.parameters() for part in (parts.t2s, parts.sovits, parts.bert, parts.duration) if part])
    return parts


@cache
def voice(key: str = "tiny", prompt: bool = True) -> VoiceState:
    condition = mx.random.normal((1, 1, 16), key=mx.random.key(len(key)))
    mx.eval(condition)
    if not prompt:
        return VoiceState(key, condition, (), mx.zeros((0,), mx.int32), (), None)
    said = sentence("prompt")
    codes = case("06_t2s_greedy")["prompt"].astype(np.int32)
    timing = tuple(len(part) for part in np.array_split(codes, len(said.ids)))
    return VoiceState(key, condition, said.ids, mx.array(codes), (said,), timing)  # type: ignore[arg-type]
