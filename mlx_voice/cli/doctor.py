"""`mlx-voice doctor`: what is here, what is missing, what to do next."""

import json
import platform
from pathlib import Path

import typer

from mlx_voice import __version__
from mlx_voice.cli.options import Json, VoicesFile, registry
from mlx_voice.errors import ModelError, TextError, VoiceError


def doctor(voices: VoicesFile = None, as_json: Json = False) -> None:
    """What is here, what is missing, and what to do next."""
    report: dict[str, str] = {
        "mlx-voice": __version__,
        "python": f"{platform.python_version()}, {platform.platform()}",
    }
    steps: list[str] = []
    for title, examine in EXAMINATIONS.items():
        report[title] = examine(steps, voices)
    if as_json:
        typer.echo(json.dumps({**report, "next": steps}, ensure_ascii=False, indent=1))
        return
    for title, found in report.items():
        typer.echo(f"{title:10} {found}")
    for step in steps:
        typer.secho(f"next: {step}", fg="yellow")
    if not steps:
        typer.secho("Everything is in place.", fg="green")


def _device(steps: list[str], _: Path | None) -> str:
    from importlib.metadata import version

    from mlx_voice.device import mx, openblas

    on = str(mx.default_device().type).rpartition(".")[2]
    if platform.system() == "Linux" and openblas is None:
        steps.append("install OpenBLAS (Debian: libopenblas0-pthread), which makes speech many times faster.")
    return f"{on}, MLX {version('mlx')}" + (f", {openblas}" if openblas else "")


def _models(steps: list[str], _: Path | None) -> str:
    from mlx_voice.checkpoints.config import ModelConfig
    from mlx_voice.checkpoints.install import installed
    from mlx_voice.checkpoints.repair import damage_of
    from mlx_voice.cloner import default_model

    names = []
    for folder in installed():
        try:
            names.append(f"{folder.name} ({ModelConfig.read(folder).version})")
        except ModelError as error:
            steps.append(str(error))
        for damage in damage_of(folder):
            steps.append(f"repair the model {folder.name}: {damage}.")
    if not names:
        steps.append("get a model: mlx-voice models pull v2.")
        return "none"
    return f"{', '.join(names)}; {default_model()} speaks unless told"


def _voices(steps: list[str], file: Path | None) -> str:
    from mlx_voice.voices.registry import faults

    try:
        known = registry(file)
        found = known.voices()
        for voice in found.values():
            steps.extend(faults(voice))
    except VoiceError as error:
        steps.append(str(error))
        return "cannot be read"
    if not found:
        steps.append('make a voice: mlx-voice voices add NAME RECORDING --text "…".')
    return f"{len(found)} ({', '.join(list(found)[:8])}); new ones go to {known.target}"


def _languages(steps: list[str], _: Path | None) -> str:
    from mlx_voice.text.languages import LANGUAGES, reader

    ready = []
    for name in LANGUAGES:
        try:
            reader(name, "v2")
            ready.append(name)
        except TextError as error:
            steps.append(str(error))
    return ", ".join(ready)


def _cache(_: list[str], __: Path | None) -> str:
    from mlx_voice.settings import home
    from mlx_voice.voices import shelf

    folders = shelf.stored()
    return f"{len(folders)} references, {sum(map(shelf.size, folders)) / 1e6:.1f} MB, in {home()}"


def _sound(steps: list[str], _: Path | None) -> str:
    from mlx_voice.audio import can_play

    if can_play():
        return "can be played"
    steps.append("to hear speech at once install a player (ffmpeg); files are written in any case.")
    return "cannot be played here"


EXAMINATIONS = {
    "device": _device,
    "models": _models,
    "voices": _voices,
    "languages": _languages,
    "cache": _cache,
    "sound": _sound,
}
