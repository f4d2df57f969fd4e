"""`mlx-voice corpus …`: precompute, status, verify, clear, export, report."""

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlx_voice.cli.options import Json, ModelName, examples, group, quieten

if TYPE_CHECKING:
    from mlx_voice.corpus.dataset import Corpus
    from mlx_voice.corpus.items import Listing
    from mlx_voice.corpus.run import Progress
    from mlx_voice.corpus.store import Store

app = group("Features of a whole corpus: precompute, status, verify, clear, export, report.")
SHOWN = 20  # failures that are printed

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder with the clips.")]
Split = Annotated[str | None, typer.Option(help="train, validation or test; the whole folder unless told.")]
CacheDir = Annotated[
    str | None,
    typer.Option(metavar="PLACE", help="A folder or an fsspec address; DIR/.feature_cache unless told."),
]
Alignments = Annotated[
    Path | None, typer.Option(metavar="DIR", help="TextGrids of MFA: durations of phones come from them.")
]
Language = Annotated[str, typer.Option(help="Of texts whose list does not say it.")]
Features = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="codes, spectrogram, mel, f0, energy, phones, word2ph, bert, …"),
]


@app.command(
    epilog=examples("corpus precompute clips", "corpus precompute clips --features codes,mel --workers 4")
)
def precompute(
    folder: Folder,
    split: Split = None,
    features: Features = None,
    no_variance: Annotated[bool, typer.Option("--no-variance", help="Leave out F0 and energy.")] = False,
    alignments: Alignments = None,
    cache_dir: CacheDir = None,
    compress: Annotated[bool, typer.Option("--compress", help="Pack each file with zstd.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Compute all clips anew.")] = False,
    workers: Annotated[int, typer.Option(min=0, help="Processes that read and resample.")] = 2,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Clips at a time: 1 on a CPU, 16 on a GPU.")
    ] = None,
    longest: Annotated[float, typer.Option(min=0.1, help="Seconds; what is longer is not used.")] = 60.0,
    language: Language = "auto",
    model: ModelName = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
    as_json: Json = False,
) -> None:
    """Compute what is not stored yet; what was broken off goes on where it was."""
    quieten(quiet)
    store, listing = _opened(folder, split, language, cache_dir)
    from mlx_voice.cloner import default_model
    from mlx_voice.corpus.networks import form_of
    from mlx_voice.corpus.run import Run, RunOptions
    from mlx_voice.engine import Engine

    if alignments is not None and not alignments.is_dir():
        raise typer.BadParameter(f"{alignments} is not a folder", param_hint="--alignments")
    engine = Engine(model or default_model())
    names = None if features is None else [name.strip() for name in features.split(",")]
    form = engine.call(
        lambda: form_of(engine.model, names, not no_variance, alignments is not None, longest, compress)
    )
    bar = _Bar(quiet or not sys.stderr.isatty())
    run = Run(listing, store, engine, form, RunOptions(workers, batch, force, alignments), bar)
    try:
        table = run.all()
    finally:
        bar.end()
        engine.close()
    if as_json:
        typer.echo(json.dumps(table, ensure_ascii=False, indent=1))
    elif not quiet:
        done = run.progress
        typer.echo(
            f"{done.stored} clips computed, {table['stored']} of {table['clips']} stored in {store.address}."
        )
        _tell_failures(table["failed"])


@app.command(epilog=examples("corpus status clips"))
def status(
    folder: Folder,
    split: Split = None,
    alignments: Alignments = None,
    cache_dir: CacheDir = None,
    language: Language = "auto",
    as_json: Json = False,
) -> None:
    """What is stored, stale, missing, and what failed for which reason."""
    store, listing = _opened(folder, split, language, cache_dir)
    from mlx_voice.corpus.status import status as status_of

    found = status_of(listing, store, alignments)
    if as_json:
        table = asdict(found) | {"average": found.average, "complete": found.complete}
        typer.echo(json.dumps(table, ensure_ascii=False, indent=1))
        return
    typer.echo(f"{store.address}: {'complete' if found.complete else 'not complete'}")
    typer.echo(f"{found.clips:8} clips, {found.stored} stored, {found.stale} stale, {found.missing} missing, "
               f"{len(found.failed)} failed")  # fmt: skip
    typer.echo(
        f"{found.bytes / 1e6:8.1f} MB, {found.average / 1e3:.1f} kB a clip, {found.seconds / 3600:.2f} hours"
    )
    _tell_failures(found.failed)


