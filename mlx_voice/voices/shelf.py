"""A voice's features on disk: those that its entry names, and those computed since, under the cache folder.

What is read is believed only when its hash is right; what is damaged is said, and made anew by the caller.
"""

import logging
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath

from mlx_voice import settings
from mlx_voice.checkpoints.config import Reference as Spectrum
from mlx_voice.errors import StorageError
from mlx_voice.files import locked, write_bytes
from mlx_voice.voices.entry import Entry, Features, MelFile, Numbers, Voice, dumps
from mlx_voice.voices.registry import Registry
from mlx_voice.voices.strict import load, parse

log = logging.getLogger("mlx_voice")
FILE = "features.json"


def references() -> Path:
    """One folder for each reference whose features no entry of the user's holds, named by its content."""
    return settings.home() / "cache" / "references"


class Shelf:
    """One voice's. `audio` is the hash of its reference as it is now, None where there is none."""

    def __init__(self, voice: Voice, audio: str | None, registry: Registry, limit: int) -> None:
        self.voice, self.audio, self.registry, self.limit = voice, audio, registry, limit
        self.owned = voice.registry is not None and voice.registry == registry.target
        self.cached = Voice(voice.name, voice.entry, references() / (audio or "none"), None)

    def get(self, kind: str, key: str, form: Spectrum | None = None) -> bytes | None:
        """A feature's bytes; of a mel, only if it was made in this form."""
        for voice, features in self._places():
            record = getattr(features, kind).get(key)
            if record is None or (form is not None and not _formed(record, form)):
                continue
            path = voice.path(record.path)
            content = path.read_bytes() if path.is_file() else b""
            if sha256(content).hexdigest() == record.sha256:
                return content
            log.warning("The voice %r: %s is damaged or missing; it is made again.", voice.name, path.name)
        return None

    def put(self, kind: str, key: str, content: bytes, record: MelFile | Numbers) -> None:
        """Store a feature; a disk that refuses costs the next start some time, not this one its sound."""
        try:
            if self.owned:
                self._into_entry(kind, key, content, record)
            elif self.audio is not None:
                self._into_cache(kind, key, content, record)
                prune(self.limit, keep=self.cached.root)
        except StorageError as error:
            log.warning("What was computed of the voice %r is not kept: %s", self.voice.name, error)

    def _places(self) -> list[tuple[Voice, Features]]:
        """Where to look; what was made from another reference than the present one counts for nothing."""
        places = [(self.voice, self.voice.entry.features)]
        if not self.owned and self.audio is not None:
            places.append((self.cached, _record(self.cached.root)))
        return [(voice, f) for voice, f in places if self.audio is None or f.audio_sha256 == self.audio]

    def _into_entry(self, kind: str, key: str, content: bytes, record: MelFile | Numbers) -> None:
        """In the place of what it replaces, else beside the voice's other files."""
        entry = self.voice.entry
        old = getattr(entry.features, kind).get(key)
        path = old.path if old else str(PurePosixPath(min(entry.paths())).with_name(record.path))
        record = replace(record, path=path)
        write_bytes(self.voice.path(path), content)

        def change(entry: Entry) -> Entry:
            stale = self.audio is not None and entry.features.audio_sha256 != self.audio
            features = Features(self.audio) if stale else entry.features
            return replace(entry, features=with_feature(features, kind, key, record))

        self.voice = self.registry.record(self.voice, change)

    def _into_cache(self, kind: str, key: str, content: bytes, record: MelFile | Numbers) -> None:
        root = self.cached.root
        with locked(root / FILE):
            write_bytes(root / record.path, content)
            known = _record(root)
            features = known if known.audio_sha256 == self.audio else Features(self.audio)
            write_bytes(root / FILE, dumps(asdict(with_feature(features, kind, key, record))))


def prune(limit: int, keep: Path | None = None) -> None:
    """Delete the references that were not used for longest until the rest fits."""
    folders = sorted(stored(), key=lambda folder: folder.stat().st_mtime)
    total = sum(map(size, folders))
    for folder in folders:
        if total <= limit:
            break
        if folder != keep:
            total -= size(folder)
            shutil.rmtree(folder, ignore_errors=True)  # another process may be at it


def stored() -> list[Path]:
    return [folder for folder in references().glob("*") if folder.is_dir()]


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _record(root: Path) -> Features:
    """The record of a folder in the cache; without one, or with a damaged one, nothing in it is believed."""
    try:
        content = (root / FILE).read_bytes()
        with suppress(PermissionError):
            os.utime(root)  # for `prune`
        return parse(Features, load(content))
    except (FileNotFoundError, NotADirectoryError):
        return Features()
    except ValueError:
        log.warning("%s is damaged; what it describes is made again.", root / FILE)
        return Features()


def with_feature(features: Features, kind: str, key: str, record: MelFile | Numbers) -> Features:
    table: dict[str, MelFile | Numbers] = {**getattr(features, kind), key: record}
    changed: Features = replace(features, **{kind: table})  # type: ignore[arg-type]
    return changed


def _formed(mel: MelFile, form: Spectrum) -> bool:
    return (mel.sample_rate, mel.n_fft, mel.hop) == (form.sample_rate, form.n_fft, form.hop)
