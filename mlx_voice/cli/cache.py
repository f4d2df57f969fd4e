"""`mlx-voice cache …`: what is kept on disk to be fast."""

import json
import shutil
from typing import Annotated, Any

import typer

from mlx_voice.cli.options import Json, examples, group

REFERENCES, COUNTS = "disk", "counts"
TITLES = {
    "voice": "voices ready to speak, in memory",
    "mel": "spectrograms in memory",
    REFERENCES: "features on disk",
}

app = group("What is kept to be fast: status, clear.")


@app.command(epilog=examples("cache status"))
def status(as_json: Json = False) -> None:
    """Sizes on disk, and how often each tier had the answer in all runs so far."""
    rows = _rows()
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        typer.echo(f"{row['title']:34} {row['hits']:8} hits {row['misses']:8} misses{_size(row)}")


@app.command(epilog=examples("cache clear", "cache clear --tier counts"))
def clear(
    tier: Annotated[str | None, typer.Option(help="disk or counts; both unless told.")] = None,
) -> None:
    """Forget what was computed of references; voices that were added and models stay."""
    from mlx_voice.voices import shelf, tally

    if tier not in (None, REFERENCES, COUNTS):
        raise typer.BadParameter(f"choose {REFERENCES} or {COUNTS}", param_hint="--tier")
    if tier in (None, REFERENCES):
        freed = sum(map(shelf.size, shelf.stored()))
        shutil.rmtree(shelf.references(), ignore_errors=True)
        typer.echo(f"{freed / 1e6:.1f} MB are free again.")
    if tier in (None, COUNTS):
        tally.file().unlink(missing_ok=True)


def _rows() -> list[dict[str, Any]]:
    from mlx_voice.voices import shelf, tally

    known = tally.read()
    rows: list[dict[str, Any]] = [
        {
            "tier": tier,
            "title": TITLES.get(tier, tier),
            "hits": known.hits.get(tier, 0),
            "misses": known.misses.get(tier, 0),
        }
        for tier in dict.fromkeys((*TITLES, *known.hits))
    ]
    for row in rows:
        if row["tier"] == REFERENCES:
            row["entries"] = len(shelf.stored())
            row["bytes"] = sum(map(shelf.size, shelf.stored()))
    return rows


def _size(row: dict[str, Any]) -> str:
    return f", {row['entries']} entries of {row['bytes'] / 1e6:.1f} MB" if "bytes" in row else ""
