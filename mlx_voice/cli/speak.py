"""`mlx-voice speak`: text in, sound out."""

import json
import logging
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated

import typer

from mlx_voice.cli.job import Job, Outlet
from mlx_voice.cli.options import ModelName, VoicesFile, examples, opened, quieten, registry, voice_names
from mlx_voice.cli.progress import Progress
from mlx_voice.cli.resume import journal
from mlx_voice.cli.sinks import sink
from mlx_voice.cli.sources import texts

log = logging.getLogger("mlx_voice")
USUAL_RATE = 175  # words per minute, as `say` counts them
EMBEDDED = "mini"
RECORDINGS = (".wav", ".flac", ".ogg", ".mp3")


EXAMPLES = examples(
    'speak "Hello, world." -o hello.wav',
    "speak -f book.txt -o book.flac --resume --subtitles book.vtt",
    'speak "Which of them?" -o take.wav --takes 3 --seed 7',
)

Text = Annotated[
    str | None, typer.Argument(help="What to say; - takes standard input, sentence by sentence.")
]
TextFile = Annotated[Path | None, typer.Option("-f", "--file", help="A text file to read.")]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Write wav, flac, ogg or mp3; - is standard output.")
]
VoiceName = Annotated[
    str | None,
    typer.Option("-v", "--voice", autocompletion=voice_names, help="A name, or a mix: anna:0.7+ben:0.3."),
]
Ref = Annotated[list[Path] | None, typer.Option(help="A recording whose voice is taken; several are mixed.")]
RefText = Annotated[str, typer.Option(help="What is said in it; else in the .txt beside it.")]
RefDir = Annotated[Path | None, typer.Option(help="A folder of recordings of one voice.")]
Language = Annotated[str, typer.Option(help="Of the text: zh, en, ja, ko, yue, or auto.")]
LexiconFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Readings: a word a line, then its pinyin or phones.")
]
Speed = Annotated[float, typer.Option(min=0.25, max=4, help="2 is twice as fast.")]
Rate = Annotated[
    int | None, typer.Option("-r", "--rate", min=44, max=700, help="Words per minute; 175 is usual.")
]
Seed = Annotated[int | None, typer.Option(help="The same seed gives the same sound.")]
Takes = Annotated[
    int, typer.Option(min=1, max=32, help="Say it so often, with the seeds that follow: out-1.wav, …")
]
SubtitleFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write subtitles too: .srt, or .vtt with times of words.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Keep what was said when broken off, and go on with it.")
]
Form = Annotated[str | None, typer.Option("--format", help="wav, flac, ogg or mp3.")]
Stream = Annotated[bool, typer.Option("--stream", help="Send sound out while it is made.")]
Play = Annotated[bool, typer.Option("--play", help="Play what is written, where something can.")]
Account = Annotated[bool, typer.Option("--stats", help="Say where the time went: JSON on stderr.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Nothing on stderr but errors.")]


def speak(
    text: Text = None,
    file: TextFile = None,
    output: Output = None,
    voice: VoiceName = None,
    ref: Ref = None,
    ref_text: RefText = "",
    ref_dir: RefDir = None,
    language: Language = "auto",
    lexicon: LexiconFile = None,
    speed: Speed = 1.0,
    rate: Rate = None,
    seed: Seed = None,
    takes: Takes = 1,
    subtitles: SubtitleFile = None,
    resume: Resume = False,
    model: ModelName = None,
    voices: VoicesFile = None,
    form: Form = None,
    stream: Stream = False,
    play: Play = False,
    stats: Account = False,
    quiet: Quiet = False,
) -> None:
    """Say a text, aloud or into a file."""
    from mlx_voice.settings import SpeakOptions
    from mlx_voice.subtitles import Subtitles

    quieten(quiet)
    if voice == "?":  # as `say` is asked for them
        list_voices(voices)
        return
    options = SpeakOptions(
        language=language, lexicon=readings(lexicon), speed=rate / USUAL_RATE if rate else speed, seed=seed
    )
    _check(output, takes, resume, stream)
    said = texts(text, file, whole=resume or takes > 1)
    recordings = references(ref or [], ref_dir, ref_text)
    with ExitStack() as stack:
        kept = stack.enter_context(journal(output)) if resume and output else None
        draft = kept.draft if kept else None
        outlets = [
            Outlet(sink(path, form, stream, play, draft), Subtitles(name) if name else None)
            for path, name in zip(numbered(output, takes), numbered(subtitles, takes), strict=True)
        ]
        job = Job(*said, outlets, options, stream, kept, Progress(quiet))
        cloner = stack.enter_context(opened(model, voices))
        if model is None and cloner.model == EMBEDDED:
            hint_once()
        totals = job.run(cloner, [cloner.clone(path, words) for path, words in recordings] or voice)
    for total in totals if stats else ():
        typer.echo(json.dumps(total.as_dict()), err=True)


def _check(output: Path | None, takes: int, resume: bool, stream: bool) -> None:
    """What several takes, or a speech that can be broken off, cannot be."""
    for option, given in (("--takes", takes > 1), ("--resume", resume)):
        if given and (output is None or str(output) == "-" or (output.exists() and not output.is_file())):
            raise typer.BadParameter("name a file to write with -o", param_hint=option)
        if given and stream:
            raise typer.BadParameter("leave out --stream: sound goes to files", param_hint=option)
    if takes > 1 and resume:
        raise typer.BadParameter("give --takes or --resume, not both", param_hint="--takes")


def numbered(path: Path | None, takes: int) -> list[Path | None]:
    """`out.wav`, or of several takes `out-1.wav`, …"""
    if path is None or takes == 1:
        return [path] * takes
    return [path.with_stem(f"{path.stem}-{take}") for take in range(1, takes + 1)]


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
