"""What every submodule took and gave during a call, by its path."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mlx_voice.device import mx, nn


@dataclass
class Heard:
    taken: dict[str, mx.array] = field(default_factory=dict)  # the first argument
    given: dict[str, mx.array] = field(default_factory=dict)  # the first result


@contextmanager
def watched(network: nn.Module) -> Iterator[Heard]:
    """Inside the block, calls of the network's parts are noted (of several the last one)."""
    heard, paths = Heard(), {id(module): path for path, module in network.named_modules()}
    originals = {kind: kind.__call__ for kind in {type(module) for module in network.modules()}}

    def noting(call: Callable[..., Any]) -> Callable[..., Any]:
        def noted(self: nn.Module, x: Any, *rest: Any, **named: Any) -> Any:
            out = call(self, x, *rest, **named)
            if path := paths.get(id(self)):
                heard.taken[path], heard.given[path] = x, out[0] if isinstance(out, tuple) else out
            return out

        return noted

    for kind, call in originals.items():
        kind.__call__ = noting(call)
    try:
        yield heard
    finally:
        for kind, call in originals.items():
            kind.__call__ = call
