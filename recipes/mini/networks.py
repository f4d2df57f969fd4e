"""The networks in PyTorch, with the checkpoints' own key names; the package's models say what they are.

Weight norm is not used in training; `export` writes the `weight_g`, `weight_v` pairs that the format wants.
"""

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

CODES, FEATURES, MELS, PHONES = 512, 128, 80, 322  # the first 322 symbols hold all of Mandarin and English


@dataclass(frozen=True)
class T2SSizes:
    layers: int = 4
    width: int = 192
    heads: int = 4
    ffn: int = 768
    phones: int = PHONES
    codes: int = CODES + 1


@dataclass(frozen=True)
class SovitsSizes:
    inter: int = MELS
    hidden: int = 96
    filter: int = 256
    heads: int = 2
    layers: int = 4
    gin: int = 128
    style: int = 64
    bins: int = 704
    phones: int = PHONES
    upsample_rates: tuple[int, ...] = (8, 8, 5)
    upsample_kernels: tuple[int, ...] = (16, 16, 11)
    upsample_width: int = 192
    block_kernels: tuple[int, ...] = (3, 5, 7)
    block_dilations: tuple[tuple[int, ...], ...] = ((1, 2), (2, 6), (3, 12))


# --- T2S ---


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


# --- SoVITS: prior, flow, style ---


