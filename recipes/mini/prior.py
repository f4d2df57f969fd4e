"""Stage 4: `python -m recipes.mini.prior`. Text encoder, flow, style encoder: codes, phones, style -> latent.

The latent's likelihood under the flow, an L1 head on the text encoder's last states (it is thrown away), and
where the text encoder looks: not told which phone is being said, it never learns to read the phones.
The style is heard in another sentence of the speaker.
"""

import random

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from recipes.mini import networks, training
from recipes.mini.codes import stage as content_stage
from recipes.mini.corpus import Corpus, padded
from recipes.mini.networks import MELS
from recipes.mini.sound import magnitudes

REFERENCE = 75  # codes: 3 s
WEIGHTS = {"likelihood": 1.0, "l1": 1.0, "astray": 0.2, "misheard": 0.3}
DRAWN = 0.2, 0.7  # noise of the latent, in the deviations that the text encoder foretells
TOLD = 0.5  # of the sentences are read where they are said, so that reading pays from the start
WRONG = 0.15  # of the codes, replaced by others: as the T2S may be
MANDARIN, SHIPPED = 0.5, 0.6  # of the draws
Batch = tuple[torch.Tensor, ...]


def reference(wave: np.ndarray) -> np.ndarray:
    """v2's 704 bins at 32 kHz from 16 kHz sound: twice the magnitudes below 8 kHz, nothing above."""
    return np.pad(2 * magnitudes(wave), ((0, 0), (0, 704 - 513)))[:, :704]


class Stage(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.sovits = networks.Sovits(networks.SovitsSizes())
        self.direct = networks.conv(networks.SovitsSizes().hidden, MELS)
        self.register_buffer("embed", training.weights("content")["quantizer.embed"], persistent=False)


def masks(lengths: list[int]) -> torch.Tensor:
    return (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])[:, None].float()


def draw(corpus: Corpus, chosen: list[int], rng: random.Random, noisy: bool) -> Batch:
    """Style, codes, phones, latent, masks of latent and phones; which phone is said and its place, or -1."""
    styles = []
    for i in chosen:
        j = rng.choice(corpus.of_speaker[corpus.rows[i]["speaker"]])
        start = rng.randint(0, max(0, corpus.rows[j]["codes"] - REFERENCE))
        wave = corpus.wave(j, start, min(REFERENCE, corpus.rows[j]["codes"]))
        wave = np.resize(wave, REFERENCE * 640)
        styles.append(reference(wave * (10 ** (rng.uniform(-4, 2) / 20) if noisy else 1)))
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
    return torch.as_tensor(np.stack(styles)), codes, phones, latent, latent_mask, phone_mask, said, places


def encoded(stage: Stage, batch: Batch, told: torch.Tensor | None = None) -> Batch:
    """Style, hidden states, mean and log deviation of a batch's codes, and the phones that they look at."""
    style, codes, phones, _, mask, phone_mask, _, _ = batch
    ge = stage.sovits.ref_enc(style)
    y = stage.embed[codes].transpose(1, 2).repeat_interleave(2, 2)
    return ge, *stage.sovits.enc_p(y, mask, phones, phone_mask, ge, told)


def astray(seen: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Minus the log of what each head gives the phone that is said: seen [B, heads, T, N], places [B, T]"""
    known, at = places >= 0, places.clamp_min(0)[:, None, :, None]
    given = seen.float().gather(-1, at.expand(-1, seen.shape[1], -1, 1))[..., 0]
    return -((given + 1e-4).log().mean(1) * known).sum() / known.sum().clamp_min(1)


@torch.no_grad()
def predicted(stage: Stage, batch: Batch, noise: float) -> torch.Tensor:
    """The latents [B, MELS, T] that the trained networks make of a batch's codes."""
    ge, _, mean, deviation, _ = encoded(stage, batch)
    drawn = mean + noise * torch.randn_like(mean) * deviation.exp()
    return stage.sovits.flow(drawn, batch[4], ge, reverse=True)


class Lesson:
    """What a batch teaches: the parts of the loss, and the latent that inference would draw."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.net = stage, stage.sovits
        self.ear = content_stage().content.requires_grad_(False)

    def parts(
        self, batch: Batch, told: torch.Tensor | None = None
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        latent, mask = batch[3], batch[4]
        ge, hidden, mean, deviation, seen = encoded(self.stage, batch, told)
        error = ((self.stage.direct(hidden) - latent).abs() * mask).sum() / mask.sum() / MELS
        dithered = latent + 0.03 * torch.randn_like(latent) * mask
        z_p = self.net.flow(dithered, mask, ge).float()
        noise = torch.empty(()).uniform_(*DRAWN)
        drawn = mean + noise * torch.randn_like(mean) * deviation.exp()
        drawn = self.net.flow(drawn, mask, ge, reverse=True)
        mean, deviation = mean.float(), deviation.float().clamp(-4, 2)
        likelihood = (deviation + 0.5 * (z_p - mean) ** 2 * torch.exp(-2 * deviation)) * mask
        return {
            "likelihood": likelihood.sum() / mask.sum() / MELS, "l1": error, "astray": astray(seen, batch[7]),
            "misheard": self.misheard(batch, drawn),
        }, drawn  # fmt: skip

    def misheard(self, batch: Batch, latent: torch.Tensor) -> torch.Tensor:
        """What the content encoder's phone head makes of it."""
        latent = latent + 0.2 * torch.rand(()) * torch.randn_like(latent)
        scores = self.ear.head(self.ear(latent.transpose(1, 2))).float()
        missed = F.cross_entropy(scores.flatten(0, 1), batch[6].flatten(), ignore_index=-1, reduction="sum")
        return missed / (batch[6] >= 0).sum().clamp_min(1)

    def judged(self, held: Corpus) -> dict[str, float]:
        """The parts on held-out speech, by language."""
        rng, found = random.Random(0), {}
        for language, rows in held.of_language.items():
            parts = [self.parts(draw(held, [i], rng, False))[0] for i in rows[::8]]
            found |= {f"{language} {name}": np.mean([row[name].item() for row in parts]) for name in parts[0]}
        return found


def drawn_batch(corpus: Corpus, size: int, rng: random.Random) -> tuple[Batch, torch.Tensor]:
    """Sentences of about one length, and what is told of where they are said."""
    some = corpus.draw(rng, 4 * size, MANDARIN, SHIPPED)
    chosen = sorted(some, key=lambda i: corpus.rows[i]["codes"])
    at = rng.randrange(4) * size
    batch = draw(corpus, chosen[at : at + size], rng, True)
    return batch, torch.where(torch.rand(size, 1) < TOLD, batch[-1], -1)


def main() -> None:
    args = training.arguments("prior", minutes=45, batch=10, rate=1.5e-3)
    corpus, held = Corpus("train"), Corpus("valid")
    stage = Stage()
    lesson = Lesson(stage)

    def loss(rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        parts, _ = lesson.parts(*drawn_batch(corpus, args.batch, rng))
        value = sum(WEIGHTS[name] * part for name, part in parts.items())
        return value, {name: part.item() for name, part in parts.items()}

    training.train(args, stage, loss, lambda: lesson.judged(held), every=120)


if __name__ == "__main__":
    main()
