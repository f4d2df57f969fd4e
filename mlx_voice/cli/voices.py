"""`mlx-voice voices …`: the voices on this machine."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlx_voice.cli.options import Json, ModelName, VoicesFile, examples, group, opened, registry, voice_names

if TYPE_CHECKING:
    from mlx_voice.voices.entry import Voice

app = group("The voices: list, show, add, verify, remove, export, import.")
Name = Annotated[str, typer.Argument(autocompletion=voice_names, help="A voice's name or alias.")]
Replace = Annotated[bool, typer.Option("--replace", help="Take the place of a voice of that name.")]


@app.command("list", epilog=examples("voices list", "voices list --json"))
def list_voices(voices: VoicesFile = None, as_json: Json = False) -> None:
    """Every voice: the shipped ones and your own."""
    found = list(registry(voices).voices().values())
    if as_json:
        typer.echo(json.dumps([_row(voice) for voice in found], ensure_ascii=False, indent=1))
        return
    for voice in found:
        aliases = f" ({', '.join(voice.entry.aliases)})" if voice.entry.aliases else ""
        typer.echo(f"{voice.name + aliases:24} {voice.language:4} {voice.entry.source}")
    if not found:
        typer.echo('There is no voice yet: mlx-voice voices add NAME RECORDING --text "…" makes one.')


@app.command(epilog=examples("voices show cedar"))
def show(name: Name, voices: VoicesFile = None, as_json: Json = False) -> None:
    """All that is known of a voice."""
    known = registry(voices)
    voice = known.find(name)
    row = _row(voice) | _details(voice)
    if same := [v.name for v in known.voices().values() if voice.entry.slot and _same(voice, v)]:
        row["slot"] = f"kept for a recording of yours; until then it sounds like {same[0]}"
    if as_json:
        typer.echo(json.dumps(row, ensure_ascii=False, indent=1))
        return
    for key, value in row.items():
        typer.echo(f"{key + ':':14} {', '.join(value) if isinstance(value, list) else value}")


@app.command(
    epilog=examples(
        'voices add me me.wav --text "What I say in it." --consent "my own voice"',
        'voices add me long.wav --text "Only this part." --window 12.5-20',
    )
)
def add(
    name: Annotated[str, typer.Argument(help="What to call the voice.")],
    recording: Annotated[Path, typer.Argument(help="3 to 10 s of one speaker, in any format.")],
    text: Annotated[str, typer.Option(help="Exactly what is said in the recording.")],
    language: Annotated[
        str | None, typer.Option(help="zh, en, ja, ko or yue; by the script unless told.")
    ] = None,
    window: Annotated[
        str | None, typer.Option(metavar="FROM-TO", help="Seconds of a longer recording, as in 12.5-20.")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.25, max=4, help="How much faster than it was recorded.")
    ] = 1.0,
    alias: Annotated[
        list[str] | None, typer.Option(help="Another name; a language's makes it the default.")
    ] = None,
    source: Annotated[str, typer.Option(help="Where the recording comes from.")] = "not stated",
    license_: Annotated[str, typer.Option("--license", help="Under which licence.")] = "not stated",
    consent: Annotated[str, typer.Option(help='Whose voice it is, as in "my own voice".')] = "not stated",
    model: ModelName = None,
    voices: VoicesFile = None,
    replace: Replace = False,
) -> None:
    """Make a voice of a recording: check it, compute its codes and its spectrogram, store them."""
    from mlx_voice.voices.adding import Recording

    told = Recording(
        recording, text, language, _window(window), speed, tuple(alias or ()), source, license_, consent
    )
    with opened(model, voices, new=True) as cloner:
        voice, advice = cloner.voices.add(name, told, over=replace)
    for sentence in advice:
        typer.echo(sentence, err=True)
    features = voice.entry.features
    counts = ", ".join(f"{numbers.count} codes" for numbers in features.codes.values())
    frames = ", ".join(f"{mel.frames} frames of {bins} bins" for bins, mel in features.mel.items())
    typer.echo(f"{voice.name}: {counts}, {frames}, in {voice.path(voice.entry.ref_audio or '').parent}")


@app.command(epilog=examples("voices verify", "voices verify cedar"))
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(autocompletion=voice_names, help="All voices unless told.")
    ] = None,
    voices: VoicesFile = None,
    as_json: Json = False,
) -> None:
    """Read every file of a voice again and compare it with its entry."""
    from mlx_voice.voices.registry import faults

    known = registry(voices)
    wanted = [known.find(name) for name in names] if names else list(known.voices().values())
    found = {voice.name: faults(voice) for voice in wanted}
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
    for name, sentences in ({} if as_json else found).items():
        typer.echo("\n".join(sentences) or f"{name}: every file is whole.")
    if any(found.values()):
        raise typer.Exit(1)


@app.command(epilog=examples("voices remove me"))
def remove(name: Name, voices: VoicesFile = None) -> None:
    """Delete a voice of your own, with its files."""
    typer.echo(f"{registry(voices).remove(name).name}: removed")


@app.command(epilog=examples("voices export cedar -o cedar.voice"))
def export(
    name: Name,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="NAME.voice unless told.")] = None,
    voices: VoicesFile = None,
) -> None:
    """Write a voice as one file that travels."""
    from mlx_voice.voices.bundle import export as write

    path = output or Path(f"{name}.voice")
    write(registry(voices).find(name), path)
    typer.echo(path)


@app.command("import", epilog=examples("voices import cedar.voice --name tree"))
def import_voice(
    bundle: Annotated[Path, typer.Argument(help="A .voice file.")],
    name: Annotated[str | None, typer.Option(help="What to call it; its own name unless told.")] = None,
    voices: VoicesFile = None,
    replace: Replace = False,
) -> None:
    """Add the voice of such a file, once everything in it is verified."""
    from mlx_voice.voices.bundle import install

    voice = install(bundle, registry(voices, new=True), name, over=replace)
    typer.echo(f"{voice.name}: added (consent: {voice.entry.consent})")


def _window(text: str | None) -> tuple[float, float] | None:
    try:
        start, end = map(float, text.split("-")) if text else (0.0, 0.0)
    except ValueError as error:
        raise typer.BadParameter("write it as FROM-TO in seconds: 12.5-20", param_hint="--window") from error
    return (start, end) if text else None


def _row(voice: "Voice") -> dict[str, Any]:
    entry = voice.entry
    return {
        "name": voice.name,
        "language": entry.language,
        "aliases": list(entry.aliases),
        "source": entry.source,
        "license": entry.license,
        "consent": entry.consent,
        "slot": entry.slot,
        "registry": str(voice.registry),
    }


def _details(voice: "Voice") -> dict[str, Any]:
    entry = voice.entry
    return {
        "reference": str(voice.reference),
        "text": entry.ref_text,
        "speed_factor": entry.speed_factor,
        "mel": [f"{bins} bins x {mel.frames} frames" for bins, mel in entry.features.mel.items()],
        "codes": [f"{numbers.count} by {encoder}" for encoder, numbers in entry.features.codes.items()],
    }


def _same(voice: "Voice", other: "Voice") -> bool:
    digest = voice.entry.features.audio_sha256
    return other.name != voice.name and digest is not None and other.entry.features.audio_sha256 == digest
