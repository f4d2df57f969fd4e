"""Help that teaches: every verb shows how it is called, and what it shows can be called."""

import shlex
from typing import Any

import pytest
from typer.main import get_command

from mlx_voice.cli import app


def leaves(command: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """The verbs that do something, with what they are called by."""
    verbs = getattr(command, "commands", {}).items()
    return [leaf for name, verb in verbs for leaf in leaves(verb, (*path, name))] or [(path, command)]


LEAVES = leaves(get_command(app))


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=[" ".join(path) for path, _ in LEAVES])
def test_examples_are_of_this_verb_and_can_be_called(path: tuple[str, ...], command: Any) -> None:
    lines = [line.strip() for line in (command.epilog or "").splitlines() if "mlx-voice" in line]
    assert lines
    for line in lines:
        called = shlex.split(line)
        assert called[: len(path) + 1] == ["mlx-voice", *path]
        assert len(line) <= 100
        command.make_context(path[-1], called[len(path) + 1 :])  # refuses what it does not know
