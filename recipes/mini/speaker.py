"""Stage 4b: `python -m recipes.mini.speaker`. Who speaks: what the critic of `polish` knows of a voice.

It learns to tell the training speakers apart by a second or two of log-mel (additive-margin softmax). The
figures are judged by another one, resemblyzer, which no training has seen.
"""

import random

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from recipes.mini import training
from recipes.mini.corpus import Corpus
from recipes.mini.networks import MELS, conv

WIDTH, PRINT = 128, 96
MARGIN, SCALE = 0.2, 20.0
FRAMES = (30, 60)  # codes, 40 ms each


class Stage(nn.Module):
    def __init__(self, speakers: int) -> None:
        super().__init__()
        self.inputs = conv(MELS, WIDTH, 5)
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(3))
        self.convs = nn.ModuleList(conv(WIDTH, WIDTH, 5, dilation) for dilation in (1, 2, 3))
        self.outputs = nn.Linear(2 * WIDTH, PRINT)
        self.speakers = nn.Parameter(torch.randn(speakers, PRINT))

    def forward(self, mel: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Latent [B, MELS, T], mask [B, 1, T] -> prints of unit length [B, PRINT]"""
        x = F.relu(self.inputs(mel * mask))
        for norm, layer in zip(self.norms, self.convs, strict=True):
            x = x + F.relu(layer(norm(x.transpose(1, 2)).transpose(1, 2) * mask))
        x, count = x.float(), mask.sum(2)
        mean = (x * mask).sum(2) / count
        spread = (((x - mean[:, :, None]) ** 2 * mask).sum(2) / count + 1e-4).sqrt()
        return F.normalize(self.outputs(torch.cat([mean, spread], 1)).float(), dim=1)

    def likeness(self, prints: torch.Tensor) -> torch.Tensor:
        return prints @ F.normalize(self.speakers.float(), dim=1).T


def stage(corpus: Corpus) -> Stage:
    """The trained one."""
    net = Stage(len(corpus.speakers)).eval()
    net.load_state_dict(training.weights("speaker"))
    return net


def main() -> None:
    args = training.arguments("speaker", minutes=9, batch=64, rate=2e-3)
    corpus, held = Corpus("train"), Corpus("valid")
    net = Stage(len(corpus.speakers))

    def heard(source: Corpus, rows: list[int], rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
        length, mels = rng.randint(*FRAMES), []
        for i in rows:
            start = rng.randint(0, max(0, source.rows[i]["codes"] - length))
            mel = torch.as_tensor(source.mel(i)[2 * start : 2 * (start + length)]).T
            mels.append(F.pad(mel, (0, 2 * length - mel.shape[1])))
        mel = torch.stack(mels)
        mask = (mel != 0).any(1, keepdim=True).float()
        who = torch.tensor([corpus.speakers.index(source.rows[i]["speaker"]) for i in rows])
        return net(mel + rng.uniform(0, 0.2) * torch.randn_like(mel), mask), who

    def loss(rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        rows = [rng.choice(corpus.of_speaker[rng.choice(corpus.speakers)]) for _ in range(args.batch)]
        prints, who = heard(corpus, rows, rng)
        likeness = net.likeness(prints)
        value = F.cross_entropy(SCALE * (likeness - MARGIN * F.one_hot(who, len(corpus.speakers))), who)
        return value, {"loss": value.item(), "right": (likeness.argmax(1) == who).float().mean().item()}

    def evaluate() -> dict[str, float]:
        rows = [i for i, row in enumerate(held.rows) if row["speaker"] in corpus.of_speaker]
        prints, who = heard(held, rows, random.Random(0))
        return {"right": (net.likeness(prints).argmax(1) == who).float().mean().item()}

    training.train(args, net, loss, evaluate, every=60)


if __name__ == "__main__":
    main()
