"""What is kept of a long speech while it is made, so that a run that was broken off can go on.

Beside `book.flac` lies the folder `book.flac.part`: `job.json` says what is being said and with which seed,
`000000.part`, `000008.part`, … hold the sentences from that number on, with all their bits. Each is written
whole or not at all; what is not as it was written is made again.
"""

import fcntl
import json
import logging
import math
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlx_voice.errors import InputError
from mlx_voice.files import storage_error, write_bytes

if TYPE_CHECKING:
    from mlx_voice.cloner import VoiceCloner, VoiceLike
    from mlx_voice.results import Audio, Word
    from mlx_voice.settings import SpeakOptions

log = logging.getLogger("mlx_voice")
JOB = "job.json"
OURS = re.compile(r"job\.json|\d{6,}\.part|sound|\..+\.part")
JOB_BYTES, HEAD_BYTES, PART_BYTES = 1 << 12, 1 << 22, 1 << 28
UNFIT = (OSError, ValueError, LookupError, TypeError, ArithmeticError, RecursionError)  # content of any kind


class Journal:
    """The folder of one output; open it with `journal`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.draft = folder / "sound"  # where the output grows
        self.name = ""  # of the speech: what is kept bears it

    def begin(self, fingerprint: str, seed: int | None) -> int:
        """The seed to speak with; what is kept has to belong to the same speech."""
        if (self.folder / JOB).exists():
            kept = self._continued(fingerprint, seed)
        else:
            kept = secrets.randbits(32) if seed is None else seed
            job = json.dumps({"fingerprint": fingerprint, "seed": kept})
            write_bytes(self.folder / JOB, job.encode())
        self.name = f"{fingerprint} {kept}"
        return kept

    def _continued(self, fingerprint: str, seed: int | None) -> int:
        anew = "or delete it to begin anew"
        try:
            job = json.loads(content(self.folder / JOB, JOB_BYTES))
            begun, kept = str(job["fingerprint"]), int(job["seed"])
        except UNFIT as error:
            raise InputError(f"{self.folder} is damaged ({JOB}): delete it to begin anew.") from error
        if begun != fingerprint:
            raise InputError(
                f"{self.folder} belongs to another text, voice, model or setting: speak with those, {anew}."
            )
        if seed not in (None, kept):
            raise InputError(f"{self.folder} was begun with --seed {kept}: give that, {anew}.")
        return kept

    def kept(self, first: int, rate: int) -> "list[Audio] | None":
        """The sentences from the first one on, if they are there as they were written."""
        path = self.folder / f"{first:06}.part"
        try:
            return _unpacked(content(path, PART_BYTES), self.name, first, rate)
        except FileNotFoundError:
            return None
        except UNFIT:
            log.warning("%s is damaged: it is made again.", path)
            return None

    def keep(self, first: int, sentences: "list[Audio]") -> None:
        path = self.folder / f"{first:06}.part"
        with suppress(FileNotFoundError):
            path.unlink()  # whatever it is, nothing is written through it
        write_bytes(path, _packed(sentences, self.name, first))

    def end(self) -> None:
        """Remove what is ours, last of all what says what it was."""
        for path in sorted(self.folder.iterdir(), key=lambda path: path.name == JOB):
            if OURS.fullmatch(path.name):
                path.unlink()
        with suppress(OSError):  # somebody else put something there
            self.folder.rmdir()


@contextmanager
def journal(output: Path) -> Iterator[Journal]:
    """Held against every other process; a run that is broken off leaves it, one that never began does not."""
    folder = output.with_name(f"{output.name}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise storage_error(folder, error) from error
    try:
        _claim(folder, handle)
        yield Journal(folder)
    except KeyboardInterrupt:
        if (folder / JOB).exists():
            log.info("%s keeps what was said: the same command goes on from there.", folder)
        raise
    finally:
        with suppress(OSError):  # it is not empty
            folder.rmdir()
        os.close(handle)


def _claim(folder: Path, handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InputError(f"{folder} is in use: wait until the other command has finished.") from error
    for path in folder.iterdir():
        if not OURS.fullmatch(path.name):
            raise InputError(f"{folder} holds {path.name}, which is not ours: move it away.")
        if path.name.startswith("."):  # half-written when a run was killed
            path.unlink()


def spoken(
    cloner: "VoiceCloner", text: str, voice: "VoiceLike | None", options: "SpeakOptions", kept: Journal
) -> "Iterator[Audio]":
    """The sentences of a text: those that are kept, and then, kept from now on, the others."""
    from mlx_voice.takes import stretch

    seed = kept.begin(cloner.fingerprint(text, voice, options), options.seed)
    first, seconds = 0, 0.0
    while (before := kept.kept(first, cloner.sample_rate)) is not None:
        for sentence in before:
            seconds += sentence.seconds
            yield replace(sentence, stats=replace(sentence.stats, audio=seconds, seed=seed))
        first += stretch(1)
    made: list[Audio] = []
    for _, sentence in cloner.takes(text, 1, voice, options, first=first, seed=seed):
        made.append(sentence)
        stats = sentence.stats
        if stats.heard == first + stretch(1) or stats.heard == stats.sentences:
            kept.keep(first, made)
            first, made = stats.heard, []
        yield replace(sentence, stats=replace(stats, audio=stats.audio + seconds))


def content(path: Path, largest: int) -> bytes:
    """Of a file, not of whatever a link or a pipe leads to."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > largest:
            raise ValueError
        return file.read(largest)


def _packed(sentences: "list[Audio]", name: str, first: int) -> bytes:
    """A line with the hash of the rest, a line of JSON, and the samples as float32."""
    head = {
        "name": name,
        "first": first,
        "rate": sentences[0].sample_rate,
        "sentences": sentences[0].stats.sentences,
        "lengths": [len(sentence.samples) for sentence in sentences],
        "words": [[[w.text, w.start, w.end, *w.place] for w in s.words] for s in sentences],
    }
    body = json.dumps(head).encode() + b"\n"
    body += b"".join(sentence.samples.astype("<f4").tobytes() for sentence in sentences)
    return sha256(body).hexdigest().encode() + b"\n" + body


def _unpacked(packed: bytes, name: str, first: int, rate: int) -> "list[Audio]":
    import numpy as np

    from mlx_voice.results import Audio, Stats
    from mlx_voice.takes import stretch

    digest, _, body = packed.partition(b"\n")
    if sha256(body).hexdigest().encode() != digest:
        raise ValueError
    line, _, raw = body.partition(b"\n")
    head: dict[str, Any] = json.loads(line[:HEAD_BYTES])
    samples = np.frombuffer(raw, "<f4").astype(np.float32)
    if (head["name"], head["first"], head["rate"]) != (name, first, rate):
        raise ValueError
    lengths, sentences = head["lengths"], int(head["sentences"])
    if not len(lengths) == min(stretch(1), sentences - first) > 0 or min(lengths) < 0:
        raise ValueError
    ends = np.cumsum(np.array(lengths, np.int64))
    if ends[-1] != len(samples) or not np.isfinite(samples).all():
        raise ValueError
    parts = np.split(samples, ends[:-1])
    return [
        Audio(part, rate, Stats(sentences=sentences, heard=first + i), tuple(map(_word, words)))
        for i, (part, words) in enumerate(zip(parts, head["words"], strict=True), 1)
    ]


def _word(row: Any) -> "Word":
    from mlx_voice.results import Word

    text, start, end, first, last = row
    if not math.isfinite(start) or not math.isfinite(end):
        raise ValueError
    return Word(str(text), float(start), float(end), (int(first), int(last)))
