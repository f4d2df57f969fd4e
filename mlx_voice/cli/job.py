"""What `speak` does: texts become sound, and the sound goes where it was wanted."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mlx_voice.cli.progress import Progress
from mlx_voice.cli.resume import Journal, spoken
from mlx_voice.cli.sinks import Sink, Write
from mlx_voice.errors import TextError

if TYPE_CHECKING:
    from mlx_voice.cloner import VoiceCloner, VoiceLike
    from mlx_voice.results import Audio, Stats
    from mlx_voice.settings import SpeakOptions
    from mlx_voice.subtitles import Subtitles

log = logging.getLogger("mlx_voice")


class Outlet(NamedTuple):
    """Where a take goes."""

    sink: Sink
    subtitles: "Subtitles | None"


@dataclass
class Job:
    """Texts on their way to sound."""

    piecewise: bool  # the texts are sentences that arrive one by one
    texts: Iterator[str]
    outlets: Sequence[Outlet]  # one for each take
    options: "SpeakOptions"
    stream: bool
    kept: Journal | None
    progress: Progress

    def run(self, cloner: "VoiceCloner", voice: "VoiceLike | None") -> "list[Stats]":
        """The account of each take."""
        with ExitStack() as stack:
            writes = [
                stack.enter_context(outlet.sink(cloner.sample_rate)) for outlet in reversed(self.outlets)
            ][::-1]  # so that the first one is ready first
            totals = self._said(cloner, voice, writes)
            self.progress.end()
        for outlet in self.outlets:
            if outlet.subtitles:
                outlet.subtitles.save()
        if self.kept:
            self.kept.end()
        return totals

    def _said(
        self, cloner: "VoiceCloner", voice: "VoiceLike | None", writes: Sequence[Write]
    ) -> "list[Stats]":
        from mlx_voice.results import Stats

        totals = [Stats() for _ in writes]
        for text in self.texts:
            before = list(totals)
            for _, subtitles in self.outlets:
                if subtitles:
                    subtitles.begin(text)
            try:
                for take, chunk in self._spoken(cloner, text, voice):
                    writes[take](chunk)
                    if subtitles := self.outlets[take].subtitles:
                        subtitles.add(chunk)
                    totals[take] = before[take] + chunk.stats
                    self.progress.show(totals[take], self.piecewise)
            except TextError as error:
                if not self.piecewise:
                    raise
                log.info("%s", error)  # of many sentences, one that says nothing is left out
        if not totals[0].audio:
            raise TextError("There is nothing to say: the text is empty.")
        return totals

    def _spoken(
        self, cloner: "VoiceCloner", text: str, voice: "VoiceLike | None"
    ) -> "Iterator[tuple[int, Audio]]":
        """The next pieces of sound, each with the number of its take."""
        if len(self.outlets) > 1:
            return cloner.takes(text, len(self.outlets), voice, self.options)
        if self.kept:
            return ((0, chunk) for chunk in spoken(cloner, text, voice, self.options, self.kept))
        speak = cloner.stream if self.stream else cloner.sentences
        return ((0, chunk) for chunk in speak(text, voice, self.options))
