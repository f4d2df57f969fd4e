"""The reference encoder: a spectrogram of the speaker -> one vector."""

from mlx_voice.device import mx, nn
from mlx_voice.models.sovits.attention import hide, join_heads, masked, split_heads
from mlx_voice.models.sovits.config import SoVITSConfig
from mlx_voice.nn.conv import Conv1d


class StyleAttention(nn.Module):
    """Self-attention whose temperature is the root of the model's width, not of a head's."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels)
        self.fc = nn.Linear(channels, channels)

    def __call__(self, x: mx.array, mask: mx.array | None) -> mx.array:
        q, k, v = (split_heads(part, self.heads) for part in mx.split(self.qkv(x), 3, axis=-1))
        scores = (q * x.shape[-1] ** -0.5) @ k.swapaxes(-1, -2)
        weights = mx.softmax(hide(scores, mask), axis=-1, precise=True)
        return x + self.fc(join_heads(weights @ v))


class ReferenceEncoder(nn.Module):
    def __init__(self, config: SoVITSConfig) -> None:
        super().__init__()
        width, kernel = config.style_channels, config.style_kernel
        self.spectral = [nn.Linear(config.spec_bins, width), nn.Linear(width, width)]
        self.temporal = [
            Conv1d(width, 2 * width, kernel, padding=kernel // 2) for _ in range(config.style_layers)
        ]
        self.slf_attn = StyleAttention(width, config.style_heads)
        self.fc = nn.Linear(width, config.gin_channels)

    def __call__(self, spec: mx.array, mask: mx.array | None = None) -> mx.array:
        """[B, F, bins] -> [B, 1, gin]."""
        x = spec
        for layer in self.spectral:
            x = nn.mish(layer(x))
        for convolve in self.temporal:
            open_, gate = mx.split(convolve(masked(x, mask)), 2, axis=-1)
            x = x + open_ * mx.sigmoid(gate)
        x = masked(self.fc(self.slf_attn(x, mask)), mask)
        frames = x.shape[1] if mask is None else mask.sum(axis=1)[:, None, None].astype(x.dtype)
        return x.sum(axis=1, keepdims=True) / frames
