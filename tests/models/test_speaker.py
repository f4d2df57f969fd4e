"""The speaker encoder against the reference: the official size, as it comes in one size only."""

import numpy as np
from reference_encoders import build, close, demand_all_used, reference
from reference_weights import case, state

from mlx_voice.audio.spectrum import fbank
from mlx_voice.device import mx


def test_fbank_and_embedding_equal_the_reference() -> None:
    want = case("15_speaker")
    model, wave = reference("eres2netv2"), want["resampled_aux2"]
    close(model(fbank(wave)), want["embedding_aux2"])
    close(model(mx.array(want["fbank"])[None]), want["embedding"])


def test_other_sizes_and_a_batch() -> None:
    """Sizes come from the shapes: a thinner, shallower network of the same family, rows alone or together."""
    model = build("eres2netv2", {}, thin(state("eres2netv2")))
    frames = mx.array(np.random.default_rng(1).standard_normal((2, 50, 80)).astype(np.float32))
    together = model(frames)
    assert together.shape == (2, 512 * 10)
    for i in range(2):
        close(together[i : i + 1], np.array(model(frames[i : i + 1])))


def thin(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A quarter of all channels and one block less in the last stage."""

    def cut(array: np.ndarray) -> np.ndarray:
        for axis in range(min(array.ndim, 2)):
            if array.shape[axis] > 1:
                array = np.take(array, range(array.shape[axis] // 4), axis)
        return array

    return {key: cut(a) for key, a in weights.items() if not key.startswith(("layer4.2.", "seg_1"))}


def test_official_keys_are_all_used() -> None:
    demand_all_used("eres2netv2", "eres2netv2_w24s4ep4", {})
