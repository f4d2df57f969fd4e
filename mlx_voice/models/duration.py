"""How long each phone lasts: what the time layout needs to know before anything is said."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from mlx_voice.device import mx, nn
from mlx_voice.nn.conv import Conv1d


@dataclass(frozen=True)
class DurationConfig:
    phones: int  # rows of the table
    width: int
    kernel: int
    layers: int

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        return cls(**{field.name: values[field.name] for field in fields(cls)})


class Duration(nn.Module):
    def __init__(self, config: DurationConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.phones, config.width)
        kernel, layers = config.kernel, range(config.layers)
        self.convs = [Conv1d(config.width, config.width, kernel, padding=kernel // 2) for _ in layers]
        self.norms = [nn.LayerNorm(config.width) for _ in layers]
        self.head = nn.Linear(config.width, 1)

    def __call__(self, phones: mx.array) -> mx.array:
        """Ids [B, N] -> 25 Hz frames [B, N], fractions included, at an average pace."""
        x = self.embedding(phones)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = norm(x + nn.relu(conv(x)))
        return mx.exp(self.head(x)[..., 0].astype(mx.float32))
