"""One least-recently-used cache, bounded in bytes. Each tier lives with its owner."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True)
class Counts:
    hits: int
    misses: int
    evictions: int
    entries: int
    bytes: int


class LRU(Generic[K, V]):
    """Safe from any thread. `weigh` says what a value holds in bytes; None is never a value."""

    def __init__(self, limit: int, weigh: Callable[[V], int]) -> None:
        self.limit = limit
        self._weigh = weigh
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._bytes = self._hits = self._misses = self._evictions = 0

    def get(self, key: K) -> V | None:
        with self._lock:
            if key not in self._values:
                self._misses += 1
                return None
            self._hits += 1
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: K, value: V) -> None:
        """The newest value always stays, unless it alone is above the limit."""
        weight = self._weigh(value)
        with self._lock:
            self._remove(key)
            if weight > self.limit:
                return
            self._values[key] = (value, weight)
            self._bytes += weight
            while self._bytes > self.limit:
                self._remove(next(iter(self._values)))
                self._evictions += 1

    def discard(self, key: K) -> None:
        with self._lock:
            self._remove(key)

    def clear(self) -> None:
        with self._lock:
            self._values.clear()
            self._bytes = 0

    @property
    def counts(self) -> Counts:
        with self._lock:
            return Counts(self._hits, self._misses, self._evictions, len(self._values), self._bytes)

    def _remove(self, key: K) -> None:
        _, weight = self._values.pop(key, (None, 0))
        self._bytes -= weight
