"""`voices.json`: the shipped voices, the user's, and those of a file that was named; later ones win."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from mlx_voice import settings
from mlx_voice.errors import InputError, RegistryError, UnknownVoiceError
from mlx_voice.files import locked, sha256, storage_error, write_bytes
from mlx_voice.voices.entry import Entry, Voice, check_name, dumps
from mlx_voice.voices.strict import load, parse

FILE = "voices.json"
PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Document:
    version: int
    voices: Mapping[str, object]

    def __post_init__(self) -> None:
        if self.version != 1:
            raise ValueError(f"version {self.version} is not 1: it was made by another mlx-voice")
        for name in self.voices:
            if check_name(name) != name:
                raise ValueError(f"the name {name!r} is not in its composed form")


def shipped() -> Path | None:
    """Beside the package in a checkout or an editable install, in its assets in a wheel."""
    return next((f for f in (PACKAGE / "assets" / FILE, PACKAGE.parent / FILE) if f.is_file()), None)


class Registry:
    """Reads are cheap and see other processes' changes; changes are atomic, and made under a lock."""

    def __init__(self, named: Path | None = None) -> None:
        own = settings.home() / FILE
        self.target = named or own  # where voices are added
        self.files = [file for file in (shipped(), own, named) if file is not None]
        self._read: dict[Path, tuple[tuple[int, ...], dict[str, Voice]]] = {}

    def voices(self) -> dict[str, Voice]:
        """All voices by name, in the files' order."""
        merged: dict[str, Voice] = {}
        for file in self.files:
            merged |= self._voices(file)
        return merged

    def find(self, name: str) -> Voice:
        """By name, else by alias; of two with one alias the later file's."""
        voices = self.voices()
        if name in voices:
            return voices[name]
        for voice in reversed(voices.values()):
            if name in voice.entry.aliases:
                return voice
        known = sorted({*voices, *(alias for v in voices.values() for alias in v.entry.aliases)})
        close = get_close_matches(name, known, n=3) or known[:8]
        hint = f"did you mean {' or '.join(close)}?" if close else "add one with mlx-voice voices add."
        raise UnknownVoiceError(f"There is no voice {name[:70]!r}: {hint}")

    def add(self, name: str, entry: Entry, files: Mapping[str, bytes], *, over: bool = False) -> Voice:
        """Store a voice whose entry's paths are the names in `files`; with `over` it may replace another."""
        name = check_name(name)
        root = self.target.parent
        folder = self._folder(root / "voices", name)
        try:
            for file, content in files.items():
                write_bytes(folder / file, content)
            placed = entry.moved(lambda file: (folder / file).relative_to(root).as_posix())
            with self._edited() as voices:
                if (old := voices.get(name)) and not over and not old.slot:
                    raise InputError(
                        f"There is a voice {name!r} already: choose another name or --replace it."
                    )
                voices[name] = placed
        except BaseException:
            shutil.rmtree(folder)
            raise
        if old is not None:
            self._delete(old)
        return Voice(name, placed, root, self.target)

    def demand_free(self, name: str, over: bool) -> None:
        """Refuse a name that `add` would refuse, before anything is computed for it."""
        self._replaceable(
            {voice.name: voice.entry for voice in self._voices(self.target).values()}, name, over
        )

    def remove(self, name: str) -> Voice:
        with self._edited() as voices:
            if name not in voices:
                place = self.find(name).registry
                raise InputError(f"{name!r} stands in {place}, not in {self.target}: it is not removed.")
            entry = voices.pop(name)
        self._delete(entry)
        return Voice(name, entry, self.target.parent, self.target)

    def record(self, voice: Voice, change: Callable[[Entry], Entry]) -> Voice:
        """Change an entry, unless another process gave the voice another reference or took it away."""
        with self._edited() as voices:
            entry = voices.get(voice.name)
            if entry is not None and entry.ref_audio == voice.entry.ref_audio:
                voices[voice.name] = change(entry)
        return replace(voice, entry=change(voice.entry))

    def _voices(self, file: Path) -> dict[str, Voice]:
        try:
            stat = file.stat()
        except FileNotFoundError:
            return {}
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        known = self._read.get(file)
        if known is None or known[0] != stamp:
            entries = read(file)
            voices = {name: Voice(name, entry, file.parent, file) for name, entry in entries.items()}
            self._read[file] = known = (stamp, voices)
        return known[1]

    def _replaceable(self, voices: Mapping[str, Entry], name: str, over: bool) -> Entry | None:
        old = voices.get(name)
        if old is not None and not over and not old.slot:
            raise InputError(f"The voice {name!r} exists: choose another name, or --replace it.")
        return old

    @contextmanager
    def _edited(self) -> Iterator[dict[str, Entry]]:
        """The target's entries, to be changed; written when the block ends without an error."""
        with locked(self.target):
            entries = read(self.target) if self.target.exists() else {}
            yield entries
            document = {"version": 1, "voices": {name: entry.as_json() for name, entry in entries.items()}}
            write_bytes(self.target, dumps(document))

    def _folder(self, parent: Path, name: str) -> Path:
        """A new folder for a voice's files: its name, unless that is taken."""
        try:
            parent.mkdir(parents=True, exist_ok=True)
            try:
                (parent / name).mkdir()
            except FileExistsError:
                return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
        except OSError as error:
            raise storage_error(parent, error) from error
        return parent / name

    def _delete(self, entry: Entry) -> None:
        """Delete an entry's files where no other entry uses them, and the folders that this empties."""
        root = self.target.parent
        gone = Voice("", entry, root, self.target)
        used = {path for other in read(self.target).values() for path in other.paths()}
        for path in entry.paths() - used:
            gone.path(path).unlink(missing_ok=True)
        for folder in {(root / path).parent for path in entry.paths()} - {root, root / "voices"}:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def read(file: Path) -> dict[str, Entry]:
    """The entries of one `voices.json`; whatever is wrong with it is one sentence."""
    try:
        document = parse(Document, load(file.read_bytes()))
        return {name: _entry(name, value) for name, value in document.voices.items()}
    except OSError as error:
        raise RegistryError(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, InputError) as error:
        raise RegistryError(f"{file} is damaged: {error}; mend it or take it away.") from error


def _entry(name: str, value: object) -> Entry:
    try:
        return parse(Entry, value)
    except ValueError as error:
        raise ValueError(f"the voice {name!r}: {error}") from error


def faults(voice: Voice) -> list[str]:
    """What is wrong with a voice's files, one sentence each."""
    found = []
    expected: list[tuple[str, int | None, str | None]] = [*voice.entry.features.files()]
    known = {path for path, *_ in expected}
    expected += [(path, None, None) for path in sorted(voice.entry.paths() - known)]
    for path, count, digest in expected:
        file = voice.path(path)
        if path == voice.entry.ref_audio:
            digest = voice.entry.features.audio_sha256
        if not file.is_file():
            found.append(f"The voice {voice.name!r} lacks its file {path}.")
        elif count is not None and file.stat().st_size != 4 * count:
            found.append(f"The voice {voice.name!r}: {path} has not the size that its entry says.")
        elif digest is not None and sha256(file) != digest:
            found.append(f"The voice {voice.name!r}: {path} has not the content that its entry says.")
    return found
