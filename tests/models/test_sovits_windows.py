"""Rows of a batch are as if alone, windows with their context as if whole: for networks of any sizes."""

from collections.abc import Callable

import numpy as np
import pytest
from reference_sovits import SMALL, random_model, random_sizes

from mlx_voice.device import mx
from mlx_voice.models.sovits import SoVITS

Count = Callable[[int, int], int]
TOLERANCE = 2e-5


def near(ours: mx.array, theirs: mx.array) -> None:
    assert ours.shape == theirs.shape
    error = float(mx.abs(ours - theirs).max())
    assert error <= TOLERANCE * max(1.0, float(mx.abs(theirs).max())), f"off by {error:.1e}"


def models(count: int) -> list[tuple[SoVITS, np.random.Generator]]:
    generators = [np.random.default_rng(seed) for seed in range(count)]
    return [(random_model(random_sizes(rng), seed), rng) for seed, rng in enumerate(generators)]


def ids(rng: np.random.Generator, high: int, count: int) -> mx.array:
    return mx.array(rng.integers(0, high, (1, count)), mx.int32)


def normal(rng: np.random.Generator, *shape: int) -> mx.array:
    return mx.array(rng.standard_normal(shape).astype(np.float32))


def padded(rows: list[mx.array], filler: float) -> tuple[mx.array, mx.array]:
    """[1, n, …] each -> one batch and its mask; what stands in the padding must not matter."""
    longest = max(row.shape[1] for row in rows)
    batch = mx.concatenate(
        [
            mx.pad(
                row, [(0, 0), (0, longest - row.shape[1])] + [(0, 0)] * (row.ndim - 2), constant_values=filler
            )
            for row in rows
        ]
    )
    return batch, mx.arange(longest) < mx.array([row.shape[1] for row in rows])[:, None]


@pytest.mark.parametrize("speed", [1.0, 1.3, 0.7])
def test_a_padded_row_is_the_row_alone(speed: float, count: Count) -> None:
    for model, rng in models(count(6, 100)):
        sizes = model.config
        codes = [ids(rng, sizes.codes, n) for n in (9, 4, 1)]
        phones = [ids(rng, sizes.symbols, n) for n in (3, 11, 1)]
        ge = normal(rng, 3, 1, sizes.gin_channels)
        noise = normal(rng, 3, 40, sizes.inter_channels)
        all_codes, code_mask = padded(codes, 7)
        all_phones, phone_mask = padded(phones, 5)
        prior = model.encode(all_codes, all_phones, ge, speed, code_mask, phone_mask)
        waves = model.decode(all_codes, all_phones, ge, noise, 0.5, speed, code_mask, phone_mask)
        for i in range(3):
            row = slice(i, i + 1)
            alone = model.encode(codes[i], phones[i], ge[row], speed)
            frames = alone.y.shape[1]
            near(prior.y[row, :frames], alone.y)
            near(prior.m_p[row, :frames], alone.m_p)
            heard = alone.attention
            near(prior.attention[row, :, : heard.shape[2], : heard.shape[3]], heard)
            assert not prior.attention[row, :, :, heard.shape[3] :].any()
            wave = model.decode(codes[i], phones[i], ge[row], noise[row], 0.5, speed)
            near(waves[row, : wave.shape[1]], wave)
            assert not waves[row, wave.shape[1] :].any()


def test_references_of_different_lengths_in_one_batch(count: Count) -> None:
    for model, rng in models(count(6, 100)):
        sizes = model.config
        specs = [mx.abs(normal(rng, 1, n, sizes.spec_bins)) for n in (17, 5, 30)]
        speakers = normal(rng, 3, sizes.speaker_channels) if sizes.speaker_channels else None
        batch, mask = padded(specs, 3.0)
        together = model.condition(batch, speakers, mask)
        for i, spec in enumerate(specs):
            alone = model.condition(spec, None if speakers is None else speakers[i : i + 1])
            near(together[i : i + 1], alone)


