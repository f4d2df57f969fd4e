"""Stage 3: `python -m recipes.mini.t2s`. Phones laid out in time -> codes, after a prompt of the same voice.

A row is sentences of one speaker, joined as the package joins prompt and text at inference.
"""

import random

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from recipes.mini import networks, training
from recipes.mini.corpus import Corpus, padded

MINIMUM, MAXIMUM = 120, 420  # 25 Hz frames of a row: what is longer at inference is not learned


def main() -> None:
    args = training.arguments("t2s", minutes=30, batch=12, rate=1.5e-3)
    corpus, held = Corpus("train", timed=True), Corpus("valid", timed=True)
    model = networks.T2S(networks.T2SSizes())

    def row(
        corpus: Corpus, i: int, length: int, rng: random.Random, noisy: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sentence `i` behind as many others of its speaker as fill the row."""
        others, chosen = corpus.of_speaker[corpus.rows[i]["speaker"]], [i]
        while sum(corpus.rows[j]["codes"] for j in chosen) < length:
            chosen.insert(0, rng.choice(others))
        phones = np.concatenate([corpus.timed(j, rng if noisy else None) for j in chosen])
        codes = np.concatenate([corpus.codes(j) for j in chosen])
        return phones[-length:].astype(np.int64), codes[-length:].astype(np.int64)

    def step(
        corpus: Corpus, chosen: list[int], length: int, rng: random.Random, noisy: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        rows = [row(corpus, i, length, rng, noisy) for i in chosen]
        phones, codes = (padded([r[k] for r in rows]) for k in (0, 1))
        heard = codes[:, :-1]
        if noisy:  # a token that was sampled wrong must not spoil what follows
            wrong = torch.rand(heard.shape) < 0.05
            heard = torch.where(wrong, torch.randint(networks.CODES, heard.shape), heard)
        return model(phones, heard), codes[:, 1:]

    def loss(rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        length = rng.randint(MINIMUM, MAXIMUM)  # no padding: every row of a batch is as long
        chosen = corpus.draw(rng, max(2, args.batch * 200 // length))
        logits, codes = step(corpus, chosen, length, rng, True)
        value = F.cross_entropy(logits.float().flatten(0, 1), codes.flatten(), label_smoothing=0.02)
        right = (logits.argmax(-1) == codes).float().mean()
        return value, {"loss": value.item(), "right": right.item()}

    def evaluate() -> dict[str, float]:
        rng, found = random.Random(0), {}
        for language, rows in held.of_language.items():
            values = []
            for i in rows[::6]:
                logits, codes = step(held, [i], 220, rng, False)
                values.append(F.cross_entropy(logits.flatten(0, 1), codes.flatten()).item())
            found[language] = float(np.mean(values))
        return found

    training.train(args, model, loss, evaluate, every=120)


if __name__ == "__main__":
    main()
