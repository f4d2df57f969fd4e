"""The Mandarin judge: `python -m recipes.mini.recogniser train|freeze|test`.

Trained on teacher speech of its own (split `judge`: other seeds, nothing of the model's), frozen and hashed
before the model is evaluated. A convolutional network with CTC over initials and toned finals.
"""

import hashlib
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from mlx_voice.text.symbols import load
from recipes.mini import networks, training
from recipes.mini.corpus import Corpus, padded
from recipes.mini.networks import MELS, PHONES
from recipes.mini.sound import MEAN, SCALE, log_mel

BLANK = 0  # the symbol `!`, which is no sound
NAMES = list(load("v1").index)
MARKS = {i for i, name in enumerate(NAMES) if not name[0].isalpha()}
FROZEN = Path(__file__).parent / "recogniser.safetensors"


class Recogniser(nn.Module):
    """Log-mel [B, T, 80] -> phone scores at 25 Hz [B, T // 2, PHONES]"""

    def __init__(self, width: int = 192, dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2, 4)) -> None:
        super().__init__()
        self.inputs = nn.Conv1d(MELS, width, 6, 2, 2)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in dilations)
        self.convs = nn.ModuleList(networks.conv(width, 2 * width, 3, d) for d in dilations)
        self.outputs = nn.Linear(width, PHONES)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        x = self.inputs(mel.transpose(1, 2)).transpose(1, 2)
        for norm, layer in zip(self.norms, self.convs, strict=True):
            a, b = layer(norm(x).transpose(1, 2)).chunk(2, 1)
            x = x + (a * torch.sigmoid(b)).transpose(1, 2)
        return self.outputs(x)


def syllables(ids: list[int]) -> list[tuple[str, str]]:
    """Initial and toned final pairs; what does not pair stands alone."""
    names = [NAMES[i] for i in ids if i not in MARKS]
    found: list[tuple[str, str]] = []
    for name in names:
        if name[-1].isdigit() and found and found[-1][1] == "":
            found[-1] = (found[-1][0], name)
        else:
            found.append((name, "") if not name[-1].isdigit() else ("", name))
    return found


def heard(network: Callable[[torch.Tensor], torch.Tensor], wave: np.ndarray) -> list[tuple[str, str]]:
    mel = torch.as_tensor((log_mel(wave) - MEAN) / SCALE)[None]
    with torch.no_grad():
        best = network(mel)[0].argmax(-1).tolist()
    return syllables([b for b, before in zip(best, [BLANK, *best], strict=False) if b not in (before, BLANK)])


def sandhi(said: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """A third tone before a third tone sounds as a second: the teacher does it, so it is expected."""
    return [
        (i, f[:-1] + "2") if f.endswith("3") and after and after[1].endswith("3") else (i, f)
        for (i, f), after in zip(said, [*said[1:], None], strict=True)
    ]


def toneless(said: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(initial, re.sub(r"\d$", "", final)) for initial, final in said]


def errors(wanted: list, found: list) -> int:
    """Edit distance."""
    row = list(range(len(found) + 1))
    for i, want in enumerate(wanted, 1):
        diagonal, row[0] = row[0], i
        for j, got in enumerate(found, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (want != got))
    return row[-1]


def judged(network: Recogniser, rows: list[tuple[list[int], np.ndarray]]) -> dict[str, float]:
    """Syllable error rates, with tone and without."""
    wrong = np.zeros(3)
    for ids, wave in rows:
        wanted, found = sandhi(syllables(ids)), sandhi(heard(network, wave))
        wrong += errors(wanted, found), errors(toneless(wanted), toneless(found)), len(wanted)
    return {"tonal": wrong[0] / wrong[2], "toneless": wrong[1] / wrong[2]}


def frozen() -> tuple[Recogniser, str]:
    from safetensors.torch import load_file

    network = Recogniser()
    network.load_state_dict({key: value.float() for key, value in load_file(FROZEN).items()})
    return network.eval(), hashlib.sha256(FROZEN.read_bytes()).hexdigest()


def train() -> None:
    args = training.arguments("recogniser", minutes=12, batch=16, rate=2e-3)
    corpus, held = Corpus("judge"), Corpus("valid")
    known, unknown = corpus.of_language["zh"], held.of_language["zh"]
    network = Recogniser()

    def loss(rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        chosen = sorted(rng.sample(known, 4 * args.batch), key=lambda i: corpus.rows[i]["codes"])
        at = rng.randrange(4) * args.batch
        chosen = chosen[at : at + args.batch]
        mels = padded([corpus.mel(i) + np.float32(rng.uniform(-0.4, 0.3)) for i in chosen], -2.3)
        mels = mels + rng.choice((0, 0.1)) * torch.randn_like(mels)
        frames = padded([corpus.timed(i) for i in chosen], -1)
        scores = network(mels).float()
        framed = F.cross_entropy(scores.flatten(0, 1), frames.flatten(), ignore_index=-1)
        said = [[p for p in corpus.phones(i) if p not in MARKS] for i in chosen]
        flat = torch.tensor([p for row in said for p in row])
        lengths = (
            torch.tensor([corpus.rows[i]["codes"] for i in chosen]),
            torch.tensor([len(r) for r in said]),
        )
        connected = F.ctc_loss(
            scores.log_softmax(-1).transpose(0, 1), flat, *lengths, BLANK, zero_infinity=True
        )
        weight = max(0.0, 1 - network.steps / 400)  # times at first, the sequence alone then
        network.steps += 1
        return connected + weight * framed, {"ctc": connected.item(), "framed": framed.item()}

    network.steps = 0
    training.train(
        args, network, loss,
        lambda: judged(network, [(held.rows[i]["ids"], held.wave(i)) for i in unknown[:60]]), every=60,
    )  # fmt: skip


def freeze() -> None:
    from safetensors.torch import save_file

    save_file({key: value.half() for key, value in training.weights("recogniser").items()}, FROZEN)
    print(FROZEN, frozen()[1])


def test() -> None:
    network, digest = frozen()
    held = Corpus("valid")
    rows = [(r["ids"], held.wave(i)) for i, r in enumerate(held.rows) if r["language"] == "zh"]
    print(digest, len(rows), judged(network, rows))


if __name__ == "__main__":
    command = sys.argv.pop(1)
    {"train": train, "freeze": freeze, "test": test}[command]()
