"""Phones laid out in time, codes -> the next code."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from recipes.mini.networks.sizes import T2SSizes


class SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """`bias` [n, n] is 0 where a key is seen. On a CPU plain products beat the fused attention."""
        b, n, width = x.shape
        qkv = F.linear(x, self.in_proj_weight, self.in_proj_bias).view(b, n, 3, self.heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        with torch.autocast(x.device.type, enabled=False):  # the softmax, too, in half the bytes
            scores = (q * q.shape[-1] ** -0.5) @ k.transpose(2, 3) + bias.to(q.dtype)
            out = scores.softmax(-1) @ v
        return self.out_proj(out.transpose(1, 2).reshape(b, n, width))


class Block(nn.Module):
    def __init__(self, sizes: T2SSizes) -> None:
        super().__init__()
        self.self_attn = SelfAttention(sizes.width, sizes.heads)
        self.linear1, self.linear2 = nn.Linear(sizes.width, sizes.ffn), nn.Linear(sizes.ffn, sizes.width)
        self.norm1, self.norm2 = nn.LayerNorm(sizes.width), nn.LayerNorm(sizes.width)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        x = self.norm1(x + self.self_attn(x, bias))
        return self.norm2(x + self.linear2(F.relu(self.linear1(x))))


class Position(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        n, width = x.shape[1:]
        rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
        angle = torch.arange(n)[:, None] * rate
        return x + self.alpha * torch.stack([angle.sin(), angle.cos()], -1).view(n, width)


class Words(nn.Module):
    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(rows, width)
        nn.init.normal_(self.word_embeddings.weight, std=0.5)

    def forward(self, ids: Tensor) -> Tensor:
        return self.word_embeddings(ids)


class T2S(nn.Module):
    def __init__(self, sizes: T2SSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.ar_text_embedding = Words(sizes.phones, sizes.width)
        self.ar_audio_embedding = Words(sizes.codes, sizes.width)
        self.ar_text_position, self.ar_audio_position = Position(), Position()
        self.h = nn.ModuleDict({"layers": nn.ModuleList(Block(sizes) for _ in range(sizes.layers))})
        self.ar_predict_layer = nn.Linear(sizes.width, sizes.codes, bias=False)

    def forward(self, phones: Tensor, codes: Tensor) -> Tensor:
        """[B, N] phones laid out in time, [B, M] codes -> logits [B, M, codes] of what follows each code."""
        x = self.ar_text_position(self.ar_text_embedding(phones))
        y = self.ar_audio_position(self.ar_audio_embedding(codes))
        n, m = x.shape[1], y.shape[1]
        key, query = torch.arange(n + m), torch.arange(n + m)[:, None]
        bias = torch.zeros(n + m, n + m).masked_fill(~((key < n) | (key <= query)), -1e4)
        h = torch.cat([x, y], 1)
        for layer in self.h["layers"]:
            h = layer(h, bias)
        return self.ar_predict_layer(h[:, n:])
