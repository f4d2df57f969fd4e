"""What the prior learns from: a sentence with its latent, and the style of another of its speaker."""

import random

import numpy as np
import torch

from recipes.mini import networks
from recipes.mini.corpus import Corpus, padded
from recipes.mini.data import CODE
from recipes.mini.sound import magnitudes

REFERENCE = 75  # codes: 3 s
WRONG = 0.15  # of the codes, replaced by others: as the T2S may be
TOLD = 0.5  # of the sentences are read where they are said, so that reading pays from the start
MANDARIN, SHIPPED = 0.5, 0.6  # of the draws
Batch = tuple[torch.Tensor, ...]


def reference(wave: np.ndarray) -> np.ndarray:
    """v2's 704 bins at 32 kHz from 16 kHz sound: twice the magnitudes below 8 kHz, nothing above."""
    return np.pad(2 * magnitudes(wave), ((0, 0), (0, 704 - 513)))[:, :704]


def masks(lengths: list[int]) -> torch.Tensor:
    return (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])[:, None].float()


def style(corpus: Corpus, i: int, rng: random.Random) -> np.ndarray:
    """Three seconds of a sentence by the speaker of row `i`."""
    j = rng.choice(corpus.of_speaker[corpus.rows[i]["speaker"]])
    start = rng.randint(0, max(0, corpus.rows[j]["codes"] - REFERENCE))
    wave = corpus.wave(j, start, min(REFERENCE, corpus.rows[j]["codes"]))
    return reference(np.resize(wave, REFERENCE * CODE))


def draw(corpus: Corpus, chosen: list[int], rng: random.Random, noisy: bool) -> Batch:
    """Style, codes, phones, latent, masks of latent and phones; which phone is said and its place, or -1."""
    loud = [10 ** (rng.uniform(-4, 2) / 20) if noisy else 1.0 for _ in chosen]
    styles = np.stack([style(corpus, i, rng) * by for i, by in zip(chosen, loud, strict=True)])
    codes = padded([corpus.codes(i).astype(np.int64) for i in chosen])
    if noisy:
        wrong = torch.rand(codes.shape) < WRONG
        codes = torch.where(wrong, torch.randint(networks.CODES, codes.shape), codes)
    phones = padded([np.array(corpus.phones(i, rng if noisy else None)) for i in chosen])
    latent = padded([corpus.mel(i) for i in chosen]).transpose(1, 2)
    latent_mask = masks([2 * corpus.rows[i]["codes"] for i in chosen])
    phone_mask = masks([len(corpus.rows[i]["ids"]) for i in chosen])
    places = padded([corpus.said(i).repeat(2) for i in chosen], -1)
    said = padded([corpus.timed(i).repeat(2).astype(np.int64) for i in chosen]).where(places >= 0, -1)
    return torch.as_tensor(styles).float(), codes, phones, latent, latent_mask, phone_mask, said, places


def drawn(corpus: Corpus, size: int, rng: random.Random) -> tuple[Batch, torch.Tensor]:
    """Sentences of about one length, and what is told of where they are said."""
    some = corpus.draw(rng, 4 * size, MANDARIN, SHIPPED)
    chosen = sorted(some, key=lambda i: corpus.rows[i]["codes"])
    at = rng.randrange(4) * size
    batch = draw(corpus, chosen[at : at + size], rng, True)
    return batch, torch.where(torch.rand(size, 1) < TOLD, batch[-1], -1)