@app.command(epilog=examples("corpus verify clips"))
def verify(
    folder: Folder,
    split: Split = None,
    alignments: Alignments = None,
    cache_dir: CacheDir = None,
    language: Language = "auto",
    as_json: Json = False,
) -> None:
    """Read every stored clip again; what is damaged is computed by the next precompute."""
    store, listing = _opened(folder, split, language, cache_dir)
    from mlx_voice.corpus.status import verify as verify_all

    faults = {ident: fault for ident, fault in verify_all(listing, store, alignments) if fault}
    if as_json:
        typer.echo(json.dumps(faults, ensure_ascii=False, indent=1))
    elif faults:
        _tell_failures(faults)
    else:
        typer.echo("Every clip is stored and whole.")
    if faults:
        raise typer.Exit(1)


@app.command(epilog=examples("corpus clear clips"))
def clear(
    folder: Folder,
    cache_dir: CacheDir = None,
    force: Annotated[bool, typer.Option("--force", help="Do not ask.")] = False,
) -> None:
    """Delete the stored features of all splits; the clips themselves stay."""
    from mlx_voice.corpus.dataset import store_of
    from mlx_voice.errors import CorpusError

    if not folder.is_dir() and cache_dir is None:
        raise CorpusError(f"{folder} is not a folder: give the one that holds the corpus.")
    store = store_of(folder, cache_dir)
    sizes = store.clips()
    said = f"the features of {len(sizes)} clips ({sum(sizes.values()) / 1e6:.1f} MB) in {store.address}"
    if not force:
        typer.confirm(f"Delete {said}?", abort=True)
    store.clear()
    typer.echo(f"Deleted {said}.")


@app.command(epilog=examples("corpus export clips -o all.npz"))
def export(
    folder: Folder,
    output: Annotated[Path, typer.Option("--output", "-o", help="A .npz file, or a folder.")],
    split: Split = None,
    features: Features = None,
    cache_dir: CacheDir = None,
    language: Language = "auto",
    model: ModelName = None,
) -> None:
    """The features for other tools: one .npz of everything, or a folder with one for each clip."""
    from mlx_voice.corpus.export import export as export_all

    with _corpus(folder, split, features, cache_dir, language, model) as corpus:
        typer.echo(f"{export_all(corpus, output)} clips in {output}.")


@app.command(epilog=examples("corpus report clips -o page.html"))
def report(
    folder: Folder,
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")],
    split: Split = None,
    cache_dir: CacheDir = None,
    language: Language = "auto",
    model: ModelName = None,
) -> None:
    """One page with pictures: how long, how loud, how high, how fast, and the clips that stand out."""
    from mlx_voice.corpus.report import report as report_on

    with _corpus(folder, split, None, cache_dir, language, model) as corpus:
        shown = report_on(corpus, output)
    typer.echo(f"{output}: {len(corpus)} clips, {shown} of them to listen to.")


def _opened(folder: Path, split: str | None, language: str, cache_dir: str | None) -> "tuple[Store, Listing]":
    from mlx_voice.corpus.dataset import store_of
    from mlx_voice.corpus.items import read_listing

    return store_of(folder, cache_dir), read_listing(folder, split, language)


def _corpus(
    folder: Path,
    split: str | None,
    features: str | None,
    cache_dir: str | None,
    language: str,
    model: str | None,
) -> "Corpus":
    from mlx_voice.corpus.dataset import Corpus

    names = None if features is None else [name.strip() for name in features.split(",")]
    return Corpus(folder, split, model=model, features=names, cache_dir=cache_dir, language=language)


def _tell_failures(failed: dict[str, Any]) -> None:
    for ident, reason in list(failed.items())[:SHOWN]:
        typer.echo(f"  {ident}: {reason}")
    if len(failed) > SHOWN:
        typer.echo(f"  … and {len(failed) - SHOWN} more (--json prints all).")


class _Bar:
    """How far a run is, in one line that is written over."""

    WIDTH = 24

    def __init__(self, silent: bool) -> None:
        self.silent, self.drawn = silent, False

    def __call__(self, progress: "Progress") -> None:
        if self.silent or not progress.total:
            return
        full = self.WIDTH * progress.done // progress.total
        drawn = "█" * full + "░" * (self.WIDTH - full)
        left = (progress.total - progress.done) / max(progress.rate, 1e-9)
        line = (
            f"{drawn} {progress.done}/{progress.total}  {progress.rate:.1f} clips/s  "
            f"{int(left) // 60}:{int(left) % 60:02} left  {progress.failed} failed"
        )
        sys.stderr.write(f"\r{line[: shutil.get_terminal_size().columns - 1]}\x1b[K")
        sys.stderr.flush()
        self.drawn = True

    def end(self) -> None:
        if self.drawn:
            sys.stderr.write("\n")
