"""Stage 6: `python -m recipes.mini.durations`. How many 25 Hz frames each phone lasts, at an average pace."""

import random

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from recipes.mini import networks, training
from recipes.mini.corpus import Corpus, padded


def main() -> None:
    args = training.arguments("durations", minutes=4, batch=48, rate=2e-3)
    corpus, held = Corpus("train", timed=True), Corpus("valid", timed=True)
    model = networks.Duration()

    def step(
        corpus: Corpus, chosen: list[int], rng: random.Random | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        phones = padded([np.array(corpus.phones(i, rng)) for i in chosen])
        frames = padded([np.array(corpus.rows[i]["frames"], np.float32) for i in chosen])
        seen = frames > 0
        made = model(phones).float()[seen]
        frames = frames[seen]
        value = F.smooth_l1_loss(made, frames.clamp_min(1).log(), beta=0.3)
        return value, (made.exp().sum() - frames.sum()).abs() / frames.sum()

    def loss(rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        value, off = step(corpus, corpus.draw(rng, args.batch, 0.5), rng)
        return value, {"loss": value.item(), "length": off.item()}

    def evaluate() -> dict[str, float]:
        value, off = zip(*(step(held, [i], None) for i in range(len(held.rows))), strict=True)
        return {"loss": float(np.mean(value)), "length": float(np.mean(off))}

    training.train(args, model, loss, evaluate, every=30)


if __name__ == "__main__":
    main()
