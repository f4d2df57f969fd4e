"""Text to semantic codes: a post-norm transformer decoder over [phones ; codes].

Phones attend to all phones, codes to all phones and to the codes before them. Positions are added to the
inputs (phones and codes each count from 0), so a key does not depend on the column it is stored in.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from mlx_voice.device import mx, nn
from mlx_voice.nn.linear import Linear
from mlx_voice.nn.weights import Plan, State, copied

UNUSED: tuple[str, ...] = ()
PREFIX = "model."
NAMES = (  # (checkpoint, ours); layers keep their own names below `layers.N.`
    ("ar_text_embedding.word_embeddings.weight", "text_embedding.weight"),
    ("ar_audio_embedding.word_embeddings.weight", "code_embedding.weight"),
    ("ar_text_position.alpha", "text_alpha"),
    ("ar_audio_position.alpha", "code_alpha"),
    ("ar_predict_layer.weight", "head.weight"),
    ("bert_proj.weight", "bert_proj.weight"),
    ("bert_proj.bias", "bert_proj.bias"),
)
LAYER_NAMES = tuple(
    (name, name.replace("in_proj_", "in_proj.")) for name in (
        "self_attn.in_proj_weight", "self_attn.in_proj_bias",
        "self_attn.out_proj.weight", "self_attn.out_proj.bias",
        "linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias",
        "norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias",
    )
)  # fmt: skip


@dataclass(frozen=True)
class T2SConfig:
    layers: int
    width: int
    heads: int
    ffn: int
    phones: int  # rows of the phone table
    codes: int  # rows of the code table, the end token included
    end: int
    bert: int = 1024  # width of the text features, 0 where the model has none

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "T2SConfig":
        return cls(**fields)


class Cache(Protocol):
    """What attention asks of a key-value cache; layers are told apart by their index."""

    def update(self, layer: int, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]: ...


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj = Linear(width, 3 * width)
        self.out_proj = Linear(width, width)

    def __call__(self, x: mx.array, layer: int, cache: Cache, mask: mx.array | None) -> mx.array:
        b, n, width = x.shape
        qkv = self.in_proj(x).reshape(b, n, 3, self.heads, -1).transpose(2, 0, 3, 1, 4)
        keys, values = cache.update(layer, qkv[1], qkv[2])
        scale = (width // self.heads) ** -0.5
        out = mx.fast.scaled_dot_product_attention(qkv[0], keys, values, scale=scale, mask=mask)
        out = out.transpose(0, 2, 1, 3).reshape(b, n, width)
        projected: mx.array = self.out_proj(out)
        return projected


class Block(nn.Module):
    def __init__(self, config: T2SConfig) -> None:
        super().__init__()
        self.self_attn = Attention(config.width, config.heads)
        self.linear1 = Linear(config.width, config.ffn)
        self.linear2 = Linear(config.ffn, config.width)
        self.norm1 = nn.LayerNorm(config.width, eps=1e-5)
        self.norm2 = nn.LayerNorm(config.width, eps=1e-5)

    def __call__(self, x: mx.array, layer: int, cache: Cache, mask: mx.array | None) -> mx.array:
        x = self.norm1(x + self.self_attn(x, layer, cache, mask))
        out: mx.array = self.norm2(x + self.linear2(mx.maximum(self.linear1(x), 0)))
        return out


class T2S(nn.Module):
    def __init__(self, config: T2SConfig) -> None:
        super().__init__()
        self.config = config
        self.text_embedding = nn.Embedding(config.phones, config.width)
        self.code_embedding = nn.Embedding(config.codes, config.width)
        self.text_alpha = mx.ones((1,))
        self.code_alpha = mx.ones((1,))
        if config.bert:
            self.bert_proj = Linear(config.bert, config.width)
        self.layers = [Block(config) for _ in range(config.layers)]
        self.head = Linear(config.width, config.codes, bias=False)
        self._positions = mx.array(sinusoids(2048, config.width))  # underscore: not a parameter

    def embed_text(self, phones: mx.array, bert: mx.array | None = None) -> mx.array:
        """[B, N] ids and [B, N, bert] features (none: zeros) -> [B, N, width]."""
        x = self.text_embedding(phones)
        if self.config.bert:
            x = x + (self.bert_proj.bias if bert is None else self.bert_proj(bert))
        n = phones.shape[1]
        return self._placed(x, self.text_alpha, self._table(n)[:n])

    def embed_codes(self, codes: mx.array, offset: int | mx.array = 0) -> mx.array:
        """[B, N] ids -> [B, N, width]; `offset` is the position of the first one, an int or one per row."""
        x = self.code_embedding(codes)
        n = codes.shape[1]
        if isinstance(offset, int):
            table = self._table(offset + n)[offset : offset + n]
        else:
            table = self._positions[offset[:, None] + mx.arange(n)]
        return self._placed(x, self.code_alpha, table)

    def __call__(self, x: mx.array, cache: Cache, mask: mx.array | None = None) -> mx.array:
        """[B, N, width] after what `cache` holds -> [B, N, width]; mask is [B, 1, N, keys], True = seen."""
        for i, layer in enumerate(self.layers):
            x = layer(x, i, cache, mask)
        return x

    def logits(self, h: mx.array) -> mx.array:
        out: mx.array = self.head(h)
        return out

    @staticmethod
    def _placed(x: mx.array, alpha: mx.array, table: mx.array) -> mx.array:
        return x + alpha * table.astype(x.dtype)

    def reserve(self, positions: int) -> None:
        """Make sure that positions up to `positions` have their sinusoids."""
        self._table(positions)

    def _table(self, n: int) -> mx.array:
        have = self._positions.shape[0]
        if n > have:
            self._positions = mx.array(sinusoids(max(n, 2 * have), self.config.width))
        return self._positions


def sinusoids(n: int, width: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """[n, width]: sine and cosine interleaved, in float32 throughout as the model was trained."""
    rate = np.exp(np.arange(0, width, 2, dtype=np.float32) * np.float32(-np.log(10000.0) / width))
    angle = np.arange(n, dtype=np.float32)[:, None] * rate
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(n, width).astype(np.float32)


def prefill_mask(starts: mx.array, text_ends: mx.array, length: int) -> mx.array:
    """[B, 1, length, length], True where a query (row) sees a key (column).

    Row b holds padding up to starts[b], phones up to text_ends[b], then codes.
    """
    query, key = mx.arange(length)[:, None], mx.arange(length)
    starts, text_ends = starts[:, None, None, None], text_ends[:, None, None, None]
    return (key >= starts) & ((key < text_ends) | (key <= query))


def config_from_checkpoint(config: Mapping[str, Any], state: State) -> T2SConfig:
    """Head count and end token stand in the official config; every other size in the shapes."""
    shape = {name.removeprefix(PREFIX): tensor.shape for name, tensor in state.items()}
    numbers = [int(m[1]) for name in shape if (m := re.match(r"h\.layers\.(\d+)\.", name))]
    ffn, width = shape["h.layers.0.linear1.weight"]
    return T2SConfig(
        layers=max(numbers) + 1,
        width=width,
        heads=int(config["model"]["head"]),
        ffn=ffn,
        phones=shape["ar_text_embedding.word_embeddings.weight"][0],
        codes=shape["ar_audio_embedding.word_embeddings.weight"][0],
        end=int(config["model"]["EOS"]),
        bert=shape.get("bert_proj.weight", (0, 0))[1],
    )


def renames(state: State, config: T2SConfig) -> Plan:
    names = [(ours, PREFIX + theirs) for theirs, ours in NAMES if config.bert or "bert" not in ours]
    for i in range(config.layers):
        names += [(f"layers.{i}.{ours}", f"{PREFIX}h.layers.{i}.{theirs}") for theirs, ours in LAYER_NAMES]
    return {ours: copied(state[theirs]) for ours, theirs in names}