def test_a_window_of_the_flow_with_its_context(count: Count) -> None:
    for model, rng in models(count(8, 200)):
        sizes, context = model.config, model.flow_context
        frames = 2 * context + 20
        z_p, ge = normal(rng, 1, frames, sizes.inter_channels), normal(rng, 1, 1, sizes.gin_channels)
        whole = model.flow(z_p, ge)
        start, stop = context + 3, context + 12
        window = model.flow(z_p[:, start - context : stop + context], ge)
        near(window[:, context:-context] if context else window, whole[:, start:stop])


def test_a_window_of_the_generator_with_its_context(count: Count) -> None:
    for model, rng in models(count(8, 200)):
        sizes, context, hop = model.config, model.generator_context, model.config.samples_per_frame
        frames = 2 * context + 12
        z, ge = normal(rng, 1, frames, sizes.inter_channels), normal(rng, 1, 1, sizes.gin_channels)
        whole = model.generator(z, ge)
        start, stop = context + 2, context + 7
        window = model.generator(z[:, start - context : stop + context], ge)
        near(window[:, context * hop : (context + stop - start) * hop], whole[:, start * hop : stop * hop])


def heard(model: SoVITS, distance: int) -> float:
    """How much a frame's samples change with the latent `distance` frames away."""
    sizes, hop = model.config, model.config.samples_per_frame
    rng, middle = np.random.default_rng(0), abs(distance) + 1
    z, ge = normal(rng, 1, 2 * middle + 1, sizes.inter_channels), normal(rng, 1, 1, sizes.gin_channels)
    changed = mx.array(z)
    changed[:, middle + distance] += 1000.0
    waves = [model.generator(latent, ge)[:, middle * hop : (middle + 1) * hop] for latent in (z, changed)]
    return float(mx.abs(waves[0] - waves[1]).max())


def test_nothing_beyond_the_context_is_heard(count: Count) -> None:
    for model, _ in models(count(8, 200)):
        beyond = model.generator_context + 1
        assert heard(model, beyond) == heard(model, -beyond) == 0


def test_the_context_is_no_longer_than_it_must_be() -> None:
    model = random_model(SMALL, 0)
    assert heard(model, model.generator_context) or heard(model, -model.generator_context)


def test_chunks_joined_are_the_whole(count: Count) -> None:
    """Codes are all known; latents and sound are made piece by piece, noise taken by absolute frame."""
    model, rng = random_model(SMALL, 0), np.random.default_rng(0)
    flow, generator, hop = model.flow_context, model.generator_context, SMALL.samples_per_frame
    codes, phones = ids(rng, SMALL.codes, 30), ids(rng, SMALL.symbols, 8)
    ge, noise = normal(rng, 1, 1, SMALL.gin_channels), normal(rng, 1, 60, SMALL.inter_channels)
    whole = model.decode(codes, phones, ge, noise)
    z_p = model.encode(codes, phones, ge).sample(noise, 0.5)
    frames = z_p.shape[1]
    for chunk in (1, 7, 20)[: count(3, 3)]:
        pieces = []
        for start in range(0, frames, chunk):
            stop = min(start + chunk, frames)
            left, right = max(0, start - generator), min(frames, stop + generator)
            far_left, far_right = max(0, left - flow), min(frames, right + flow)
            z = model.flow(z_p[:, far_left:far_right], ge)[:, left - far_left : right - far_left]
            wave = model.generator(z, ge)[:, (start - left) * hop :]
            pieces.append(wave if stop == frames else wave[:, : (stop - start) * hop])
        near(mx.concatenate(pieces, axis=1), whole)


def test_the_phones_are_read_once_for_a_growing_row_of_codes() -> None:
    model, rng = random_model(SMALL, 1), np.random.default_rng(1)
    codes, phones = ids(rng, SMALL.codes, 12), ids(rng, SMALL.symbols, 6)
    ge = normal(rng, 1, 1, SMALL.gin_channels)
    text = model.enc_p.text(phones)
    for known in (3, 12):
        near(model.encode_read(codes[:, :known], text, ge).y, model.encode(codes[:, :known], phones, ge).y)
