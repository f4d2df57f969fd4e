"""`mlx-voice`: one file per verb, heavy imports inside the functions."""

import logging
import sys

import typer

from mlx_voice.cli import models
from mlx_voice.errors import VoiceError

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.add_typer(models.app, name="models")


@app.callback()
def _say_what_happens() -> None:
    """Voice cloning on MLX."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("mlx_voice").setLevel(logging.INFO)


def main() -> None:
    try:
        app()
    except VoiceError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
