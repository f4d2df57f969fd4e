"""What is known of each clip, in SQLite on this machine: a cache that the clips' headers can fill again.

Several processes share it. One that works on a clip claims it; a claim ends with its process.
"""

import fcntl
import json
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import IO, Any

from mlx_voice.corpus.clipfile import Header
from mlx_voice.errors import StorageError
from mlx_voice.files import locked

SCHEMA = """
CREATE TABLE IF NOT EXISTS clips (
  id TEXT PRIMARY KEY, stamp TEXT, content TEXT, config TEXT,
  name TEXT, size INTEGER, reason TEXT, header TEXT);
CREATE TABLE IF NOT EXISTS claims (id TEXT PRIMARY KEY, owner TEXT NOT NULL);
"""
LET_GO = "DELETE FROM claims WHERE id = ? AND owner = ?"
PATIENCE = 60.0  # seconds to wait for another process' transaction


@dataclass(frozen=True)
class Row:
    """A clip that is stored (`name`, `header`), or that cannot be (`reason`)."""

    id: str
    stamp: str  # of its sources when they were last looked at
    content: str
    config: str
    name: str = ""
    size: int = 0
    reason: str = ""
    header: Header | None = None


COLUMNS = [f.name for f in fields(Row)]


class Index:
    def __init__(self, folder: Path, rank: int = 0) -> None:
        self.folder = folder
        self.owner = secrets.token_hex(8)
        self._lock = threading.Lock()
        try:
            (folder / "owners").mkdir(parents=True, exist_ok=True)
            self._alive = self._hold(self.owner)
            file = folder / (f"index-{rank}.sqlite" if rank else "index.sqlite")
            with locked(file):  # two that make it at once would get in each other's way
                self._db = self._opened(file)
        except (OSError, sqlite3.Error) as error:
            raise StorageError(
                f"The index in {folder} cannot be opened ({error}): free some space."
            ) from error

    def rows(self) -> dict[str, Row]:
        with self._lock:
            found = self._db.execute(f"SELECT {', '.join(COLUMNS)} FROM clips").fetchall()
        return {row.id: row for row in map(_row, found)}

    def row(self, ident: str) -> Row | None:
        query = f"SELECT {', '.join(COLUMNS)} FROM clips WHERE id = ?"
        with self._lock:
            found = self._db.execute(query, (ident,)).fetchone()
        return None if found is None else _row(found)

    def put(self, rows: Iterable[Row]) -> None:
        """Store what is known, and let go of the clips."""
        values = [tuple({**vars(r), "header": dumped(r.header)}[name] for name in COLUMNS) for r in rows]
        marks = ", ".join("?" * len(COLUMNS))
        with self._changing() as db:
            db.executemany(f"INSERT OR REPLACE INTO clips ({', '.join(COLUMNS)}) VALUES ({marks})", values)
            db.executemany(LET_GO, [(value[0], self.owner) for value in values])

    def forget(self, idents: Iterable[str]) -> None:
        with self._changing() as db:
            db.executemany("DELETE FROM clips WHERE id = ?", [(ident,) for ident in idents])

    def claim(self, idents: Sequence[str]) -> set[str]:
        """Those of the clips that no other living process works on; they are ours from now on."""
        with self._changing() as db:
            owners = {owner for (owner,) in db.execute("SELECT DISTINCT owner FROM claims")}
            gone = [(owner,) for owner in owners - {self.owner} if not self._lives(owner)]
            db.executemany("DELETE FROM claims WHERE owner = ?", gone)
            db.executemany(
                "INSERT OR IGNORE INTO claims VALUES (?, ?)", [(ident, self.owner) for ident in idents]
            )
            ours = db.execute("SELECT id FROM claims WHERE owner = ?", (self.owner,))
            return {ident for (ident,) in ours} & set(idents)

    def release(self, idents: Iterable[str]) -> None:
        with self._changing() as db:
            db.executemany(LET_GO, [(ident, self.owner) for ident in idents])

    @property
    def alone(self) -> bool:
        """Whether no other living process has this index open."""
        return not any(
            self._lives(file.name) for file in (self.folder / "owners").iterdir() if file.name != self.owner
        )

    def close(self) -> None:
        with self._lock:
            self._db.execute("DELETE FROM claims WHERE owner = ?", (self.owner,))
            self._db.close()
        (self.folder / "owners" / self.owner).unlink(missing_ok=True)
        self._alive.close()

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """One transaction."""
        try:
            with self._lock, self._db as db:
                db.execute("BEGIN IMMEDIATE")
                yield db
        except sqlite3.OperationalError as error:
            raise StorageError(
                f"The index in {self.folder} cannot be written ({error}): free some space."
            ) from error

    def _opened(self, file: Path) -> sqlite3.Connection:
        """A damaged index is no loss."""
        try:
            return _connected(file)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            for path in file.parent.glob(f"{file.name}*"):
                path.unlink()
            return _connected(file)

    def _hold(self, owner: str) -> IO[str]:
        file = (self.folder / "owners" / owner).open("w")
        fcntl.flock(file, fcntl.LOCK_EX)
        return file

    def _lives(self, owner: str) -> bool:
        """A process holds the lock on its own file for as long as it lives, however it ends."""
        path = self.folder / "owners" / owner
        try:
            with path.open() as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        path.unlink(missing_ok=True)
        return False


def _connected(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = OFF")  # what is lost can be read from the clips
    db.executescript(SCHEMA)
    db.execute("SELECT count(*) FROM clips").fetchone()
    return db


def dumped(header: Header | None) -> str:
    return "" if header is None else json.dumps(asdict(header), ensure_ascii=False)


def _row(values: Sequence[Any]) -> Row:
    row = Row(*values)
    return replace(row, header=Header(**json.loads(values[-1])) if values[-1] else None)
