"""Stage 2: `python -m recipes.mini.decoder`. The generator: from the latent, a normalised log-mel, to sound.

45 x mel L1 and 10 x multi-resolution STFT; the latent is a little blurred and noisy, as a predicted one is.
With `--predicted SHARE` so many of the batches hear the latents of the polished prior (stage 5) instead: the
last polish.
"""

import random

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from recipes.mini import examples, networks, polish, prior, training
from recipes.mini.corpus import Corpus
from recipes.mini.sound import FLOOR, HOP, SIZE, filters

FRAMES = 48  # of 20 ms
MANDARIN, SHIPPED = 0.5, 0.7  # of the draws


def spectrum(wave: torch.Tensor, size: int, hop: int) -> torch.Tensor:
    pad = (size - hop) // 2
    wave = F.pad(wave[:, None], (pad, pad), mode="reflect")[:, 0]
    window = torch.hann_window(size)
    return torch.stft(wave, size, hop, window=window, center=False, return_complex=True).abs().clamp_min(1e-5)


def distance(
    made: torch.Tensor, true: torch.Tensor, table: torch.Tensor
) -> tuple[torch.Tensor, dict[str, float]]:
    def mel(wave: torch.Tensor) -> torch.Tensor:
        return torch.log((spectrum(wave, SIZE, HOP // 2).transpose(1, 2) @ table).clamp_min(FLOOR))

    error = F.l1_loss(mel(made), mel(true))
    shape = torch.zeros(())
    for size, hop in ((1024, 120), (512, 80), (256, 40), (2048, 240)):
        a, b = spectrum(made, size, hop), spectrum(true, size, hop)
        shape = shape + (torch.linalg.norm(b - a) / torch.linalg.norm(b) + F.l1_loss(a.log(), b.log())) / 4
    return 45 * error + 10 * shape, {"mel": error.item(), "stft": shape.item()}


def main() -> None:
    args = training.arguments("decoder", minutes=60, batch=8, rate=1e-3, predicted=0.0)
    corpus, held = Corpus("train"), Corpus("valid")
    generator = networks.Generator(networks.SovitsSizes())
    table = torch.as_tensor(filters())
    stage = polish.trained() if args.predicted else None

    def latents(chosen: list[int], rng: random.Random) -> list[np.ndarray]:
        if stage is None or rng.random() >= args.predicted:
            return [corpus.mel(i) for i in chosen]
        made = prior.predicted(stage, examples.draw(corpus, chosen, rng, False), rng.uniform(0, 0.4))
        return list(made.float().transpose(1, 2).numpy())

    def draw(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
        chosen: list[int] = []
        while len(chosen) < args.batch:
            chosen += [
                i for i in corpus.draw(rng, 1, MANDARIN, SHIPPED) if corpus.rows[i]["codes"] >= FRAMES // 2
            ]
        waves, mels = [], []
        for i, latent in zip(chosen, latents(chosen, rng), strict=True):
            start = rng.randint(0, corpus.rows[i]["codes"] - FRAMES // 2)
            waves.append(corpus.wave(i, start, FRAMES // 2))
            mels.append(latent[2 * start : 2 * start + FRAMES])
        return torch.as_tensor(np.stack(waves)), torch.as_tensor(np.stack(mels)).transpose(1, 2)

    def loss(rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        true, latent = draw(rng)
        latent = latent + rng.choice((0, 0.05, 0.15)) * torch.randn_like(latent)
        made = generator(latent)
        with torch.autocast(args.device, enabled=False):
            return distance(made.float(), true, table)

    def evaluate() -> dict[str, float]:
        errors = []
        for i in range(0, len(held.rows), 11):
            made = generator(torch.as_tensor(held.mel(i)).T[None])
            errors.append(distance(made, torch.as_tensor(held.wave(i))[None], table)[1]["mel"])
        return {"mel": float(np.mean(errors))}

    training.train(args, generator, loss, evaluate, every=180)


if __name__ == "__main__":
    main()
