"""Latent to what the text encoder knows, and back."""

import torch
from torch import Tensor, nn

from recipes.mini.networks.layers import conv
from recipes.mini.networks.sizes import SovitsSizes


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
