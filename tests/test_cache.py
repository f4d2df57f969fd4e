"""The one LRU: bounded, touched on a hit, counted, safe from threads."""

import random
import threading
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from mlx_voice.cache import LRU


def test_a_hit_saves_an_entry_from_leaving() -> None:
    cache: LRU[str, bytes] = LRU(30, len)
    for key in "abc":
        cache.put(key, bytes(10))
    assert cache.get("a") is not None
    cache.put("d", bytes(10))
    assert cache.get("b") is None
    assert [cache.get(key) is not None for key in "acd"] == [True] * 3
    counts = cache.counts
    assert (counts.hits, counts.misses, counts.evictions) == (4, 1, 1)
    assert (counts.entries, counts.bytes) == (3, 30)


def test_a_value_above_the_limit_takes_nobodys_place() -> None:
    cache: LRU[str, bytes] = LRU(10, len)
    cache.put("small", bytes(4))
    cache.put("large", bytes(11))
    assert cache.get("small") == bytes(4)
    assert cache.get("large") is None


def test_a_value_that_is_replaced_by_one_too_large_is_gone() -> None:
    cache: LRU[str, bytes] = LRU(10, len)
    cache.put("a", bytes(4))
    cache.put("a", bytes(11))
    assert cache.get("a") is None
    assert cache.counts.bytes == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), max_size=60))
def test_it_never_holds_more_than_its_limit(steps: list[tuple[int, int]]) -> None:
    cache: LRU[int, bytes] = LRU(100, len)
    for key, size in steps:
        cache.put(key, bytes(size))
        assert cache.counts.bytes <= 100
        value = cache.get(key)
        assert value is not None
        assert len(value) == size
    cache.clear()
    assert cache.counts.bytes == cache.counts.entries == 0


def test_threads_leave_the_sum_right(count: Callable[[int, int], int]) -> None:
    cache: LRU[int, bytes] = LRU(500, len)

    def work(seed: int) -> None:
        draw = random.Random(seed)
        for _ in range(count(500, 20000)):
            key = draw.randrange(30)
            draw.choice([lambda k: cache.put(k, bytes(k)), cache.get, cache.discard])(key)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = [value for key in range(30) if (value := cache.get(key)) is not None]
    assert cache.counts.bytes == sum(map(len, held)) <= 500
