"""Train the network that pronounces English words outside the dictionary, on the dictionary.

    python scripts/train_g2p.py [--epochs 5] [--hidden 96]

Each letter is aligned with the phones it stands for (none, one or two; hard EM over the dictionary), and
two bidirectional GRU layers learn to label letters. Labelling cannot run away as a decoder can: a word of
n letters has at most 2n phones. Takes some five minutes of one core; the weights are float16.
"""

import argparse
import io
import random
import re
import time
from collections import Counter, defaultdict
from math import cos, log, pi
from pathlib import Path

import numpy as np

from mlx_voice.device import mx, nn  # before any other part of MLX: it loads the faster BLAS

# isort: split
from mlx.optimizers import AdamW
from mlx.utils import tree_flatten

from mlx_voice.files import write_bytes
from mlx_voice.text.en import unknown
from mlx_voice.text.en.dictionary import entries

TARGET = Path(__file__).parents[1] / "mlx_voice" / "text" / "en" / "data" / "unknown.npz"
HELD_OUT = 1500
BATCH = 128
RAREST = 12  # a label seen less often is dropped with its words
Pair = tuple[str, tuple[str, ...]]
Scores = dict[tuple[str, str], float]


def align(word: str, phones: tuple[str, ...], scores: Scores) -> list[str] | None:
    """The likeliest division of the phones over the letters: per letter its phones, joined by a space."""
    n, m = len(word), len(phones)
    best = [[-1e9] * (m + 1) for _ in range(n + 1)]
    take = [[0] * (m + 1) for _ in range(n + 1)]
    best[0][0] = 0.0
    for i, letter in enumerate(word):
        for j in range(max(0, m - 2 * (n - i)), min(m, 2 * i) + 1):
            so_far = best[i][j]
            if so_far <= -1e9:
                continue
            for k in range(min(2, m - j) + 1):
                score = so_far + scores.get((letter, " ".join(phones[j : j + k])), -15.0)
                if score > best[i + 1][j + k]:
                    best[i + 1][j + k], take[i + 1][j + k] = score, k
    if best[n][m] <= -1e9:
        return None
    labels: list[str] = []
    for i in range(n, 0, -1):
        k = take[i][m]
        labels.append(" ".join(phones[m - k : m]))
        m -= k
    return labels[::-1]


def first_scores(pairs: list[Pair]) -> Scores:
    """Before any alignment: how much more often than by chance a letter and a phone stand at like places."""
    near: Counter[tuple[str, str]] = Counter()
    letters: Counter[str] = Counter()
    for word, phones in pairs:
        for j, phone in enumerate(phones):
            i = j * len(word) // len(phones)
            for letter in word[max(0, i - 1) : i + 2]:
                near[letter, phone] += 1
                letters[letter] += 1
    scores = {(letter, phone): log(n / letters[letter]) for (letter, phone), n in near.items()}
    return scores | {(letter, ""): -3.5 for letter in letters}


def aligned(pairs: list[Pair], rounds: int = 5) -> list[tuple[str, list[str]]]:
    scores = first_scores(pairs)
    for turn in range(rounds):
        done = [(word, labels) for word, phones in pairs if (labels := align(word, phones, scores))]
        counts = Counter(pair for word, labels in done for pair in zip(word, labels, strict=True))
        letters: Counter[str] = Counter()
        for (letter, _), n in counts.items():
            letters[letter] += n
        scores = {pair: log(n / letters[pair[0]]) for pair, n in counts.items()}
        print(f"alignment {turn + 1}: {len(done)} words, {len(counts)} pairs", flush=True)
    frequent = Counter(label for _, labels in done for label in labels)
    return [(w, labels) for w, labels in done if all(frequent[label] >= RAREST for label in labels)]


def soft(x: mx.array) -> mx.array:
    """In place of tanh, which takes most of a step's time on a CPU."""
    return x / (1 + mx.abs(x))


def gate(x: mx.array) -> mx.array:
    return 0.5 + 0.5 * soft(x)


