"""Speakers of English made of two who say the same: one's voice, its envelope drawn towards the other's.

English has few teachers, and of few speakers a style encoder learns names, not sounds. Here every draw is
another speaker: a smooth envelope between (or a little beyond) two teachers', with shares and a tint of its
own for every kind of phone, stretched in frequency as by another throat, its range widened or narrowed band
by band and its silence raised as by another room, under the first one's pitch and detail.
"""

import random
from dataclasses import dataclass

import numpy as np
import torch

from recipes.mini.codes import stage as content_stage
from recipes.mini.corpus import Corpus
from recipes.mini.networks import MELS
from recipes.mini.sound import FLOOR, MEAN, RATE, SCALE, SIZE, centres

SHARE = -0.3, 1.0  # of the other's envelope
THROAT = 0.84, 1.19
RECORDED = 0.65, 0.5  # of the ones, of the others, are built from a person's recordings
TINT, RANGE, BANDS = 0.15, (0.72, 1.2), 5  # latent units (deviation); times; both drawn at so many places
KINDS = (
    "IY IH EH AE EY", "UW UH AO OW OY", "AA AH AW AY ER", "M N NG L R W Y", "P B T D K G",
    "F V TH DH S Z SH ZH HH CH JH",
)  # fmt: skip
KIND = {phone: kind for kind, phones in enumerate(KINDS) for phone in phones.split()}  # a pause: one more
FLOOR_AT = -2.6, -1.2  # latent units
REACH, FIRM = 6, 0.05  # latent frames; what a step of that costs
WIDTHS = 4.0, 1.5  # of the smoothing, in mel bins: at the bottom it must bridge harmonics
SILENCE = (np.log(FLOOR) - MEAN) / SCALE


@dataclass(frozen=True)
class Blend:
    """A speaker: the teacher who speaks, the other, how much of the other by kind of phone, and so on."""

    one: str
    other: str
    share: tuple[float, ...]
    throat: float
    tint: tuple[tuple[float, ...], ...]  # [kinds, BANDS]
    range: tuple[float, ...]
    floor: float


def smoothing() -> np.ndarray:
    """[MELS, MELS]: mel @ it is the envelope."""
    at = np.arange(MELS)
    width = np.interp(at, (10, 35), WIDTHS)
    table = np.exp(-0.5 * ((at[:, None] - at[None]) / width[None]) ** 2)
    return (table / table.sum(0)).astype(np.float32)


def stretched(envelope: np.ndarray, factor: float) -> np.ndarray:
    """As if every formant were `factor` higher."""
    hertz = centres()
    sources = np.interp(hertz / factor, hertz, np.arange(MELS))
    low = np.minimum(sources.astype(int), MELS - 2)
    part = (sources - low).astype(np.float32)
    return envelope[:, low] * (1 - part) + envelope[:, low + 1] * part


def banded(values: tuple[float, ...]) -> np.ndarray:
    return np.interp(np.arange(MELS), np.linspace(0, MELS - 1, BANDS), values)


def by_kind(row: dict, values: np.ndarray) -> np.ndarray:
    """Every latent frame's own of `values` [kinds, n], eased from phone to phone: [T, n]"""
    kinds = [KIND.get(phone.rstrip("012"), len(KINDS)) for phone in row["phones"]]
    steps = values[np.repeat(kinds, row["frames"])].repeat(2, axis=0)
    around = np.pad(steps, ((1, 1), (0, 0)), mode="edge")
    return (around[:-2] + around[1:-1] + around[2:]) / 3


def laid(frames: list[int], others: list[int]) -> np.ndarray:
    """For every latent frame of a sentence, the place in another's time where the same phone is as far."""
    mine, theirs = 2 * np.cumsum([0, *frames]), 2 * np.cumsum([0, *others])
    return np.interp(np.arange(mine[-1]) + 0.5, mine, theirs) - 0.5


