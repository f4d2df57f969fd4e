"""Affine quantization of a network's linear layers, at conversion and back at load."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from mlx_voice.device import mx, nn
from mlx_voice.nn.weights import Array, Plan, Weight

GROUP = 64
BITS = (4, 8)


def linear_paths(network: nn.Module) -> list[str]:
    """The layers that are worth it and whose rows divide into groups."""
    return [
        path
        for path, layer in network.named_modules()
        if isinstance(layer, nn.Linear) and layer.weight.shape[1] % GROUP == 0
    ]


def quantized(plan: Plan, paths: list[str], bits: int, dtype: "np.dtype[Any]") -> Plan:
    """The plan with packed weights, scales and biases in the place of each linear layer's weight."""

    @lru_cache(maxsize=1)  # the three are written one after the other
    def pack(path: str) -> tuple[Array, Array, Array]:
        weight = mx.array(plan[f"{path}.weight"].make().astype(dtype))
        packed, scales, biases = (np.array(a) for a in mx.quantize(weight, GROUP, bits))
        mx.clear_cache()
        return packed, scales, biases

    result = {key: weight for key, weight in plan.items() if key.removesuffix(".weight") not in paths}
    for path in paths:
        rows, columns = plan[f"{path}.weight"].shape
        widths = (columns * bits // 32, columns // GROUP, columns // GROUP)
        for i, (name, width) in enumerate(zip(("weight", "scales", "biases"), widths, strict=True)):
            result[f"{path}.{name}"] = Weight((rows, width), lambda path=path, i=i: pack(path)[i])  # type: ignore[misc]
    return result


def keep_quantized(network: nn.Module, weights: Mapping[str, mx.array], bits: int, group: int) -> None:
    """Give the network quantized layers where the file has them."""
    nn.quantize(network, group, bits, class_predicate=lambda path, _: f"{path}.scales" in weights)


def dequantized(weights: Mapping[str, mx.array], bits: int, group: int) -> dict[str, mx.array]:
    """Plain weights again: on the CPU products with packed ones are many times slower."""
    result = dict(weights)
    for key in weights:
        if (path := key.removesuffix(".scales")) != key:
            scales, biases = result.pop(key), result.pop(f"{path}.biases")
            result[f"{path}.weight"] = mx.dequantize(result[f"{path}.weight"], scales, biases, group, bits)
    return result
