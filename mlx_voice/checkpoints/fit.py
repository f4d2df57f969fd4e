"""Whether weights fit a network exactly: no key missing, none surplus, none misshapen."""

from collections.abc import Iterable, Mapping
from typing import Any

from mlx_voice.checkpoints.mapped import shown
from mlx_voice.device import nn
from mlx_voice.errors import CheckpointError

Shapes = Mapping[str, tuple[int, ...]]


def shapes_of(network: nn.Module) -> dict[str, tuple[int, ...]]:
    flat: Any = nn.utils.tree_flatten(network.parameters())
    return {key: tuple(array.shape) for key, array in flat}


def demand_fit(expected: Shapes, given: Shapes, where: object, advice: str) -> None:
    if missing := sorted(expected.keys() - given.keys()):
        raise CheckpointError(f"{where} lacks {_listed(missing)}: {advice}.")
    if surplus := sorted(given.keys() - expected.keys()):
        raise CheckpointError(f"{where} holds {_listed(surplus)}, which its network does not have: {advice}.")
    for key, shape in given.items():
        if shape != expected[key]:
            raise CheckpointError(
                f"{where} has {shown(key)} as {shape}, its network as {expected[key]}: {advice}."
            )


def _listed(keys: Iterable[str]) -> str:
    first, *more = keys
    return f"the weight {shown(first)}" + (f" and {len(more)} more" if more else "")