def matched(one: np.ndarray, other: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Those places, moved to where the two sound most alike: the teachers' times are rough."""
    moves = np.arange(-REACH, REACH + 1)
    places = (at.round().astype(int)[:, None] + moves).clip(0, len(other) - 1)
    a, b = ((x - x.mean(0)) / x.std() for x in (one, other))
    cost = np.abs(a[:, None] - b[places]).mean(2)
    total, came = cost[0] + FIRM * np.abs(moves), np.zeros(cost.shape, int)
    for t in range(1, len(cost)):
        ways = np.stack([np.r_[np.inf, total[:-1]] + FIRM, total, np.r_[total[1:], np.inf] + FIRM])
        best = ways.argmin(0)
        came[t] = best - 1
        total = ways.min(0) + cost[t]
    path = [int(total.argmin())]
    for t in range(len(cost) - 1, 0, -1):
        path.append(path[-1] + came[t, path[-1]])
    return places[np.arange(len(cost)), path[::-1]]


class Choir:
    """The sentences that many teachers said, and what a blend of two makes of them."""

    def __init__(self) -> None:
        self.corpus = Corpus("choir")
        said: dict[str, dict[str, int]] = {}
        for i, row in enumerate(self.corpus.rows):
            said.setdefault(row["text"], {})[row["speaker"]] = i
        self.of_pair: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for rows in said.values():
            for one, other in ((a, b) for a in rows for b in rows if a != b):
                self.of_pair.setdefault((one, other), []).append((rows[one], rows[other]))
        self.ear, self.smooth = content_stage(), smoothing()
        self.level = {
            who: np.concatenate([self.corpus.mel(i) for i in rows]).mean(0) @ self.smooth
            for who, rows in self.corpus.of_speaker.items()
        }
        bins = np.arange(SIZE // 2 + 1) * RATE / SIZE
        self.spread = np.stack([np.interp(bins, centres(), row) for row in np.eye(MELS)]).astype(np.float32)

    def draw(self, rng: random.Random) -> Blend:
        recorded = [rng.random() < share for share in RECORDED]
        pairs = [
            pair for pair, rows in self.of_pair.items()
            if len(rows) > 1 and [not who.startswith("espeak") for who in pair] == recorded
        ]  # fmt: skip
        kinds, bands = range(len(KINDS) + 1), range(BANDS)
        return Blend(
            *rng.choice(pairs), tuple(rng.uniform(*SHARE) for _ in kinds), rng.uniform(*THROAT),
            tuple(tuple(rng.gauss(0, TINT) for _ in bands) for _ in kinds),
            tuple(rng.uniform(*RANGE) for _ in bands), rng.uniform(*FLOOR_AT),
        )  # fmt: skip

    def sentences(self, blend: Blend) -> list[tuple[int, int]]:
        """Rows of the same sentence, of the one and of the other."""
        return self.of_pair[blend.one, blend.other]

    def change(self, blend: Blend, rows: tuple[int, int]) -> np.ndarray:
        """What the blend adds to the latent of the one: [T, MELS]"""
        first, second = (self.corpus.rows[i]["frames"] for i in rows)
        one, other = (self.corpus.mel(i) @ self.smooth for i in rows)
        other = other[matched(one, other, laid(first, second))]

        row = self.corpus.rows[rows[0]]
        share = by_kind(row, np.array(blend.share)[:, None])
        tint = by_kind(row, np.stack([banded(values) for values in blend.tint]))
        mixed = stretched((1 - share) * one + share * other, blend.throat)
        share = np.mean(blend.share)
        level = (1 - share) * self.level[blend.one] + share * self.level[blend.other]
        level = stretched(level[None], blend.throat)
        made = level + banded(blend.range) * (mixed - level) + tint
        return np.logaddexp(SCALE * made, SCALE * blend.floor) / SCALE - one

    def latent(self, blend: Blend, rows: tuple[int, int]) -> np.ndarray:
        return np.maximum(self.corpus.mel(rows[0]) + self.change(blend, rows), SILENCE).astype(np.float32)

    def gain(self, blend: Blend, rows: tuple[int, int]) -> np.ndarray:
        """What it multiplies the magnitudes of the one's sound by: [T, SIZE // 2 + 1]"""
        return np.exp((SCALE * self.change(blend, rows)).clip(-4, 4) @ self.spread)

    @torch.no_grad()
    def codes(self, latent: np.ndarray) -> np.ndarray:
        return self.ear.codes(torch.as_tensor(latent)[None])[0].numpy()
