"""Every size of a SoVITS decoder, and how far its sound looks around a frame."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import count
from math import prod
from typing import Any, Self

from mlx_voice.errors import CheckpointError
from mlx_voice.nn.weights import State

Shapes = Mapping[str, tuple[int, ...]]

DILATIONS = {"1": 3, "2": 2}  # kind of residual block -> how many of its dilations the original reads


@dataclass(frozen=True)
class SoVITSConfig:
    sample_rate: int
    symbols: int  # rows of the phone embedding
    codes: int  # rows of the codebook
    ssl_channels: int  # width of the content features and of the codebook
    frames_per_code: int  # 2: codes at 25 Hz, frames at 50 Hz

    # the encoder of codes and phones
    hidden_channels: int
    filter_channels: int
    n_heads: int
    n_layers: int
    kernel_size: int
    window: int  # reach of the relative positions
    mrte_channels: int
    mrte_heads: int

    # the reference encoder
    spec_bins: int
    style_channels: int
    style_kernel: int
    style_layers: int
    style_heads: int
    gin_channels: int
    speaker_channels: int  # 0: no speaker vector (v1, v2)

    # the flow
    inter_channels: int
    flow_count: int
    flow_layers: int
    flow_kernel: int

    # the generator
    pre_kernel: int
    post_kernel: int
    resblock: str
    resblock_kernel_sizes: tuple[int, ...]
    resblock_dilation_sizes: tuple[tuple[int, ...], ...]
    upsample_rates: tuple[int, ...]
    upsample_initial_channel: int
    upsample_kernel_sizes: tuple[int, ...]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From the `sovits` part of a model's config.json."""
        return cls(**{field.name: _tuples(values[field.name]) for field in fields(cls)})

    @property
    def samples_per_frame(self) -> int:
        return prod(self.upsample_rates)

    @property
    def flow_context(self) -> int:
        """Frames on one side that the flow's answer for a frame depends on."""
        return self.flow_count * self.flow_layers * (self.flow_kernel // 2)

    @property
    def generator_context(self) -> int:
        """Frames on one side that the samples of a frame depend on."""
        low, high = -(self.post_kernel // 2), self.samples_per_frame - 1 + self.post_kernel // 2
        reach = max(map(self._block_reach, self.resblock_kernel_sizes, self.resblock_dilation_sizes))
        for rate, kernel in zip(
            reversed(self.upsample_rates), reversed(self.upsample_kernel_sizes), strict=True
        ):
            low, high = low - reach, high + reach
            cut = (kernel - rate) // 2
            low, high = -((kernel - 1 - cut - low) // rate), (high + cut) // rate
        return max(-low, high) + self.pre_kernel // 2

    def _block_reach(self, kernel: int, dilations: tuple[int, ...]) -> int:
        second = 1 if self.resblock == "1" else 0  # an undilated convolution after each dilated one
        return sum((dilation + second) * (kernel - 1) // 2 for dilation in dilations)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list | tuple) else value


def _how_many(shapes: Shapes, pattern: str, step: int = 1) -> int:
    return next(n for n in count() if pattern.format(n * step) not in shapes)


def _taps(shapes: Shapes, layer: str) -> int:
    """The kernel of a convolution with weight norm, in any of its spellings."""
    names = (f"{layer}.weight_v", f"{layer}.parametrizations.weight.original1", f"{layer}.weight")
    return shapes[next((name for name in names if name in shapes), names[0])][2]


def config_from_checkpoint(config: Mapping[str, Any], state: State) -> SoVITSConfig:
    """From the configuration inside an official checkpoint and the shapes of its tensors."""
    try:
        return SoVITSConfig(**_sizes(config, {key: tensor.shape for key, tensor in state.items()}))
    except (LookupError, TypeError, ValueError, ZeroDivisionError) as error:
        raise CheckpointError(
            f"This file's configuration and tensors do not describe a SoVITS network ({error!r}): "
            "give the .pth of a v1, v2, v2Pro or v2ProPlus model."
        ) from error


def _sizes(config: Mapping[str, Any], shapes: Shapes) -> dict[str, Any]:
    """What a shape can tell is read from the shape; the number of heads of the reference encoder (2) and
    of the MRTE (4) stands nowhere."""
    model = config["model"]
    symbols, hidden = shapes["enc_p.text_embedding.weight"]
    codes, ssl = shapes["quantizer.vq.layers.0._codebook.embed"]
    style, bins = shapes["ref_enc.spectral.0.fc.weight"]
    filters, _, kernel = shapes["enc_p.encoder_text.ffn_layers.0.conv_1.weight"]
    _, distances, head = shapes["enc_p.encoder_text.attn_layers.0.emb_rel_k"]
    width, inter, pre_kernel = shapes["dec.conv_pre.weight"]
    kind = str(model["resblock"])
    return {
        "sample_rate": config["data"]["sampling_rate"],
        "symbols": symbols,
        "codes": codes,
        "ssl_channels": ssl,
        "frames_per_code": shapes["ssl_proj.weight"][2],
        "hidden_channels": hidden,
        "filter_channels": filters,
        "n_heads": hidden // head,
        "n_layers": _how_many(shapes, "enc_p.encoder_text.attn_layers.{}.conv_q.weight"),
        "kernel_size": kernel,
        "window": distances // 2,
        "mrte_channels": shapes["enc_p.mrte.c_pre.weight"][0],
        "mrte_heads": 4,
        "spec_bins": bins,
        "style_channels": style,
        "style_kernel": shapes["ref_enc.temporal.0.conv1.conv.weight"][2],
        "style_layers": _how_many(shapes, "ref_enc.temporal.{}.conv1.conv.weight"),
        "style_heads": 2,
        "gin_channels": shapes["ref_enc.fc.fc.weight"][0],
        "speaker_channels": shapes.get("sv_emb.weight", (0, 0))[1],
        "inter_channels": inter,
        "flow_count": _how_many(shapes, "flow.flows.{}.pre.weight", step=2),
        "flow_layers": _how_many(shapes, "flow.flows.0.enc.in_layers.{}.bias"),
        "flow_kernel": _taps(shapes, "flow.flows.0.enc.in_layers.0"),
        "pre_kernel": pre_kernel,
        "post_kernel": shapes["dec.conv_post.weight"][2],
        "resblock": kind,
        "resblock_kernel_sizes": _tuples(model["resblock_kernel_sizes"]),
        "resblock_dilation_sizes": tuple(
            tuple(dilations[: DILATIONS[kind]]) for dilations in model["resblock_dilation_sizes"]
        ),
        "upsample_rates": _tuples(model["upsample_rates"]),
        "upsample_initial_channel": width,
        "upsample_kernel_sizes": tuple(
            _taps(shapes, f"dec.ups.{i}") for i in range(_how_many(shapes, "dec.ups.{}.bias"))
        ),
    }
