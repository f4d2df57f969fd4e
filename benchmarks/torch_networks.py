"""The same work in plain PyTorch, as the original does it, in a process without MLX: for comparison only.

python benchmarks/torch_networks.py     needs torch and nothing else
"""

import json
import time
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812

LAYERS, WIDTH, HEADS, FFN, CODES = 24, 512, 16, 2048, 1025  # T2S
FRAMES = 250  # 5 s of latents
HIDDEN, LATENT, COUPLINGS, FLOW_LAYERS = 192, 192, 4, 4
FIRST, RATES, KERNELS = 512, (10, 8, 2, 2, 2), (16, 16, 8, 2, 2)
BLOCKS, DILATIONS = (3, 7, 11), (1, 3, 5)


def best(run: Any, repeats: int = 4) -> float:
    """Seconds; the first one warms up."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def token_step(prefix: int = 160, tokens: int = 100) -> float:
    """Seconds for one token after `prefix` positions: keys and values grow by concatenation."""
    shapes = ((3 * WIDTH, WIDTH), (WIDTH, WIDTH), (FFN, WIDTH), (WIDTH, FFN))
    layers = [[(torch.randn(s) * 0.02, torch.zeros(s[0])) for s in shapes] for _ in range(LAYERS)]
    head, scale = torch.randn(CODES, WIDTH) * 0.02, torch.ones(WIDTH)
    past = [[torch.randn(1, HEADS, prefix, WIDTH // HEADS) for _ in range(2)] for _ in layers]
    start = 0.0
    for i in range(tokens + 1):
        if i == 1:  # the first one warms up
            start = time.perf_counter()
        x = torch.randn(1, 1, WIDTH)
        for (qkv, out, up, down), cache in zip(layers, past, strict=True):
            q, k, v = F.linear(x, *qkv).view(1, 1, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
            cache[:] = [torch.cat([old, new], dim=2) for old, new in zip(cache, (k, v), strict=True)]
            mixed = F.scaled_dot_product_attention(q, *cache).transpose(1, 2).reshape(1, 1, WIDTH)
            x = F.layer_norm(x + F.linear(mixed, *out), (WIDTH,), scale)
            x = F.layer_norm(x + F.linear(F.relu(F.linear(x, *up)), *down), (WIDTH,), scale)
        int(F.linear(x, head).argmax())
    return (time.perf_counter() - start) / tokens


def convolution(inputs: int, outputs: int, kernel: int, dilation: int = 1) -> torch.nn.Conv1d:
    return torch.nn.Conv1d(inputs, outputs, kernel, dilation=dilation, padding=dilation * (kernel // 2))


class Coupling(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pre, self.post = convolution(LATENT // 2, HIDDEN, 1), convolution(HIDDEN, LATENT // 2, 1)
        self.inner = torch.nn.ModuleList(convolution(HIDDEN, 2 * HIDDEN, 5) for _ in range(FLOW_LAYERS))
        self.mixed = torch.nn.ModuleList(convolution(HIDDEN, 2 * HIDDEN, 1) for _ in range(FLOW_LAYERS))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        kept, moved = z.chunk(2, 1)
        x, total = self.pre(kept), torch.zeros(1)
        for inner, mixed in zip(self.inner, self.mixed, strict=True):
            a, b = inner(x).chunk(2, 1)
            residual, skip = mixed(torch.tanh(a) * torch.sigmoid(b)).chunk(2, 1)
            x, total = x + residual, total + skip
        return torch.cat([kept, moved - self.post(total)], 1).flip(1)


class Residual(torch.nn.Module):
    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.first = torch.nn.ModuleList(convolution(width, width, kernel, d) for d in DILATIONS)
        self.second = torch.nn.ModuleList(convolution(width, width, kernel) for _ in DILATIONS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for first, second in zip(self.first, self.second, strict=True):
            x = x + second(F.leaky_relu(first(F.leaky_relu(x, 0.1)), 0.1))
        return x


class Decoder(torch.nn.Module):
    """Flow and generator: nearly all of a decode."""

    def __init__(self) -> None:
        super().__init__()
        self.couplings = torch.nn.Sequential(*(Coupling() for _ in range(COUPLINGS)))
        self.pre, self.ups, self.blocks = convolution(LATENT, FIRST, 7), torch.nn.ModuleList(), []
        width = FIRST
        for rate, kernel in zip(RATES, KERNELS, strict=True):
            cut = (kernel - rate) // 2
            self.ups.append(torch.nn.ConvTranspose1d(width, width // 2, kernel, rate, cut))
            width //= 2
            self.blocks.append([Residual(width, kernel) for kernel in BLOCKS])
        self.post = convolution(width, 1, 7)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = self.pre(self.couplings(z))
        for up, blocks in zip(self.ups, self.blocks, strict=True):
            x = up(F.leaky_relu(x, 0.1))
            x = sum(block(x) for block in blocks) / len(blocks)
        return torch.tanh(self.post(F.leaky_relu(x)))


def spectrogram(sound: torch.Tensor) -> torch.Tensor:
    padded = F.pad(sound[None, None], (704, 704), mode="reflect")[0]
    window = torch.hann_window(2048)
    return torch.stft(padded, 2048, 640, window=window, center=False, return_complex=True).abs()


def main() -> None:
    decoder, latents, sound = Decoder(), torch.randn(1, LATENT, FRAMES), torch.randn(320000)
    with torch.inference_mode():
        seconds = best(lambda: decoder(latents))
        figures = {
            "torch_threads": torch.get_num_threads(),
            "torch_tokens_per_s": 1 / token_step(),
            "torch_flow_and_generator_rtf": seconds / (FRAMES / 50),
            "torch_spectrogram_10s_ms": 1000 * best(lambda: spectrogram(sound)),
        }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
