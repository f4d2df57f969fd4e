"""A run on several machines (`mlx.launch`): each rank has its share and its journal, rank 0 merges them.

A journal lies in the store. While its rank works a number in it goes up; at the end it holds the rank's rows.
A rank whose journal no longer changes is given up, so that nobody waits for a machine that is gone.
"""

import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from mlx_voice.corpus.clipfile import Header
from mlx_voice.corpus.index import Index, Row
from mlx_voice.corpus.items import Item
from mlx_voice.corpus.store import JOURNAL, Folder, Store
from mlx_voice.engine import Engine
from mlx_voice.errors import CorpusError, StorageError

log = logging.getLogger("mlx_voice")

BEAT = 10.0  # seconds between signs of life
POLL = 0.5  # seconds between looks at the others' journals
PATIENCE = 120.0  # seconds without one before a rank is given up
LAUNCHED = ("MLX_RANK", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")  # what a launcher leaves in the environment


@dataclass(frozen=True)
class Share:
    rank: int = 0
    size: int = 1

    def of(self, items: Iterable[Item]) -> list[Item]:
        """By a hash of the id, so that a clip stays with its rank when others come or go."""
        return [
            i
            for i in items
            if int(hashlib.sha256(i.id.encode()).hexdigest()[:8], 16) % self.size == self.rank
        ]


def joined(engine: Engine, store: Store) -> Share:
    """This process' place among those that were launched together; all are here, and no old journal is."""
    if not any(name in os.environ for name in LAUNCHED):
        return Share()

    def join() -> Share:
        from mlx_voice.device import mx

        group = mx.distributed.init()
        share = Share(group.rank(), group.size())
        store.place.remove(_journal(share.rank))
        if share.rank == 0 and isinstance(store.place, Folder):
            store.place.sweep(JOURNAL)  # nobody writes there before all have met
        mx.eval(mx.distributed.all_sum(mx.array(1.0), stream=mx.cpu))
        return share

    try:
        return engine.call(join)
    except RuntimeError as error:
        raise CorpusError(f"The ranks did not find each other ({error}): launch them all again.") from error


@contextmanager
def alive(share: Share, store: Store) -> Iterator[None]:
    """Rank 0 can see meanwhile that this rank is at work."""
    if share.rank == 0:
        yield
        return
    done = threading.Event()

    def beat() -> None:
        n = 0
        while not done.is_set():
            try:
                _tell(share, store, {"beat": (n := n + 1)})
            except StorageError as error:
                log.warning("%s", error)
            done.wait(BEAT)

    thread = threading.Thread(target=beat, name="corpus-journal", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def merge(share: Share, store: Store, index: Index, rows: Iterable[Row]) -> None:
    """Hand this rank's rows to rank 0; rank 0 waits for those of all that live."""
    if share.rank:
        _tell(share, store, {"rows": [asdict(row) for row in rows]})
        return
    heard = dict.fromkeys(range(1, share.size), (b"", time.monotonic()))  # the last sign of life, its time
    while heard:
        for rank, (last, since) in list(heard.items()):
            told = _read(store, _journal(rank))
            found = _rows(told)
            if found is not None:
                index.put(found)
                store.place.remove(_journal(rank))
                del heard[rank]
            elif told != last:
                heard[rank] = told, time.monotonic()
            elif time.monotonic() - since > PATIENCE:
                raise CorpusError(
                    f"Rank {rank} has given no sign of life for {PATIENCE:.0f} s: see what became of it, "
                    "and run the same command again for what is missing."
                )
        time.sleep(POLL if heard else 0)


def _journal(rank: int) -> str:
    return f"{JOURNAL}/rank-{rank}.json"


def _tell(share: Share, store: Store, told: dict[str, Any]) -> None:
    store.place.write(_journal(share.rank), json.dumps(told, ensure_ascii=False).encode())


def _read(store: Store, name: str) -> bytes:
    try:
        return store.place.read(name)
    except FileNotFoundError:
        return b""


def _rows(told: bytes) -> list[Row] | None:
    """A rank's rows, once they are there; where a store shows half a file, the rest comes later."""
    try:
        tables = json.loads(told).get("rows")
    except ValueError:
        return None
    return None if tables is None else [_row(table) for table in tables]


def _row(table: dict[str, Any]) -> Row:
    header = table["header"]
    return Row(**table | {"header": Header(**header) if header else None})
