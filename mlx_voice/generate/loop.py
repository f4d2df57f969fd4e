"""The token loop: rows are prefilled, join a batch, and leave it when their codes are complete.

The host never stands between two steps: a code is drawn on the device, and the next step is issued before
the last one is read. So an end is noticed one step late, and that one step is thrown away.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from mlx_voice.device import mx
from mlx_voice.generate.kv import KVCache, RunningCache, bucket
from mlx_voice.generate.sampling import NEVER, Sampling, Settings, draw, exponential, penalised
from mlx_voice.models.t2s import T2S, prefill_mask

Reason = Literal["end", "limit"]
PREFILL_BUCKET = 32  # columns
FORESEEN = 32  # steps whose noise is made at once
NewCache = Callable[[Sequence[int]], RunningCache]  # from the columns where its rows begin


@dataclass(frozen=True, eq=False)
class Row:
    """One sequence to be continued: what it reads, how it draws, when it stops."""

    phones: tuple[int, ...]
    bert: mx.array | None = None  # [phones, features]; None is zeros
    codes: tuple[int, ...] = ()  # the prompt's
    sampling: Sampling = field(default_factory=Sampling)
    seed: int = 0
    limit: int = 1500  # codes
    minimum: int = 11  # codes before the end may be drawn
    noise: mx.array | None = None  # [steps, vocabulary] Exp(1), in place of the seed's
    reading: Hashable = None  # equal in rows that read the same; None: in those with the same features

    def same_prefill(self, other: "Row") -> bool:
        if self.phones != other.phones or self.codes != other.codes:
            return False
        return self.bert is other.bert if self.reading is None else self.reading == other.reading


@dataclass(frozen=True)
class Token:
    """What one step gave one row. The code drawn with reason "end" is not part of the speech."""

    row: int
    code: int
    reason: Reason | None = None


@dataclass
class _Running:
    id: int
    row: Row
    issued: int = 0  # steps that the device was given
    read: int = 0  # steps whose code the host has seen


class TokenLoop:
    """`add` rows at any time and `step` until `rows` is empty. One thread only."""

    def __init__(self, model: T2S, cache: NewCache = KVCache) -> None:
        self.model, self.cache = model, cache
        self._added = 0
        self._batch: _Batch | None = None
        self._unread: list[tuple[mx.array, list[_Running]]] = []

    @property
    def rows(self) -> list[int]:
        return [r.id for r in self._batch.running] if self._batch else []

    @property
    def nbytes(self) -> int:
        return self._batch.cache.nbytes if self._batch else 0

    def add(self, rows: Sequence[Row]) -> list[int]:
        """Prefill these rows as one batch and let them join; rows that read the same share the prefill."""
        distinct: list[Row] = []
        places = []
        for row in rows:
            place = next((i for i, d in enumerate(distinct) if d.same_prefill(row)), len(distinct))
            distinct += [row] if place == len(distinct) else []
            places.append(place)
        logits, cache = prefill(self.model, distinct, self.cache)
        if len(distinct) < len(rows):
            logits = logits[mx.array(places)]
            cache.select(places)
        running = [_Running(self._added + i, row) for i, row in enumerate(rows)]
        self._added += len(rows)
        entering = _Batch(running, cache, seen_codes(rows, self.model.config.codes))
        self._draw(entering, logits)
        if self._batch:
            self._batch.join(entering)
        else:
            self._batch = entering
        return [r.id for r in running]

    def step(self) -> list[Token]:
        """Issue the next step, then read the one before it."""
        unread, self._unread = self._unread, []
        if self._batch and any(r.issued < r.row.limit for r in self._batch.running):
            self._advance(self._batch)
        tokens = [token for report, running in unread for token in _read(report, running)]
        alive = set(self.rows)
        tokens = [token for token in tokens if token.row in alive]
        self.cancel(token.row for token in tokens if token.reason)
        return tokens

    def cancel(self, ids: Iterable[int]) -> None:
        """These rows leave now; what is still under way for them is thrown away."""
        gone = set(ids)
        if not self._batch or not gone:
            return
        stay = [i for i, r in enumerate(self._batch.running) if r.id not in gone]
        if not stay:
            self._batch, self._unread = None, []
        elif len(stay) < len(self._batch.running):
            self._batch.select(stay)

    def _advance(self, batch: "_Batch") -> None:
        batch.cache.reserve()
        positions = mx.array([len(r.row.codes) + r.issued - 1 for r in batch.running])
        self.model.reserve(max(len(r.row.codes) + r.issued for r in batch.running))
        x = self.model.embed_codes(batch.token[:, None], positions)
        h = self.model(x, batch.cache, batch.cache.mask())
        batch.cache.advance()
        self._draw(batch, self.model.logits(h[:, -1]))

    def _draw(self, batch: "_Batch", logits: mx.array) -> None:
        report = batch.draw(logits, self.model.config.end)
        mx.async_eval(report, batch.seen, *batch.cache.arrays)
        self._unread.append((report, list(batch.running)))


class _Batch:
    """The rows under way, and what the device holds of them."""

    def __init__(self, running: list[_Running], cache: RunningCache, seen: mx.array) -> None:
        self.running, self.cache = running, cache
        self.seen = seen  # [B, V], True for codes of the prompt or drawn before
        self.token = mx.zeros((len(running),), mx.int32)  # [B], the codes just drawn
        self._decide()

    def draw(self, logits: mx.array, end: int) -> mx.array:
        """[B, V] logits -> [2, B]: the codes drawn, and whether the row is at its end."""
        logits = logits.astype(mx.float32)
        if self.settings.penalised:
            logits = penalised(logits, self.seen, self.settings.penalty)
        codes = mx.arange(logits.shape[1])
        early = [r.issued < r.row.minimum for r in self.running]
        if any(early):
            logits = mx.where(mx.array(early)[:, None] & (codes == end), NEVER, logits)
        self.token = draw(logits, self.settings, self._noise(logits.shape[1]))
        if self.settings.penalised:
            self.seen = self.seen | (codes == self.token[:, None])
        for r in self.running:
            r.issued += 1
        ended = (self.token == end) | (mx.argmax(logits, axis=-1) == end)
        return mx.stack([self.token, ended.astype(mx.int32)])

    def select(self, rows: list[int]) -> None:
        index = mx.array(rows)
        self.running = [self.running[i] for i in rows]
        self.token, self.seen = self.token[index], self.seen[index]
        self.cache.select(rows)
        self._decide()

    def join(self, other: "_Batch") -> None:
        self.running += other.running
        self.token = mx.concatenate([self.token, other.token])
        self.seen = mx.concatenate([self.seen, other.seen])
        self.cache.join(other.cache)
        self._decide()

    def _decide(self) -> None:
        rows = [r.row for r in self.running]
        self.settings = Settings.of([row.sampling for row in rows], self.seen.shape[1])
        self.foreseen: list[mx.array] = []  # the noise of the next steps

    def _noise(self, vocabulary: int) -> mx.array | None:
        """[B, V] for this step, made for many steps at a time: small work is cheaper by the dozen."""
        if self.settings.greedy:
            return None
        if not self.foreseen:
            self.foreseen = self._foresee(vocabulary)
        return self.foreseen.pop()

    def _foresee(self, vocabulary: int) -> list[mx.array]:
        """[B, V] for each of the next steps, the last one first."""
        steps = np.array([r.issued for r in self.running])[:, None] + np.arange(FORESEEN)
        seeds = np.repeat([r.row.seed & 0xFFFFFFFF for r in self.running], FORESEEN)
        noise = exponential(mx.array(seeds, mx.uint32), mx.array(steps.reshape(-1)), vocabulary)
        parts = list(noise.reshape(len(self.running), FORESEEN, vocabulary))
        for i, r in enumerate(self.running):
            if r.row.noise is not None:  # one step more is issued than used
                parts[i] = r.row.noise[mx.array(np.minimum(steps[i], len(r.row.noise) - 1))]
        block = mx.stack(parts, axis=1)
        mx.async_eval(block)
        return [block[i] for i in reversed(range(FORESEEN))]


def _read(report: mx.array, running: list[_Running]) -> list[Token]:
    """Wait for a step's codes. A row that was full before this step is passed over."""
    tokens = []
    codes, ends = np.array(report)
    for r, code, ended in zip(running, codes.tolist(), ends.tolist(), strict=True):
        r.read += 1
        if r.read <= r.row.limit:
            reason: Reason | None = "end" if ended else "limit" if r.read == r.row.limit else None
            tokens.append(Token(r.id, code, reason))
    return tokens


