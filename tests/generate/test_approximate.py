"""What is only nearly the same, and an option: other caches, the sentence before as context."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from reference_model import model, sentence, voice
from reference_t2s import bert_of, ids, reference
from reference_weights import case

from mlx_voice.device import mx
from mlx_voice.errors import ModelError
from mlx_voice.generate import Event, Generator, Request
from mlx_voice.generate.borrowed import Borrowed
from mlx_voice.generate.kv import KVCache, QuantizedKV
from mlx_voice.generate.layout import tail
from mlx_voice.generate.loop import NewCache, Row, TokenLoop
from mlx_voice.generate.sampling import Sampling
from mlx_voice.settings import SpeakOptions, StreamOptions


def row(limit: int = 60, seed: int = 0) -> Row:
    want = case("06_t2s_greedy")
    bert = mx.concatenate([bert_of("prompt"), bert_of("text1")])
    sampling = Sampling(top_k=1)
    return Row(ids(want["text1_phones"]), bert, ids(want["prompt"]), sampling, seed, limit, minimum=limit)


def codes(cache: NewCache, rows: list[Row]) -> list[list[int]]:
    loop = TokenLoop(reference(), cache)
    said: dict[int, list[int]] = {number: [] for number in loop.add(rows)}
    while loop.rows:
        for token in loop.step():
            said[token.row].append(token.code)
    return list(said.values())


def test_quantized_keys_and_values_are_nearly_the_same() -> None:
    exact, small = KVCache([0, 3]), QuantizedKV([0, 3])
    k, v = mx.random.normal((2, 2, 4, 70, 16), key=mx.random.key(1))
    for cache in (exact, small):
        cache.update(0, k, v)
        cache.advance(70)
        cache.reserve()
        cache.select([1, 0, 1])
    ours, theirs = (
        cache.update(0, mx.ones((3, 4, 1, 16)), mx.ones((3, 4, 1, 16))) for cache in (exact, small)
    )
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape and 0 < float(mx.abs(a - b)[:, :, 3:71].max()) < 0.03
    assert small.nbytes < 0.3 * exact.nbytes


def test_a_loop_over_quantized_keys_and_values() -> None:
    exact, small = (codes(cache, [row(), row(seed=1)]) for cache in (KVCache, QuantizedKV))
    same = np.mean(np.array(exact) == np.array(small))
    assert small[0] == small[1] and same > 0.1  # one other code, and greedy sequences part


@pytest.mark.filterwarnings("ignore")
def test_mlx_lm_s_caches_stand_in() -> None:
    from mlx_lm.models.cache import KVCache as Plain
    from mlx_lm.models.cache import QuantizedKVCache, RotatingKVCache

    layers, exact = reference().config.layers, codes(KVCache, [row()])
    held: list[Borrowed] = []

    def borrowing(make: Callable[[], Any]) -> NewCache:
        def new(starts: Any) -> Borrowed:
            held.append(Borrowed(starts, [make() for _ in range(layers)]))
            return held[-1]

        return new

    assert codes(borrowing(Plain), [row()]) == exact
    assert codes(borrowing(lambda: RotatingKVCache(300, keep=20)), [row()]) == exact
    whole = held[-1].caches[0].offset
    windowed = codes(borrowing(lambda: RotatingKVCache(40, keep=20)), [row()])
    assert len(windowed[0]) == 60 and windowed != exact
    assert held[-1].caches[0].keys.shape[2] == 40 < whole
    quantized = codes(borrowing(lambda: QuantizedKVCache(32, 8)), [row()])
    assert len(quantized[0]) == 60 and held[-1].nbytes < held[0].nbytes
    with pytest.raises(ModelError, match="one sentence at a time"):
        codes(borrowing(Plain), [row(), row(limit=50)])


def test_a_tail_is_no_longer_than_its_window() -> None:
    found = tail([5, 6, 7, 8], None, list(range(10)), [0, 3, 5, 9], (3, 2, 4, 1), 6)
    assert found is not None
    assert (found.phones, found.codes, found.timing) == ((7, 8), (5, 6, 7, 8, 9), (4, 1))
    assert tail([5, 6], None, [1, 2, 3], [0, 1], None, 1) is None
    whole = tail([5, 6], mx.ones((2, 4)), [1, 2, 3], [0, 1], None, 99)
    assert whole is not None and whole.phones == (5, 6) and whole.bert is not None and whole.timing is None


def said(layout: str, context: int, **changes: Any) -> list[Event]:
    options = SpeakOptions(pause=0.0, context=context, streaming=StreamOptions(4, 1.5, 16, 2, 4))
    parts = tuple(sentence(name) for name in ("text0", "text1", "text0"))
    request = replace(Request(parts, voice(), options, 3, streamed=False), **changes)
    generator, events = Generator(model(layout)), []
    generator.add(request)
    while generator.busy:
        events += generator.step()
    return events


@pytest.mark.parametrize("layout", ["plain", "timed"])
@pytest.mark.parametrize("streamed", [False, True])
def test_the_sentence_before_is_heard(layout: str, streamed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlx_voice.generate.align.COVERAGE", 0.0)  # random weights say nothing
    monkeypatch.setattr("mlx_voice.generate.align.ORDER", 0.0)
    monkeypatch.setattr("mlx_voice.generate.align.STUCK", 99.0)
    added: list[Row] = []
    add = TokenLoop.add
    monkeypatch.setattr(TokenLoop, "add", lambda loop, rows: added.extend(rows) or add(loop, rows))
    apart, together = (said(layout, context, streamed=streamed) for context in (0, 20))
    first, second = (
        np.concatenate([e.samples for e in events if e.sentence <= 1]) for events in (apart, together)
    )
    alone, after = added[:3], added[3:]
    assert all(len(row.codes) == len(alone[0].codes) for row in alone)
    assert after[0].codes == alone[0].codes
    carried = [len(row.codes) - len(alone[0].codes) for row in after]
    assert sum(e.hits.get("context", 0) for e in together) == sum(n > 0 for n in carried)
    assert all(0 <= n <= 20 for n in carried) and (layout == "plain" or carried[1] > 0)
    assert sum(e.hits.get("context", 0) + e.misses.get("context", 0) for e in together) == 3
    assert np.array_equal(first[:100], second[:100])


def test_events_tell_what_the_tiers_hold() -> None:
    events = said("plain", 0)
    assert events[0].bytes["bert"] > 0 and set(events[0].evictions) == {"speech", "bert"}
    assert events[-1].bytes["kv"] == 0 < max(e.bytes["kv"] for e in said("plain", 0, streamed=True))
