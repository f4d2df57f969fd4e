"""The flow both ways, and the style that a recording asks for."""

import numpy as np
import pytest
from reference_sovits import SMALL, batch, random_model, reference
from reference_weights import case

from mlx_voice.device import mx
from mlx_voice.models.sovits import fitted
from mlx_voice.models.sovits.style import shares

FIT = {"steps": 30, "rate": 0.1, "nearness": 3.0, "firmness": 0.0, "gain": 0.01}


def test_the_flow_finds_its_way_back() -> None:
    arrays = case("11_decode")
    ge = batch(case("10_timbre")["ge_ref32k"])
    z_p, z = (batch(arrays[f"s100_{name}"]) for name in ("z_p", "z"))
    back = np.array(reference("s2_v2").flow.inverse(z, ge))
    assert np.abs(back - np.array(z_p)).max() < 1e-4 * np.abs(np.array(z_p)).max()


class Said:
    """What a random model says in a random style, and something else that it might say."""

    def __init__(self, seed: int, noise: float = 0.0) -> None:
        self.model, self.rng = random_model(SMALL, seed), np.random.default_rng(seed)
        self.style = self.normal(1, 1, SMALL.gin_channels)
        self.sentences = [(self.ids(SMALL.codes, 60), self.ids(SMALL.symbols, 12)) for _ in range(2)]
        self.noise = self.normal(1, 120, SMALL.inter_channels) * noise

    def normal(self, *shape: int) -> mx.array:
        return mx.array(self.rng.normal(size=shape).astype(np.float32))

    def ids(self, high: int, count: int) -> mx.array:
        return mx.array(self.rng.integers(high, size=(1, count)))

    def latent(self, sentence: int, ge: mx.array) -> mx.array:
        prior = self.model.encode(*self.sentences[sentence], ge)
        return self.model.flow(prior.m_p + self.noise * mx.exp(prior.logs_p), ge)

    def fitted(self, guess: mx.array, **changes: float) -> mx.array:
        latent = self.latent(0, self.style)
        return fitted(self.model, latent, *self.sentences[0], guess, **{**FIT, **changes})

    def off(self, ge: mx.array) -> float:
        """How far from the style's own sound the other sentence is."""
        return float(mx.abs(self.latent(1, ge) - self.latent(1, self.style)).mean())


@pytest.mark.parametrize("seed", range(3))
def test_a_style_is_found_in_what_was_said_with_it(seed: int) -> None:
    said = Said(seed)
    guess = said.style + 0.5 * said.normal(*said.style.shape)
    assert said.off(said.fitted(guess)) < 0.5 * said.off(guess)


@pytest.mark.parametrize("seed", range(3))
def test_a_guess_that_is_right_stands(seed: int) -> None:
    """Noise can be fitted, but what is fitted to one half of it foretells nothing of the other."""
    said = Said(seed, noise=1.0)
    assert mx.array_equal(said.fitted(said.style, nearness=0.0), said.style)
    assert not mx.array_equal(said.fitted(said.style, nearness=0.0, gain=-1000.0), said.style)


def test_no_number_goes_further_than_its_steps() -> None:
    said = Said(0)
    guess = said.style + said.normal(*said.style.shape)
    moved = [mx.abs(said.fitted(guess, steps=5, rate=0.1, firmness=f) - guess) for f in (0.0, 10.0)]
    assert 0 < float(moved[0].max()) < 0.51
    assert float(moved[1].mean()) < 0.7 * float(moved[0].mean())


@pytest.mark.parametrize("length", [2, 3, 4, 49, 50, 51, 200])
def test_every_frame_is_fitted_to_and_tried(length: int) -> None:
    seen, unseen = (np.array(x) for x in shares(length))
    np.testing.assert_allclose(seen.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(unseen.sum(axis=1), [0, 1, 1], rtol=1e-5)
    assert not (seen[1:] * unseen[1:]).any()
    assert (seen[0] > 0).all() and ((seen[1:] > 0).sum(axis=0) == 1).all()


def test_the_network_is_left_as_it_was() -> None:
    said = Said(0)
    before = said.latent(1, said.style)
    said.fitted(said.style + 0.1, steps=3)
    assert mx.array_equal(said.latent(1, said.style), before)
