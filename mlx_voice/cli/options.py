"""Options that several verbs share, and what they mean."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mlx_voice.cloner import VoiceCloner
    from mlx_voice.voices.registry import Registry


def registry(named: Path | None, *, new: bool = False) -> "Registry":
    """All voices; a file that was named has to exist, unless voices are about to be added to it."""
    from mlx_voice.voices.registry import Registry

    if named is not None and not new and not named.is_file():
        raise typer.BadParameter(f"{named} is not there", param_hint="--voices")
    return Registry(named)


def opened(model: str | None, voices: Path | None, *, new: bool = False) -> "VoiceCloner":
    """The cloner that a command works with; `voices` as for `registry`."""
    registry(voices, new=new)
    from mlx_voice.cloner import VoiceCloner

    return VoiceCloner(model, voices=voices)


def voice_names(incomplete: str) -> list[str]:
    """For the shell's completion."""
    return [name for name in registry(None).voices() if name.startswith(incomplete)]


def quieten(quiet: bool) -> None:
    if quiet:
        logging.getLogger("mlx_voice").setLevel(logging.ERROR)


def examples(*commands: str) -> str:
    """What a verb's help ends with; what follows `mlx-voice` in each."""
    lines = "".join(f"  mlx-voice {command}\n" for command in commands)
    return f"Example{'s' * (len(commands) > 1)}:\n\n\b\n{lines}"


def group(text: str) -> typer.Typer:
    return typer.Typer(help=text, no_args_is_help=True, rich_markup_mode=None)


VoicesFile = Annotated[
    Path | None, typer.Option("--voices", metavar="FILE", help="A voices.json besides your own one.")
]
ModelName = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="A model's name or folder; the best unless told."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
