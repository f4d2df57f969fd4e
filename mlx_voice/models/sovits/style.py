"""A recording's style: the speaker's condition under which the recording itself is most to be expected.

The reference encoder guesses the condition at a glance, and guesses voices unlike those of its training
badly. Where the latent of a recording is known, it says how well a condition fits. Three are fitted: one to
all of it, and two to every other half second, which are tried on what they were not fitted to. Where they
foretell it better than the guess does, the first is the style, else the guess stands.
"""

import numpy as np

from mlx_voice.device import mx, optimizers
from mlx_voice.models.sovits.model import SoVITS

DEVIATION = -4.0, 2.0  # logarithms within which training kept it
STRETCH = 25  # frames


def fitted(
    sovits: SoVITS,
    latent: mx.array,
    codes: mx.array,
    phones: mx.array,
    guess: mx.array,
    *,
    steps: int,
    rate: float,
    nearness: float,
    firmness: float,
    gain: float,
) -> mx.array:
    """Latent [1, T, inter], codes [1, n], phones [1, N], the guess [1, 1, gin] -> the style, [1, 1, gin]."""
    text = sovits.enc_p.text(phones)
    latent, codes, text, guesses = (mx.repeat(x, 3, axis=0) for x in (latent, codes, text, guess))
    seen, unseen = shares(latent.shape[1])

    def misfits(ge: mx.array, weights: mx.array) -> mx.array:
        return (misfit(sovits, latent, codes, text, ge, nearness) * weights).sum(axis=1)

    def loss(ge: mx.array) -> mx.array:
        return (misfits(ge, seen) + firmness * ((ge - guesses) ** 2).mean(axis=(1, 2))).sum()

    slope, ge = mx.grad(loss), guesses
    optimiser = optimizers.Adam(optimizers.cosine_decay(rate, steps), bias_correction=True)
    for _ in range(steps):
        ge = optimiser.apply_gradients({"ge": slope(ge)}, {"ge": ge})["ge"]
        mx.async_eval(ge, optimiser.state)
    gained = (misfits(guesses, unseen) - misfits(ge, unseen)).sum() / 2
    return mx.where(gained > gain, ge[:1], guess)


def shares(length: int) -> tuple[mx.array, mx.array]:
    """[3, length] each: how much every frame counts where it is fitted to, and where the fit is tried."""
    stretch = max(1, min(STRETCH, length // 4))
    second = (np.arange(length) // stretch % 2).astype(np.float32)
    first, second, whole = (x / x.sum() for x in (1 - second, second, np.ones(length, np.float32)))
    return mx.array(np.stack([whole, first, second])), mx.array(np.stack([0 * whole, second, first]))


def misfit(
    sovits: SoVITS, latent: mx.array, codes: mx.array, text: mx.array, ge: mx.array, nearness: float
) -> mx.array:
    """[B, T]: how unlikely each frame is (minus its log-likelihood, but for a constant), and `nearness` times
    how far it is from what would be said without noise; a mean over its numbers."""
    prior = sovits.encode_read(codes, text, ge)
    deviation = mx.clip(prior.logs_p, *DEVIATION)
    away = (sovits.flow.inverse(latent, ge) - prior.m_p) * mx.exp(-deviation)
    far = mx.abs(sovits.flow(prior.m_p, ge) - latent)
    return (deviation + 0.5 * away * away + nearness * far).mean(axis=-1)
