"""`Corpus`: a folder of clips with their features, found on disk or computed when they are asked for."""

import hashlib
import logging
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, overload

import soundfile

from mlx_voice.cache import LRU, Counts
from mlx_voice.cloner import default_model
from mlx_voice.corpus.clipfile import Header, unpack
from mlx_voice.corpus.collate import Batch, Clip, collate
from mlx_voice.corpus.form import VARIANCE, Form
from mlx_voice.corpus.index import Index, Row
from mlx_voice.corpus.items import Item, read_listing
from mlx_voice.corpus.run import POLL, compute_one, kept
from mlx_voice.corpus.scan import Scan, scan
from mlx_voice.corpus.store import FOLDER, Store
from mlx_voice.corpus.workers import Failed, Same, Task, prepare, stamp
from mlx_voice.engine import Engine
from mlx_voice.errors import CorpusError, VoiceError

log = logging.getLogger("mlx_voice")
WINDOW = 32  # batches that are sorted by length together: more of them pad less and mix less
PathLike = str | os.PathLike[str]


class Corpus(Sequence[Clip]):
    """The clips that can be used; those that are known to be bad are in `failures`.

    What a store holds is taken from it, in the form that it has. Without one, or with a `model` or `features`
    that it does not have, clips are computed on first access; `use_feature_cache=False` stores nothing.
    """

    def __init__(
        self,
        folder: PathLike,
        split: str | None = None,
        *,
        model: PathLike | None = None,
        features: Sequence[str] | None = None,
        variance: bool = True,
        alignments: PathLike | None = None,
        language: str = "auto",
        cache_dir: PathLike | None = None,
        use_feature_cache: bool = True,
        memory: int = 256 << 20,
    ) -> None:
        given = {
            name: value
            for name, value in locals().items()
            if name not in ("self", "folder", "split", "__class__")
        }
        self._again = partial(Corpus, folder, split, **given)
        self.listing = read_listing(Path(folder), split, language)
        self.store = store_of(folder, cache_dir)
        self.use_feature_cache = use_feature_cache
        self._alignments = None if alignments is None else Path(alignments)
        self._engine: Engine | None = None
        self._model = model
        self._process = os.getpid()
        self._index = Index(self.store.local) if use_feature_cache else None
        self.form, self.features = self._formed(features, variance)
        self._memory: LRU[str, Clip] = LRU(memory, lambda clip: clip.nbytes)
        self._seen = self._scanned()
        self.failures = dict(self.listing.rejected)
        self.items = [item for item in self.listing.items if not self._known_bad(item)]
        self._places = {item.id: i for i, item in enumerate(self.items)}

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, which: int | str) -> Clip: ...

    @overload
    def __getitem__(self, which: slice) -> list[Clip]: ...

    def __getitem__(self, which: int | str | slice) -> Clip | list[Clip]:
        """By place, or by id."""
        if isinstance(which, slice):
            return [self[i] for i in range(*which.indices(len(self)))]
        item = self.items[self._places[which] if isinstance(which, str) else which]
        clip = self._memory.get(item.id)
        if clip is None:
            clip = self._stored(item) or self._computed(item)
            clip = replace(clip, features={name: clip.features[name] for name in self.features})
            self._memory.put(item.id, clip)
        return clip

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process opens its own."""
        return self._again, ()

    def close(self) -> None:
        for part in (self._engine, self._index):
            if part is not None:
                part.close()
        self._engine = self._index = None

    def __enter__(self) -> "Corpus":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def counts(self) -> Counts:
        """Of the clips in memory."""
        return self._memory.counts

    def preload(self) -> int:
        """Read clips into memory until all are there or it is full; how many are there."""
        for i in range(len(self)):
            before = self.counts.evictions
            self[i]
            if self.counts.evictions > before:
                break
        return self.counts.entries

    def order(self, seed: int | None = None, epoch: int = 0) -> list[int]:
        """Places of all clips: as listed, or shuffled the same way on every machine."""
        places = list(range(len(self)))
        if seed is None:
            return places
        return sorted(
            places, key=lambda i: hashlib.sha256(f"{seed} {epoch} {self.items[i].id}".encode()).digest()
        )

    def batches(
        self, size: int, *, seed: int | None = None, epoch: int = 0, drop_last: bool = False
    ) -> Iterator[Batch]:
        """Every clip once, those of similar length together. A clip that turns out to be bad is left out."""
        order, groups = self.order(seed, epoch), []
        for start in range(0, len(order), size * WINDOW):
            window = sorted(order[start : start + size * WINDOW], key=self.seconds)
            groups += [window[i : i + size] for i in range(0, len(window), size)]
        if seed is not None:
            groups.sort(key=lambda group: hashlib.sha256(f"{seed} {epoch} {group}".encode()).digest())
        for group in groups:
            clips = [clip for i in group if (clip := self._or_none(i)) is not None]
            if clips and (len(clips) == size or not drop_last):
                yield collate(clips)

    def seconds(self, place: int) -> float:
        """How long a clip is, if need be by its file's header."""
        known = self._header(self.items[place])
        if known is not None:
            return known.seconds
        try:
            return float(soundfile.info(str(self.items[place].audio)).duration)
        except (soundfile.SoundFileError, OSError):
            return 0.0

    def headers(self) -> list[Header]:
        """What is known of each clip without its features; nothing is read that is stored."""
        return [self._header(item) or self[item.id].header for item in self.items]

    def _header(self, item: Item) -> Header | None:
        row = self._seen.rows.get(item.id)
        sound = row is not None and row.config == self.form.hash and self._seen.unchanged(item.id)
        return row.header if row is not None and sound else None

    def _or_none(self, place: int) -> Clip | None:
        try:
            return self[place]
        except BadClipError as error:
            log.warning("%s", error)
            return None

    def _formed(self, features: Sequence[str] | None, variance: bool) -> tuple[Form, tuple[str, ...]]:
        """The store's form if it will do, else the model's; and what of it is wanted."""
        known = self.store.metadata(self.listing.split) if self.use_feature_cache else None
        if known is not None and self._model is None and set(features or ()) <= set(known["form"].features):
            form: Form = known["form"]
            self._alignments = self._alignments or known["alignments"]
        else:
            form = self.engine.call(lambda: self._form_now(features, variance))
            if known is not None and (changes := form.changes(known["form"])):
                log.warning("The configuration has changed (%s): clips are computed anew.", changes)
        wanted = [n for n in form.features if features is None or n in features]
        return form, tuple(n for n in wanted if variance or n not in VARIANCE)

    def _form_now(self, features: Sequence[str] | None, variance: bool) -> Form:
        from mlx_voice.corpus.networks import form_of

        return form_of(self.engine.model, features, variance, self._alignments is not None)

    @property
    def engine(self) -> Engine:
        """Opened when something has to be computed."""
        if self._engine is None:
            name = default_model() if self._model is None else self._model
            self._engine = Engine(name if isinstance(name, str) else Path(name))
        return self._engine

    def _scanned(self) -> Scan:
        if self._index is not None:
            return scan(self.listing.items, self.store, self._index, self._alignments)
        return Scan({}, {}, {item.id: stamp(item, self._alignments) for item in self.listing.items})

    def _known_bad(self, item: Item) -> bool:
        row = self._seen.rows.get(item.id)
        if row is None or not (row.reason and row.config == self.form.hash and self._seen.unchanged(item.id)):
            return False
        self.failures[item.id] = row.reason
        return True

    def _stored(self, item: Item) -> Clip | None:
        """From the store, if what is there was made of this clip in this form."""
        row = self._seen.rows.get(item.id)
        if row is None or not row.name or row.config != self.form.hash:
            return None
        if not self._seen.unchanged(item.id):
            looked = prepare(Task(item, self.form, self._alignments, row.content))
            if not isinstance(looked, Same):
                return None
            self._know(replace(row, stamp=self._seen.stamps[item.id]))
        try:
            header, arrays = unpack(self.store.place.read(row.name), row.name)
        except FileNotFoundError:
            return None
        except CorpusError as error:
            log.warning("%s; it is computed again.", str(error).partition(":")[0])
            return None
        return Clip(header, arrays) if header.content == row.content else None

    def _computed(self, item: Item) -> Clip:
        if os.getpid() != self._process:
            raise CorpusError(
                "A forked process cannot compute: run corpus precompute first, or start processes by spawn."
            )
        if self._index is not None:
            while item.id not in self._index.claim([item.id]):
                time.sleep(POLL)
            row = self._index.row(item.id)  # what another process has finished meanwhile
            if row is not None and row != self._seen.rows.get(item.id):
                self._know(row)
                if (clip := self._stored(item)) is not None:
                    self._index.release([item.id])
                    return clip
        return self._computed_here(item)

    def _computed_here(self, item: Item) -> Clip:
        self._demand_model()
        found = compute_one(self.engine, self.form, Task(item, self.form, self._alignments))
        mark, config = self._seen.stamps[item.id], self.form.hash
        if isinstance(found, Failed):
            self._know(Row(item.id, mark, found.content, config, reason=found.reason))
            self.failures[item.id] = found.reason
            raise BadClipError(f"The clip {item.id!r} cannot be used: {found.reason}")
        header, arrays = found
        if self._index is not None:
            self._know(kept(self.store, self.form, mark, header, arrays))
        return Clip(header, arrays)

    def _demand_model(self) -> None:
        """What is added to a store has to be of the same make."""
        from mlx_voice.corpus.networks import form_of

        form = self.form
        aligned = form.aligner == "alignments"
        now = self.engine.call(
            lambda: form_of(self.engine.model, form.features, True, aligned, form.longest, form.compressed)
        )
        if changes := now.changes(form):
            raise CorpusError(f"The store was made by another model ({changes}): name that one.")
        if aligned and self._alignments is None:
            raise CorpusError(
                "The store was made with alignments: give their folder to compute what is missing."
            )

    def _know(self, row: Row) -> None:
        self._seen.rows[row.id] = row
        if self._index is not None:
            self._index.put([row])


class BadClipError(VoiceError):
    """One clip that has no features; the others have."""


def store_of(folder: PathLike, cache_dir: PathLike | None = None) -> Store:
    """Where a corpus' features are."""
    return Store(Path(folder) / FOLDER if cache_dir is None else os.fspath(cache_dir))
