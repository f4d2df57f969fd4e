"""Stage 3: `python -m recipes.mini.t2s`. Phones laid out in time -> codes, after a prompt of the same voice.

A row is a prompt and a target of one speaker, each whole, joined as the package joins them at inference.
"""

import random

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from recipes.mini import networks, training
from recipes.mini.corpus import Corpus, padded

MINIMUM, MAXIMUM = 75, 260  # 25 Hz frames of a row


def main() -> None:
    args = training.arguments("t2s", minutes=30, batch=12, rate=1.5e-3)
    corpus, held = Corpus("train"), Corpus("valid")
    model = networks.T2S(networks.T2SSizes())

    def row(corpus: Corpus, i: int, rng: random.Random, noisy: bool) -> tuple[np.ndarray, np.ndarray]:
        phones, codes = [], []
        others = corpus.of_speaker[corpus.rows[i]["speaker"]]
        for j in (rng.choice(others), i):
            phones.append(corpus.timed(j, rng if noisy else None))
            codes.append(corpus.codes(j))
        phones, codes = np.concatenate(phones)[-MAXIMUM:], np.concatenate(codes)[-MAXIMUM:]
        return phones.astype(np.int64), codes.astype(np.int64)

    def step(
        corpus: Corpus, chosen: list[int], rng: random.Random, noisy: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        rows = [row(corpus, i, rng, noisy) for i in chosen]
        length = max(
            MINIMUM, min(len(phones) for phones, _ in rows)
        )  # all rows as long as the shortest: no padding
        rows = [(p[-length:], c[-length:]) for p, c in rows if len(p) >= length]
        phones, codes = (padded([r[k] for r in rows]) for k in (0, 1))
        heard = codes[:, :-1]
        if noisy:  # a token that was sampled wrong must not spoil what follows
            wrong = torch.rand(heard.shape) < 0.05
            heard = torch.where(wrong, torch.randint(networks.CODES, heard.shape), heard)
        return model(phones, heard), codes[:, 1:]

    def loss(rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        chosen = sorted(corpus.draw(rng, 4 * args.batch), key=lambda i: corpus.rows[i]["codes"])
        at = rng.randrange(4) * args.batch
        logits, codes = step(corpus, chosen[at : at + args.batch], rng, True)
        value = F.cross_entropy(logits.float().flatten(0, 1), codes.flatten(), label_smoothing=0.02)
        right = (logits.argmax(-1) == codes).float().mean()
        return value, {"loss": value.item(), "right": right.item()}

    def evaluate() -> dict[str, float]:
        rng, found = random.Random(0), {}
        for language, rows in held.of_language.items():
            values = []
            for i in rows[::6]:
                logits, codes = step(held, [i], rng, False)
                values.append(F.cross_entropy(logits.flatten(0, 1), codes.flatten()).item())
            found[language] = float(np.mean(values))
        return found

    training.train(args, model, loss, evaluate, every=120)


if __name__ == "__main__":
    main()
