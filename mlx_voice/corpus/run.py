"""Precompute: what is missing in a store is made ready in processes, computed in batches, written behind."""

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlx_voice.corpus.clipfile import Header, pack
from mlx_voice.corpus.form import VERSION, Form
from mlx_voice.corpus.index import Index, Row
from mlx_voice.corpus.items import Listing
from mlx_voice.corpus.scan import Scan, scan, tasks
from mlx_voice.corpus.shards import Share, alive, joined, merge
from mlx_voice.corpus.store import SHARED, Folder, Store
from mlx_voice.corpus.workers import Failed, Outcome, Ready, Same, Task, Workers
from mlx_voice.engine import Engine

if TYPE_CHECKING:
    from mlx_voice.corpus.networks import Networks
    from mlx_voice.nn.weights import Array

log = logging.getLogger("mlx_voice")
CLAIM = 32  # clips at a time
WRITERS = 4  # threads: a disk, and a remote store more so, has much to do at a time and little to think
UNWRITTEN = 32  # clips that wait for them before the networks do
POLL = 0.1  # seconds between looks at what other processes have claimed


@dataclass(frozen=True)
class RunOptions:
    """How a run is done; nothing here changes what is stored."""

    workers: int = 2
    batch: int | None = None  # clips at a time through the networks; None: 1 on a CPU, 16 on a GPU
    force: bool = False
    alignments: Path | None = None


@dataclass
class Progress:
    """What a run has done so far."""

    total: int = 0
    stored: int = 0
    same: int = 0  # looked at, and found to be stored already
    failed: int = 0
    started: float = field(default_factory=time.perf_counter)

    @property
    def done(self) -> int:
        return self.stored + self.same + self.failed

    @property
    def rate(self) -> float:
        """Clips a second."""
        return self.done / max(time.perf_counter() - self.started, 1e-9)


