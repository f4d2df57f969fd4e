"""What the networks hear in a reference: its spectrogram, its codes, who speaks, when each phone is said."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from mlx_voice.audio import Samples, peak_limited, resample, resample_sinc
from mlx_voice.audio.spectrum import fbank, spectrogram
from mlx_voice.checkpoints import Model, parts
from mlx_voice.checkpoints.config import Reference as Spectrum
from mlx_voice.checkpoints.config import Style
from mlx_voice.device import mx
from mlx_voice.errors import ModelError
from mlx_voice.models.sovits import fitted
from mlx_voice.nn.weights import Array
from mlx_voice.voices.coach import Reference

SPEAKER_RATE = 16000


def mel(reference: Reference, form: Spectrum, on_device: bool = True) -> Samples:
    """Linear magnitudes [bins, frames], float32: through MLX, or through numpy where that is wanted."""
    wave = peak_limited(resample_sinc(reference.samples, reference.rate, form.sample_rate))
    if on_device:
        frames = np.array(spectrogram(wave, form.n_fft, form.hop, form.bins))
    else:
        frames = numpy_spectrogram(wave, form.n_fft, form.hop)[:, : form.bins]
    return np.ascontiguousarray(frames.T, dtype=np.float32)


def codes(reference: Reference, model: Model) -> Array:
    """One semantic code every 40 ms, int32 [n]."""
    wave = _heard(reference, model)
    found = model.sovits.codes(model.content(mx.array(wave)[None]))
    return np.array(found[0]).astype(np.int32)


def speaker(reference: Reference, model: Model) -> Samples:
    """The speaker encoder's vector, float32."""
    form = spectrum(model)
    wave = peak_limited(resample_sinc(reference.samples, reference.rate, form.sample_rate))
    heard = resample_sinc(wave, form.sample_rate, SPEAKER_RATE)
    vector = model.speaker(fbank(heard)[None])[0]
    return np.array(vector.astype(mx.float32))


def timing(reference: Reference, phones: Sequence[int], model: Model) -> Array:
    """How many codes each phone of the prompt lasts, int32."""
    wave = _heard(reference, model)
    return np.asarray(model.content.align(mx.array(wave)[None], list(phones)), np.int32)


def style(
    reference: Reference, guess: Samples, codes: Array, phones: Sequence[int], model: Model, fit: Style
) -> Samples:
    """The decoder's condition [gin] that fits the recording best, near the one that its encoder guesses."""
    latent = model.content.log_mel(mx.array(_heard(reference, model))[None])
    network = model.exact(parts.SOVITS)
    length = len(codes) * network.config.frames_per_code
    ge = fitted(
        network, latent[:, :length], mx.array(codes)[None], mx.array(list(phones))[None],
        mx.array(guess)[None, None], **asdict(fit),
    )  # fmt: skip
    return np.array(ge[0, 0])


def numpy_spectrogram(wave: Samples, n_fft: int, hop: int) -> Samples:
    """The spectrogram of `audio.spectrum` on the host: [frames, n_fft // 2 + 1]."""
    padded = np.pad(wave, (n_fft - hop) // 2, mode="reflect")
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop]
    spectrum = np.fft.rfft(frames * window)
    magnitudes: Samples = np.sqrt(spectrum.real**2 + spectrum.imag**2 + 1e-8).astype(np.float32)
    return magnitudes


def spectrum(model: Model) -> Spectrum:
    """The spectrogram that a model's decoder wants."""
    if model.config.reference is None:
        raise ModelError(f"The model {model.name!r} has no decoder: convert it with --sovits.")
    return model.config.reference


def _heard(reference: Reference, model: Model) -> Samples:
    """The wave as the content encoder wants it, silence at its end included."""
    form = model.config.content
    if form is None:
        raise ModelError(f"The model {model.name!r} cannot hear a new reference: convert it with --hubert.")
    wave = resample(reference.samples, reference.rate, form.sample_rate)
    return np.pad(wave, (0, round(form.tail_seconds * form.sample_rate)))
