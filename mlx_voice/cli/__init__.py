"""`mlx-voice`: one file per verb, heavy imports inside the functions."""

import logging
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from mlx_voice import __version__
from mlx_voice.cli import bench, cache, corpus, doctor, models, voices
from mlx_voice.cli.options import examples
from mlx_voice.cli.speak import EXAMPLES, speak
from mlx_voice.errors import VoiceError

INTERRUPTED = 130

# Without rich, which takes longer to import than all the rest.
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)
app.command(epilog=EXAMPLES)(speak)
app.add_typer(voices.app, name="voices")
app.add_typer(models.app, name="models")
app.add_typer(cache.app, name="cache")
app.add_typer(corpus.app, name="corpus")
app.command(epilog=examples("doctor"))(doctor.doctor)
app.command(epilog=examples("bench", "bench --model v2 --language zh --rounds 5"))(bench.bench)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mlx-voice {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False,
) -> None:
    """Voice cloning that runs on your own machine."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command: 0 if all is well, 1 for an error, 2 for wrong usage, 130 for Ctrl-C."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = given[: given.index("--")] if "--" in given else given
    if debug := "--debug" in options:
        given.remove("--debug")
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("mlx_voice").setLevel(logging.INFO)
    try:
        app(given)
    except Exception as error:
        if debug:
            raise
        _fail(error)


def _fail(error: Exception) -> None:
    if isinstance(error, BrokenPipeError):  # who read our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    elif isinstance(error, VoiceError):
        typer.secho(str(error), fg="red", err=True)
    elif isinstance(error, OSError):
        typer.secho(f"The system refuses ({error}): free what it lacks, and try again.", fg="red", err=True)
    else:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        typer.secho(
            f"This should not happen ({text}): run it again with --debug and report it.", fg="red", err=True
        )
    sys.exit(1)
