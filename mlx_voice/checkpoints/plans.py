"""A checkpoint of one network, planned as its converted file: sizes, names, and that nothing is left over."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from mlx_voice.checkpoints.fit import demand_fit, shapes_of
from mlx_voice.checkpoints.mapped import one_line, shown
from mlx_voice.checkpoints.parts import Part, recognised
from mlx_voice.checkpoints.reader import Checkpoint
from mlx_voice.errors import CheckpointError
from mlx_voice.nn.weights import Array, Plan, State, Tensor

# What a network's own code raises when a stranger's checkpoint is not what it expects.
NOT_AS_EXPECTED = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError)


@dataclass(frozen=True)
class _Watched:
    """A tensor that tells when its numbers are read."""

    key: str
    tensor: Tensor
    read: set[str]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tensor.shape

    @property
    def dtype(self) -> str:
        return self.tensor.dtype

    def numpy(self) -> Array:
        self.read.add(self.key)
        return self.tensor.numpy()


@dataclass(frozen=True)
class Planned:
    """One part of a model before it is written."""

    part: Part
    checkpoint: Checkpoint
    config: Any
    weights: Plan
    read: set[str] = field(default_factory=set)

    @property
    def fields(self) -> dict[str, Any]:
        return asdict(self.config)

    def demand_all_read(self) -> None:
        """Once written: a key that was neither read nor is known to be useless means another network."""
        useless = self.part.unused(self.config)
        for key in self.checkpoint.state:
            if key not in self.read and not any(fnmatchcase(key, pattern) for pattern in useless):
                raise self.checkpoint.error(
                    f"holds {shown(key)}, which no {self.part.title} has: give a {self.part.title} checkpoint"
                )


def plan(part: Part, checkpoint: Checkpoint) -> Planned:
    """Sizes from the checkpoint, its weights under our names, and proof that they make the network."""
    other = recognised(checkpoint.state)
    if other is not part:
        is_what = f"is a {other.title} checkpoint" if other else "is an unknown kind of checkpoint"
        remedy = f"give it as --{other.option}" if other else f"give a {part.title} checkpoint"
        raise checkpoint.error(f"{is_what} and was given as --{part.option}: {remedy}")
    read: set[str] = set()
    state: State = {key: _Watched(key, tensor, read) for key, tensor in checkpoint.state.items()}
    try:
        config = part.code.config_from_checkpoint(checkpoint.config, state)
        _demand_sane(config, checkpoint.state)
        weights = part.code.renames(state, config)
        network = part.build(config)
    except CheckpointError as error:  # from a network, which does not know the file
        raise CheckpointError(f"{checkpoint.path}: {one_line(error)}") from error
    except NOT_AS_EXPECTED as error:
        wrong = (
            f"lacks {shown(error.args[0])}"
            if isinstance(error, KeyError)
            else f"does not fit ({one_line(error)})"
        )
        raise checkpoint.error(f"{wrong}: give a whole {part.title} checkpoint") from error
    given = {key: weight.shape for key, weight in weights.items()}
    demand_fit(shapes_of(network), given, checkpoint.path, f"give a whole {part.title} checkpoint")
    return Planned(part, checkpoint, config, dict(sorted(weights.items())), read)


def _demand_sane(config: Any, state: State) -> None:
    """A network is never larger than its file: counts that say so would keep us busy for nothing."""
    numbers = asdict(config)
    for name, value in numbers.items():
        for number in _integers(value):
            if not 0 <= number <= 1_000_000 or ("layers" in name and number > len(state)):
                raise ValueError(f"{name} = {shown(number)}")
    if "heads" in numbers and "width" in numbers and numbers["width"] % numbers["heads"]:
        raise ValueError(f"{numbers['heads']} heads for a width of {numbers['width']}")


def _integers(value: Any) -> Iterator[int]:
    if isinstance(value, tuple | list):
        for item in value:
            yield from _integers(item)
    elif isinstance(value, int):
        yield value
