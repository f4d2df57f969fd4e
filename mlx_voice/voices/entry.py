"""One voice of a `voices.json`, key by key, and the voice it describes."""

import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from mlx_voice.errors import InputError, RegistryError, TextError
from mlx_voice.text.languages import LANGUAGES
from mlx_voice.text.lexicon import Lexicon

NAME = re.compile(r"[^\W_][\w.-]{0,63}")
KEY = re.compile(r"[\w-]{1,64}", re.ASCII)  # a feature's key: number of bins, or the hash of its maker
SHA256 = re.compile(r"[0-9a-f]{64}")
NOT_STATED = "not stated"


@dataclass(frozen=True)
class Numbers:
    """A file of raw little-endian numbers: int32 for codes and timing, float32 for the rest."""

    path: str
    count: int
    sha256: str

    def __post_init__(self) -> None:
        check_path(self.path)
        if SHA256.fullmatch(self.sha256) is None:
            raise ValueError(f"the sha256 {self.sha256[:70]!r} is not 64 hexadecimal digits")
        if not 0 < self.count < 1 << 28:
            raise ValueError(f"a count of {self.count} cannot be")


@dataclass(frozen=True)
class MelFile:
    """float32 magnitudes, bins x frames, row by row, and the configuration that they were made with."""

    path: str
    frames: int
    sample_rate: int
    n_fft: int
    hop: int
    sha256: str

    def __post_init__(self) -> None:
        Numbers(self.path, self.frames, self.sha256)
        if min(self.sample_rate, self.n_fft, self.hop) <= 0:
            raise ValueError("an audio configuration of 0 cannot be")


F = TypeVar("F", Numbers, MelFile)


NUMBERS = ("codes", "speaker", "timing", "style", "bert")  # the features that are plain numbers


@dataclass(frozen=True)
class Features:
    """What was computed from the reference, by what computed it: see `voices.features`."""

    audio_sha256: str | None = None  # of the reference that all this was made from
    mel: Mapping[str, MelFile] = field(default_factory=dict)  # by number of bins
    codes: Mapping[str, Numbers] = field(default_factory=dict)  # by the hash of the encoder
    speaker: Mapping[str, Numbers] = field(default_factory=dict)
    timing: Mapping[str, Numbers] = field(default_factory=dict)
    style: Mapping[str, Numbers] = field(default_factory=dict)
    bert: Mapping[str, Numbers] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.audio_sha256 is not None and SHA256.fullmatch(self.audio_sha256) is None:
            raise ValueError("audio_sha256 is not 64 hexadecimal digits")
        for key in [*self.mel, *(key for kind in NUMBERS for key in getattr(self, kind))]:
            if KEY.fullmatch(key) is None:
                raise ValueError(f"the feature key {key[:70]!r} has characters other than letters and digits")
        for bins in self.mel:
            if not bins.isdigit() or not 0 < int(bins) < 1 << 16:
                raise ValueError(f"{bins!r} is not a number of bins")

    def files(self) -> Iterator[tuple[str, int, str]]:
        """Path, numbers of four bytes, and sha256 of every file."""
        for bins, mel in self.mel.items():
            yield mel.path, int(bins) * mel.frames, mel.sha256
        for kind in NUMBERS:
            for numbers in getattr(self, kind).values():
                yield numbers.path, numbers.count, numbers.sha256


@dataclass(frozen=True)
class Entry:
    """The keys of a voice in `voices.json`, in their order there. Paths start at the file's folder."""

    ref_text: str
    language: str
    ref_audio: str | None = None
    mel_path: str | None = None  # the default model's, for other programs
    codes_path: str | None = None
    features: Features = field(default_factory=Features)
    speed_factor: float = 1.0
    aliases: tuple[str, ...] = ()  # a language's name as an alias makes the voice that language's default
    source: str = NOT_STATED
    license: str = NOT_STATED
    consent: str = NOT_STATED
    slot: bool = False  # a place kept for the user's own recording
    lexicon: Mapping[str, str] = field(default_factory=dict)  # how this voice says a word: see text.lexicon

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise ValueError(f"the language {self.language[:20]!r} is none of {', '.join(LANGUAGES)}")
        for path in (self.ref_audio, self.mel_path, self.codes_path):
            if path is not None:
                check_path(path)
        if not math.isfinite(self.speed_factor) or not 0.25 <= self.speed_factor <= 4:
            raise ValueError(f"a speed_factor of {self.speed_factor} is not within 0.25 and 4")
        for alias in self.aliases:
            if NAME.fullmatch(alias) is None:
                raise ValueError(f"the alias {alias[:70]!r} is not a name")
        try:
            Lexicon.of(self.lexicon)
        except TextError as error:
            raise ValueError(str(error).rstrip(".")) from error
        if self.ref_audio is None and not (self.features.codes and self.features.mel):
            raise ValueError("neither a reference nor stored codes and mel")

    def moved(self, place: Callable[[str], str]) -> "Entry":
        """The same voice with every path changed."""

        def placed(files: Mapping[str, F]) -> dict[str, F]:
            return {key: replace(file, path=place(file.path)) for key, file in files.items()}

        old = self.features
        kinds: dict[str, Any] = {kind: placed(getattr(old, kind)) for kind in ("mel", *NUMBERS)}
        return replace(
            self,
            ref_audio=self.ref_audio and place(self.ref_audio),
            mel_path=self.mel_path and place(self.mel_path),
            codes_path=self.codes_path and place(self.codes_path),
            features=replace(old, **kinds),
        )

    def paths(self) -> set[str]:
        """Every file that it names."""
        named = {
            self.ref_audio,
            self.mel_path,
            self.codes_path,
            *(path for path, *_ in self.features.files()),
        }
        return {path for path in named if path is not None}

    def as_json(self) -> dict[str, object]:
        """The reference first; paths that are not known and a lexicon without words are left out."""
        keys = asdict(self) | {"lexicon": dict(self.lexicon) or None}
        first = {key: keys.pop(key) for key in ("ref_audio", "ref_text", "language")}
        return {key: value for key, value in {**first, **keys}.items() if value is not None}


@dataclass(frozen=True)
class Voice:
    """A voice that can speak: its entry, and the folder that the entry's paths start from."""

    name: str
    entry: Entry
    root: Path
    registry: Path | None  # the `voices.json` it stands in; None for a reference that was never added

    @property
    def language(self) -> str:
        return self.entry.language

    @property
    def reference(self) -> Path | None:
        return None if self.entry.ref_audio is None else self.path(self.entry.ref_audio)

    def path(self, relative: str) -> Path:
        """Where a file of the entry lies; a link that leads out of the folder is refused."""
        path = self.root / relative
        if not path.resolve().is_relative_to(self.root.resolve()):
            raise RegistryError(
                f"The voice {self.name!r} names {relative!r}, which leads out of {self.root}."
            )
        return path


def check_path(path: str) -> None:
    """A path of an entry stays below its folder, on every system."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or re.search(r"^\w:|[\\\x00-\x1f]", path):
        raise ValueError(f"the path {path[:100]!r} does not stay in its folder")


def check_name(name: str) -> str:
    """A voice's name as it is stored: it names a folder, and stands between the + and : of a blend."""
    name = unicodedata.normalize("NFC", name)
    if NAME.fullmatch(name) is None:
        raise InputError(
            f"{name[:70]!r} is no name for a voice: use up to 64 letters, digits, '-', '_' or '.', "
            "and begin with a letter or a digit."
        )
    return name


def dumps(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()