class Run:
    """One pass over a listing."""

    def __init__(
        self,
        listing: Listing,
        store: Store,
        engine: Engine,
        form: Form,
        options: RunOptions | None = None,
        tell: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self.listing, self.store, self.engine, self.form = listing, store, engine, form
        self.options = options or RunOptions()
        self.progress, self.tell = Progress(), tell
        self._seen = Scan({}, {}, {})
        self._unwritten: deque[Future[None]] = deque()
        self._counting = threading.Lock()

    def all(self) -> dict[str, Any]:
        """Compute what is missing; returns the split's metadata as it is stored afterwards."""
        share = joined(self.engine, self.store)
        self.index = Index(self.store.local, share.rank)
        try:
            if share.rank == 0:
                self._announce()
            items = share.of(self.listing.items)
            with alive(share, self.store):
                self._seen = scan(items, self.store, self.index, self.options.alignments)
                needed = tasks(items, self._seen, self.form, self.options.alignments, self.options.force)
                self._compute(needed)
            merge(share, self.store, self.index, self._rows([i.id for i in items]))
            return self._described(share)
        finally:
            self.index.close()

    def _announce(self) -> None:
        """Say what has changed, and tidy up after those that were killed."""
        old = self.store.metadata(self.listing.split)
        if old is not None and (changes := self.form.changes(old["form"])):
            log.warning("The configuration has changed (%s): the clips are computed anew.", changes)
        if isinstance(self.store.place, Folder) and self.index.alone:
            self.store.place.sweep(*SHARED)
        if old is None or changes:
            self.store.describe(
                self.listing.split, describe(self.listing, self.form, {}, self.options.alignments)
            )

    def _compute(self, needed: list[Task]) -> None:
        self.progress.total = len(needed)
        self.progress.started = time.perf_counter()
        if not needed:
            return
        networks = self.engine.call(self._networks)
        workers = min(self.options.workers, len(needed) // 8)  # a process takes a while to begin
        with (
            Workers(workers) as processes,
            ThreadPoolExecutor(WRITERS, "corpus-writer") as writers,
            self._beside(workers),
        ):
            while needed:
                others: list[Task] = []
                for batch in self._batches(processes.prepared(self._claimed(needed, others)), networks.batch):
                    found = self.engine.call(networks.features, batch)
                    for clip, features in zip(batch, found, strict=True):
                        if isinstance(features, dict):
                            self._settle(UNWRITTEN)
                            self._unwritten.append(writers.submit(self._write, clip, features))
                        else:
                            self._note(Failed(clip.item, clip.content, str(features)))
                self._settle(0)
                needed = others
                time.sleep(POLL if others else 0)

    def _networks(self) -> "Networks":
        from mlx_voice.corpus.networks import Networks, default_batch

        return Networks(self.engine.model, self.form, self.options.batch or default_batch())

    def _beside(self, workers: int) -> AbstractContextManager[None]:
        """The cores are the workers': threads of a product that wait for each other wait for them as well."""
        from mlx_voice.device import blas_threads

        return blas_threads(1) if workers else nullcontext()

    def _claimed(self, needed: Sequence[Task], others: list[Task]) -> Iterator[Task]:
        """Those that nobody else works on; what somebody else has finished meanwhile is not done again."""
        for start in range(0, len(needed), CLAIM):
            chunk = needed[start : start + CLAIM]
            ours = self.index.claim([task.item.id for task in chunk])
            for task in chunk:
                if self._finished(task):
                    self.index.release([task.item.id])
                    self._count(same=1)
                elif task.item.id in ours:
                    yield task
                else:
                    others.append(task)

    def _finished(self, task: Task) -> bool:
        row, before = self.index.row(task.item.id), self._seen.rows.get(task.item.id)
        return row is not None and row != before and row.config == self.form.hash

    def _batches(self, outcomes: Iterable[Outcome], size: int) -> Iterator[list[Ready]]:
        """Clips of one length bucket, as soon as there are enough of them."""
        waiting: defaultdict[int, list[Ready]] = defaultdict(list)
        for outcome in outcomes:
            if not isinstance(outcome, Ready):
                self._note(outcome)
                continue
            from mlx_voice.corpus.networks import bucket

            clips = waiting[bucket(outcome, self.form)]
            clips.append(outcome)
            if len(clips) == size:
                yield clips
                clips.clear()
        yield from filter(None, waiting.values())

    def _note(self, outcome: Failed | Same) -> None:
        ident, mark = outcome.item.id, self._seen.stamps[outcome.item.id]
        if isinstance(outcome, Same):
            self.index.put([replace(self._seen.rows[ident], stamp=mark)])
            self._count(same=1)
            return
        log.info("%s: %s", ident, outcome.reason)
        old = self._seen.rows.get(ident)
        self.index.put([Row(ident, mark, outcome.content, self.form.hash, reason=outcome.reason)])
        if old is not None and old.name:
            self.store.place.remove(old.name)
        self._count(failed=1)

    def _settle(self, most: int) -> None:
        """Wait until at most so many clips are unwritten; what went wrong with one is raised here."""
        while len(self._unwritten) > most:
            self._unwritten.popleft().result()

    def _write(self, clip: Ready, features: "dict[str, Array]") -> None:
        header, ident = header_of(clip, features, self.form), clip.item.id
        row = kept(self.store, self.form, self._seen.stamps[ident], header, features)
        self.index.put([row])
        old = self._seen.rows.get(ident)
        if old is not None and old.name not in ("", row.name):
            self.store.place.remove(old.name)
        self._count(stored=1)

    def _count(self, **more: int) -> None:
        with self._counting:
            for name, n in more.items():
                setattr(self.progress, name, getattr(self.progress, name) + n)
            self.tell(self.progress)

    def _rows(self, idents: Iterable[str]) -> list[Row]:
        known = self.index.rows()
        return [known[ident] for ident in idents if ident in known]

    def _described(self, share: Share) -> dict[str, Any]:
        rows = {row.id: row for row in self._rows(item.id for item in self.listing.items)}
        table = describe(self.listing, self.form, rows, self.options.alignments)
        if share.rank == 0:
            self.store.describe(self.listing.split, table)
        return table


def header_of(clip: Ready, features: "dict[str, Array]", form: Form) -> Header:
    item = clip.item
    spoken = clip.arrays.get("f0")
    voiced = spoken[spoken > 0] if spoken is not None else ()
    return Header(
        id=item.id,
        content=clip.content,
        config=form.hash,
        version=VERSION,
        text=item.text,
        language=item.language,
        speaker=item.speaker,
        seconds=clip.seconds,
        loudness=clip.loudness,
        f0=round(float(sorted(voiced)[len(voiced) // 2]), 2) if len(voiced) else 0.0,
        characters=round(sum(not c.isspace() for c in item.text) / clip.seconds, 3),
        lengths={
            "frames": len(clip.arrays["energy"]),
            "codes": len(features.get("codes", ())),
            "phones": len(clip.arrays["phones"]),
        },
    )


def kept(store: Store, form: Form, mark: str, header: Header, features: "dict[str, Array]") -> Row:
    """Write one clip's file; what the index should know of it."""
    name = store.name(header.id, form.compressed)
    data = pack(header, features, form.compressed)
    store.place.write(name, data)
    return Row(header.id, mark, header.content, form.hash, name, len(data), header=header)


def describe(listing: Listing, form: Form, rows: dict[str, Row], alignments: Path | None) -> dict[str, Any]:
    """A split's `metadata.json`: what it is made of, and whether it is whole."""
    stored = [row for row in rows.values() if row.config == form.hash and row.header is not None]
    failed = {row.id: row.reason for row in rows.values() if row.config == form.hash and row.reason}
    failed |= listing.rejected
    return {
        "format": VERSION,
        "split": listing.split,
        "config": form.hash,
        "alignments": str(alignments.resolve()) if alignments else None,
        "form": vars(form) | {"features": list(form.features)},
        "clips": len(listing.items) + len(listing.rejected),
        "stored": len(stored),
        "seconds": round(sum(row.header.seconds for row in stored if row.header), 3),
        "bytes": sum(row.size for row in stored),
        "failed": dict(sorted(failed.items())),
        "complete": len(stored) == len(listing.items) and not listing.rejected,
    }


def compute_one(engine: Engine, form: Form, task: Task) -> "tuple[Header, dict[str, Array]] | Failed":
    """One clip in this process, stored nowhere."""
    from mlx_voice.corpus.networks import Networks
    from mlx_voice.corpus.workers import prepare

    outcome = prepare(replace(task, known="-"))
    if not isinstance(outcome, Ready):
        assert isinstance(outcome, Failed)
        return outcome
    (found,) = engine.call(lambda: Networks(engine.model, form).features([outcome]))
    if not isinstance(found, dict):
        return Failed(outcome.item, outcome.content, str(found))
    return header_of(outcome, found, form), found
