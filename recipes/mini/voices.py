"""Stage 8: `python -m recipes.mini.voices`. The voices that ship: the teachers speak, the package analyses.

Needs the exported model; rewrites `voices.json` and `voices/` of the repository.
"""

import json
import random
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import soundfile

from mlx_voice.cloner import VoiceCloner
from mlx_voice.voices.adding import Recording
from recipes.mini import data, sentences

ROOT = Path(__file__).parents[2]
ARCTIC = "CMU licence of flite (free use, modification and redistribution with its notice), see NOTICE"
FORMANT = "none claimed: the sound of a formant synthesizer (espeak-ng, GPL-3.0-or-later as a program)"
TEXTS = {
    "en": "The morning train was late, so we walked slowly along the river.",
    "zh": "今天天气好，我们去公园。",
}


@dataclass(frozen=True)
class Shipped:
    name: str
    engine: str
    voice: str
    language: str
    source: str
    factor: float = 1.0
    alias: str = ""


def flite(name: str, voice: str, speaker: str, alias: str = "") -> Shipped:
    source = f"flite {voice}, a voice built from the recordings of CMU ARCTIC's speaker {voice} ({speaker})"
    return Shipped(name, "flite", voice, "en", source, alias=alias)


def formant(name: str, variant: str, factor: float, how: str, alias: str = "") -> Shipped:
    tuned = f", resampled by {factor}" if factor != 1 else ""
    source = f"espeak-ng cmn-latn-pinyin+{variant}{tuned} ({how}), formant synthesis: not a real person"
    return Shipped(name, "espeak", variant, "zh", source, factor, alias)


SHIPPED = (
    formant("bamboo", "m3", 1.0, "male", alias="zh"),
    formant("orchid", "f2", 1.09, "female"),
    formant("pine", "klatt", 0.93, "male"),
    formant("lotus", "f4", 1.0, "female"),
    flite("cedar", "rms", "male, US English", alias="en"),
    flite("maple", "slt", "female, US English"),
    flite("birch", "awb", "male, Scottish English"),
)


def main() -> None:
    for folder in (ROOT / "voices").iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)
    registry = ROOT / "voices.json"
    registry.write_text('{"version": 1, "voices": {}}\n')
    with VoiceCloner("mini", voices=registry) as cloner, tempfile.TemporaryDirectory() as work:
        for shipped in SHIPPED:
            text = TEXTS[shipped.language]
            said = sentences.pinyin(text) if shipped.language == "zh" else text.lower()
            speech = data.speak(
                random.Random(1), shipped.engine, shipped.voice, shipped.language, shipped.factor, said
            )
            path = Path(work) / f"{shipped.name}.wav"
            soundfile.write(path, speech.wave, data.RATE, "PCM_16")
            recording = Recording(
                path, text, shipped.language, source=shipped.source,
                license=ARCTIC if shipped.engine == "flite" else FORMANT,
                consent="a synthesizer's voice, made for this package",
                aliases=(shipped.alias,) if shipped.alias else (),
            )  # fmt: skip
            _, advice = cloner.voices.add(shipped.name, recording)
            print(shipped.name, f"{len(speech.wave) / data.RATE:.2f} s", *advice)
    table = json.loads(registry.read_text("utf-8"))
    slot = dict(table["voices"]["bamboo"])
    slot |= {
        "aliases": [],
        "slot": True,
        "consent": "the place of your own recording; until then the voice bamboo",
    }
    table["voices"] = {"luoxiang": slot, **table["voices"]}
    registry.write_text(json.dumps(table, ensure_ascii=False, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
