"""HuBERT: speech at 16 kHz -> 50 feature vectors a second, the content side of a voice."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlx_voice.device import mx, nn
from mlx_voice.errors import CheckpointError
from mlx_voice.nn.conv import Conv1d
from mlx_voice.nn.gelu import gelu
from mlx_voice.nn.transformer import EncoderLayer
from mlx_voice.nn.weights import Plan, State, copied, folded, transposed

UNUSED: tuple[str, ...] = ("masked_spec_embed",)
LAYER_NAMES = (  # (checkpoint, ours)
    ("attention.q_proj", "attention.query"),
    ("attention.k_proj", "attention.key"),
    ("attention.v_proj", "attention.value"),
    ("attention.out_proj", "attention.out"),
    ("layer_norm", "norm1"),
    ("feed_forward.intermediate_dense", "linear1"),
    ("feed_forward.output_dense", "linear2"),
    ("final_layer_norm", "norm2"),
)
NAMES = (
    ("feature_extractor.conv_layers.0.layer_norm", "conv_norm"),
    ("feature_projection.layer_norm", "feature_norm"),
    ("feature_projection.projection", "projection"),
    ("encoder.layer_norm", "norm"),
)
POSITIONS = "encoder.pos_conv_embed.conv"
EXPECTED = {  # what distinguishes this network from its relatives
    "feat_extract_norm": "group",
    "do_stable_layer_norm": False,
    "feat_proj_layer_norm": True,
    "conv_pos_batch_norm": False,
    "hidden_act": "gelu",
    "feat_extract_activation": "gelu",
}


@dataclass(frozen=True)
class HuBERTConfig:
    layers: int
    width: int
    heads: int
    ffn: int
    conv_width: tuple[int, ...]
    conv_kernel: tuple[int, ...]
    conv_stride: tuple[int, ...]
    position_kernel: int
    position_groups: int
    conv_bias: bool = False
    eps: float = 1e-5

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "HuBERTConfig":
        lists = {
            name: tuple(v) for name, v in fields.items() if name.startswith("conv_") and name != "conv_bias"
        }
        return cls(**{**fields, **lists})

    def frames(self, samples: int) -> int:
        """How many feature vectors a wave of so many samples has."""
        for kernel, stride in zip(self.conv_kernel, self.conv_stride, strict=True):
            samples = (samples - kernel) // stride + 1
        return max(samples, 0)


class TimeNorm(nn.Module):
    """Each channel to mean 0 and variance 1 over the time of its row, then scaled and shifted."""

    def __init__(self, width: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = mx.ones((width,))
        self.bias = mx.zeros((width,))
        self.eps = eps

    def __call__(self, x: mx.array, frames: mx.array | None = None) -> mx.array:
        """[B, T, C]; only the first `frames` of each row [B] count. Sums run in float32."""
        wide = x.astype(mx.float32)
        if frames is None:
            mean, variance = wide.mean(axis=1, keepdims=True), wide.var(axis=1, keepdims=True)
        else:
            count, inside = frames[:, None, None], (mx.arange(x.shape[1]) < frames[:, None])[..., None]
            mean = mx.where(inside, wide, 0).sum(axis=1, keepdims=True) / count
            variance = mx.where(inside, wide - mean, 0).square().sum(axis=1, keepdims=True) / count
        scale = mx.rsqrt(variance + self.eps) * self.weight
        return (wide * scale + (self.bias - mean * scale)).astype(x.dtype)


class HuBERT(nn.Module):
    def __init__(self, config: HuBERTConfig) -> None:
        super().__init__()
        self.config = config
        widths = zip((1, *config.conv_width), config.conv_width, strict=False)
        shapes = zip(widths, config.conv_kernel, config.conv_stride, strict=True)
        self.convs = [nn.Conv1d(i, o, k, stride=s, bias=config.conv_bias) for (i, o), k, s in shapes]
        self.conv_norm = TimeNorm(config.conv_width[0])
        self.feature_norm = nn.LayerNorm(config.conv_width[-1], eps=config.eps)
        self.projection = nn.Linear(config.conv_width[-1], config.width)
        kernel, groups = config.position_kernel, config.position_groups
        self.positions = Conv1d(config.width, config.width, kernel, padding=kernel // 2, groups=groups)
        self.norm = nn.LayerNorm(config.width, eps=config.eps)
        self.layers = [
            EncoderLayer(config.width, config.heads, config.ffn, config.eps) for _ in range(config.layers)
        ]

    def __call__(self, wave: mx.array, lengths: list[int] | None = None) -> mx.array:
        """Waves [B, n] -> features [B, T, width]; rows of `lengths` samples give as many frames as alone."""
        x, mask = self.project(self.extract(wave, lengths)), None
        if lengths is not None:
            frames = mx.array([self.config.frames(n) for n in lengths])
            mask = mx.arange(x.shape[1]) < frames[:, None]
            x = mx.where(mask[..., None], x, 0)  # the positional convolution looks beyond a row's end
            mask = mask[:, None, None]
        x = self.norm(x + self.places(x))
        for layer in self.layers:
            x = layer(x, mask)
        return x

    def extract(self, wave: mx.array, lengths: list[int] | None = None) -> mx.array:
        """The strided convolutions: [B, n] -> [B, T, C]."""
        frames = None
        if lengths is not None:
            kernel, stride = self.config.conv_kernel[0], self.config.conv_stride[0]
            frames = mx.array([(n - kernel) // stride + 1 for n in lengths])
        x = gelu(self.conv_norm(self.convs[0](wave[..., None]), frames))
        for conv in self.convs[1:]:
            x = gelu(conv(x))
        return x

    def project(self, features: mx.array) -> mx.array:
        out: mx.array = self.projection(self.feature_norm(features))
        return out

    def places(self, x: mx.array) -> mx.array:
        """What tells a frame its place: [B, T, width]; an even kernel's surplus last frame is dropped."""
        return gelu(self.positions(x)[:, : x.shape[1]])


