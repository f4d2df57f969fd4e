"""What a network foretells is blurred in time: the generator's first convolution takes the blur back.

A mean of what might come has weaker changes than what comes. How much weaker is measured, change by change,
on held-out sentences in the voices that ship; the filter [-a, 1 + 2a, -a] that restores it is then folded
into `conv_pre`, so that it costs nothing.
"""

import random
from functools import cache

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from recipes.mini import examples, networks, polish, prior, training
from recipes.mini.corpus import Corpus

WINDOW = 64  # latent frames
SENTENCES = 40
STEADY = 1e-5  # of the regression: how firmly `conv_pre` stays what it was where the latents don't tell


@cache
def predictions(noise: float) -> list[tuple[torch.Tensor, torch.Tensor, np.ndarray]]:
    """Predicted and true latent [MELS, T], and the sound, of held-out sentences in the shipped voices."""
    held, rng = Corpus("valid"), random.Random(0)
    torch.manual_seed(0)
    stage = polish.trained()
    rows = [i for language in ("en", "zh") for i in held.shipped[language][:SENTENCES]]
    made = []
    for i in rows:
        batch = examples.draw(held, [i], rng, False)
        made.append((prior.predicted(stage, batch, noise)[0], batch[3][0], held.wave(i)))
    return made


def power(latent: torch.Tensor) -> torch.Tensor:
    """Of the changes in time, by their rate: [WINDOW // 2 + 1]"""
    windows = latent.unfold(1, WINDOW, WINDOW // 2) * torch.hann_window(WINDOW)
    return torch.fft.rfft(windows).abs().square().sum((0, 1))


def strength(pairs: list[tuple[torch.Tensor, torch.Tensor]]) -> float:
    """The `a` whose filter brings the predicted changes nearest to the true ones, over all rates."""
    made, true = (sum(power(pair[k]) for pair in pairs) for k in (0, 1))
    slope = 2 * (1 - torch.cos(torch.linspace(0, torch.pi, WINDOW // 2 + 1)))
    tried = np.linspace(0, 1, 101)
    off = [(((1 + a * slope).square() * made / true).log().square()).mean().item() for a in tried]
    return float(tried[int(np.argmin(off))])


def folded(weight: torch.Tensor, latents: list[torch.Tensor], a: float) -> torch.Tensor:
    """`conv_pre`'s weight [out, MELS, K] as near as K taps come to the filter before it, on such latents."""
    taps, kernel = weight.shape[2], torch.tensor([-a, 1 + 2 * a, -a])
    windows, wanted = [], []
    for latent in latents:
        around = F.pad(latent, (1, 1), mode="replicate")
        sharp = F.conv1d(around[:, None], kernel.view(1, 1, 3))[:, 0]
        windows.append(latent.unfold(1, taps, 1).permute(1, 0, 2).flatten(1))
        wanted.append(F.conv1d((sharp - latent)[None], weight)[0].T)
    x, y = torch.cat(windows).double(), torch.cat(wanted).double()
    gram = x.T @ x
    gram += STEADY * gram.diagonal().mean() * torch.eye(len(gram))
    change = torch.linalg.solve(gram, x.T @ y)
    return weight + change.T.float().view_as(weight)


@cache
def generator(noise: float) -> networks.Generator:
    """The trained one, for what the prior foretells."""
    net = networks.Generator(networks.SovitsSizes()).eval()
    net.load_state_dict(training.weights("decoder"))
    pairs = [(made, true) for made, true, _ in predictions(noise)]
    with torch.no_grad():
        weight = net.conv_pre.weight
        weight.copy_(folded(weight, [made for made, _ in pairs], strength(pairs)))
    return net
