"""Voices that training never heard: is the clone like its reference, and like no other's?"""

import random
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from mlx_voice.cloner import VoiceCloner
from recipes.mini import data, measures, sentences
from recipes.mini.voices import TEXTS

APART = 0.75  # two of the pool are less alike than this
LARGEST = 14
OTHERS = (
    *(("en", "flite", voice, 1.0) for voice in data.FLITE),
    *(("zh", "espeak", voice, factor) for factor in (1.0, 0.8, 1.17) for voice in data.VARIANTS),
    *(("en", "flite", voice, factor) for factor in (0.8, 1.17) for voice in data.FLITE),
)


def reference(language: str, engine: str, voice: str, factor: float) -> np.ndarray:
    said = sentences.pinyin(TEXTS["zh"]) if language == "zh" else TEXTS["en"].lower()
    speech = data.speak(random.Random(1), engine, voice, language, factor, said)
    if speech is None:
        raise ValueError(f"{engine} {voice} does not say its reference as our front end reads it")
    return speech.wave


def pool() -> dict[str, np.ndarray]:
    """Name -> print, the withheld voices first; none is nearer to another than `APART`."""
    found: dict[str, np.ndarray] = {}
    withheld = ((language, *voice, 1.0) for language, voice in data.WITHHELD.items())
    for one in (*withheld, *OTHERS):
        made = measures.print_of(reference(*one))
        if len(found) < LARGEST and all(made @ other <= APART for other in found.values()):
            found["{} {}:{}:{}".format(*one)] = made
    return found


def judge(cloner: VoiceCloner, count: int) -> dict:
    prints = pool()
    row: dict = {"cloning": "withheld voices", "sentences": count, "pool": len(prints)}
    for language, (engine, voice) in data.WITHHELD.items():
        name = f"{language} {engine}:{voice}:1.0"
        rng = random.Random(f"evaluate {name}")
        with tempfile.TemporaryDirectory() as work:
            path = Path(work) / "reference.wav"
            soundfile.write(path, reference(language, engine, voice, 1.0), data.RATE, "PCM_16")
            clone = cloner.clone(path, TEXTS[language])
            near = []
            for i in range(count):
                text = (sentences.mandarin_text if language == "zh" else sentences.english)(rng, "valid")
                made = measures.print_of(cloner.speak(text, clone, language=language, seed=i).samples)
                near.append({other: float(made @ print_) for other, print_ in prints.items()})
        row[name] = {
            "similarity": round(float(np.mean([alike[name] for alike in near])), 3),
            "nearest to its own": round(np.mean([max(alike, key=alike.get) == name for alike in near]), 3),
        }
    return row
