"""`mlx-voice speak`: text in, sound out."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlx_voice.cli.options import ModelName, VoicesFile, opened, quieten, registry, voice_names
from mlx_voice.cli.sinks import Sink, sink
from mlx_voice.cli.sources import texts
from mlx_voice.errors import TextError

if TYPE_CHECKING:
    from mlx_voice.cloner import VoiceCloner, VoiceLike
    from mlx_voice.results import Audio, Stats
    from mlx_voice.settings import SpeakOptions

log = logging.getLogger("mlx_voice")
USUAL_RATE = 175  # words per minute, as `say` counts them
EMBEDDED = "mini"
RECORDINGS = (".wav", ".flac", ".ogg", ".mp3")


def speak(
    text: Annotated[
        str | None, typer.Argument(help="What to say; - takes standard input, sentence by sentence.")
    ] = None,
    file: Annotated[Path | None, typer.Option("-f", "--file", help="A text file to read.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write wav, flac, ogg or mp3; - is standard output.")
    ] = None,
    voice: Annotated[
        str | None,
        typer.Option("-v", "--voice", autocompletion=voice_names, help="A name, or a mix: anna:0.7+ben:0.3."),
    ] = None,
    ref: Annotated[
        list[Path] | None, typer.Option(help="A recording whose voice is taken; several are mixed.")
    ] = None,
    ref_text: Annotated[str, typer.Option(help="What is said in it; else in the .txt beside it.")] = "",
    ref_dir: Annotated[Path | None, typer.Option(help="A folder of recordings of one voice.")] = None,
    language: Annotated[str, typer.Option(help="Of the text: zh, en, ja, ko, yue, or auto.")] = "auto",
    lexicon: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Readings: a word a line, then its pinyin or phones.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.25, max=4, help="2 is twice as fast.")] = 1.0,
    rate: Annotated[
        int | None, typer.Option("-r", "--rate", min=44, max=700, help="Words per minute; 175 is usual.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same sound.")] = None,
    model: ModelName = None,
    voices: VoicesFile = None,
    form: Annotated[str | None, typer.Option("--format", help="wav, flac, ogg or mp3.")] = None,
    stream: Annotated[bool, typer.Option("--stream", help="Send sound out while it is made.")] = False,
    play: Annotated[bool, typer.Option("--play", help="Play what is written, where something can.")] = False,
    stats: Annotated[bool, typer.Option("--stats", help="Say where the time went: JSON on stderr.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Nothing on stderr but errors.")] = False,
) -> None:
    """Say a text, aloud or into a file."""
    from mlx_voice.settings import SpeakOptions

    quieten(quiet)
    if voice == "?":  # as `say` is asked for them
        list_voices(voices)
        return
    options = SpeakOptions(
        language=language, lexicon=readings(lexicon), speed=rate / USUAL_RATE if rate else speed, seed=seed
    )
    piecewise, parts = texts(text, file)
    job = Job(parts, piecewise, sink(output, form, stream, play), options, stream, quiet)
    recordings = references(ref or [], ref_dir, ref_text)
    with opened(model, voices) as cloner:
        if model is None and cloner.model == EMBEDDED:
            hint_once()
        total = job.run(cloner, [cloner.clone(path, words) for path, words in recordings] or voice)
    if stats:
        typer.echo(json.dumps(total.as_dict()), err=True)


@dataclass
class Job:
    """Texts on their way to sound."""

    texts: Iterator[str]
    piecewise: bool  # the texts are sentences that arrive one by one
    sink: Sink
    options: "SpeakOptions"
    stream: bool
    quiet: bool

    def run(self, cloner: "VoiceCloner", voice: "VoiceLike | None") -> "Stats":
        from mlx_voice.results import Stats

        total = Stats()
        for text in self.texts:
            try:
                total = self._one(cloner, text, voice, total)
            except TextError as error:
                if not self.piecewise:
                    raise
                log.info("%s", error)  # of many sentences, one that says nothing is left out
        if not total.audio:
            raise TextError("There is nothing to say: the text is empty.")
        self._show("\r\x1b[K")
        self.sink.close()
        return total

    def _one(self, cloner: "VoiceCloner", text: str, voice: "VoiceLike | None", before: "Stats") -> "Stats":
        after = before
        for chunk in self._spoken(cloner, text, voice):
            self.sink.write(chunk)
            after = before + chunk.stats
            self._show(f"\r{after.audio:.1f} s of speech")
        return after

    def _show(self, text: str) -> None:
        if not self.quiet and sys.stderr.isatty():
            typer.echo(text, nl=False, err=True)

    def _spoken(self, cloner: "VoiceCloner", text: str, voice: "VoiceLike | None") -> "Iterator[Audio]":
        if self.stream:
            return cloner.stream(text, voice, self.options)
        return iter([cloner.speak(text, voice, self.options)])


def references(paths: list[Path], folder: Path | None, text: str) -> list[tuple[Path, str]]:
    """The recordings to clone, and what is said in each: the text given, or a .txt beside the recording."""
    if folder is not None:
        found = sorted(path for path in folder.glob("*") if path.suffix.lower() in RECORDINGS)
        if not found:
            raise typer.BadParameter(f"{folder} holds no {', '.join(RECORDINGS)}", param_hint="--ref-dir")
        paths = [*paths, *found]
    beside = [path.with_suffix(".txt") for path in paths]
    said = [file.read_text(encoding="utf-8") if file.is_file() else "" for file in beside]
    if paths and not (text or said[0]):
        raise typer.BadParameter(f"say what is said in {paths[0]}", param_hint="--ref-text")
    return list(zip(paths, [text or said[0], *said[1:]], strict=True)) if paths else []


def hint_once() -> None:
    """Who speaks with the small model learns, one time on a machine, that there are full ones."""
    from mlx_voice.settings import home

    mark = home() / "hinted"
    if not mark.exists():
        log.info("This is the small model inside the package: mlx-voice models pull v2Pro brings a full one.")
        with suppress(OSError):  # then it is said again
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()


def readings(lexicon: Path | None) -> dict[str, str]:
    if lexicon is None:
        return {}
    from mlx_voice.text.lexicon import load

    return {word: " ".join(reading) for word, reading in load(lexicon).items()}


def list_voices(file: Path | None) -> None:
    for name, voice in registry(file).voices().items():
        typer.echo(f"{name:20} {voice.language:4} # {voice.entry.ref_text}")
