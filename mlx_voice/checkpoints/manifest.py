"""What a model folder says of itself: its files' sizes and checksums, and what it was made from."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mlx_voice import __version__
from mlx_voice.errors import ModelError, StorageError
from mlx_voice.files import sha256, write_bytes
from mlx_voice.settings import home

FILE = "manifest.json"
FORMAT = 1
WEIGHTS = 1  # raise it when a network's renames change: models of before are converted again


@dataclass(frozen=True)
class Record:
    size: int
    sha256: str


@dataclass(frozen=True)
class Source:
    """The checkpoint that a part was made from, as the user named it, and every file that was read."""

    path: str
    files: Mapping[str, Record]

    def at_hand(self) -> bool:
        return all(matches(Path(name), record) for name, record in self.files.items())


@dataclass(frozen=True)
class Manifest:
    name: str
    files: Mapping[str, Record]
    sources: Mapping[str, Source]  # by convert's argument
    dtype: str = "float16"
    quantize: int | None = None
    converter: str = __version__
    weights: int = WEIGHTS
    format: int = field(default=FORMAT)

    def write(self, folder: Path) -> None:
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False, sort_keys=True)
        write_bytes(folder / FILE, text.encode() + b"\n")

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        try:
            return cls._from_dict(json.loads((folder / FILE).read_bytes()))
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ModelError(f"{folder / FILE} is damaged: convert or pull the model again.") from error

    @classmethod
    def _from_dict(cls, fields: dict[str, Any]) -> "Manifest":
        if fields["format"] != FORMAT:
            raise ValueError("of another format")
        sources = {
            part: Source(source["path"], {name: Record(**r) for name, r in source["files"].items()})
            for part, source in fields.pop("sources").items()
        }
        files = {name: Record(**record) for name, record in fields.pop("files").items()}
        return cls(files=files, sources=sources, **fields)

    def damage(self, folder: Path) -> Iterator[str]:
        """What is wrong with the files, one phrase each; nothing where all is well."""
        if self.weights != WEIGHTS:
            yield f"its weights are laid out as mlx-voice {self.converter} wanted them"
        for name, record in self.files.items():
            path = folder / name
            if not path.is_file():
                yield f"{name} is missing"
            elif (size := path.stat().st_size) != record.size:
                yield f"{name} has {size} bytes instead of {record.size}"
            elif not matches(path, record):
                yield f"{name} was altered"


def record_of(path: Path) -> Record:
    return Record(path.stat().st_size, checksum(path))


def matches(path: Path, record: Record) -> bool:
    return path.is_file() and path.stat().st_size == record.size and checksum(path) == record.sha256


def checksum(path: Path) -> str:
    """The file's sha256, computed once for each (path, size, time of change, inode) and remembered."""
    stat = path.stat()
    mark = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
    known = _known().get(str(path.resolve()))
    if isinstance(known, list) and known[:3] == mark and len(known) == 4:
        return str(known[3])
    digest = sha256(path)
    remember(path, digest)
    return digest


def remember(path: Path, digest: str) -> None:
    stat = path.stat()
    known = {name: entry for name, entry in _known().items() if Path(name).exists()}
    known[str(path.resolve())] = [stat.st_size, stat.st_mtime_ns, stat.st_ino, digest]
    with suppress(StorageError):  # where nothing can be remembered the sum is computed again
        write_bytes(_memory(), json.dumps(known).encode())


def _memory() -> Path:
    return home() / "cache" / "checksums.json"


def _known() -> dict[str, Any]:
    """What was remembered; a file that is not there or not whole remembers nothing."""
    try:
        known = json.loads(_memory().read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def forget_checksums() -> None:
    """From here on every file is read again."""
    _memory().unlink(missing_ok=True)
