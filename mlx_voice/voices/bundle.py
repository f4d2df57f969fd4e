"""A voice as one file, NAME.voice: a zip of its entry and its binaries, believed only when all is checked."""

import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath

from mlx_voice.errors import InputError, RegistryError
from mlx_voice.files import write_bytes
from mlx_voice.voices.entry import Entry, Voice, check_name, dumps
from mlx_voice.voices.registry import Registry, faults
from mlx_voice.voices.strict import load, parse

HEADER = "voice.json"
LARGEST = 64 << 20  # bytes of all files together
DAMAGE = (ValueError, InputError, OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)
EPOCH = (1980, 1, 1, 0, 0, 0)  # one voice, one file: no clock in it


@dataclass(frozen=True)
class Header:
    version: int
    name: str
    voice: Entry

    def __post_init__(self) -> None:
        if self.version != 1:
            raise ValueError(f"version {self.version} is not 1: it was made by another mlx-voice")
        check_name(self.name)


def export(voice: Voice, path: Path) -> None:
    """Write the voice with all its files, verified first."""
    if found := faults(voice):
        raise RegistryError(f"{found[0]} It is not exported.")
    names = _flat(voice.entry)
    entry = voice.entry.moved(names.__getitem__)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        header = {"version": 1, "name": voice.name, "voice": entry.as_json()}
        contents = {HEADER: dumps(header)}
        contents |= {name: voice.path(source).read_bytes() for source, name in names.items()}
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
    write_bytes(path, out.getvalue())


def install(path: Path, registry: Registry, name: str | None = None, *, over: bool = False) -> Voice:
    """Add a bundle's voice to a registry, under its own name unless told."""
    header, files = load_bundle(path)
    return registry.add(name or header.name, replace(header.voice, slot=False), files, over=over)


def load_bundle(path: Path) -> tuple[Header, dict[str, bytes]]:
    """The entry and the files that it names, which lie side by side in the archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            files = {info.filename: archive.read(info) for info in _members(archive)}
        header = parse(Header, load(files.pop(HEADER, b"")))
        _check(header.voice, files)
    except FileNotFoundError as error:
        raise InputError(f"{path} is not there: give the path of a .voice file.") from error
    except DAMAGE as error:
        raise RegistryError(f"{path} is damaged or no voice ({error}): ask for it again.") from error
    return header, files


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """All members, none of which can be a bomb: `read` stops at the size that the archive declares."""
    members = archive.infolist()
    if sum(info.file_size for info in members) > LARGEST:
        raise ValueError(f"it unpacks to more than {LARGEST >> 20} MB")
    names = Counter(info.filename.casefold() for info in members)
    for info in members:
        if info.flag_bits & 1:
            raise ValueError("it is encrypted")
        if info.filename != PurePosixPath(info.filename).name or names[info.filename.casefold()] > 1:
            raise ValueError(f"it holds {info.filename[:100]!r}, which is not a plain file name")
    return members


def _check(entry: Entry, files: Mapping[str, bytes]) -> None:
    """The files are exactly those that the entry names, with the size and hash that it gives."""
    if files.keys() != entry.paths():
        raise ValueError(
            f"its files and its entry differ in {sorted(files.keys() ^ entry.paths())[0][:100]!r}"
        )
    expected = [(path, 4 * count, digest) for path, count, digest in entry.features.files()]
    if entry.ref_audio and entry.features.audio_sha256:
        expected.append((entry.ref_audio, len(files[entry.ref_audio]), entry.features.audio_sha256))
    for path, size, digest in expected:
        if len(files[path]) != size or sha256(files[path]).hexdigest() != digest:
            raise ValueError(f"{path!r} is not what its entry says")


def _flat(entry: Entry) -> dict[str, str]:
    """Each file's name in the archive: its last part, numbered where two would meet."""
    names: dict[str, str] = {}
    for path in sorted(entry.paths()):
        name = PurePosixPath(path).name
        taken = {HEADER, *names.values()}
        names[path] = name if name not in taken else f"{len(names)}-{name}"
    return names
