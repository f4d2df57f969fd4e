"""What a store holds of a corpus, and whether it is as it was written."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from mlx_voice.corpus.clipfile import unpack
from mlx_voice.corpus.form import Form
from mlx_voice.corpus.index import Index, Row
from mlx_voice.corpus.items import Listing
from mlx_voice.corpus.scan import Scan, scan
from mlx_voice.corpus.store import Store
from mlx_voice.corpus.workers import Same, Task, prepare
from mlx_voice.errors import CorpusError


@dataclass(frozen=True)
class Status:
    clips: int
    stored: int  # as they should be
    stale: int  # made of another sound, text or configuration
    missing: int
    failed: dict[str, str]  # with the reason
    bytes: int
    seconds: float
    config: str

    @property
    def average(self) -> float:
        """Bytes of a clip."""
        return self.bytes / self.stored if self.stored else 0.0

    @property
    def complete(self) -> bool:
        return self.stored == self.clips


def status(listing: Listing, store: Store, alignments: Path | None = None) -> Status:
    form, alignments = _made_by(store, listing.split, alignments)
    config = form.hash if form else ""
    with closing(Index(store.local)) as index:
        seen = scan(listing.items, store, index, alignments)
        kinds: dict[str, list[Row]] = {"stored": [], "stale": [], "failed": []}
        for item in listing.items:
            if kind := _kind(item.id, seen, config):
                row = seen.rows[item.id]
                if form and not seen.unchanged(item.id):
                    looked = prepare(Task(item, form, alignments, row.content))
                    kind = kind if isinstance(looked, Same) else "stale"
                    if kind != "stale":
                        index.put([replace(row, stamp=seen.stamps[item.id])])
                kinds[kind].append(row)
    headers = [row.header for row in kinds["stored"] if row.header]
    failed = {row.id: row.reason for row in kinds["failed"]} | listing.rejected
    clips = len(listing.items) + len(listing.rejected)
    stored, stale = len(kinds["stored"]), len(kinds["stale"])
    size = sum(row.size for row in kinds["stored"])
    seconds = round(sum(h.seconds for h in headers), 3)
    return Status(clips, stored, stale, clips - stored - stale - len(failed), failed, size, seconds, config)


def _made_by(store: Store, split: str | None, alignments: Path | None) -> tuple[Form | None, Path | None]:
    """The form of the last run, and its alignments unless others are given."""
    known = store.metadata(split)
    return (known["form"], alignments or known["alignments"]) if known else (None, alignments)


def _kind(ident: str, seen: Scan, config: str) -> str:
    row = seen.rows.get(ident)
    if row is None or (row.name and seen.sizes.get(row.name) != row.size):
        return ""
    if row.config != config:
        return "stale"
    return "failed" if row.reason else "stored"


def verify(listing: Listing, store: Store, alignments: Path | None = None) -> Iterator[tuple[str, str]]:
    """Read every clip again: id and what is wrong, one for each clip, "" where nothing is.

    What is damaged is forgotten, so that the next run computes it.
    """
    form, alignments = _made_by(store, listing.split, alignments)
    config = form.hash if form else ""
    with closing(Index(store.local)) as index:
        seen = scan(listing.items, store, index, alignments)
        for item in listing.items:
            row = seen.rows.get(item.id)
            fault = _fault(store, row, config)
            if fault and row is not None and not row.reason:
                index.forget([item.id])
            yield item.id, fault
    yield from listing.rejected.items()


def _fault(store: Store, row: Row | None, config: str) -> str:
    if row is None:
        return "It is not stored: run corpus precompute."
    if row.reason:
        return row.reason
    try:
        header, _ = unpack(store.place.read(row.name), row.name)
    except FileNotFoundError:
        return f"{row.name} is gone: run corpus precompute."
    except CorpusError as error:
        return str(error)
    if header.id != row.id or header.content != row.content:
        return f"{row.name} is the file of another clip: run corpus precompute."
    if header.config != config:
        return "It was computed with another configuration: run corpus precompute."
    return ""
