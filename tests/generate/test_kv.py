"""The cache's contract, against plain concatenation."""

import numpy as np

from mlx_voice.device import mx
from mlx_voice.generate.kv import BUCKET, KVCache, bucket


def filled(rows: int, length: int, seed: int, starts: list[int] | None = None) -> KVCache:
    cache = KVCache(starts or [0] * rows)
    for layer in range(2):
        k, v = mx.random.normal((2, rows, 3, length, 4), key=mx.random.key(seed + layer))
        cache.update(layer, k, v)
    cache.advance(length)
    return cache


def content(cache: KVCache, row: int, layer: int = 1) -> np.ndarray:
    return np.array(cache.layers[layer][0][row, :, cache.starts[row] : cache.length])


def test_updates_write_the_next_column() -> None:
    cache = filled(2, 5, 0)
    want = [np.array(cache.layers[0][0])]
    for i in range(2 * BUCKET):
        k = mx.full((2, 3, 1, 4), i)
        cache.reserve()
        for layer in range(2):
            keys, values = cache.update(layer, k, -k)
        assert keys.shape[2] % BUCKET == 0 and values.shape == keys.shape
        assert cache.mask()[1, 0, 0].tolist() == [j <= cache.length for j in range(cache.columns)]
        cache.advance()
        want.append(np.array(k))
    assert np.array_equal(np.array(cache.layers[0][0][:, :, : cache.length]), np.concatenate(want, axis=2))


def test_trim_and_copy() -> None:
    cache = filled(1, 9, 1)
    before = content(cache, 0)
    cache.reserve()
    twin = cache.copy()
    assert twin.trim(4) == 4 and twin.length == 5 and twin.trim(100) == 5
    twin.update(0, mx.zeros((1, 3, 1, 4)), mx.zeros((1, 3, 1, 4)))
    assert np.array_equal(content(cache, 0), before) and cache.length == 9
    assert cache.nbytes == 4 * 3 * BUCKET * 4 * 4


def test_select_drops_the_columns_nobody_uses() -> None:
    cache = filled(3, 70, 2, [0, 60, 50])
    want = [content(cache, i) for i in range(3)]
    cache.select([2, 1, 2])
    assert cache.starts == [0, 10, 0] and cache.length == 20 and cache.columns == BUCKET
    for place, row in enumerate([2, 1, 2]):
        assert np.array_equal(content(cache, place), want[row])


def test_join_aligns_on_the_right() -> None:
    for a, b in ((7, 30), (30, 7)):
        first, second = filled(2, a, 3, [0, 2]), filled(1, b, 4)
        want = [content(first, 0), content(first, 1), content(second, 0)]
        first.join(second)
        assert first.length == 30 and first.columns == bucket(30)
        for i in range(3):
            assert np.array_equal(content(first, i), want[i])
