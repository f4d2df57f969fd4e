"""Stage 1: `python -m recipes.mini.content`. What a frame says, in 512 codes, whoever says it.

The encoder hears the log-mel warped in frequency (the speaker is lost); before and after the quantizer the
phone must be told, and from the codes and a table of speakers the unwarped mel.
"""

import random

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from recipes.mini import networks, training
from recipes.mini.corpus import Corpus, padded
from recipes.mini.networks import CODES, FEATURES, MELS, PHONES


class Quantizer(nn.Module):
    """Nearest codeword; codewords follow the means of what chooses them, unused ones are drawn anew."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("embed", torch.randn(CODES, FEATURES) * 0.5)
        self.register_buffer("total", torch.zeros(CODES, FEATURES))
        self.register_buffer("size", torch.zeros(CODES))

    def indices(self, x: torch.Tensor) -> torch.Tensor:
        return (self.embed.pow(2).sum(1) - 2 * x.float() @ self.embed.T).argmin(-1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """[N, FEATURES] -> straight-through codewords, indices, commitment"""
        x = x.float()
        with torch.autocast(x.device.type, enabled=False):
            index = self.indices(x)
        if self.training:
            with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
                chosen = F.one_hot(index, CODES).float()
                self.size.lerp_(chosen.sum(0), 0.02)
                self.total.lerp_(chosen.T @ x, 0.02)
                self.embed.copy_(self.total / self.size.clamp_min(1e-3)[:, None])
                dead = self.size < 0.15
                if dead.any():
                    fresh = x[torch.randint(len(x), (int(dead.sum()),))]
                    self.embed[dead], self.total[dead], self.size[dead] = fresh, fresh, 1.0
        value = self.embed[index]
        return x + (value - x).detach(), index, F.mse_loss(x, value)


class Stage(nn.Module):
    def __init__(self, speakers: int) -> None:
        super().__init__()
        self.content = networks.Content(PHONES)
        self.ssl_proj = nn.Conv1d(FEATURES, FEATURES, 2, 2)
        self.quantizer = Quantizer()
        self.phone = nn.Linear(FEATURES, PHONES)
        self.speaker = nn.Embedding(speakers, 64)
        self.mel_in, self.mel_mid = nn.Linear(FEATURES + 64, 256), networks.conv(256, 256, 3)
        self.mel_out = nn.Linear(256, 2 * MELS)

    def projected(self, features: torch.Tensor) -> torch.Tensor:
        return self.ssl_proj(features.transpose(1, 2)).transpose(1, 2)

    def codes(self, mel: torch.Tensor) -> torch.Tensor:
        return self.quantizer.indices(self.projected(self.content(mel)))

    def mel(self, quantized: torch.Tensor, speaker: torch.Tensor) -> torch.Tensor:
        voice = self.speaker(speaker)[:, None].expand(-1, quantized.shape[1], -1)
        x = F.relu(self.mel_in(torch.cat([quantized, voice], -1)))
        x = x + F.relu(self.mel_mid(x.transpose(1, 2))).transpose(1, 2)
        return self.mel_out(x).unflatten(-1, (2, MELS)).flatten(1, 2)


def warped(mel: np.ndarray, factor: float, gain: float) -> np.ndarray:
    """The mel bins moved up or down in frequency (about `factor`), and made louder or softer."""
    at = np.clip(np.arange(MELS) / factor, 0, MELS - 1)
    low = np.minimum(at.astype(int), MELS - 2)
    part = (at - low).astype(np.float32)
    return mel[:, low] * (1 - part) + mel[:, low + 1] * part + gain


def main() -> None:
    args = training.arguments("content", minutes=8, batch=20, rate=2e-3)
    corpus, held = Corpus("train", timed=True), Corpus("valid", timed=True)
    stage = Stage(len(corpus.speakers))
    number = {name: i for i, name in enumerate(corpus.speakers)}

    def loss(rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        heard, true, phones, voices = [], [], [], []
        for i in corpus.draw(rng, args.batch):
            mel, timed = corpus.mel(i), corpus.timed(i)
            start = rng.randint(0, max(0, len(timed) - 100))
            mel, timed = mel[2 * start : 2 * (start + 100)], timed[start : start + 100]
            true.append(mel)
            heard.append(warped(mel, rng.uniform(0.85, 1.18), rng.uniform(-0.5, 0.3)))
            phones.append(timed.astype(np.int64))
            voices.append(number[corpus.rows[i]["speaker"]])
        heard, true, phones = padded(heard), padded(true), padded(phones, -1)
        if rng.random() < 0.3:
            heard = heard + 0.15 * torch.randn_like(heard)
        features = stage.content(heard)
        projected = stage.projected(features)
        seen = phones >= 0
        flat, _, commitment = stage.quantizer(projected[seen])
        quantized = torch.zeros(projected.shape).masked_scatter(seen[..., None], flat)
        before = F.cross_entropy(
            stage.content.head(features).float().flatten(0, 1),
            phones.repeat_interleave(2, 1).flatten(),
            ignore_index=-1,
        )
        after = F.cross_entropy(stage.phone(flat).float(), phones[seen])
        error = (stage.mel(quantized, torch.tensor(voices)) - true).abs()[seen.repeat_interleave(2, 1)].mean()
        total = before + after + 1.5 * error + 0.5 * commitment
        return total, {
            "before": before.item(),
            "after": after.item(),
            "mel": error.item(),
            "commitment": commitment.item(),
        }

    def evaluate() -> dict[str, float]:
        right, count, used = {"en": 0, "zh": 0}, {"en": 0, "zh": 0}, torch.zeros(CODES)
        for i in [i for rows in held.of_language.values() for i in rows[::3]]:
            codes = stage.codes(torch.as_tensor(held.mel(i))[None])[0]
            timed = torch.as_tensor(held.timed(i))
            language = held.rows[i]["language"]
            right[language] += int((stage.phone(stage.quantizer.embed[codes]).argmax(-1) == timed).sum())
            count[language] += len(timed)
            used += torch.bincount(codes, minlength=CODES)
        p = used / used.sum()
        perplexity = torch.exp(-(p * (p + 1e-9).log()).sum())
        return {name: right[name] / max(1, count[name]) for name in count} | {"perplexity": float(perplexity)}

    training.train(args, stage, loss, evaluate, every=60)


if __name__ == "__main__":
    main()
