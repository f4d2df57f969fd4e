"""A recording becomes a voice: heard, judged, analysed, and only then stored, all at once."""

import os
import tempfile
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from mlx_voice.audio import encode
from mlx_voice.checkpoints.config import Reference as Spectrum
from mlx_voice.errors import InputError
from mlx_voice.files import write_bytes
from mlx_voice.voices import coach
from mlx_voice.voices.entry import NOT_STATED, Entry, Features, MelFile, Numbers, Voice, check_name
from mlx_voice.voices.shelf import with_feature
from mlx_voice.voices.tiers import Source, Tiers

REFERENCE, MEL, CODES = "reference.wav", "mel.bin", "codes.bin"


@dataclass(frozen=True)
class Recording:
    """What a user says of a recording that is to become a voice."""

    path: str | os.PathLike[str]
    text: str
    language: str | None = None  # by the text's script unless told
    window: tuple[float, float] | None = None  # seconds; by ear unless told
    speed_factor: float = 1.0
    aliases: tuple[str, ...] = ()
    source: str = NOT_STATED
    license: str = NOT_STATED
    consent: str = NOT_STATED


class Gathered:
    """The features of a voice that does not stand anywhere yet."""

    def __init__(self, audio: str) -> None:
        self.files: dict[str, bytes] = {}
        self.features = Features(audio)

    def get(self, kind: str, key: str, form: Spectrum | None = None) -> bytes | None:  # noqa: ARG002
        return None

    def put(self, kind: str, key: str, content: bytes, record: MelFile | Numbers) -> None:
        name = {"mel": MEL, "codes": CODES}.get(kind, record.path)
        self.files[name] = content
        self.features = with_feature(self.features, kind, key, replace(record, path=name))


def add(
    tiers: Tiers, name: str, recording: Recording, *, over: bool = False
) -> tuple[Voice, tuple[str, ...]]:
    """The new voice, and what could be better about its recording, one sentence each."""
    name = check_name(name)
    tiers.registry.demand_free(name, over)
    if not recording.text.strip():
        raise InputError("A voice needs the text of its recording: say with --text what is said there.")
    heard = coach.listen(Path(recording.path), recording.window)
    entry = _entry(recording)
    advice = (*heard.advice, *coach.fit(entry.ref_text, entry.language, heard.seconds))
    wave = encode(heard.samples, heard.rate)
    gathered = Gathered(sha256(wave).hexdigest())
    with tempfile.TemporaryDirectory() as folder:
        write_bytes(Path(folder, REFERENCE), wave)  # what is stored is what is analysed
        voice = Voice(name, entry, Path(folder), None)
        tiers.made([(Source(voice, gathered.features.audio_sha256, gathered), 1.0)])
    entry = replace(entry, mel_path=MEL, codes_path=CODES, features=gathered.features)
    return tiers.registry.add(name, entry, {REFERENCE: wave, **gathered.files}, over=over), advice


def _entry(recording: Recording) -> Entry:
    try:
        return Entry(
            ref_text=recording.text.strip(),
            language=recording.language or coach.guess(recording.text),
            ref_audio=REFERENCE,
            speed_factor=recording.speed_factor,
            aliases=recording.aliases,
            source=recording.source,
            license=recording.license,
            consent=recording.consent,
        )
    except ValueError as error:
        raise InputError(f"This voice cannot be added: {error}.") from error
