"""How far half precision and 8-bit weights, keys and values are from float32: a table, and one JSON line.

    python benchmarks/precision.py [MODEL]

Greedy codes of random sentences. "Other choices": of steps with the same codes behind them, those that would
take another code. "Parted": of free sequences, those that differ anywhere. Milliseconds: a step of one row.
"The decoder": how far the error of its sound in float16 is below the sound, from the same codes and noise.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from mlx.utils import tree_map
from subjects import Subject, installed

from mlx_voice.device import mx, nn
from mlx_voice.generate.kv import KVCache, QuantizedKV
from mlx_voice.generate.layout import laid_out
from mlx_voice.generate.loop import NewCache, Row, TokenLoop, assembled
from mlx_voice.generate.sampling import Sampling
from mlx_voice.models.t2s import T2S, prefill_mask

GREEDY = Sampling(top_k=1, repetition_penalty=1.0)


def variant(net: Any, change: Any) -> Any:
    made = type(net)(net.config)
    made.update(tree_map(change, net.parameters()))
    mx.eval(made.parameters())
    return made


def in_8_bits(a: mx.array) -> mx.array:
    """A matrix with what packing it would lose; packed products are slow on a CPU."""
    if a.ndim != 2 or a.shape[1] % 64:
        return a
    numbers, scales, biases = mx.quantize(a, 64, 8)
    return mx.dequantize(numbers, scales, biases, 64, 8)


def packed(net: T2S) -> T2S:
    made = variant(net, lambda a: a)
    nn.quantize(made, 64, 8, class_predicate=lambda _, part: isinstance(part, nn.Linear))
    mx.eval(made.parameters())
    return made


def sentences(what: Subject, count: int) -> list[Any]:
    return [what.sentence(float(np.random.default_rng(i).uniform(1, 4)), i) for i in range(count)]


def rows(what: Subject, parts: list[Any]) -> list[Row]:
    return [laid_out(what.model, what.voice, None, part, None, GREEDY, i)[0] for i, part in enumerate(parts)]


def spoken(net: T2S, row: Row, cache: NewCache) -> tuple[list[int], float]:
    """The codes of a row, and the seconds of a step."""
    loop, codes, times = TokenLoop(net, cache), [], []
    loop.add([row])
    while loop.rows:
        codes += [token.code for token in loop.step()]
        times.append(time.perf_counter())
    return codes, (times[-1] - times[0]) / (len(times) - 1)


def choices(net: T2S, row: Row, codes: list[int], cache: NewCache) -> Any:
    """What each step would take behind these codes: one forward; with another cache, step after step."""
    first = len(row.codes)
    if cache is KVCache:
        whole = Row(row.phones, row.bert, row.codes + tuple(codes))
        x, starts, ends = assembled(net, [whole])
        h = net(x, cache(starts), prefill_mask(mx.array(starts), mx.array(ends), x.shape[1]))
        return np.array(mx.argmax(net.logits(h[0, ends[0] + first - 1 : -1]), axis=-1))
    x, starts, ends = assembled(net, [row])
    held = cache(starts)
    h = net(x, held, prefill_mask(mx.array(starts), mx.array(ends), x.shape[1]))
    held.advance(x.shape[1])
    found = [int(mx.argmax(net.logits(h[:, -1])))]
    for i, code in enumerate(codes[:-1]):
        held.reserve()
        h = net(net.embed_codes(mx.array([[code]]), first + i), held, held.mask())
        held.advance()
        found.append(int(mx.argmax(net.logits(h[:, -1]))))
    return np.array(found)


def decoded(what: Subject, net: Any, phones: tuple[int, ...], codes: list[int]) -> Any:
    dtype = net.codebook.weight.dtype
    frames = len(codes) * net.config.frames_per_code
    noise = mx.random.normal((1, frames, net.config.inter_channels), key=mx.random.key(0)).astype(dtype)
    ids, condition = mx.array([phones]), what.voice.condition.astype(dtype)
    sound = net.decode(mx.array([codes]), ids, condition, noise, what.model.config.noise_scale)
    assert sound.dtype == dtype
    return np.array(sound.astype(mx.float32))


def below(what: Subject, parts: list[Any], codes: list[list[int]]) -> float:
    """dB, the median of sentences."""
    net = what.model.sovits
    half, found = variant(net, lambda a: a.astype(mx.float16)), []
    for part, row in zip(parts, codes, strict=True):
        exact, near = (decoded(what, made, part.ids, row) for made in (net, half))
        found.append(10 * np.log10(np.mean(exact**2) / np.mean((near - exact) ** 2)))
    return float(np.median(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", nargs="?", default="mini")
    parser.add_argument("--count", type=int, default=12, help="of sentences")
    arguments = parser.parse_args()
    what = installed(arguments.model)
    parts = sentences(what, arguments.count)
    net, said = what.model.t2s, rows(what, parts)
    exact = [spoken(net, row, KVCache) for row in said]
    ways: dict[str, tuple[T2S, NewCache]] = {
        "float32": (net, KVCache),
        "float16": (variant(net, lambda a: a.astype(mx.float16)), KVCache),
        "bfloat16": (variant(net, lambda a: a.astype(mx.bfloat16)), KVCache),
        "8-bit weights": (variant(net, in_8_bits), KVCache),
        "8-bit KV": (net, QuantizedKV),
    }
    table = {}
    print(f"{'':16s} other choices   parted   first parted at   ms a step")
    for name, (made, cache) in ways.items():
        other = [
            choices(made, row, codes, cache) != codes for row, (codes, _) in zip(said, exact, strict=True)
        ]
        free = [spoken(made, row, cache) for row in said]
        apart = [
            np.flatnonzero(np.array(a) != np.array(b)) for (a, _), (b, _) in zip(free, exact, strict=True)
        ]
        parted = [int(where[0]) for where in apart if len(where)]
        table[name] = {
            "other_choices": float(np.concatenate(other).mean()),
            "parted": len(parted) / len(said),
            "first_parted": float(np.median(parted)) if parted else None,
            "step_ms": 1000 * float(np.median([seconds for _, seconds in free])),
        }
        row = table[name]
        print(
            f"{name:16s} {row['other_choices']:13.4f} {row['parted']:8.2f} {row['first_parted']!s:>17} "
            f"{row['step_ms']:11.2f}",
            flush=True,
        )
    slow = 1000 * spoken(packed(net), replace(said[0], limit=20, minimum=20), KVCache)[1]
    print(f"8-bit weights, packed: {slow:.2f} ms a step")
    decibels = below(what, parts, [codes for codes, _ in exact])
    print(f"the decoder in float16: {decibels:.1f} dB below")
    also = {"packed_step_ms": slow, "decoder_db": decibels}
    print(json.dumps({"benchmark": "precision", "model": what.name, **also, **table}))


if __name__ == "__main__":
    main()