def prefill(model: T2S, rows: Sequence[Row], new: NewCache = KVCache) -> tuple[mx.array, RunningCache]:
    """[B, V] logits after each row's phones and prompt, and the keys and values of all of it."""
    x, starts, text_ends = assembled(model, rows)
    length = x.shape[1]
    cache = new(starts)
    h = model(x, cache, prefill_mask(mx.array(starts), mx.array(text_ends), length))
    cache.advance(length)
    return model.logits(h[:, -1]), cache


def assembled(model: T2S, rows: Sequence[Row]) -> tuple[mx.array, list[int], list[int]]:
    """Rows [padding; phones; codes] aligned on the right: [B, N, width], where phones start and end."""
    length = bucket(max(len(row.phones) + len(row.codes) for row in rows), PREFILL_BUCKET)
    inputs = []
    for row in rows:
        bert = None if row.bert is None else row.bert[None]
        x = model.embed_text(mx.array([row.phones]), bert)
        if row.codes:
            x = mx.concatenate([x, model.embed_codes(mx.array([row.codes]))], axis=1)
        inputs.append(mx.pad(x, [(0, 0), (length - x.shape[1], 0), (0, 0)]))
    text_ends = [length - len(row.codes) for row in rows]
    starts = [end - len(row.phones) for end, row in zip(text_ends, rows, strict=True)]
    return mx.concatenate(inputs), starts, text_ends


def seen_codes(rows: Sequence[Row], vocabulary: int) -> mx.array:
    """[B, vocabulary], True for the codes of the row's prompt."""
    seen = np.zeros((len(rows), vocabulary), bool)
    for mark, row in zip(seen, rows, strict=True):
        mark[list(row.codes)] = True
    return mx.array(seen)
