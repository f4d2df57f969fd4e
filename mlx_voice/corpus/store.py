"""Where a corpus' files are: a folder, or any address that fsspec knows (`s3://…`, `memory://…`)."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from mlx_voice import settings
from mlx_voice.corpus.form import Form
from mlx_voice.errors import CorpusError, InputError, StorageError
from mlx_voice.files import storage_error, write_bytes

FOLDER = ".feature_cache"
CLIPS, JOURNAL, LOCAL = "clips", "journal", "local"
SHARED = (".", f"{CLIPS}/*")  # where every run writes; journals are its ranks' own
SUFFIXES = (".safetensors", ".safetensors.zst")


class Place(Protocol):
    """Files by name; a write is there whole or not at all."""

    def sizes(self, folder: str) -> dict[str, int]: ...

    def read(self, name: str) -> bytes: ...

    def write(self, name: str, data: bytes) -> None: ...

    def remove(self, name: str) -> None: ...


class Store:
    """One corpus' features. `local`, on this machine, is for what can be made again: index and claims."""

    def __init__(self, address: str | Path) -> None:
        self.address = str(address)
        if "://" in self.address:
            self.place: Place = Remote(self.address)
            self.local = _beside(self.address)
        else:
            self.place = Folder(Path(address))
            own = _is_writable(Path(address))
            self.local = Path(address) / LOCAL if own else _beside(str(Path(address).resolve()))

    def name(self, ident: str, compressed: bool) -> str:
        """Readable, and another for each id even where capitals make no difference."""
        digest = hashlib.sha256(ident.encode()).hexdigest()
        return f"{CLIPS}/{digest[:2]}/{quote(ident, safe='')[-80:]}-{digest[:8]}{SUFFIXES[compressed]}"

    def clips(self) -> dict[str, int]:
        """Sizes of all clips' files."""
        return {name: size for name, size in self.place.sizes(CLIPS).items() if name.endswith(SUFFIXES)}

    def metadata(self, split: str | None) -> dict[str, Any] | None:
        """What the last run said of a split; None before there was one."""
        name = metadata_name(split)
        try:
            table = json.loads(self.place.read(name))
            table["form"] = Form.from_dict(table["form"])
            table["alignments"] = Path(table["alignments"]) if table["alignments"] else None
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise CorpusError(
                f"{name} in {self.address} is damaged ({error}): delete it and run corpus precompute again."
            ) from error
        return table  # type: ignore[no-any-return]

    def describe(self, split: str | None, table: dict[str, Any]) -> None:
        text = json.dumps(table, ensure_ascii=False, indent=1, sort_keys=True)
        self.place.write(metadata_name(split), text.encode() + b"\n")

    def clear(self) -> None:
        """Delete what this package wrote there, and nothing else."""
        for name in [*self.clips(), *self.place.sizes(JOURNAL)]:
            self.place.remove(name)
        for split in (None, "train", "validation", "test"):
            self.place.remove(metadata_name(split))
        shutil.rmtree(self.local, ignore_errors=True)
        if isinstance(self.place, Folder):
            self.place.tidy()


def _beside(address: str) -> Path:
    """Where this machine keeps what it knows of a store that is elsewhere, or that may only be read."""
    return settings.home() / "cache" / "corpus" / hashlib.sha256(address.encode()).hexdigest()[:16]


def _is_writable(folder: Path) -> bool:
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return os.access(there, os.W_OK)


def metadata_name(split: str | None) -> str:
    return f"metadata-{split}.json" if split else "metadata.json"


class Folder:
    def __init__(self, root: Path) -> None:
        self.root = root

    def sizes(self, folder: str) -> dict[str, int]:
        found = (path for path in (self.root / folder).rglob("*") if not path.name.startswith("."))
        return {p.relative_to(self.root).as_posix(): p.stat().st_size for p in found if p.is_file()}

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        write_bytes(self.root / name, data)

    def remove(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    def sweep(self, *folders: str) -> None:
        """Delete what killed writers left; only when nobody else is writing there."""
        for folder in folders:
            for part in self.root.glob(f"{folder}/.*.part"):
                part.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Delete the folders that are empty now."""
        self.sweep(*SHARED, JOURNAL)
        for folder in sorted((p for p in self.root.rglob("*") if p.is_dir()), reverse=True):
            if not any(folder.iterdir()):
                folder.rmdir()
        if self.root.is_dir() and not any(self.root.iterdir()):
            self.root.rmdir()


class Remote:
    """Object stores replace a whole object at once; elsewhere a torn file is found by its checksum."""

    def __init__(self, address: str) -> None:
        try:
            from fsspec.core import url_to_fs
        except ImportError as error:
            raise InputError(f"{address} needs fsspec: pip install 'mlx-voice[corpus]'.") from error
        try:
            self.files, self.root = url_to_fs(address)
        except (ValueError, ImportError) as error:
            raise InputError(
                f"{address} cannot be opened ({error}): give a folder or another address."
            ) from error

    def sizes(self, folder: str) -> dict[str, int]:
        with self._told(folder):
            self.files.invalidate_cache()
            root = self.root.rstrip("/")
            try:
                found = self.files.find(f"{root}/{folder}", detail=True)
            except FileNotFoundError:
                return {}
            start = len(self.files._strip_protocol(root)) + 1
            return {name[start:]: info["size"] for name, info in found.items()}

    def read(self, name: str) -> bytes:
        with self._told(name):
            return bytes(self.files.cat_file(self._path(name)))

    def write(self, name: str, data: bytes) -> None:
        with self._told(name):
            self.files.makedirs(self._path(name).rpartition("/")[0], exist_ok=True)
            self.files.pipe_file(self._path(name), data)

    def remove(self, name: str) -> None:
        with self._told(name):
            if self.files.exists(self._path(name)):
                self.files.rm_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self.root.rstrip('/')}/{name}"

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise storage_error(Path(self._path(name)), error) from error
        except RuntimeError as error:
            raise StorageError(f"{self._path(name)} cannot be reached ({error}): try again.") from error