def conv(inputs: int, outputs: int, kernel: int = 1, dilation: int = 1) -> nn.Conv1d:
    return nn.Conv1d(inputs, outputs, kernel, padding=dilation * (kernel - 1) // 2, dilation=dilation)


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

    def forward(self, x: Tensor, c: Tensor, mask: Tensor) -> Tensor:
        """x [B, C, T], c [B, C, S], mask [B, 1, 1, S] -> [B, C, T]"""
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
        p = scores.masked_fill(~mask, -1e4).softmax(-1)
        out = p @ v
        if self.window:
            w = self.window
            padded = F.pad(p, (w, w))
            columns = torch.arange(q.shape[2])[:, None] + torch.arange(2 * w + 1)
            out = out + padded.gather(-1, columns.expand(*p.shape[:3], -1)) @ self.emb_rel_v[0]
        return self.conv_o(out.transpose(2, 3).flatten(1, 2))


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
            x = norm_1(x + F.dropout(attention(x, x, mask[:, :, None] > 0), 0.05, self.training))
            x = norm_2(x + F.dropout(ffn(x, mask), 0.05, self.training))
        return x * mask


class MRTE(nn.Module):
    def __init__(self, sizes: SovitsSizes) -> None:
        super().__init__()
        self.cross_attention = RelativeAttention(sizes.gin, 4, window=None)
        self.c_pre, self.text_pre = conv(sizes.hidden, sizes.gin), conv(sizes.hidden, sizes.gin)
        self.c_post = conv(sizes.gin, sizes.hidden)

    def forward(self, y: Tensor, y_mask: Tensor, text: Tensor, text_mask: Tensor, ge: Tensor) -> Tensor:
        y, text = self.c_pre(y * y_mask), self.text_pre(text * text_mask)
        x = self.cross_attention(y * y_mask, text * text_mask, text_mask[:, :, None] > 0) + y + ge
        return self.c_post(x * y_mask)


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

    def forward(self, y, y_mask, phones, text_mask, ge):
        """y: codewords at 50 Hz [B, FEATURES, T] -> hidden, mean, log deviation"""
        y = self.encoder_ssl(self.ssl_proj(y * y_mask) * y_mask, y_mask)
        text = self.encoder_text(self.text_embedding(phones).transpose(1, 2), text_mask)
        y = self.encoder2(self.mrte(y, y_mask, text, text_mask, ge), y_mask)
        mean, deviation = (self.proj(y) * y_mask).chunk(2, 1)
        return y, mean, deviation


class WN(nn.Module):
    def __init__(self, width: int, gin: int, layers: int = 4, kernel: int = 5) -> None:
        super().__init__()
        self.width, self.layers = width, layers
        self.in_layers = nn.ModuleList(conv(width, 2 * width, kernel) for _ in range(layers))
        self.res_skip_layers = nn.ModuleList(
            conv(width, 2 * width if i < layers - 1 else width) for i in range(layers)
        )
        self.cond_layer = conv(gin, 2 * width * layers)

    def forward(self, x: Tensor, mask: Tensor, ge: Tensor) -> Tensor:
        conditions = self.cond_layer(ge).chunk(self.layers, 1)
        output = torch.zeros_like(x)
        for i, condition in enumerate(conditions):
            a, b = (self.in_layers[i](x) + condition).chunk(2, 1)
            out = self.res_skip_layers[i](torch.tanh(a) * torch.sigmoid(b))
            if i < self.layers - 1:
                x = (x + out[:, : self.width]) * mask
                output = output + out[:, self.width :]
            else:
                output = output + out
        return output * mask


class Coupling(nn.Module):
    def __init__(self, sizes: SovitsSizes) -> None:
        super().__init__()
        self.half = sizes.inter // 2
        self.pre, self.post = conv(self.half, sizes.hidden), conv(sizes.hidden, self.half)
        self.enc = WN(sizes.hidden, sizes.gin)
        nn.init.zeros_(self.post.weight)
        nn.init.zeros_(self.post.bias)

    def forward(self, x: Tensor, mask: Tensor, ge: Tensor, sign: int = 1) -> Tensor:
        x0, x1 = x.split(self.half, 1)
        mean = self.post(self.enc(self.pre(x0) * mask, mask, ge)) * mask
        return torch.cat([x0, x1 + sign * mean], 1) * mask


class Flow(nn.Module):
    def __init__(self, sizes: SovitsSizes) -> None:
        super().__init__()
        self.flows = nn.ModuleList()
        for _ in range(4):
            self.flows += [Coupling(sizes), nn.Identity()]  # the odd ones flip the channels

    def forward(self, x: Tensor, mask: Tensor, ge: Tensor, reverse: bool = False) -> Tensor:
        if reverse:
            for flow in reversed(self.flows[::2]):
                x = flow(x.flip(1), mask, ge, -1)
            return x
        for flow in self.flows[::2]:
            x = flow(x, mask, ge).flip(1)
        return x


class Fc(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.fc = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)


class Gated(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Module()
        self.conv1.conv = conv(width, 2 * width, 5)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.conv1.conv(x).chunk(2, 1)
        return x + a * torch.sigmoid(b)


class StyleAttention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.w_qs, self.w_ks, self.w_vs, self.fc = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (w(x).unflatten(-1, (2, -1)).transpose(1, 2) for w in (self.w_qs, self.w_ks, self.w_vs))
        out = F.scaled_dot_product_attention(q, k, v, scale=x.shape[-1] ** -0.5)
        return self.fc(out.transpose(1, 2).flatten(2)) + x


class Style(nn.Module):
    def __init__(self, sizes: SovitsSizes) -> None:
        super().__init__()
        width = sizes.style
        self.spectral = nn.ModuleList(
            [Fc(sizes.bins, width), nn.Mish(), nn.Dropout(0), Fc(width, width), nn.Mish()]
        )
        self.temporal = nn.Sequential(Gated(width), Gated(width))
        self.slf_attn = StyleAttention(width)
        self.fc = Fc(width, sizes.gin)

    def forward(self, spec: Tensor) -> Tensor:
        """Magnitudes [B, T, bins] -> ge [B, gin, 1]"""
        for layer in self.spectral:
            spec = layer(spec)
        x = self.temporal(spec.transpose(1, 2)).transpose(1, 2)
        return self.fc(self.slf_attn(x)).mean(1)[:, :, None]


class Sovits(nn.Module):
    """Everything but the generator, which is trained by itself on the latent that this one predicts."""

    def __init__(self, sizes: SovitsSizes) -> None:
        super().__init__()
        self.enc_p, self.flow, self.ref_enc = TextEncoder(sizes), Flow(sizes), Style(sizes)


# --- SoVITS: generator ---


class ResBlock(nn.Module):
    """The format's second kind, one convolution a dilation: three times as quick to train as the first."""

    def __init__(self, width: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(conv(width, width, kernel, dilation) for dilation in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.convs:
            x = x + layer(F.leaky_relu(x, 0.1))
        return x


class Generator(nn.Module):
    def __init__(self, sizes: SovitsSizes) -> None:
        super().__init__()
        width = sizes.upsample_width
        self.conv_pre = conv(sizes.inter, width, 7)
        self.cond = conv(sizes.gin, width)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        for rate, kernel in zip(sizes.upsample_rates, sizes.upsample_kernels, strict=True):
            self.ups.append(nn.ConvTranspose1d(width, width // 2, kernel, rate, padding=(kernel - rate) // 2))
            width //= 2
            shapes = zip(sizes.block_kernels, sizes.block_dilations, strict=True)
            self.resblocks += [ResBlock(width, *shape) for shape in shapes]
        self.conv_post = nn.Conv1d(width, 1, 7, padding=3, bias=False)
        nn.init.zeros_(self.cond.weight)  # the latent says all: the speaker's term stays zero
        nn.init.zeros_(self.cond.bias)

    def forward(self, z: Tensor) -> Tensor:
        """[B, inter, T] -> [B, T * 320]"""
        x = self.conv_pre(z)
        for i, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, 0.1))
            x = sum(block(x) for block in self.resblocks[3 * i : 3 * i + 3]) / 3
        return torch.tanh(self.conv_post(F.leaky_relu(x)))[:, 0]


# --- content encoder and durations ---


class Content(nn.Module):
    """Log-mel [B, T, 80] -> features [B, T, FEATURES]; a phone head beside it."""

    def __init__(self, phones: int, width: int = 144, dilations: tuple[int, ...] = (1, 2, 4, 2, 1)) -> None:
        super().__init__()
        self.inputs = conv(MELS, width, 5)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in dilations)
        self.convs = nn.ModuleList(conv(width, width, 5, d) for d in dilations)
        self.points = nn.ModuleList(nn.Linear(width, width) for _ in dilations)
        self.outputs = nn.Linear(width, FEATURES)
        self.head = nn.Linear(FEATURES, phones)

    def forward(self, mel: Tensor) -> Tensor:
        x = F.relu(self.inputs(mel.transpose(1, 2))).transpose(1, 2)
        for norm, conv_, point in zip(self.norms, self.convs, self.points, strict=True):
            x = x + point(F.relu(conv_(norm(x).transpose(1, 2)).transpose(1, 2)))
        return self.outputs(x)


class Duration(nn.Module):
    """Phones [B, N] -> log of the 25 Hz frames that each lasts [B, N]"""

    def __init__(self, phones: int = PHONES, width: int = 64, layers: int = 3) -> None:
        super().__init__()
        self.embedding = nn.Embedding(phones, width)
        self.convs = nn.ModuleList(conv(width, width, 5) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))
        self.head = nn.Linear(width, 1)

    def forward(self, phones: Tensor) -> Tensor:
        x = self.embedding(phones)
        for conv_, norm in zip(self.convs, self.norms, strict=True):
            x = norm(x + F.relu(conv_(x.transpose(1, 2)).transpose(1, 2)))
        return self.head(x)[..., 0]


def count(module: nn.Module) -> float:
    return sum(p.numel() for p in module.parameters()) / 1e6


if __name__ == "__main__":
    sizes = SovitsSizes()
    print(asdict(sizes))
    for part in (
        T2S(T2SSizes()),
        TextEncoder(sizes),
        Flow(sizes),
        Style(sizes),
        Generator(sizes),
        Content(300),
        Duration(),
    ):
        print(f"{type(part).__name__:12} {count(part):.2f} M")
