"""The post-norm encoder layer that HuBERT and BERT have in common."""

from mlx_voice.device import mx, nn
from mlx_voice.nn.gelu import gelu


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def __call__(self, x: mx.array, mask: mx.array | None = None) -> mx.array:
        b, n, width = x.shape

        def split(y: mx.array) -> mx.array:
            return y.reshape(b, n, self.heads, -1).transpose(0, 2, 1, 3)

        q, k, v = split(self.query(x)), split(self.key(x)), split(self.value(x))
        scale = (width // self.heads) ** -0.5
        mixed = mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask=mask)
        out: mx.array = self.out(mixed.transpose(0, 2, 1, 3).reshape(b, n, width))
        return out


class EncoderLayer(nn.Module):
    """[B, N, width] -> the same; mask is [B, 1, 1, N], True = seen by all."""

    def __init__(self, width: int, heads: int, ffn: int, eps: float) -> None:
        super().__init__()
        self.attention = Attention(width, heads)
        self.norm1 = nn.LayerNorm(width, eps=eps)
        self.linear1 = nn.Linear(width, ffn)
        self.linear2 = nn.Linear(ffn, width)
        self.norm2 = nn.LayerNorm(width, eps=eps)

    def __call__(self, x: mx.array, mask: mx.array | None = None) -> mx.array:
        x = self.norm1(x + self.attention(x, mask))
        out: mx.array = self.norm2(x + self.linear2(gelu(self.linear1(x))))
        return out
