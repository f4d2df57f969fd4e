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

from recipes.mini import examples, networks, training
from recipes.mini.codes import stage as content_stage
from recipes.mini.corpus import Corpus
from recipes.mini.examples import Batch
from recipes.mini.networks import MELS

WEIGHTS = {"likelihood": 1.0, "l1": 1.0, "astray": 0.2, "misheard": 0.3}
DRAWN = 0.2, 0.7  # noise of the latent, in the deviations that the text encoder foretells


class Stage(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.sovits = networks.Sovits(networks.SovitsSizes())
        self.direct = networks.conv(networks.SovitsSizes().hidden, MELS)
        self.register_buffer("embed", training.weights("content")["quantizer.embed"], persistent=False)


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
            parts = [self.parts(examples.draw(held, [i], rng, False))[0] for i in rows[::8]]
            found |= {f"{language} {name}": np.mean([row[name].item() for row in parts]) for name in parts[0]}
        return found


def main() -> None:
    args = training.arguments("prior", minutes=45, batch=10, rate=1.5e-3)
    corpus, held = Corpus("train"), Corpus("valid")
    stage = Stage()
    lesson = Lesson(stage)

    def loss(rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        parts, _ = lesson.parts(*examples.drawn(corpus, args.batch, rng))
        value = sum(WEIGHTS[name] * part for name, part in parts.items())
        return value, {name: part.item() for name, part in parts.items()}

    training.train(args, stage, loss, lambda: lesson.judged(held), every=120)


if __name__ == "__main__":
    main()