class Both(nn.Module):
    """A GRU layer read in both directions at once: [n, batch, size] -> [n, batch, 2 hidden]."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        scale = hidden**-0.5
        shapes = {"inner": (hidden, 3 * hidden), "outer": (size, 3 * hidden), "bias": (1, 3 * hidden)}
        for name, shape in {**shapes, "reset_bias": (1, hidden)}.items():
            setattr(self, name, mx.random.uniform(-scale, scale, (2, *shape)))

    def __call__(self, x: mx.array) -> mx.array:
        length, batch, size = x.shape
        both = mx.stack([x, x[::-1]]).reshape(2, length * batch, size)
        given = mx.addmm(self.bias, both, self.outer).reshape(2, length, batch, -1)
        h = mx.zeros((2, batch, self.inner.shape[1]))
        out = []
        for row in mx.split(given, length, axis=1):  # a slice would cost a whole array on the way back
            reset, update, new = mx.split(row[:, 0], 3, axis=-1)
            kept_reset, kept_update, kept_new = mx.split(h @ self.inner, 3, axis=-1)
            new = soft(new + gate(reset + kept_reset) * (kept_new + self.reset_bias))
            update = gate(update + kept_update)
            h = new + update * (h - new)
            out.append(h)
        ahead, back = mx.stack(out, axis=1)
        return mx.concatenate([ahead, back[::-1]], axis=-1)


class Network(nn.Module):
    def __init__(self, letters: int, hidden: int, labels: int) -> None:
        super().__init__()
        self.first, self.second = Both(letters, hidden), Both(2 * hidden, hidden)
        self.drop = nn.Dropout(0.25)
        self.labels = nn.Linear(2 * hidden, labels)

    def __call__(self, letters: mx.array) -> mx.array:
        return self.labels(self.drop(self.second(self.drop(self.first(letters)))))


def batches(
    data: list[tuple[str, list[str]]], labels: list[str], rng: random.Random
) -> list[tuple[mx.array, mx.array]]:
    """Words of one length together, so that nothing is padded."""
    number = {label: i for i, label in enumerate(labels)}
    one_hot = np.eye(len(unknown.LETTERS), dtype=np.float32)
    by_length: dict[int, list[tuple[str, list[str]]]] = defaultdict(list)
    for word, spoken in data:
        by_length[len(word)].append((word, spoken))
    out = []
    for group in by_length.values():
        rng.shuffle(group)
        for at in range(0, len(group), BATCH):
            part = group[at : at + BATCH]
            x = one_hot[[[unknown.LETTERS.index(c) for c in word] for word, _ in part]]
            y = np.array([[number[label] for label in spoken] for _, spoken in part], dtype=np.int32)
            out.append((mx.array(x.swapaxes(0, 1)), mx.array(y.T)))  # time first
    rng.shuffle(out)
    return out


def train(data: list[tuple[str, list[str]]], labels: list[str], epochs: int, hidden: int) -> Network:
    network = Network(len(unknown.LETTERS), hidden, len(labels))
    optimizer = AdamW(learning_rate=0.0, betas=[0.9, 0.99], weight_decay=0.01)
    rng = random.Random(1)

    def loss(x: mx.array, y: mx.array) -> mx.array:
        return nn.losses.cross_entropy(network(x), y, label_smoothing=0.05, reduction="mean")

    step = nn.value_and_grad(network, loss)
    total = epochs * len(batches(data, labels, rng))
    done, start = 0, time.monotonic()
    for epoch in range(epochs):
        losses = []
        for x, y in batches(data, labels, rng):
            optimizer.learning_rate = 4e-3 * min(1.0, done / 300) * (1 + cos(pi * done / total)) / 2
            value, grads = step(x, y)
            optimizer.update(network, grads)
            mx.eval(network.parameters(), optimizer.state)
            losses.append(value.item())
            done += 1
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, {time.monotonic() - start:.0f} s", flush=True)
    return network


def save(network: Network, labels: list[str]) -> None:
    parameters = dict(tree_flatten(network.parameters()))
    arrays = {name: np.array(value).astype(np.float16) for name, value in parameters.items()}
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, names=np.array(labels), **arrays)
    write_bytes(TARGET, file.getvalue())


def distance(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        left, row = row, [i + 1]
        for j, y in enumerate(b):
            row.append(min(left[j] + (x != y), left[j + 1] + 1, row[j] + 1))
    return row[-1]


def error_rate(pairs: list[Pair]) -> float:
    wrong = sum(distance(unknown.predict(word), phones) for word, phones in pairs)
    return wrong / sum(len(phones) for _, phones in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--hidden", type=int, default=96)
    given = parser.parse_args()
    pairs = [pair for pair in entries() if re.fullmatch("[a-z']{2,}", pair[0]) and not pair[0].endswith("'s")]
    random.Random(0).shuffle(pairs)
    mx.random.seed(0)
    data = aligned(pairs[HELD_OUT:])
    labels = sorted({label for _, spoken in data for label in spoken})
    print(f"{len(data)} words to learn from, {len(labels)} labels", flush=True)
    save(train(data, labels, given.epochs, given.hidden), labels)
    unknown.weights.cache_clear()
    rate = error_rate(pairs[:HELD_OUT])
    print(f"{TARGET.stat().st_size} bytes; phone error rate on {HELD_OUT} held-out words {rate:.4f}")


if __name__ == "__main__":
    main()
