"""The transformer that the decoder's three encoders share: attention that knows near positions, and a
feed-forward part that is two convolutions. `mask` [B, T]: True where real, None: all real."""

from mlx_voice.device import mx, nn
from mlx_voice.models.sovits.config import SoVITSConfig
from mlx_voice.nn.conv import Conv1d

HIDDEN = -1e4  # added to a score, nothing is left of it, and half precision holds it


def masked(x: mx.array, mask: mx.array | None) -> mx.array:
    return x if mask is None else x * mask[..., None].astype(x.dtype)


def hide(scores: mx.array, mask: mx.array | None) -> mx.array:
    """Scores [B, heads, queries, keys] without the keys that are padding."""
    if mask is None:
        return scores
    return mx.where(mask[:, None, None, :], scores, mx.array(HIDDEN, scores.dtype))


def split_heads(x: mx.array, heads: int) -> mx.array:
    return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)


def join_heads(x: mx.array) -> mx.array:
    return x.swapaxes(1, 2).reshape(x.shape[0], x.shape[2], -1)


def from_band(band: mx.array) -> mx.array:
    """[…, T, 2w + 1] by distance -> […, T, T] by position, zeros beyond the window."""
    *lead, length, width = band.shape
    row = length + width - 1
    skewed = mx.pad(band, [(0, 0)] * (band.ndim - 1) + [(0, length)]).reshape(*lead, -1)
    skewed = skewed[..., : length * row].reshape(*lead, length, row)
    return skewed[..., width // 2 : width // 2 + length]


def to_band(square: mx.array, window: int) -> mx.array:
    """[…, T, T] by position -> […, T, 2w + 1] by distance."""
    *lead, length, _ = square.shape
    padding = [(0, 0)] * (square.ndim - 1)
    flat = mx.pad(square, [*padding, (window, window)]).reshape(*lead, -1)
    flat = mx.pad(flat, [*padding[1:], (0, length)])
    return flat.reshape(*lead, length, -1)[..., : 2 * window + 1]


class RelativeAttention(nn.Module):
    """Self-attention with learned keys and values for the distances -window … window, shared by the heads."""

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.qkv = nn.Linear(channels, 3 * channels)
        self.conv_o = nn.Linear(channels, channels)
        self.emb_rel_k = mx.zeros((2 * window + 1, channels // heads))
        self.emb_rel_v = mx.zeros((2 * window + 1, channels // heads))

    def __call__(self, x: mx.array, mask: mx.array | None) -> mx.array:
        q, k, v = (split_heads(part, self.heads) for part in mx.split(self.qkv(x), 3, axis=-1))
        q = q * q.shape[-1] ** -0.5
        scores = q @ k.swapaxes(-1, -2) + from_band(q @ self.emb_rel_k.T)
        weights = mx.softmax(hide(scores, mask), axis=-1, precise=True)
        heard = weights @ v + to_band(weights, self.window) @ self.emb_rel_v
        return self.conv_o(join_heads(heard))


class ConvFFN(nn.Module):
    def __init__(self, config: SoVITSConfig) -> None:
        super().__init__()
        hidden, inner, kernel = config.hidden_channels, config.filter_channels, config.kernel_size
        same = ((kernel - 1) // 2, kernel // 2)
        self.conv_1 = Conv1d(hidden, inner, kernel, padding=same)
        self.conv_2 = Conv1d(inner, hidden, kernel, padding=same)

    def __call__(self, x: mx.array, mask: mx.array | None) -> mx.array:
        x = nn.relu(self.conv_1(masked(x, mask)))
        return masked(self.conv_2(masked(x, mask)), mask)


class Encoder(nn.Module):
    def __init__(self, config: SoVITSConfig, layers: int) -> None:
        super().__init__()
        width = config.hidden_channels
        self.attn_layers = [RelativeAttention(width, config.n_heads, config.window) for _ in range(layers)]
        self.norm_layers_1 = [nn.LayerNorm(width) for _ in range(layers)]
        self.ffn_layers = [ConvFFN(config) for _ in range(layers)]
        self.norm_layers_2 = [nn.LayerNorm(width) for _ in range(layers)]

    def __call__(self, x: mx.array, mask: mx.array | None = None) -> mx.array:
        x = masked(x, mask)
        layers = zip(self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True)
        for attend, norm_1, feed, norm_2 in layers:
            x = norm_1(x + attend(x, mask))
            x = norm_2(x + feed(x, mask))
        return masked(x, mask)
