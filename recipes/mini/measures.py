"""What is measured of a sound: the words that are heard in it, who speaks, silences, clicks."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pocketsphinx
import torch
from resemblyzer import VoiceEncoder, preprocess_wav

from recipes.mini import codes, data, recogniser, sentences

RATE = 16000
Ear = Callable[[torch.Tensor], torch.Tensor]  # log-mel -> phone scores at 25 Hz
Counts = list[tuple[int, int]]  # errors and words of each sentence
Hears = Callable[[Any, np.ndarray], dict[str, tuple[int, int]]]


@cache
def listener() -> pocketsphinx.Decoder:
    return pocketsphinx.Decoder(samprate=RATE, loglevel="FATAL")


@cache
def speaker_encoder() -> VoiceEncoder:
    return VoiceEncoder("cpu", verbose=False)


def words(said: str, wave: np.ndarray) -> dict[str, tuple[int, int]]:
    decoder = listener()
    decoder.start_utt()
    decoder.process_raw((np.clip(wave, -1, 1) * 32767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp().hypstr.split() if decoder.hyp() else []
    wanted = re.findall(r"[a-z']+", said.lower())
    return {"words": (recogniser.errors(wanted, found), len(wanted))}


def syllables(network: Ear, said: list[str], wave: np.ndarray) -> dict[str, tuple[int, int]]:
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
def listener_of(language: str) -> tuple[str, Hears]:
    """Who hears it, and how: what was said, its sound -> errors and their number, by kind."""
    if language == "en":
        return "pocketsphinx", words
    network, name = recogniser.frozen() if recogniser.FROZEN.exists() else (OwnEar(), "own ear")
    return name, lambda said, wave: syllables(network, said, wave)
