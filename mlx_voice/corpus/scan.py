"""Which clips of a corpus are stored as they should be, and which have to be computed."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mlx_voice.corpus.clipfile import unpack
from mlx_voice.corpus.form import Form
from mlx_voice.corpus.index import Index, Row
from mlx_voice.corpus.items import Item
from mlx_voice.corpus.store import Store
from mlx_voice.corpus.workers import Task, stamp
from mlx_voice.errors import CorpusError


@dataclass(frozen=True)
class Scan:
    rows: dict[str, Row]  # what is known of each clip of the listing
    sizes: dict[str, int]  # of the files that are stored
    stamps: dict[str, str]  # of the clips as they are now

    def settled(self, ident: str, form_hash: str) -> bool:
        """Stored, or known to be impossible, with this configuration."""
        row = self.rows.get(ident)
        if row is None or row.config != form_hash:
            return False
        return bool(row.reason) or self.sizes.get(row.name) == row.size

    def unchanged(self, ident: str) -> bool:
        return self.rows[ident].stamp == self.stamps[ident]


def scan(items: Iterable[Item], store: Store, index: Index, alignments: Path | None = None) -> Scan:
    """What the index does not know is read from the clips' own headers."""
    items = list(items)
    known, sizes = index.rows(), store.clips()
    found = {item.id: known.get(item.id) or _adopted(item.id, store, sizes) for item in items}
    index.put(row for ident, row in found.items() if row is not None and ident not in known)
    rows = {ident: row for ident, row in found.items() if row is not None}
    return Scan(rows, sizes, {item.id: stamp(item, alignments) for item in items})


def tasks(items: Iterable[Item], seen: Scan, form: Form, alignments: Path | None, force: bool) -> list[Task]:
    """The largest file first: clips of one length come together, and memory is at its highest at once."""
    needed = []
    for item in items:
        known = ""
        if not force and seen.settled(item.id, form.hash):
            if seen.unchanged(item.id):
                continue
            known = seen.rows[item.id].content  # perhaps only the file's date has changed
        needed.append(Task(item, form, alignments, known))
    return sorted(needed, key=lambda task: (-_size(task.item.audio), task.item.id))


def _adopted(ident: str, store: Store, sizes: dict[str, int]) -> Row | None:
    """A row from a file's header; a damaged file counts for nothing."""
    for name in (store.name(ident, False), store.name(ident, True)):
        if name in sizes:
            try:
                data = store.place.read(name)
                header, _ = unpack(data, name)
            except (CorpusError, FileNotFoundError):
                continue
            if header.id == ident:
                return Row(ident, "", header.content, header.config, name, len(data), header=header)
    return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
