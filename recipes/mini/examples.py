"""What the prior learns from: a sentence with its latent, and the style of another of its speaker."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from recipes.mini import networks
from recipes.mini.blend import Blend, Choir
from recipes.mini.corpus import Corpus, padded
from recipes.mini.data import CODE
from recipes.mini.sound import magnitudes

REFERENCE = 75  # codes: 3 s
WRONG = 0.15  # of the codes, replaced by others: as the T2S may be
TOLD = 0.5  # of the sentences are read where they are said, so that reading pays from the start
BLENDED = 0.45  # of the draws are of speakers made of two
MANDARIN, SHIPPED = 0.6, 0.6  # of the others
Batch = tuple[torch.Tensor, ...]


def reference(wave: np.ndarray, gain: np.ndarray | float = 1.0) -> np.ndarray:
    """v2's 704 bins at 32 kHz from 16 kHz sound: twice the magnitudes below 8 kHz, nothing above."""
    return np.pad(2 * magnitudes(wave) * gain, ((0, 0), (0, 704 - 513)))[:, :704]


def masks(lengths: list[int]) -> torch.Tensor:
    return (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])[:, None].float()


@dataclass(frozen=True)
class Example:
    """A sentence, and 3 s of its speaker: what a batch has of each row."""

    style: np.ndarray  # magnitudes [2 * REFERENCE, 704]
    codes: np.ndarray  # [T]
    phones: list[int]
    latent: np.ndarray  # [2 * T, MELS]
    places: np.ndarray  # [T]: which of the phones is being said, or -1
    said: np.ndarray  # [T]: its symbol


def example(corpus: Corpus, i: int, rng: random.Random, noisy: bool) -> Example:
    j = rng.choice(corpus.of_speaker[corpus.rows[i]["speaker"]])
    start = rng.randint(0, max(0, corpus.rows[j]["codes"] - REFERENCE))
    wave = corpus.wave(j, start, min(REFERENCE, corpus.rows[j]["codes"]))
    style = reference(np.resize(wave, REFERENCE * CODE))
    codes, phones = corpus.codes(i).astype(np.int64), corpus.phones(i, rng if noisy else None)
    return Example(style, codes, phones, corpus.mel(i), corpus.said(i), corpus.timed(i))


def blended(
    choir: Choir, speaker: Blend, rows: tuple[int, int], others: tuple[int, int], rng: random.Random
) -> Example:
    """`rows` are what is learned, `others` where the style is heard."""
    corpus, gain, wave = choir.corpus, choir.gain(speaker, others), choir.corpus.wave(others[0])
    length = min(REFERENCE, len(gain) // 2)
    start = rng.randint(0, len(gain) // 2 - length)
    part = wave[start * CODE : (start + length) * CODE]
    style = reference(part, gain[2 * start : 2 * (start + length)])
    style = style[np.arange(2 * REFERENCE) % len(style)]
    latent = choir.latent(speaker, rows)
    phones, said, places = corpus.phones(rows[0], rng), corpus.timed(rows[0]), corpus.said(rows[0])
    return Example(style, choir.codes(latent), phones, latent, places, said)


def gathered(examples: list[Example], noisy: bool, rng: random.Random) -> Batch:
    """Style, codes, phones, latent, masks of latent and phones; which phone is said and its place, or -1."""
    loud = [10 ** (rng.uniform(-4, 2) / 20) if noisy else 1.0 for _ in examples]
    styles = np.stack([each.style * by for each, by in zip(examples, loud, strict=True)])
    codes = padded([each.codes for each in examples])
    if noisy:
        wrong = torch.rand(codes.shape) < WRONG
        codes = torch.where(wrong, torch.randint(networks.CODES, codes.shape), codes)
    phones = padded([np.array(each.phones) for each in examples])
    latent = padded([each.latent for each in examples]).transpose(1, 2)
    latent_mask = masks([2 * len(each.codes) for each in examples])
    phone_mask = masks([len(each.phones) for each in examples])
    places = padded([each.places.repeat(2) for each in examples], -1)
    said = padded([each.said.repeat(2).astype(np.int64) for each in examples]).where(places >= 0, -1)
    return torch.as_tensor(styles).float(), codes, phones, latent, latent_mask, phone_mask, said, places


def draw(corpus: Corpus, chosen: list[int], rng: random.Random, noisy: bool) -> Batch:
    return gathered([example(corpus, i, rng, noisy) for i in chosen], noisy, rng)


def drawn(corpus: Corpus, choir: Choir, size: int, rng: random.Random) -> tuple[Batch, torch.Tensor]:
    """Sentences of about one length, and what is told of where they are said."""
    some: list[tuple[int, Callable[[], Example]]] = []
    for _ in range(4 * size):
        if rng.random() < BLENDED:
            speaker = choir.draw(rng)
            rows, others = rng.sample(choir.sentences(speaker), 2)
            length = choir.corpus.rows[rows[0]]["codes"]
            some.append((length, partial(blended, choir, speaker, rows, others, rng)))
        else:
            (i,) = corpus.draw(rng, 1, MANDARIN, SHIPPED)
            some.append((corpus.rows[i]["codes"], partial(example, corpus, i, rng, True)))
    some.sort(key=lambda one: one[0])
    at = rng.randrange(4) * size
    batch = gathered([make() for _, make in some[at : at + size]], True, rng)
    return batch, torch.where(torch.rand(size, 1) < TOLD, batch[-1], -1)
