"""How often each tier had the answer, over all runs: `mlx-voice cache status` shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlx_voice import settings
from mlx_voice.errors import StorageError
from mlx_voice.files import locked, write_bytes
from mlx_voice.voices.entry import dumps
from mlx_voice.voices.strict import load, parse


@dataclass(frozen=True)
class Tally:
    hits: Mapping[str, int] = field(default_factory=dict)  # by tier
    misses: Mapping[str, int] = field(default_factory=dict)


def file() -> Path:
    return settings.home() / "cache" / "counts.json"


def read() -> Tally:
    """What was counted so far; a damaged count is worth no more than none."""
    try:
        return parse(Tally, load(file().read_bytes()))
    except (FileNotFoundError, ValueError):
        return Tally()


def count(new: Mapping[str, tuple[int, int]]) -> None:
    """Add one run's hits and misses; a disk that refuses them is none of the run's business."""
    try:
        with locked(file()):
            old = read()
            tiers = {*old.hits, *old.misses, *new}
            sums = [(t, old.hits.get(t, 0) + new.get(t, (0, 0))[0]) for t in sorted(tiers)]
            missed = [(t, old.misses.get(t, 0) + new.get(t, (0, 0))[1]) for t in sorted(tiers)]
            write_bytes(file(), dumps({"hits": dict(sums), "misses": dict(missed)}))
    except StorageError:
        return
