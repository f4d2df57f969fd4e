"""Each network alone, full size, random weights: a table, and one JSON line.

    python benchmarks/networks.py                 all of them
    python benchmarks/networks.py --only hubert   one

The token step's share of the memory's bandwidth is taken in the same run. `torch_networks.py` does the same
work in PyTorch, in a process of its own. On a busy machine only the ratios mean something.
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from full_size import SOVITS_SIZES, T2S_SIZES

from mlx_voice.audio.spectrum import fbank, spectrogram
from mlx_voice.device import mx, nn, openblas
from mlx_voice.generate.loop import Row, TokenLoop, prefill
from mlx_voice.generate.sampling import Sampling
from mlx_voice.models.bert import Bert, BertConfig
from mlx_voice.models.hubert import HuBERT, HuBERTConfig
from mlx_voice.models.sovits import SoVITS
from mlx_voice.models.speaker import Speaker, SpeakerConfig
from mlx_voice.models.t2s import T2S

PHONES, PROMPT, TOKENS = 60, 100, 100
CODES = 125  # 5 s
REFERENCE = 5  # seconds
BERT_SIZES = BertConfig(layers=22, width=1024, heads=16, ffn=4096, vocabulary=21128, positions=512)
HUBERT_SIZES = HuBERTConfig(
    layers=12,
    width=768,
    heads=12,
    ffn=3072,
    conv_width=(512,) * 7,
    conv_kernel=(10, 3, 3, 3, 3, 2, 2),
    conv_stride=(5, 2, 2, 2, 2, 2, 2),
    position_kernel=128,
    position_groups=16,
)
SPEAKER_SIZES = SpeakerConfig(
    channels=64, base_width=24, scale=4, expansion=4, blocks=(3, 4, 6, 3), reduction=4
)
Figures = dict[str, float]


def ready(network: nn.Module, dtype: Any) -> Any:
    network.set_dtype(dtype)
    network.eval()
    mx.eval(network.parameters())
    return network


def seconds(run: Callable[[], Any], repeats: int = 5) -> float:
    """The best of a few, after one to warm up."""
    best = float("inf")
    for i in range(repeats + 1):
        start = time.perf_counter()
        mx.eval(run())
        if i:
            best = min(best, time.perf_counter() - start)
    return best


def bandwidth(dtype: Any) -> float:
    """Bytes a second that this machine reads: the best of a vector times a large matrix, and a plain sum."""
    matrix, row = mx.ones((16384, 8192), dtype), mx.ones((1, 8192), dtype)
    mx.eval(matrix, row)
    return float(matrix.nbytes / min(seconds(lambda: row @ matrix.T), seconds(matrix.sum)))


def t2s(dtype: Any) -> Figures:
    net = ready(T2S(T2S_SIZES), dtype)
    rng = np.random.default_rng(0)
    phones, codes = rng.integers(1, 700, PHONES).tolist(), rng.integers(0, 1024, PROMPT).tolist()
    row = Row(tuple(phones), None, tuple(codes), Sampling(), limit=TOKENS, minimum=TOKENS)
    step = min(token_steps(net, row) for _ in range(3))
    weights = sum(layer.nbytes for layer in parameters(net.layers)) + net.head.weight.nbytes
    rate = bandwidth(dtype)
    return {
        "t2s_prefill_ms": 1000 * seconds(lambda: prefill(net, [row])[0]),
        "t2s_tokens_per_s": 1 / step,
        "t2s_step_ms": 1000 * step,
        "memory_gb_per_s": rate / 1e9,
        "t2s_share_of_bandwidth": weights / step / rate,
    }


def parameters(layers: list[nn.Module]) -> list[mx.array]:
    from mlx.utils import tree_flatten

    return [array for layer in layers for _, array in tree_flatten(layer.parameters())]


def token_steps(net: T2S, row: Row) -> float:
    """Seconds a token, the prefill left out."""
    loop, times = TokenLoop(net), []
    loop.add([row])
    while loop.rows:
        times += [time.perf_counter()] * len(loop.step())
    return (times[-1] - times[0]) / (len(times) - 1)


def sovits(dtype: Any) -> Figures:
    net = ready(SoVITS(SOVITS_SIZES), dtype)
    rng = np.random.default_rng(0)
    codes = mx.array(rng.integers(0, 1024, (1, CODES)))
    phones = mx.array(rng.integers(1, 700, (1, PHONES)))
    spec = mx.ones((1, 250, SOVITS_SIZES.spec_bins), dtype)
    noise = mx.random.normal((1, CODES * SOVITS_SIZES.frames_per_code, SOVITS_SIZES.inter_channels)).astype(
        dtype
    )
    ge = net.condition(spec)
    took = seconds(lambda: net.decode(codes, phones, ge, noise), 3)
    latents = net.encode(codes, phones, ge).sample(noise, 0.5)
    mx.eval(latents)
    return {
        "sovits_decode_rtf": took / (CODES / 25),
        "sovits_flow_rtf": seconds(lambda: net.flow(latents, ge), 3) / (CODES / 25),
        "sovits_generator_rtf": seconds(lambda: net.generator(latents, ge), 3) / (CODES / 25),
        "sovits_condition_ms": 1000 * seconds(lambda: net.condition(spec)),
    }


def wave(rate: int, length: float = REFERENCE) -> mx.array:
    return mx.array(0.1 * np.random.default_rng(0).standard_normal(int(length * rate)).astype(np.float32))


def hubert(dtype: Any) -> Figures:
    net, heard = ready(HuBERT(HUBERT_SIZES), dtype), wave(16000)[None].astype(dtype)
    return {
        "hubert_5s_ms": 1000 * seconds(lambda: net(heard), 3),
        "hubert_convolutions_ms": 1000 * seconds(lambda: net.extract(heard), 3),
    }


def bert(dtype: Any) -> Figures:
    net = ready(Bert(BERT_SIZES), dtype)
    ids = mx.array(np.random.default_rng(0).integers(0, 21128, (1, 30)))
    return {"bert_30_ms": 1000 * seconds(lambda: net(ids))}


def speaker(dtype: Any) -> Figures:
    net, energies = ready(Speaker(SPEAKER_SIZES), dtype), fbank(wave(16000))[None].astype(dtype)
    return {"speaker_5s_ms": 1000 * seconds(lambda: net(energies), 2)}


def spectra(_: Any) -> Figures:
    sound = wave(32000, 10)
    return {"spectrogram_10s_ms": 1000 * seconds(lambda: spectrogram(sound, 2048, 640, 704))}


SECTIONS = {f.__name__: f for f in (t2s, sovits, hubert, bert, speaker, spectra)}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--only", choices=SECTIONS)
    options.add_argument("--dtype", choices=("float32", "float16"), help="default: what is fast here")
    chosen = options.parse_args()
    on_cpu = mx.default_device() == mx.cpu
    dtype = chosen.dtype or ("float32" if on_cpu else "float16")
    figures: Figures = {}
    for name in [chosen.only] if chosen.only else SECTIONS:
        found = SECTIONS[name](getattr(mx, dtype))
        for key, value in found.items():
            print(f"{key:28} {value:10.3f}", flush=True)
        figures |= found
    where = {
        "machine": platform.machine(),
        "device": str(mx.default_device()),
        "openblas": openblas,
        "dtype": dtype,
    }
    print(json.dumps({**where, **{key: round(value, 4) for key, value in figures.items()}}))


if __name__ == "__main__":
    main()
