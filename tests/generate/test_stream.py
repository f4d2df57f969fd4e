"""Streaming is the mathematics of the whole."""

from typing import Any

import numpy as np
import pytest
from reference_sovits import SMALL, random_model, random_sizes

from mlx_voice.device import mx
from mlx_voice.generate.stream import SoundStream, at_speed, frame_noise
from mlx_voice.models.sovits import SoVITS
from mlx_voice.settings import StreamOptions

PHONES = [3, 1, 4, 1, 5, 9, 2, 6]


def ge(sovits: SoVITS, seed: int = 1) -> mx.array:
    return mx.random.normal((1, 1, sovits.config.gin_channels), key=mx.random.key(seed))


def random_codes(sovits: SoVITS, n: int, seed: int = 0) -> list[int]:
    return np.random.default_rng(seed).integers(0, sovits.config.codes, n).tolist()


def pieces(sound: SoundStream, codes: list[int]) -> list[np.ndarray]:
    """As the codes come, one at a time."""
    out = [sound.take(codes[:n]) for n in range(1, len(codes)) if sound.due(n)]
    return [*out, sound.take(codes, final=True)]


def latents_of(sound: SoundStream) -> mx.array:
    assert sound._frozen is not None
    return sound._frozen


def whole(sound: SoundStream) -> np.ndarray:
    """The stream's own latents, decoded at once."""
    sovits = sound.sovits
    z = sovits.flow(latents_of(sound), sound.condition)
    wave = sovits.generator(z, sound.condition)[0, : z.shape[1] * sovits.config.samples_per_frame]
    return np.array(wave)  # an odd step leaves samples behind the last frame


@pytest.mark.parametrize("n", [1, 11, 40])
def test_in_one_piece_it_is_the_decoder_s_own_sound(n: int) -> None:
    sovits = random_model(SMALL, 0)
    codes, condition = random_codes(sovits, n), ge(sovits)
    got = SoundStream(sovits, PHONES, condition, 5).take(codes, final=True)
    noise = frame_noise(5, 0, 2 * n, sovits.config.inter_channels)
    want = np.array(sovits.decode(mx.array([codes]), mx.array([PHONES]), condition, noise)[0])
    assert np.abs(got - want).max() < 1e-4 * np.abs(want).max()


def test_pieces_joined_are_the_whole(count: Any) -> None:
    rng = np.random.default_rng(7)
    for trial in range(count(8, 60)):
        sovits = random_model(SMALL if trial == 0 else random_sizes(rng), trial)
        options = StreamOptions(
            first_chunk=int(rng.integers(1, 9)),
            growth=float(rng.uniform(1, 2)),
            largest_chunk=int(rng.integers(4, 20)),
            look_ahead=int(rng.integers(0, 6)),
            settle=None,
        )
        speed = float(rng.choice([1.0, 1.0, 0.8, 1.3]))
        codes = random_codes(sovits, int(rng.integers(1, 70)), trial)
        sound = SoundStream(sovits, PHONES, ge(sovits), trial, speed=speed, options=options)
        parts = pieces(sound, codes)
        want = whole(sound)
        got = np.concatenate(parts)
        assert got.shape == want.shape
        assert np.abs(got - want).max() < 1e-4 * np.abs(want).max()


def test_less_context_is_sooner_and_near() -> None:
    sovits = random_model(SMALL, 3)
    codes = random_codes(sovits, 60)
    first, error = [], []
    for settle in (0, 4, None):
        options = StreamOptions(first_chunk=5, look_ahead=2, settle=settle)
        sound = SoundStream(sovits, PHONES, ge(sovits), 1, options=options)
        first.append(next(n for n in range(1, 60) if sound.due(n)))
        got = np.concatenate(pieces(sound, codes))
        error.append(float(np.abs(got - whole(sound)).max()))
    assert first[0] < first[1] < first[2] and error[0] > error[1] > error[2]


def test_what_was_sent_stays() -> None:
    sovits = random_model(SMALL, 4)
    codes = random_codes(sovits, 80)
    sound = SoundStream(sovits, PHONES, ge(sovits), options=StreamOptions(5, 1.5, 20, 3, 4))
    frozen = None
    for n in range(1, 81):
        if n == 80 or sound.due(n):
            sound.take(codes[:n], final=n == 80)
            now = np.array(latents_of(sound))
            if frozen is not None:
                assert np.array_equal(now[:, : frozen.shape[1]], frozen)
            frozen = now


def test_chunks_grow() -> None:
    sovits = random_model(SMALL, 4)
    sound = SoundStream(sovits, PHONES, ge(sovits), options=StreamOptions(4, 2.0, 16, 2, 2))
    per_code = 2 * sovits.config.samples_per_frame
    sizes = [len(part) // per_code for part in pieces(sound, random_codes(sovits, 100))]
    assert sizes[:5] == [4, 8, 16, 16, 16] and sum(sizes) == 100


def test_without_options_nothing_is_due() -> None:
    sovits = random_model(SMALL, 4)
    assert not SoundStream(sovits, PHONES, ge(sovits)).due(1000)


def test_a_frame_s_noise_is_its_own() -> None:
    together = np.array(frame_noise(3, 0, 20, 6))
    assert np.array_equal(together[:, 7:11], np.array(frame_noise(3, 7, 11, 6)))
    assert not np.array_equal(together, np.array(frame_noise(4, 0, 20, 6)))
    many = np.array(frame_noise(0, 0, 4000, 8))
    assert abs(many.mean()) < 0.02 and abs(many.std() - 1) < 0.02


def test_speed_places_frames_by_their_number() -> None:
    x = mx.arange(40, dtype=mx.float32)[None, :, None]
    assert at_speed(x, 1.0, 3, 9)[0, :, 0].tolist() == [3, 4, 5, 6, 7, 8]
    fast = np.array(at_speed(x, 2.0, 0, 20))[0, :, 0]
    assert np.allclose(fast[1:-1], np.arange(1, 19) * 2 + 0.5)
    assert np.array_equal(np.array(at_speed(x, 2.0, 5, 9))[0, :, 0], fast[5:9])
