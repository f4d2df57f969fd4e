"""How a word outside the dictionary is said: two bidirectional GRU layers label each letter with its phones.

The weights are written by `scripts/train_g2p.py`; numpy runs them in about a millisecond a word.
"""

from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the dictionary alone reads most texts: numpy is imported when a word needs it
    import numpy as np

LETTERS = "'abcdefghijklmnopqrstuvwxyz"
LONGEST = 64  # letters looked at together; a longer run of letters is read in parts


@cache
def weights() -> "tuple[dict[str, np.ndarray], tuple[tuple[str, ...], ...]]":
    """The network in float32, and the phones of each label."""
    import numpy as np

    with files("mlx_voice.text.en").joinpath("data", "unknown.npz").open("rb") as file:
        arrays = dict(np.load(file))
    labels = tuple(tuple(name.split()) for name in arrays.pop("names").tolist())
    return {name: array.astype(np.float32) for name, array in arrays.items()}, labels


def predict(word: str) -> tuple[str, ...]:
    """The phones of a word; characters other than a-z and ' count for nothing."""
    letters = [LETTERS.index(c) for c in word.lower() if c in LETTERS]
    return tuple(
        phone for at in range(0, len(letters), LONGEST) for phone in _label(tuple(letters[at : at + LONGEST]))
    )


@lru_cache(1024)
def _label(letters: tuple[int, ...]) -> tuple[str, ...]:
    import numpy as np

    w, labels = weights()
    x = np.eye(len(LETTERS), dtype=np.float32)[list(letters)]
    for layer in ("first", "second"):
        ahead, back = (_gru(x[::way], layer, i, w)[::way] for i, way in enumerate((1, -1)))
        x = np.concatenate([ahead, back], axis=1)
    scores = x @ w["labels.weight"].T + w["labels.bias"]
    return tuple(phone for i in scores.argmax(axis=1) for phone in labels[i])


def _gru(x: "np.ndarray", layer: str, way: int, w: "dict[str, np.ndarray]") -> "np.ndarray":
    """x [n, in] -> [n, hidden], with x / (1 + |x|) in place of tanh; gates are reset, update, new."""
    import numpy as np

    inner, reset_bias = w[f"{layer}.inner"][way], w[f"{layer}.reset_bias"][way, 0]
    size = reset_bias.size
    given = x @ w[f"{layer}.outer"][way] + w[f"{layer}.bias"][way]
    h = np.zeros(size, np.float32)
    out = np.empty((len(x), size), np.float32)
    for t, row in enumerate(given):
        kept = h @ inner
        gates = row[: 2 * size] + kept[: 2 * size]
        reset, update = np.split(0.5 + 0.5 * gates / (1 + np.abs(gates)), 2)
        new = row[2 * size :] + reset * (kept[2 * size :] + reset_bias)
        new /= 1 + np.abs(new)
        out[t] = h = new + update * (h - new)
    return out
