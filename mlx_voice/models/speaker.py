"""ERes2NetV2, the speaker encoder of v2Pro: Kaldi fbank -> a vector of who speaks.

Maps are [B, time, mels, channels]. Batch norms are folded into the convolutions before them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlx_voice.device import mx, nn
from mlx_voice.nn.weights import Array, Plan, State, Tensor, Weight, transposed

UNUSED: tuple[str, ...] = ("seg_1.*", "*num_batches_tracked")
EPS = 1e-5
STAGES = 4
FUSING = (2, 3)  # stages whose blocks weigh their branches by attention


@dataclass(frozen=True)
class SpeakerConfig:
    channels: int  # of the first convolution; doubled from stage to stage
    base_width: int  # of a branch, in 64ths of the stage's channels
    scale: int  # branches of a block
    expansion: int
    blocks: tuple[int, ...]  # per stage
    reduction: int  # inside the fusing attention
    mels: int = 80

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "SpeakerConfig":
        return cls(**{**fields, "blocks": tuple(fields["blocks"])})


def relu20(x: mx.array) -> mx.array:
    return mx.clip(x, 0, 20)


class Fusion(nn.Module):
    """Two maps as one, each weighed per place and channel by a look at both."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(2 * channels, channels // reduction, 1)
        self.wide = nn.Conv2d(channels // reduction, channels, 1)

    def __call__(self, x: mx.array, y: mx.array) -> mx.array:
        inner = self.narrow(mx.concatenate([x, y], axis=-1))
        weight = mx.tanh(self.wide(inner * mx.sigmoid(inner)))
        return x * (1 + weight) + y * (1 - weight)


class Block(nn.Module):
    """A residual block whose channels pass in `scale` branches, each seeing the one before."""

    def __init__(self, config: SpeakerConfig, channels_in: int, stage: int, stride: int) -> None:
        super().__init__()
        channels = config.channels << stage
        width, out = channels * config.base_width // 64, channels * config.expansion
        self.conv1 = nn.Conv2d(channels_in, width * config.scale, 1, stride=stride)
        self.convs = [nn.Conv2d(width, width, 3, padding=1) for _ in range(config.scale)]
        if stage in FUSING:
            self.fuse_models = [Fusion(width, config.reduction) for _ in range(config.scale - 1)]
        self.conv3 = nn.Conv2d(width * config.scale, out, 1)
        if stride != 1 or channels_in != out:
            self.shortcut = nn.Conv2d(channels_in, out, 1, stride=stride)

    def __call__(self, x: mx.array) -> mx.array:
        branches = mx.split(relu20(self.conv1(x)), len(self.convs), axis=-1)
        done: list[mx.array] = []
        for i, (conv, branch) in enumerate(zip(self.convs, branches, strict=True)):
            if done and "fuse_models" in self:
                branch = self.fuse_models[i - 1](done[-1], branch)
            elif done:
                branch = done[-1] + branch
            done.append(relu20(conv(branch)))
        out = self.conv3(mx.concatenate(done, axis=-1))
        return relu20(out + (self.shortcut(x) if "shortcut" in self else x))


class Speaker(nn.Module):
    def __init__(self, config: SpeakerConfig) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, config.channels, 3, padding=1)
        self.layer1, self.layer2, self.layer3, self.layer4 = (_stage(config, i) for i in range(STAGES))
        wide = config.channels * config.expansion << STAGES - 1
        self.layer3_ds = nn.Conv2d(wide // 2, wide, 3, stride=2, padding=1, bias=False)
        self.fuse34 = Fusion(wide, config.reduction)

    def __call__(self, fbank: mx.array) -> mx.array:
        """[B, frames, mels] -> [B, channels * mels / 8], averaged over time."""
        x = self.stem(fbank)
        for layer in (*self.layer1, *self.layer2, *self.layer3):
            x = layer(x)
        third = x
        for layer in self.layer4:
            x = layer(x)
        x = self.fuse34(x, self.layer3_ds(third)).mean(axis=1)
        return x.swapaxes(1, 2).reshape(x.shape[0], -1)

    def stem(self, fbank: mx.array) -> mx.array:
        return mx.maximum(self.conv1(fbank[..., None]), 0)


def _stage(config: SpeakerConfig, stage: int) -> list[Block]:
    out = config.channels * config.expansion << stage
    first = Block(config, out // 2 if stage else config.channels, stage, stride=2 if stage else 1)
    return [first] + [Block(config, out, stage, stride=1) for _ in range(config.blocks[stage] - 1)]


def config_from_checkpoint(config: Mapping[str, Any], state: State) -> SpeakerConfig:  # noqa: ARG001
    """The file has no config: all sizes stand in the shapes."""
    channels = state["conv1.weight"].shape[0]
    width = state["layer1.0.convs.0.weight"].shape[0]
    wide = state["fuse34.local_att.3.weight"].shape
    return SpeakerConfig(
        channels=channels,
        base_width=math.ceil(width * 64 / channels),
        scale=_count(state, "layer1.0.convs"),
        expansion=state["layer1.0.conv3.weight"].shape[0] // channels,
        blocks=tuple(_count(state, f"layer{i + 1}") for i in range(STAGES)),
        reduction=wide[0] // wide[1],
    )


def _count(state: State, prefix: str) -> int:
    return len({key.removeprefix(prefix).split(".")[1] for key in state if key.startswith(f"{prefix}.")})


def renames(state: State, config: SpeakerConfig) -> Plan:  # noqa: ARG001
    """Each convolution (known by its four axes) takes in the batch norm that follows it."""
    plan: Plan = {}
    for key, tensor in state.items():
        if len(tensor.shape) != 4:
            continue
        conv = key.removesuffix(".weight")
        norm, ours = _norm_after(conv), _our_name(conv)
        if norm is None:
            plan[f"{ours}.weight"] = transposed(tensor, (0, 3, 2, 1))
        else:
            statistics = [
                state[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
            ]
            if any(part.shape != tensor.shape[:1] for part in statistics):
                raise ValueError(f"{norm} is not as long as {conv}")
            plan[f"{ours}.weight"] = _scaled(tensor, statistics)
            plan[f"{ours}.bias"] = _shifted(state.get(f"{conv}.bias"), statistics)
    return plan


def _norm_after(conv: str) -> str | None:
    """Names come in pairs: conv1 bn1, convs.2 bns.2, shortcut.0 shortcut.1, local_att.3 local_att.4."""
    if conv == "layer3_ds":
        return None
    stem, _, last = conv.rpartition(".")
    if stem.endswith(("shortcut", "local_att")):
        return f"{stem}.{int(last) + 1}"
    return conv.replace("conv", "bn")


def _our_name(conv: str) -> str:
    for theirs, ours in (("shortcut.0", "shortcut"), ("local_att.0", "narrow"), ("local_att.3", "wide")):
        conv = conv.replace(theirs, ours)
    return conv


def _scale(statistics: list[Tensor]) -> Array:
    gamma, _, _, variance = (t.numpy().astype(np.float32) for t in statistics)
    scale: Array = gamma / np.sqrt(variance + np.float32(EPS))
    return scale


def _scaled(weight: Tensor, statistics: list[Tensor]) -> Weight:
    out, inside, high, wide = weight.shape
    return Weight(
        (out, wide, high, inside),
        lambda: (weight.numpy() * _scale(statistics)[:, None, None, None]).transpose(0, 3, 2, 1),
    )


def _shifted(bias: Tensor | None, statistics: list[Tensor]) -> Weight:
    def make() -> Array:
        _, beta, mean, _ = (t.numpy().astype(np.float32) for t in statistics)
        start = -mean if bias is None else bias.numpy() - mean
        shifted: Array = start * _scale(statistics) + beta
        return shifted

    return Weight(statistics[0].shape, make)
