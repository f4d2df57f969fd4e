"""Reference spectrogram -> style."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from recipes.mini.networks.layers import conv
from recipes.mini.networks.sizes import SovitsSizes


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
