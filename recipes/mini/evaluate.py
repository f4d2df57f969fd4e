"""`python -m recipes.mini.evaluate [--count 100]`: the embedded model, voice by voice, against its teachers.

Every shipped voice says sentences that training never saw, and so does its own teacher. pocketsphinx hears
the English, the frozen recogniser the Mandarin, resemblyzer who speaks. Intervals: 95 %, bootstrap. Then the
voices that training never heard, and what the model must bear: length, memory, speed.
"""

import argparse
import json
import random
import time
from pathlib import Path

import numpy as np
import soundfile

from mlx_voice.cloner import VoiceCloner
from recipes.mini import cloning, data, measures, sentences, strain
from recipes.mini.voices import ROOT, SHIPPED, Shipped


def drawn(rng: random.Random, language: str) -> tuple[str, str | list[str]]:
    """A sentence that training never saw, and as the teacher is given it."""
    if language == "zh":
        text = sentences.mandarin_text(rng, "valid")
        return text, sentences.as_read(text)
    text = sentences.english(rng, "valid")
    return text, text


def judge(cloner: VoiceCloner, shipped: Shipped, count: int, keep: Path | None) -> dict:
    rng = random.Random(f"evaluate {shipped.name}")
    ear, hears = measures.listener_of(shipped.language)
    reference, _ = soundfile.read(ROOT / "voices" / shipped.name / "reference.wav", dtype="float32")
    own = measures.print_of(reference)
    wrong: dict[str, measures.Counts] = {}
    alike, lengths, silences, peaks, clicked, spent, spoken = [], [], [], [], 0, 0.0, 0.0
    while len(lengths) < count:
        text, said = drawn(rng, shipped.language)
        pace = random.Random(1)  # that of the voice's reference
        taught = data.speak(pace, shipped.engine, shipped.voice, shipped.language, shipped.factor, said)
        if taught is None:
            continue
        began = time.perf_counter()
        audio = cloner.speak(text, shipped.name, language=shipped.language, seed=len(lengths))
        spent += time.perf_counter() - began
        spoken += audio.seconds
        for who, wave in (("mini", audio.samples), ("teacher", taught.wave)):
            for kind, found in hears(said, wave).items():
                wrong.setdefault(f"{kind} {who}", []).append(found)
        alike.append(float(measures.print_of(audio.samples) @ own))
        lengths.append(len(audio.samples) / len(taught.wave))
        silences.append(measures.edges(audio.samples))
        peaks.append(float(np.abs(audio.samples).max()))
        clicked += measures.clicks(audio.samples)
        if keep and len(lengths) <= 3:
            soundfile.write(keep / f"{shipped.name}-{len(lengths)}.wav", audio.samples, audio.sample_rate)
    off = np.abs(np.array(lengths) - 1) > 0.15
    return {
        "voice": shipped.name, "ear": ear, "sentences": count,
        **{name: measures.rate(counts) for name, counts in wrong.items()},
        "similarity": round(float(np.mean(alike)), 3), "length": round(float(np.mean(lengths)), 3),
        "length off by over 15 %": round(float(off.mean()), 3),
        "longest silence at an end": round(max(silences), 2), "peak": round(max(peaks), 3),
        "clicks": clicked, "real-time factor": round(spent / spoken, 3),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100, help="sentences of each voice")
    parser.add_argument("--voices", default="", help="names, with commas; all unless told")
    parser.add_argument("--only", choices=("voices", "cloning", "strain"), help="one of the three parts")
    parser.add_argument("--model", default="mini")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results.jsonl")
    parser.add_argument("--keep", type=Path, help="a folder for the first sounds of each voice")
    args = parser.parse_args()
    wanted = set(filter(None, args.voices.split(",")))
    with VoiceCloner(args.model) as cloner, args.out.open("w") as out:

        def write(row: dict) -> None:
            line = json.dumps(row, ensure_ascii=False)
            print(line, flush=True)
            out.write(line + "\n")

        if args.only in (None, "voices"):
            for shipped in SHIPPED:
                if not wanted or shipped.name in wanted:
                    write(judge(cloner, shipped, args.count, args.keep))
        if args.only in (None, "cloning"):
            write(cloning.judge(cloner, max(2, args.count // 3)))
        if args.only in (None, "strain"):
            write(strain.judge(cloner, 3 * args.count))


if __name__ == "__main__":
    main()
