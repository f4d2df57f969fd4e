"""BERT as far as GPT-SoVITS listens to it: the output of the third layer from the end.

The last two layers, the pooler and the masked-language head are neither converted nor run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlx_voice.device import mx, nn
from mlx_voice.errors import CheckpointError
from mlx_voice.nn.transformer import EncoderLayer
from mlx_voice.nn.weights import Plan, State, copied

UNHEARD = 2  # layers at the end whose output nobody asks for
UNUSED: tuple[str, ...] = ("cls.*", "*pooler.*", "*embeddings.position_ids")
LAYER_NAMES = (  # (checkpoint, ours)
    ("attention.self.query", "attention.query"),
    ("attention.self.key", "attention.key"),
    ("attention.self.value", "attention.value"),
    ("attention.output.dense", "attention.out"),
    ("attention.output.LayerNorm", "norm1"),
    ("intermediate.dense", "linear1"),
    ("output.dense", "linear2"),
    ("output.LayerNorm", "norm2"),
)
TABLES = ("word_embeddings", "position_embeddings", "token_type_embeddings")
OLD_SPELLING = {"weight": "gamma", "bias": "beta"}  # of layer norms in very old exports


@dataclass(frozen=True)
class BertConfig:
    layers: int  # those that are run
    width: int
    heads: int
    ffn: int
    vocabulary: int
    positions: int
    types: int = 2
    eps: float = 1e-12

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "BertConfig":
        return cls(**fields)


class Bert(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocabulary, config.width)
        self.position_embeddings = nn.Embedding(config.positions, config.width)
        self.token_type_embeddings = nn.Embedding(config.types, config.width)
        self.norm = nn.LayerNorm(config.width, eps=config.eps)
        self.layers = [
            EncoderLayer(config.width, config.heads, config.ffn, config.eps) for _ in range(config.layers)
        ]

    def __call__(self, ids: mx.array, mask: mx.array | None = None) -> mx.array:
        """Token ids [B, N] -> features [B, N, width]; mask is [B, N], False on the padding."""
        x = self.embed(ids)
        seen = None if mask is None else mask[:, None, None]
        for layer in self.layers:
            x = layer(x, seen)
        return x

    def embed(self, ids: mx.array) -> mx.array:
        places = self.position_embeddings.weight[: ids.shape[1]] + self.token_type_embeddings.weight[0]
        out: mx.array = self.norm(self.word_embeddings(ids) + places)
        return out


def config_from_checkpoint(config: Mapping[str, Any], state: State) -> BertConfig:
    """From a Hugging Face config.json; the tables' sizes from their shapes."""
    if config.get("hidden_act", "gelu") != "gelu":
        raise CheckpointError(f"This BERT uses {config['hidden_act']}: give one with the exact GELU.")
    prefix = _prefix(state)
    sizes = [state[f"{prefix}embeddings.{table}.weight"].shape[0] for table in TABLES]
    return BertConfig(
        layers=int(config["num_hidden_layers"]) - UNHEARD,
        width=int(config["hidden_size"]),
        heads=int(config["num_attention_heads"]),
        ffn=int(config["intermediate_size"]),
        vocabulary=sizes[0],
        positions=sizes[1],
        types=sizes[2],
        eps=float(config.get("layer_norm_eps", 1e-12)),
    )


def unused(config: BertConfig) -> tuple[str, ...]:
    last = range(config.layers, config.layers + UNHEARD)
    return UNUSED + tuple(f"*encoder.layer.{i}.*" for i in last)


def renames(state: State, config: BertConfig) -> Plan:
    prefix = _prefix(state)
    plan = {f"{table}.weight": copied(state[f"{prefix}embeddings.{table}.weight"]) for table in TABLES}
    names = [("embeddings.LayerNorm", "norm")]
    for i in range(config.layers):
        names += [(f"encoder.layer.{i}.{theirs}", f"layers.{i}.{ours}") for theirs, ours in LAYER_NAMES]
    for theirs, ours in names:
        for part, old in OLD_SPELLING.items():
            key = f"{prefix}{theirs}.{part}"
            plan[f"{ours}.{part}"] = copied(state[key if key in state else f"{prefix}{theirs}.{old}"])
    return plan


def _prefix(state: State) -> str:
    """A model exported with its head keeps the encoder under `bert.`."""
    return "bert." if any(key.startswith("bert.") for key in state) else ""
