"""What `speak` says while it works: one line on a terminal, and nothing anywhere else."""

import sys
import time
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from mlx_voice.results import Stats

CLEAR = "\r\x1b[K"


class Progress:
    def __init__(self, quiet: bool) -> None:
        self.shown = not quiet and sys.stderr.isatty()
        self.kept, self.started = 0, time.monotonic()  # sentences that were there when the work began

    def show(self, stats: "Stats", piecewise: bool) -> None:
        """Of a text that arrives in pieces nobody knows how much is left."""
        if not stats.total:  # nothing was spent on it
            self.kept, self.started = stats.heard, time.monotonic()
        text = f"{stats.audio:.1f} s of speech"
        if not piecewise and stats.sentences > 1:
            text = f"sentence {stats.heard} of {stats.sentences}, {text}{self._left(stats)}"
        self._say(CLEAR + text)

    def end(self) -> None:
        self._say(CLEAR)

    def _left(self, stats: "Stats") -> str:
        done, left = stats.heard - self.kept, stats.sentences - stats.heard
        if done <= 0 or not left:
            return ""
        minutes, seconds = divmod(round((time.monotonic() - self.started) / done * left), 60)
        return f", {minutes} min {seconds} s left" if minutes else f", {seconds} s left"

    def _say(self, text: str) -> None:
        if self.shown:
            typer.echo(text, nl=False, err=True)
