"""What a corpus consists of: clips with their texts, read from whatever list the folder has."""

from dataclasses import dataclass, field
from pathlib import Path

from mlx_voice.errors import CorpusError

SPLITS = ("train", "validation", "test")
AUDIO = (".wav", ".flac", ".ogg", ".mp3", ".opus", ".aiff")
TEXT = (".txt", ".lab", ".normalized.txt")
LANGUAGES = {"jp": "ja", "kr": "ko", "cn": "zh", "": "auto"}  # as some lists call them


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
    rejected: dict[str, str] = field(
        default_factory=dict
    )  # what a line calls itself -> what is wrong with it


def read_listing(folder: Path, split: str | None = None, language: str = "auto") -> Listing:
    """The clips of `folder`: by metadata.csv (LJSpeech), a .list (GPT-SoVITS), or texts beside the sounds."""
    if not folder.is_dir():
        raise CorpusError(f"{folder} is not a folder: give the one that holds the corpus.")
    if split is not None and split not in SPLITS:
        raise CorpusError(f"There is no split {split!r}: choose one of {', '.join(SPLITS)}.")
    listing = _Reader(folder, split, language).read()
    if not listing.items and not listing.rejected:
        where = f"the split {split!r} of {folder}" if split else str(folder)
        raise CorpusError(
            f"There are no clips in {where}: it needs a metadata.csv, a .list, or audio with texts beside it."
        )
    return listing


class _Reader:
    def __init__(self, folder: Path, split: str | None, language: str) -> None:
        self.folder, self.split, self.language = folder, split, language
        self.root = folder / split if split and (folder / split).is_dir() else folder
        self.items: dict[str, Item] = {}
        self.rejected: dict[str, str] = {}

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
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise CorpusError(f"{file} cannot be read ({error}): it must be text in UTF-8.") from error
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            fields = [part.strip() for part in line.split("|")]
            where = f"{file.name}:{number}"
            if len(fields) < 2 or not fields[0]:
                self.rejected[where] = "The line is not of the form id|text or path|speaker|language|text."
            elif len(fields) >= 4 and (Path(fields[0]).suffix.lower() in AUDIO or file.suffix == ".list"):
                path, speaker, language, text = fields[0], fields[1], fields[2].lower(), "|".join(fields[3:])
                self._add(path, text, LANGUAGES.get(language, language), speaker, where)
            else:
                text = fields[2] if len(fields) > 2 and fields[2] else fields[1]  # the normalised one
                self._add(fields[0], text, self.language, "", where)

    def _pairs(self) -> None:
        """Audio anywhere in the folder, its text in a file beside it."""
        for path in sorted(p for p in self.root.rglob("*") if p.suffix.lower() in AUDIO and p.is_file()):
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
        path = Path(name)
        ident = path.with_suffix("").as_posix() if path.suffix.lower() in AUDIO else name
        if self.root != self.folder and not path.is_absolute():
            ident = f"{self.split}/{ident}"
        if ident in self.items:
            self.rejected[where] = f"The clip {ident!r} stands in the list twice: only the first one is used."
        else:
            self.items[ident] = Item(ident, self._audio(name), text, language, speaker)

    def _audio(self, name: str) -> Path:
        """Where the sound is; where it should be, if it is nowhere."""
        ends = ("",) if Path(name).suffix.lower() in AUDIO else AUDIO
        roots = dict.fromkeys((self.root / "wavs", self.root, self.folder / "wavs", self.folder))
        places = [
            root / f"{part}{end}"
            for root in roots
            for part in dict.fromkeys((name, Path(name).name))
            for end in ends
        ]
        return next((place for place in places if place.is_file()), places[0])
