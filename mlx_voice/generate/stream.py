"""Codes become sound piece by piece, with the mathematics of the whole.

Each time, all codes known so far are encoded. Frames with enough codes behind them have their latents frozen:
the noise belongs to the frame, and what is frozen is the left context of all that follows. Flow and generator
see their full reach to the left, and to the right what is frozen and, behind that, what is known for now.
With `settle` at the full reach, pieces joined equal the whole decoded at once from the same latents.
"""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from mlx_voice.device import mx
from mlx_voice.generate.kv import bucket
from mlx_voice.models.sovits.model import SoVITS
from mlx_voice.nn.weights import Array
from mlx_voice.settings import StreamOptions

CODE_BUCKET = 16
PHONE_BUCKET = 32
FRAME_BUCKET = 16
NOISE = 0x9E3779B9  # keeps the decoder's noise apart from the token loop's


class SoundStream:
    """One sentence on its way to sound. Without options it comes in one piece when its codes are complete."""

    def __init__(
        self,
        sovits: SoVITS,
        phones: Sequence[int],
        condition: mx.array,
        seed: int = 0,
        noise_scale: float = 0.5,
        speed: float = 1.0,
        options: StreamOptions | None = None,
    ) -> None:
        self.sovits, self.condition, self.options = sovits, condition, options
        self.seed, self.noise_scale, self.speed = seed, noise_scale, speed
        self._frames_per_code = sovits.config.frames_per_code
        self._size = options.first_chunk if options else 0
        self._sent = 0  # frames whose sound has been given out
        self._used = 0  # codes that the last piece was made of
        self._frozen: mx.array | None = None  # [1, frames, inter]: latents that stay
        self._attention = mx.zeros((0, len(phones)))
        padded, self._phone_mask = _padded(mx.array([list(phones)], mx.int32), PHONE_BUCKET)
        self._phones = len(phones)
        self._text = sovits.enc_p.text(padded, self._phone_mask)

    @property
    def settle(self) -> int:
        """Frames that must be frozen to the right of a sound before it is given out."""
        full = self.sovits.flow_context + self.sovits.generator_context
        if self.options is None or self.options.settle is None:
            return full
        return min(self.options.settle, full)

    @property
    def attention(self) -> Array:
        """[frames at speed 1, phones]: what the last encoding listened to."""
        return np.array(self._attention.astype(mx.float32))

    @property
    def frame(self) -> float:
        """Seconds that a frame of `attention` lasts."""
        config = self.sovits.config
        return config.samples_per_frame / config.sample_rate / self.speed

    def due(self, codes: int) -> int | None:
        """How many of that many codes make the next piece: the fewest, so that no reader's pace is heard."""
        if self.options is None:
            return None
        end = self._sent + self._frames(self._size)
        if self._boundaries(codes)[1] < end:  # as after most codes
            return None
        return next((n for n in range(self._used, codes + 1) if self._boundaries(n)[1] >= end), None)

    def take(self, codes: Sequence[int], final: bool = False) -> Array:
        """The samples that all codes so far allow and that were not given out before."""
        latents = self._latents(codes)
        known = latents.shape[1]
        frozen, end = (known, known) if final else self._boundaries(len(codes))
        self._frozen = latents[:, :frozen]
        start, self._sent, self._used = self._sent, end, len(codes)
        if self.options:
            self._size = min(math.ceil(self._size * self.options.growth), self.options.largest_chunk)
        return self._sound(latents, start, end)

    def _boundaries(self, codes: int) -> tuple[int, int]:
        """Before the end: up to which frame latents are frozen, and sound is given out."""
        assert self.options is not None
        frozen = max(self._frames(codes - self.options.look_ahead), 0)
        return frozen, max(frozen - self.settle, 0)

    def _frames(self, codes: int) -> int:
        return round(codes * self._frames_per_code / self.speed)

    def _latents(self, codes: Sequence[int]) -> mx.array:
        """[1, frames, inter]: what is frozen, then what can be said of the rest now."""
        padded, mask = _padded(mx.array([list(codes)], mx.int32), CODE_BUCKET)
        prior = self.sovits.encode_read(
            padded, self._text, self.condition, code_mask=mask, phone_mask=self._phone_mask
        )
        frames = len(codes) * self._frames_per_code
        self._attention = prior.attention[0, :, :frames, : self._phones].mean(axis=0)
        done = 0 if self._frozen is None else self._frozen.shape[1]
        total = max(self._frames(len(codes)), 1)
        mean, deviation = (
            at_speed(part[:, :frames], self.speed, done, total) for part in (prior.m_p, prior.logs_p)
        )
        noise = frame_noise(self.seed, done, total, mean.shape[2]).astype(mean.dtype)
        fresh = mean + noise * mx.exp(deviation) * self.noise_scale
        return fresh if self._frozen is None else mx.concatenate([self._frozen, fresh], axis=1)

    def _sound(self, latents: mx.array, start: int, end: int) -> Array:
        """Samples of the frames [start, end), from as much context as there is."""
        if start == end:
            return np.zeros(0, np.float32)
        near, per_frame = self.sovits.generator_context, self.sovits.config.samples_per_frame
        wide, known = near + self.sovits.flow_context, latents.shape[1]
        low, high = max(start - wide, 0), min(end + wide, known)
        window, mask = _padded(latents[:, low:high], FRAME_BUCKET)
        z = self.sovits.flow(window, self.condition, mask)[:, : high - low]
        left, right = max(start - near, 0), min(end + near, high)
        window, mask = _padded(z[:, left - low : right - low], FRAME_BUCKET)
        wave = self.sovits.generator(window, self.condition, mask)
        samples = wave[0, (start - left) * per_frame : (end - left) * per_frame]
        return np.array(samples.astype(mx.float32))


def _padded(x: mx.array, size: int) -> tuple[mx.array, mx.array | None]:
    """[1, n, …] -> a multiple of `size`, so that shapes repeat, and [1, n] True where it is real."""
    n = x.shape[1]
    length = bucket(n, size)
    if length == n:
        return x, None
    widths = [(0, 0)] * x.ndim
    widths[1] = (0, length - n)
    return mx.pad(x, widths), (mx.arange(length) < n)[None]


def at_speed(x: mx.array, speed: float, start: int, end: int) -> mx.array:
    """[1, T, C] -> frames [start, end) of the same, spoken `speed` times as fast; linear in between.

    A frame's place depends on its number alone, so that a stream and the whole agree.
    """
    if speed == 1.0:
        return x[:, start:end]
    place = mx.clip((mx.arange(start, end) + 0.5) * speed - 0.5, 0, x.shape[1] - 1)
    low = mx.floor(place).astype(mx.int32)
    share = (place - low)[:, None].astype(x.dtype)
    high = mx.minimum(low + 1, x.shape[1] - 1)
    return x[:, low] * (1 - share) + x[:, high] * share


def frame_noise(seed: int, start: int, end: int, channels: int) -> mx.array:
    """[1, frames, channels] standard normal: a frame's noise depends on the seed and its number alone."""
    frames = mx.arange(start, end).astype(mx.uint32)
    keys = mx.stack([mx.full(frames.shape, (seed ^ NOISE) & 0xFFFFFFFF, mx.uint32), frames], axis=-1)
    return mx.vmap(partial(_normal, channels))(keys)[None]


def _normal(channels: int, key: mx.array) -> mx.array:
    return mx.random.normal((channels,), key=key)