def config_from_checkpoint(config: Mapping[str, Any], state: State) -> HuBERTConfig:  # noqa: ARG001
    """From a Hugging Face config.json."""
    for name, expected in EXPECTED.items():
        if config.get(name, expected) != expected:
            raise CheckpointError(
                f"This HuBERT has {name} = {config[name]}: give one like chinese-hubert-base."
            )
    return HuBERTConfig(
        layers=int(config["num_hidden_layers"]),
        width=int(config["hidden_size"]),
        heads=int(config["num_attention_heads"]),
        ffn=int(config["intermediate_size"]),
        conv_width=tuple(config["conv_dim"]),
        conv_kernel=tuple(config["conv_kernel"]),
        conv_stride=tuple(config["conv_stride"]),
        position_kernel=int(config["num_conv_pos_embeddings"]),
        position_groups=int(config["num_conv_pos_embedding_groups"]),
        conv_bias=bool(config["conv_bias"]),
        eps=float(config.get("layer_norm_eps", 1e-5)),
    )


def renames(state: State, config: HuBERTConfig) -> Plan:
    plan: Plan = {}
    for i in range(len(config.conv_width)):
        theirs = f"feature_extractor.conv_layers.{i}.conv"
        plan[f"convs.{i}.weight"] = transposed(state[f"{theirs}.weight"], (0, 2, 1))
        if config.conv_bias:
            plan[f"convs.{i}.bias"] = copied(state[f"{theirs}.bias"])
    names = list(NAMES)
    for i in range(config.layers):
        names += [(f"encoder.layers.{i}.{theirs}", f"layers.{i}.{ours}") for theirs, ours in LAYER_NAMES]
    for theirs, ours in names:
        for part in ("weight", "bias"):
            plan[f"{ours}.{part}"] = copied(state[f"{theirs}.{part}"])
    g, v = f"{POSITIONS}.weight_g", f"{POSITIONS}.weight_v"
    if g not in state:  # newer exports
        g, v = (f"{POSITIONS}.parametrizations.weight.original{i}" for i in (0, 1))
    plan["positions.weight"] = folded(state[g], state[v], (2, 1, 0), norm_over=(0, 1))
    plan["positions.bias"] = copied(state[f"{POSITIONS}.bias"])
    return plan
