"""Text encoder: codewords, phones and style -> mean and deviation of the latent before the flow."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from recipes.mini.networks.layers import conv
from recipes.mini.networks.sizes import FEATURES, SovitsSizes


class RelativeAttention(nn.Module):
    def __init__(self, width: int, heads: int, window: int | None = 4) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.conv_q, self.conv_k, self.conv_v, self.conv_o = (conv(width, width) for _ in range(4))
        for layer in (self.conv_q, self.conv_k, self.conv_v):
            nn.init.xavier_uniform_(layer.weight)
        if window:
            size = width // heads
            self.emb_rel_k = nn.Parameter(torch.randn(1, 2 * window + 1, size) * size**-0.5)
            self.emb_rel_v = nn.Parameter(torch.randn(1, 2 * window + 1, size) * size**-0.5)

    def forward(
        self, x: Tensor, c: Tensor, mask: Tensor, told: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """x [B, C, T], c [B, C, S], mask [B, 1, 1, S] -> [B, C, T], and what looks where [B, heads, T, S]

        Where `told` [B, T] is not negative, that is looked at.
        """
        split = lambda y: y.unflatten(1, (self.heads, -1)).transpose(2, 3)  # noqa: E731
        q, k, v = split(self.conv_q(x)), split(self.conv_k(c)), split(self.conv_v(c))
        q = q * q.shape[-1] ** -0.5
        scores = q @ k.transpose(2, 3)
        if self.window:
            distance = torch.arange(k.shape[2]) - torch.arange(q.shape[2])[:, None]
            near = distance.abs() <= self.window
            index = distance.clamp(-self.window, self.window) + self.window
            local = q @ self.emb_rel_k[0].T
            scores = scores + local.gather(-1, index.expand(*scores.shape)) * near
        own = p = scores.masked_fill(~mask, -1e4).softmax(-1)
        if told is not None:
            places = F.one_hot(told.clamp_min(0), p.shape[-1])[:, None].to(p.dtype)
            p = torch.where(told[:, None, :, None] >= 0, places, own)
        out = p @ v
        if self.window:
            w = self.window
            padded = F.pad(p, (w, w))
            columns = torch.arange(q.shape[2])[:, None] + torch.arange(2 * w + 1)
            out = out + padded.gather(-1, columns.expand(*p.shape[:3], -1)) @ self.emb_rel_v[0]
        return self.conv_o(out.transpose(2, 3).flatten(1, 2)), own


class ChannelNorm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.transpose(1, 2), (x.shape[1],), self.gamma, self.beta, 1e-5).transpose(1, 2)


class FeedForward(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.conv_1, self.conv_2 = conv(width, inner, 3), conv(inner, width, 3)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return self.conv_2(F.relu(self.conv_1(x * mask)) * mask) * mask


class Encoder(nn.Module):
    def __init__(self, sizes: SovitsSizes, layers: int) -> None:
        super().__init__()
        hidden = sizes.hidden
        self.attn_layers = nn.ModuleList(RelativeAttention(hidden, sizes.heads) for _ in range(layers))
        self.norm_layers_1 = nn.ModuleList(ChannelNorm(hidden) for _ in range(layers))
        self.ffn_layers = nn.ModuleList(FeedForward(hidden, sizes.filter) for _ in range(layers))
        self.norm_layers_2 = nn.ModuleList(ChannelNorm(hidden) for _ in range(layers))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """[B, C, T], mask [B, 1, T]"""
        x = x * mask
        parts = zip(self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True)
        for attention, norm_1, ffn, norm_2 in parts:
            x = norm_1(x + F.dropout(attention(x, x, mask[:, :, None] > 0)[0], 0.05, self.training))
            x = norm_2(x + F.dropout(ffn(x, mask), 0.05, self.training))
        return x * mask


class MRTE(nn.Module):
    def __init__(self, sizes: SovitsSizes) -> None:
        super().__init__()
        self.cross_attention = RelativeAttention(sizes.gin, 4, window=None)
        self.c_pre, self.text_pre = conv(sizes.hidden, sizes.gin), conv(sizes.hidden, sizes.gin)
        self.c_post = conv(sizes.gin, sizes.hidden)

    def forward(self, y, y_mask, text, text_mask, ge, told=None):
        y, text = self.c_pre(y * y_mask), self.text_pre(text * text_mask)
        visible = text_mask[:, :, None] > 0
        found, seen = self.cross_attention(y * y_mask, text * text_mask, visible, told)
        return self.c_post((found + y + ge) * y_mask), seen


class TextEncoder(nn.Module):
    def __init__(self, sizes: SovitsSizes) -> None:
        super().__init__()
        self.ssl_proj = conv(FEATURES, sizes.hidden)
        self.encoder_ssl = Encoder(sizes, sizes.layers // 2)
        self.encoder_text = Encoder(sizes, sizes.layers)
        self.text_embedding = nn.Embedding(sizes.phones, sizes.hidden)
        nn.init.normal_(self.text_embedding.weight, std=0.5)
        self.mrte = MRTE(sizes)
        self.encoder2 = Encoder(sizes, sizes.layers // 2)
        self.proj = conv(sizes.hidden, 2 * sizes.inter)

    def forward(self, y, y_mask, phones, text_mask, ge, told=None):
        """y: codewords at 50 Hz [B, FEATURES, T] -> hidden, mean, log deviation, what looks where"""
        y = self.encoder_ssl(self.ssl_proj(y * y_mask) * y_mask, y_mask)
        text = self.encoder_text(self.text_embedding(phones).transpose(1, 2), text_mask)
        y, seen = self.mrte(y, y_mask, text, text_mask, ge, told)
        y = self.encoder2(y, y_mask)
        mean, deviation = (self.proj(y) * y_mask).chunk(2, 1)
        return y, mean, deviation, seen
