"""Sampling against the reference, and noise that belongs to one row and one step."""

import numpy as np
from reference_t2s import close
from reference_weights import case

from mlx_voice.device import mx
from mlx_voice.generate.sampling import Sampling, Settings, draw, exponential, kept, penalised

VOCABULARY = 1025


def seen_of(prev: np.ndarray) -> mx.array:
    seen = np.zeros((len(prev), VOCABULARY), bool)
    for row, codes in zip(seen, prev, strict=True):
        row[codes] = True
    return mx.array(seen)


def settings_of(row: np.ndarray, rows: int) -> Settings:
    penalty, top_p, top_k, temperature = (float(x) for x in row)
    return Settings.of([Sampling(int(top_k), top_p, temperature, penalty)] * rows, VOCABULARY)


def test_probabilities_and_draws_equal_the_reference() -> None:
    want = case("04_sampling")
    logits, seen, noise = mx.array(want["logits"]), seen_of(want["prev"]), mx.array(want["q"])
    close(penalised(logits, seen, mx.array([[1.35]])), want["penalised_1.35"], 1e-6)
    for setting, probs, drawn in zip(want["settings"], want["probs"], want["drawn"], strict=True):
        settings = settings_of(setting, len(logits))
        scores = penalised(logits, seen, settings.penalty)
        ours = mx.softmax(kept(scores, settings), axis=-1)
        close(ours, probs, 1e-5)
        assert np.array_equal(np.array(ours) > 0, probs > 0)
        assert draw(scores, settings, noise).tolist() == drawn.tolist()


def test_each_row_has_its_own_settings() -> None:
    want = case("04_sampling")
    logits, noise = mx.array(want["logits"]), mx.array(want["q"])
    rows = [Sampling(5, 0.8, 0.7, 1.35), Sampling(1), Sampling(50, 1.0, 1.2, 1.0)]
    together = Settings.of(rows, VOCABULARY)
    alone = [Settings.of([row], VOCABULARY) for row in rows]
    drawn = draw(logits, together, noise).tolist()
    assert drawn == [
        draw(logits[i : i + 1], settings, noise[i : i + 1]).item() for i, settings in enumerate(alone)
    ]
    assert drawn[1] == mx.argmax(logits[1]).item()


def test_noise_depends_on_seed_and_step_alone() -> None:
    seeds, steps = mx.array([7, 8, 7], mx.uint32), mx.array([3, 3, 4])
    together = np.array(exponential(seeds, steps, 50))
    alone = [np.array(exponential(seeds[i : i + 1], steps[i : i + 1], 50))[0] for i in range(3)]
    assert np.array_equal(together, np.stack(alone))
    assert len({row.tobytes() for row in together}) == 3


def test_noise_is_exponential() -> None:
    noise = np.array(exponential(mx.arange(200).astype(mx.uint32), mx.arange(200), VOCABULARY))
    assert noise.min() > 0 and np.isfinite(noise).all()
    assert abs(noise.mean() - 1) < 0.01 and abs(np.median(noise) - np.log(2)) < 0.01
