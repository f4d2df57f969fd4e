"""How many frames each phone lasts: from an MFA TextGrid, else by where the sound is."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np

from mlx_voice.audio import Samples
from mlx_voice.errors import InputError
from mlx_voice.nn.weights import Array

SILENT = {"", "sil", "sp", "spn", "pau", "<eps>"}
SILENCE = 0.1  # what a silent frame counts against one of speech
QUIET = 0.05  # of the loud frames' energy, below which a frame is silent
Interval = tuple[float, float, str]
TIER = re.compile(r'name\s*=\s*"([^"]*)"')
INTERVAL = re.compile(r'xmin\s*=\s*([-\d.eE+]+)\s+xmax\s*=\s*([-\d.eE+]+)\s+text\s*=\s*"((?:[^"]|"")*)"')


def textgrid(folder: Path, ident: str) -> Path | None:
    """A clip's alignment: by its whole id, else by the last part of it."""
    names = dict.fromkeys((ident, Path(ident).name))
    return next((p for n in names if (p := folder / f"{n}.TextGrid").is_file()), None)


def read_textgrid(text: str, name: str) -> list[Interval]:
    """The intervals of the tier of phones, in Praat's long form as MFA writes it."""
    parts = TIER.split(text)
    tiers = dict(zip(parts[1::2], parts[2::2], strict=True))
    tier = next(
        (body for title, body in tiers.items() if title.rpartition(" - ")[2].lower() == "phones"), None
    )
    intervals = [(float(a), float(b), label.strip()) for a, b, label in INTERVAL.findall(tier or "")]
    if not intervals or any(a > b for a, b, _ in intervals):
        raise InputError(
            f"{name} has no tier of phones: give TextGrids as MFA writes them, in the long form."
        )
    return intervals


def aligned(intervals: Sequence[Interval], phones: Sequence[str], frames: int, seconds: float) -> Array:
    """Frames of each of our phones. Labels that agree are anchors; between two of them time is shared evenly.

    `seconds` is the length of a frame. Silence goes to a mark where there is one, else to its neighbours.
    """
    heard = [i for i in intervals if i[2].lower() not in SILENT]
    if not heard:
        raise InputError("The alignment holds nothing but silence: align this clip again.")
    labels = [_plain(label) for _, _, label in heard]
    ours = [_plain(phone) for phone in phones]
    places, times = [0.0], [0.0 if _is_mark(phones[0]) else heard[0][0]]
    for a, b, size in SequenceMatcher(None, ours, labels, autojunk=False).get_matching_blocks():
        for k in range(size):
            places += [a + k, a + k + 1]
            times += [heard[b + k][0], heard[b + k][1]]
    spoken = max((i + 1 for i, phone in enumerate(phones) if not _is_mark(phone)), default=len(phones))
    places += [spoken, len(phones)]
    times += [heard[-1][1], frames * seconds]
    order = np.argsort(places, kind="stable")
    edges = np.interp(
        np.arange(len(phones) + 1), np.array(places)[order], np.maximum.accumulate(np.array(times)[order])
    )
    edges[0], edges[-1] = 0.0, frames * seconds
    return _counts(edges / seconds, frames)


def estimated(energy: Samples, phones: int, frames: int) -> Array:
    """Every phone gets the same share of the speech: silent frames count a tenth."""
    loud = np.percentile(energy, 95) if len(energy) else 0.0
    activity = np.cumsum(np.where(energy > QUIET * loud, 1.0, SILENCE))
    edges = np.interp(
        np.linspace(0, activity[-1], phones + 1), np.concatenate([[0.0], activity]), np.arange(frames + 1)
    )
    return _counts(edges, frames)


def _counts(edges: Array, frames: int) -> Array:
    """Whole frames between edges; their sum is the sound's."""
    whole = np.clip(np.rint(edges), 0, frames).astype(np.int32)
    whole[0], whole[-1] = 0, frames
    counts: Array = np.diff(np.maximum.accumulate(whole)).astype(np.int32)
    return counts


def _plain(label: str) -> str:
    """Without stress and tone, which dictionaries disagree about."""
    return re.sub(r"[0-9˥˦˧˨˩ː]", "", label).lower()


def _is_mark(phone: str) -> bool:
    return not any(char.isalnum() for char in phone)
