"""A run on several machines (`mlx.launch`): each rank has its share and its journal, rank 0 merges them."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from mlx_voice.corpus.clipfile import Header
from mlx_voice.corpus.index import Index, Row
from mlx_voice.corpus.items import Item
from mlx_voice.corpus.store import JOURNAL, Store
from mlx_voice.engine import Engine

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


def joined(engine: Engine) -> Share:
    """This process' place among those that were launched together."""
    if not any(name in os.environ for name in LAUNCHED):
        return Share()

    def join() -> Share:
        from mlx_voice.device import mx

        group = mx.distributed.init()
        return Share(group.rank(), group.size())

    return engine.call(join)


def merge(share: Share, engine: Engine, store: Store, index: Index, rows: Iterable[Row]) -> None:
    """Hand this rank's rows to rank 0; returns in rank 0 when all are there."""
    if share.size == 1:
        return
    if share.rank:
        told = json.dumps([asdict(row) for row in rows], ensure_ascii=False)
        store.place.write(_journal(share.rank), told.encode())
    _meet(engine)
    if share.rank == 0:
        for rank in range(1, share.size):
            index.put(map(_row, json.loads(store.place.read(_journal(rank)))))
            store.place.remove(_journal(rank))
    _meet(engine)


def _journal(rank: int) -> str:
    return f"{JOURNAL}/rank-{rank}.json"


def _row(table: dict[str, object]) -> Row:
    header = table["header"]
    return Row(**table | {"header": Header(**header) if isinstance(header, dict) else None})  # type: ignore[arg-type]


def _meet(engine: Engine) -> None:
    """Wait until every rank is here."""

    def wait() -> None:
        from mlx_voice.device import mx

        mx.eval(mx.distributed.all_sum(mx.array(1.0), stream=mx.cpu))

    engine.call(wait)
