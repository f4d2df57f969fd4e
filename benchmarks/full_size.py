"""A model of the official v2 sizes with random weights, that says as much as it is told to: for measuring."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from mlx_voice.checkpoints.config import ModelConfig
from mlx_voice.device import mx
from mlx_voice.models.sovits import SoVITS, SoVITSConfig
from mlx_voice.models.t2s import T2S, T2SConfig
from mlx_voice.voices.state import VoiceState

T2S_SIZES = T2SConfig(layers=24, width=512, heads=16, ffn=2048, phones=732, codes=1025, end=1024)
SOVITS_SIZES = SoVITSConfig(
    sample_rate=32000,
    symbols=732,
    codes=1024,
    ssl_channels=768,
    frames_per_code=2,
    hidden_channels=192,
    filter_channels=768,
    n_heads=2,
    n_layers=6,
    kernel_size=3,
    window=4,
    mrte_channels=512,
    mrte_heads=4,
    spec_bins=704,
    style_channels=128,
    style_kernel=5,
    style_layers=2,
    style_heads=2,
    gin_channels=512,
    speaker_channels=0,
    inter_channels=192,
    flow_count=4,
    flow_layers=4,
    flow_kernel=5,
    pre_kernel=7,
    post_kernel=7,
    resblock="1",
    resblock_kernel_sizes=(3, 7, 11),
    resblock_dilation_sizes=((1, 3, 5), (1, 3, 5), (1, 3, 5)),
    upsample_rates=(10, 8, 2, 2, 2),
    upsample_initial_channel=512,
    upsample_kernel_sizes=(16, 16, 8, 2, 2),
)
CODES_PER_PHONE = 4


@dataclass(frozen=True)
class Sentence:
    """As many phones as wanted, in no language."""

    ids: tuple[int, ...]
    spans: tuple[Any, ...] = ()
    pause: float | None = 0.0


def sentence(seconds: float, seed: int = 0) -> Sentence:
    """It will last so long: 25 codes a second, `CODES_PER_PHONE` a phone."""
    rng = np.random.default_rng(seed)
    return Sentence(tuple(rng.integers(1, 700, max(1, round(seconds * 25 / CODES_PER_PHONE))).tolist()))


def model() -> Any:
    """The `timed` layout, so that random weights cannot end a sentence early."""
    config = ModelConfig(name="full-size random", version="v2", symbols="v2", layout="timed")
    t2s, sovits = T2S(T2S_SIZES), SoVITS(SOVITS_SIZES)
    mx.eval(t2s.parameters(), sovits.parameters())

    def durations(phones: mx.array) -> mx.array:
        return mx.full(phones.shape, float(CODES_PER_PHONE))

    return SimpleNamespace(
        config=config, t2s=t2s, sovits=sovits, bert=None, tokenizer=None, duration=durations
    )


def voice(seconds: float = 4.0) -> VoiceState:
    said = sentence(seconds, 1)
    timing = (CODES_PER_PHONE,) * len(said.ids)
    codes = mx.array(np.random.default_rng(2).integers(0, 1024, sum(timing)), mx.int32)
    condition = mx.random.normal((1, 1, SOVITS_SIZES.gin_channels), key=mx.random.key(3))
    mx.eval(codes, condition)
    return VoiceState("random", condition, said.ids, codes, (), timing)
