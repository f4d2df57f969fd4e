"""`python -m recipes.mini.evaluate [--count 100]`: the embedded model, voice by voice, against its teachers.

Every shipped voice says sentences that training never saw, and so does its own teacher. pocketsphinx hears
the English, the frozen recogniser the Mandarin, resemblyzer who speaks. Intervals: 95 %, bootstrap.
"""

import argparse
import json
import random
import re
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pocketsphinx
import soundfile
import torch
from resemblyzer import VoiceEncoder, preprocess_wav

from mlx_voice.cloner import VoiceCloner
from recipes.mini import codes, data, recogniser, sentences
from recipes.mini.voices import ROOT, SHIPPED, Shipped

RATE = 16000
Ear = Callable[[torch.Tensor], torch.Tensor]  # log-mel -> phone scores at 25 Hz
Counts = list[tuple[int, int]]  # errors and words of each sentence


@cache
def listener() -> pocketsphinx.Decoder:
    return pocketsphinx.Decoder(samprate=RATE, loglevel="FATAL")


@cache
def speaker_encoder() -> VoiceEncoder:
    return VoiceEncoder("cpu", verbose=False)


def words_wrong(text: str, wave: np.ndarray) -> tuple[int, int]:
    decoder = listener()
    decoder.start_utt()
    decoder.process_raw((np.clip(wave, -1, 1) * 32767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp().hypstr.split() if decoder.hyp() else []
    wanted = re.findall(r"[a-z']+", text.lower())
    return recogniser.errors(wanted, found), len(wanted)


def syllables_wrong(network: Ear, said: list[str], wave: np.ndarray) -> dict[str, tuple[int, int]]:
    ids = [p for word in said if (pair := sentences.phones(word)) for p in data.SYMBOLS.ids(pair)]
    wanted = recogniser.sandhi(recogniser.syllables(ids))
    found = recogniser.sandhi(recogniser.heard(network, wave))
    bare = recogniser.toneless(wanted), recogniser.toneless(found)
    return {
        "tonal": (recogniser.errors(wanted, found), len(wanted)),
        "toneless": (recogniser.errors(*bare), len(wanted)),
    }


def rate(counts: Counts) -> list[float]:
    """Error rate with its interval."""
    table, rng = np.array(counts, float), np.random.default_rng(0)
    draws = table[rng.integers(0, len(table), (1000, len(table)))].sum(1)
    low, high = np.quantile(draws[:, 0] / draws[:, 1], (0.025, 0.975))
    return [round(float(x), 3) for x in (table[:, 0].sum() / table[:, 1].sum(), low, high)]


def print_of(wave: np.ndarray) -> np.ndarray:
    return speaker_encoder().embed_utterance(preprocess_wav(wave.astype(np.float32), source_sr=RATE))


def edges(wave: np.ndarray) -> float:
    """The longer of the silences at both ends, seconds (under -45 dB of the peak)."""
    loud = np.flatnonzero(np.abs(wave) > 0.0056 * np.abs(wave).max())
    return max(loud[0], len(wave) - loud[-1]) / RATE


def clicks(wave: np.ndarray) -> int:
    """Samples that jump by over a quarter of full scale out of near silence."""
    jump = np.abs(np.diff(wave))
    around = np.convolve(np.abs(wave[:-1]), np.ones(80) / 80, "same")
    return int(((jump > 0.25) & (around < 0.01)).sum())


class OwnEar:
    """The model's content encoder, where the judge is not trained yet: no independent witness."""

    def __init__(self) -> None:
        self.content = codes.stage().content

    def __call__(self, mel: torch.Tensor) -> torch.Tensor:
        scores = self.content.head(self.content(mel)).log_softmax(-1)
        return scores[:, : scores.shape[1] // 2 * 2].unflatten(1, (-1, 2)).sum(2)


@cache
def chinese_listener() -> tuple[Ear, str]:
    return recogniser.frozen() if recogniser.FROZEN.exists() else (OwnEar(), "own ear")


def judge(cloner: VoiceCloner, shipped: Shipped, count: int, keep: Path | None) -> dict:
    rng = random.Random(f"evaluate {shipped.name}")
    network, ear = chinese_listener() if shipped.language == "zh" else (None, "pocketsphinx")
    reference, _ = soundfile.read(ROOT / "voices" / shipped.name / "reference.wav", dtype="float32")
    wrong: dict[str, Counts] = {}
    alike, lengths, silences, peaks, clicked, spent, spoken = [], [], [], [], 0, 0.0, 0.0
    while len(lengths) < count:
        text = (
            sentences.mandarin_text(rng, "valid")
            if shipped.language == "zh"
            else sentences.english(rng, "valid")
        )
        said = sentences.pinyin(text) if shipped.language == "zh" else text
        taught = data.speak(rng, shipped.engine, shipped.voice, shipped.language, shipped.factor, said)
        if taught is None:
            continue
        began = time.perf_counter()
        audio = cloner.speak(text, shipped.name, language=shipped.language, seed=len(lengths))
        spent += time.perf_counter() - began
        spoken += len(audio.samples) / audio.sample_rate
        for who, wave in (("mini", audio.samples), ("teacher", taught.wave)):
            if network is None:
                wrong.setdefault(f"words {who}", []).append(words_wrong(text, wave))
            else:
                for kind, found in syllables_wrong(network, said, wave).items():
                    wrong.setdefault(f"{kind} {who}", []).append(found)
        alike.append(float(print_of(audio.samples) @ print_of(reference)))
        lengths.append(len(audio.samples) / len(taught.wave))
        silences.append(edges(audio.samples))
        peaks.append(float(np.abs(audio.samples).max()))
        clicked += clicks(audio.samples)
        if keep and len(lengths) <= 3:
            soundfile.write(keep / f"{shipped.name}-{len(lengths)}.wav", audio.samples, audio.sample_rate)
    found = {name: rate(counts) for name, counts in wrong.items()}
    return {"voice": shipped.name, "ear": ear, "sentences": count, **found} | {
        "similarity": round(float(np.mean(alike)), 3), "length": round(float(np.mean(lengths)), 3),
        "length off by over 15 %": round(float(np.mean(np.abs(np.array(lengths) - 1) > 0.15)), 3),
        "longest silence at an end": round(max(silences), 2), "peak": round(max(peaks), 3), "clicks": clicked,
        "real-time factor": round(spent / spoken, 3),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--voices", default="", help="names, with commas; all unless told")
    parser.add_argument("--model", default="mini")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results.jsonl")
    parser.add_argument("--keep", type=Path, help="a folder for the first sounds of each voice")
    args = parser.parse_args()
    wanted = set(filter(None, args.voices.split(",")))
    write: Callable[[dict], None] = lambda row: print(json.dumps(row, ensure_ascii=False), flush=True)  # noqa: E731
    with VoiceCloner(args.model) as cloner, args.out.open("w") as out:
        for shipped in SHIPPED:
            if not wanted or shipped.name in wanted:
                row = judge(cloner, shipped, args.count, args.keep)
                write(row)
                out.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
