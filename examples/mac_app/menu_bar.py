"""A voice in the menu bar: it reads the clipboard aloud, sound starting while the rest is still being made.

    pip install mlx-voice rumps sounddevice
    python menu_bar.py

The menu lists the voices; "Read the clipboard" starts, "Stop" stops at once. `Reader` is all of mlx-voice
that an app needs: one cloner for its whole life, one thread for each reading, an event to take it back.
"""

import subprocess
import threading
from collections.abc import Callable, Iterator

from mlx_voice import Audio, VoiceCloner, VoiceError

Play = Callable[[Iterator[Audio]], None]


class Reader:
    """Reads texts aloud, one at a time, from any thread."""

    def __init__(self, cloner: VoiceCloner, play: Play, say_error: Callable[[str], None]) -> None:
        self.cloner, self.play, self.say_error = cloner, play, say_error
        self.voice: str | None = None  # the default of the text's language
        self.stopped = threading.Event()
        self.thread: threading.Thread | None = None

    def read(self, text: str) -> None:
        self.stop()
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._read, args=(text, self.stopped))
        self.thread.start()

    def stop(self) -> None:
        self.stopped.set()
        if self.thread is not None:
            self.thread.join()

    def _read(self, text: str, stopped: threading.Event) -> None:
        try:
            self.play(self.cloner.stream(text, self.voice, cancel=stopped))
        except VoiceError as error:
            if not stopped.is_set():
                self.say_error(str(error))


def play(chunks: Iterator[Audio]) -> None:
    """Without a gap between the chunks: the stream's buffer plays on while the next one is made."""
    import sounddevice

    output = None
    for chunk in chunks:
        if output is None:
            output = sounddevice.OutputStream(chunk.sample_rate, channels=1, dtype="float32")
            output.start()
        output.write(chunk.samples)
    if output is not None:
        output.stop()  # after what is buffered
        output.close()


def clipboard() -> str:
    return subprocess.run(["pbpaste"], capture_output=True, text=True, check=True).stdout


def main() -> None:
    import rumps

    app = rumps.App("mlx-voice", title="🗣", quit_button=None)
    reader = Reader(VoiceCloner(), play, lambda text: rumps.notification("mlx-voice", "", text))

    def choose(item: "rumps.MenuItem") -> None:
        reader.voice = item.title
        for other in voices:
            other.state = other is item

    def leave(_: "rumps.MenuItem") -> None:
        reader.stop()
        reader.cloner.close()
        rumps.quit_application()

    voices = [rumps.MenuItem(voice.name, callback=choose) for voice in reader.cloner.voices]
    app.menu = [
        rumps.MenuItem("Read the clipboard", callback=lambda _: reader.read(clipboard())),
        rumps.MenuItem("Stop", callback=lambda _: reader.stop()),
        None,
        *voices,
        None,
        rumps.MenuItem("Quit", callback=leave),
    ]
    app.run()


if __name__ == "__main__":
    main()
