"""The duration predictor against the same mathematics in plain numpy."""

import numpy as np

from mlx_voice.device import mx
from mlx_voice.models.duration import Duration, DurationConfig

CONFIG = DurationConfig.from_dict({"phones": 12, "width": 6, "kernel": 5, "layers": 2})


def test_the_network_is_its_mathematics():
    rng = np.random.default_rng(0)
    made = Duration(CONFIG)
    w = {
        "embedding.weight": rng.normal(size=(12, 6)),
        "head.weight": rng.normal(size=(1, 6)),
        "head.bias": [0.3],
    }
    for i in range(CONFIG.layers):
        w |= {f"convs.{i}.weight": rng.normal(0, 0.3, (5, 6, 6)), f"convs.{i}.bias": rng.normal(size=6)}
        w |= {f"norms.{i}.weight": rng.normal(size=6), f"norms.{i}.bias": rng.normal(size=6)}
    made.load_weights([(name, mx.array(np.asarray(value, np.float32))) for name, value in w.items()])
    ids = rng.integers(0, 12, (3, 9))
    found = np.array(made(mx.array(ids)))
    for row, answer in zip(ids, found, strict=True):
        x = w["embedding.weight"][row]
        for i in range(CONFIG.layers):
            padded = np.pad(x, ((2, 2), (0, 0)))
            y = sum(padded[k : k + 9] @ w[f"convs.{i}.weight"][k] for k in range(5)) + w[f"convs.{i}.bias"]
            x = x + np.maximum(y, 0)
            x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
            x = x * w[f"norms.{i}.weight"] + w[f"norms.{i}.bias"]
        np.testing.assert_allclose(answer, np.exp(x @ w["head.weight"][0] + 0.3), rtol=1e-3)
