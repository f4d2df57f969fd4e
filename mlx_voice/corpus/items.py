"""What a corpus consists of: clips with their texts, read from whatever list the folder has."""

import unicodedata
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from mlx_voice.errors import CorpusError

SPLITS = ("train", "validation", "test")
FORMS = "id|text or path|speaker|language|text"
AUDIO = (".wav", ".flac", ".ogg", ".mp3", ".opus", ".aiff")
TEXT = (".txt", ".lab", ".normalized.txt")
LANGUAGES = {  # as lists call them
    "jp": "ja", "kr": "ko", "cn": "zh", "": "auto",
    **{name: name for name in ("zh", "en", "ja", "ko", "yue", "auto")},
}  # fmt: skip


@dataclass(frozen=True)
class Item:
    id: str
    audio: Path
    text: str
    language: str = "auto"
    speaker: str = ""


@dataclass(frozen=True)
class Listing:
    """All clips of a corpus or of one of its splits, and the lines that describe none."""

    folder: Path
    split: str | None
    items: tuple[Item, ...]
    rejected: dict[str, str] = field(default_factory=dict)  # what a line calls itself -> its fault


def read_listing(folder: Path, split: str | None = None, language: str = "auto") -> Listing:
    """The clips of `folder`: by metadata.csv (LJSpeech), a .list (GPT-SoVITS), or texts beside the sounds."""
    if not folder.is_dir():
        raise CorpusError(f"{folder} is not a folder: give the one that holds the corpus.")
    if split is not None and split not in SPLITS:
        raise CorpusError(f"There is no split {split!r}: choose one of {', '.join(SPLITS)}.")
    reader = _Reader(folder, split, language)
    listing = reader.read()
    where = f"the split {split!r} of {folder}" if split else str(folder)
    if not listing.items and not listing.rejected:
        raise CorpusError(
            f"There are no clips in {where}: it needs a metadata.csv, a .list, or audio with texts beside it."
        )
    if not listing.items:
        raise CorpusError(f"No line of the list of {where} is of a form that is known: {FORMS}.")
    if not reader.sounds:
        raise CorpusError(
            f"None of the {len(listing.items)} sounds that {where} lists is there: put them into its wavs/."
        )
    if not any(item.text for item in listing.items):
        raise CorpusError(
            f"None of the {len(listing.items)} clips in {where} has a text: write each into a .txt beside it."
        )
    return listing


class _Reader:
    def __init__(self, folder: Path, split: str | None, language: str) -> None:
        self.folder, self.split, self.language = folder, split, language
        self.root = folder / split if split and (folder / split).is_dir() else folder
        self.items: dict[str, Item] = {}
        self.rejected: dict[str, str] = {}
        self.sounds = 0  # that are there

    def read(self) -> Listing:
        file = self._list()
        if file is not None:
            self._lines(file)
        elif self.split is None or self.root != self.folder:
            self._pairs()
        return Listing(self.folder, self.split, tuple(self.items.values()), self.rejected)

    def _list(self) -> Path | None:
        """A split's list stands in its own folder, or carries its name."""
        names = ["metadata.csv", "metadata.list"]
        if self.split and self.root == self.folder:
            names = [f"{prefix}{self.split}{end}" for prefix in ("", "metadata_", "metadata-")
                     for end in (".csv", ".list", ".txt")]  # fmt: skip
        found = next((self.root / name for name in names if (self.root / name).is_file()), None)
        if found is None and not (self.split and self.root == self.folder):
            found = next(iter(sorted(self.root.glob("*.list"))), None)
        return found

    def _lines(self, file: Path) -> None:
        try:
            lines = file.read_text(encoding="utf-8-sig").split("\n")  # splitlines would cut at U+2028 as well
        except (OSError, UnicodeDecodeError) as error:
            raise CorpusError(f"{file} cannot be read ({error}): it must be text in UTF-8.") from error
        for number, line in enumerate(lines, 1):
            if line.strip():
                self._line([part.strip() for part in line.split("|")], file, f"{file.name}:{number}")

    def _line(self, fields: list[str], file: Path, where: str) -> None:
        """`where` is what the line is called if it is none. Quotes mean nothing, as in LJSpeech."""
        if len(fields) < 2 or not fields[0]:
            self.rejected[where] = f"The line is not of the form {FORMS}."
        elif len(fields) < 4:
            text = fields[2] if len(fields) > 2 and fields[2] else fields[1]  # the normalised one
            self._add(fields[0], text, self.language, "", where)
        elif file.suffix == ".list" or _is_sound(fields[0]) or fields[2].lower() in LANGUAGES:
            name, speaker, language = fields[0], fields[1], fields[2].lower()
            self._add(name, "|".join(fields[3:]), LANGUAGES.get(language, language), speaker, where)
        else:
            self.rejected[where] = "The line has more than three fields: leave out the | that is in the text."

    def _pairs(self) -> None:
        """Audio anywhere in the folder, its text in a file beside it."""
        for path in sorted(filter(_is_sound, self.root.rglob("*"))):
            places = (path.with_name(path.stem + end) for end in TEXT)
            text = next((place for place in places if place.is_file()), None)
            name = path.relative_to(self.root).as_posix()
            try:
                said = "" if text is None else text.read_text(encoding="utf-8-sig").strip()
            except (OSError, UnicodeDecodeError) as error:
                self.rejected[name] = f"{text} cannot be read ({error})."
                continue
            self._add(name, said, self.language, "", name)

    def _add(self, name: str, text: str, language: str, speaker: str, where: str) -> None:
        path = Path(PureWindowsPath(name).as_posix() if "\\" in name else name)
        ident = unicodedata.normalize("NFC", (path.with_suffix("") if _is_sound(path) else path).as_posix())
        if self.root != self.folder and not path.is_absolute():
            ident = f"{self.split}/{ident}"
        if ident in self.items:
            self.rejected[where] = f"The clip {ident!r} stands in the list twice: only the first one is used."
        else:
            self.items[ident] = Item(ident, self._audio(path), text, language, speaker)

    def _audio(self, path: Path) -> Path:
        """Where the sound is; where it should be, if nowhere. A Mac may have written its name in NFD."""
        ends = ("",) if _is_sound(path) else AUDIO
        names = [f"{part}{end}" for part in (path, path.name) for end in ends]
        roots = (self.root / "wavs", self.root, self.folder / "wavs", self.folder)
        places = [
            root / unicodedata.normalize(form, name)
            for root in dict.fromkeys(roots)
            for name in dict.fromkeys(names)
            for form in ("NFC", "NFD")
        ]
        found = next((place for place in places if place.is_file()), None)
        self.sounds += found is not None
        return found or places[0]


def _is_sound(path: str | Path) -> bool:
    return Path(path).suffix.lower() in AUDIO
