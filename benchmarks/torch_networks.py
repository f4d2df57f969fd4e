"""The token step and the spectrogram in plain PyTorch, as the original computes them: for comparison only."""

import time
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from mlx_voice.models.t2s import T2SConfig


def figures(sizes: T2SConfig, prefix: int, tokens: int, sound: "np.ndarray[Any, Any]") -> dict[str, float]:
    with torch.inference_mode():
        return {
            "torch_tokens_per_s": 1 / token_step(sizes, prefix, tokens),
            "torch_spectrogram_10s_ms": 1000 * spectrogram(torch.from_numpy(sound)),
        }


def token_step(sizes: T2SConfig, prefix: int, tokens: int) -> float:
    """Seconds for one token after `prefix` positions: keys and values grow by concatenation."""
    width, ffn, heads = sizes.width, sizes.ffn, sizes.heads
    shapes = ((3 * width, width), (width, width), (ffn, width), (width, ffn))
    layers = [[(torch.randn(s) * 0.02, torch.zeros(s[0])) for s in shapes] for _ in range(sizes.layers)]
    head, scale = torch.randn(sizes.codes, width) * 0.02, torch.ones(width)
    past = [[torch.randn(1, heads, prefix, width // heads) for _ in range(2)] for _ in layers]
    start = 0.0
    for i in range(tokens + 1):
        if i == 1:  # the first one warms up
            start = time.perf_counter()
        x = torch.randn(1, 1, width)
        for (qkv, out, up, down), cache in zip(layers, past, strict=True):
            q, k, v = F.linear(x, *qkv).view(1, 1, 3, heads, -1).permute(2, 0, 3, 1, 4)
            cache[:] = [torch.cat([old, new], dim=2) for old, new in zip(cache, (k, v), strict=True)]
            mixed = F.scaled_dot_product_attention(q, *cache).transpose(1, 2).reshape(1, 1, width)
            x = F.layer_norm(x + F.linear(mixed, *out), (width,), scale)
            x = F.layer_norm(x + F.linear(F.relu(F.linear(x, *up)), *down), (width,), scale)
        int(F.linear(x, head).argmax())
    return (time.perf_counter() - start) / tokens


def spectrogram(sound: torch.Tensor, repeats: int = 5) -> float:
    window, best = torch.hann_window(2048), float("inf")
    for _ in range(repeats + 1):
        start = time.perf_counter()
        padded = F.pad(sound[None, None], (704, 704), mode="reflect")[0]
        torch.stft(padded, 2048, 640, window=window, center=False, return_complex=True).abs()
        best = min(best, time.perf_counter() - start)
    return best
