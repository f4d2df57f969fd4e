"""Codes and phones -> the distribution of the decoder's latent, frame by frame."""

from dataclasses import dataclass

import numpy as np

from mlx_voice.device import mx, nn
from mlx_voice.models.sovits.attention import Encoder, hide, join_heads, masked, split_heads
from mlx_voice.models.sovits.config import SoVITSConfig


@dataclass(frozen=True)
class Prior:
    y: mx.array  # [B, T, hidden] the last encoder's answer
    m_p: mx.array  # [B, T, inter] mean
    logs_p: mx.array  # [B, T, inter] logarithm of the deviation
    attention: mx.array  # [B, heads, T at speed 1, phones] what MRTE listened to
    mask: mx.array | None  # [B, T] the frames that are not padding; None: all

    def sample(self, noise: mx.array, noise_scale: float) -> mx.array:
        return masked(self.m_p + noise * mx.exp(self.logs_p) * noise_scale, self.mask)


class CrossAttention(nn.Module):
    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.conv_q = nn.Linear(channels, channels)
        self.kv = nn.Linear(channels, 2 * channels)
        self.conv_o = nn.Linear(channels, channels)

    def __call__(self, x: mx.array, context: mx.array, mask: mx.array | None) -> tuple[mx.array, mx.array]:
        q = split_heads(self.conv_q(x), self.heads)
        k, v = (split_heads(part, self.heads) for part in mx.split(self.kv(context), 2, axis=-1))
        scores = (q * q.shape[-1] ** -0.5) @ k.swapaxes(-1, -2)
        weights = mx.softmax(hide(scores, mask), axis=-1, precise=True)
        return self.conv_o(join_heads(weights @ v)), weights


class MRTE(nn.Module):
    """Each frame looks up the phones; the speaker's condition is added."""

    def __init__(self, config: SoVITSConfig) -> None:
        super().__init__()
        hidden, width = config.hidden_channels, config.mrte_channels
        self.c_pre = nn.Linear(hidden, width)
        self.text_pre = nn.Linear(hidden, width)
        self.cross_attention = CrossAttention(width, config.mrte_heads)
        self.c_post = nn.Linear(width, hidden)

    def __call__(
        self, content: mx.array, text: mx.array, text_mask: mx.array | None, ge: mx.array
    ) -> tuple[mx.array, mx.array]:
        content = self.c_pre(content)
        heard, weights = self.cross_attention(content, self.text_pre(text), text_mask)
        return self.c_post(heard + content + ge), weights


class PriorEncoder(nn.Module):
    def __init__(self, config: SoVITSConfig) -> None:
        super().__init__()
        self.frames_per_code = config.frames_per_code
        self.ssl_proj = nn.Linear(config.ssl_channels, config.hidden_channels)
        self.encoder_ssl = Encoder(config, config.n_layers // 2)
        self.encoder_text = Encoder(config, config.n_layers)
        self.text_embedding = nn.Embedding(config.symbols, config.hidden_channels)
        self.mrte = MRTE(config)
        self.encoder2 = Encoder(config, config.n_layers // 2)
        self.proj = nn.Linear(config.hidden_channels, 2 * config.inter_channels)

    def text(self, phones: mx.array, mask: mx.array | None = None) -> mx.array:
        """[B, N] -> [B, N, hidden]; it depends on the phones only, so a stream of codes needs it once."""
        return self.encoder_text(self.text_embedding(phones), mask)

    def __call__(
        self,
        quantized: mx.array,
        text: mx.array,
        ge: mx.array,
        speed: float = 1.0,
        code_mask: mx.array | None = None,
        phone_mask: mx.array | None = None,
    ) -> Prior:
        y = mx.repeat(self.ssl_proj(quantized), self.frames_per_code, axis=1)
        mask = None if code_mask is None else mx.repeat(code_mask, self.frames_per_code, axis=1)
        y = self.encoder_ssl(y, mask)
        y, attention = self.mrte(y, text, phone_mask, ge)
        y = self.encoder2(y, mask)
        if speed != 1.0:
            y, mask = change_speed(y, mask, speed)
        m_p, logs_p = mx.split(masked(self.proj(y), mask), 2, axis=-1)
        return Prior(y, m_p, logs_p, attention, mask)


def change_speed(y: mx.array, mask: mx.array | None, speed: float) -> tuple[mx.array, mx.array | None]:
    """Frames between frames, by linear interpolation, each row over its own length."""
    batch, frames, _ = y.shape
    before = [frames] * batch if mask is None else np.array(mask.sum(axis=1)).tolist()
    after = [int(n / speed) + 1 for n in before]
    time = mx.arange(max(after))
    last = mx.maximum(mx.array(before)[:, None] - 1, 0)
    scale = mx.array([a / b for a, b in zip(before, after, strict=True)])[:, None]
    position = mx.maximum((time + 0.5) * scale - 0.5, 0)
    low = mx.minimum(mx.floor(position).astype(mx.int32), last)
    high = mx.minimum(low + 1, last)
    share = (position - low)[..., None].astype(y.dtype)
    rows = [mx.take_along_axis(y, index[..., None], axis=1) for index in (low, high)]
    faster = rows[0] * (1 - share) + rows[1] * share
    return faster, None if mask is None else time < mx.array(after)[:, None]
