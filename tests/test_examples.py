"""The Mac app as far as Linux allows: its reader speaks and stops, its menu is built on stand-ins."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from mlx_voice import Audio, VoiceCloner

SAID = "今天天气很好，我们去公园。"


@pytest.fixture
def app() -> ModuleType:
    path = Path(__file__).parents[1] / "examples/mac_app/menu_bar.py"
    spec = importlib.util.spec_from_file_location("menu_bar", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reader_reads_stops_and_tells(app: Any, tiny_model: Path, recording: Path) -> None:
    heard: list[float] = []
    told: list[str] = []

    def play(chunks: Iterator[Audio]) -> None:
        heard.extend(chunk.seconds for chunk in chunks)

    with VoiceCloner(tiny_model) as cloner:
        reader = app.Reader(cloner, play, told.append)
        reader.voice = "nobody"
        reader.read("你好。")
        reader.thread.join()
        assert "nobody" in told.pop()
        reader.voice = cloner.clone(recording, SAID)
        reader.read("你好，世界。")
        reader.thread.join()
        assert sum(heard) > 0.3
        reader.read("你好，世界。" * 50)
        reader.stop()
        assert not reader.thread.is_alive()
        assert told == []


def test_the_menu_is_built(app: Any, monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> None:
    built: list[Any] = []

    class MenuItem(SimpleNamespace):
        def __init__(self, title: str, callback: Any) -> None:
            super().__init__(title=title, callback=callback, state=False)

    class App:
        def __init__(self, *_: object, **__: object) -> None:
            self.menu: list[MenuItem | None] = []

        def run(self) -> None:
            built.extend(self.menu)
            voices = self.menu[3:-2]
            voices[0].callback(voices[0])  # type: ignore[union-attr]
            assert voices[0].state  # type: ignore[union-attr]
            self.menu[-1].callback(self.menu[-1])  # type: ignore[union-attr]

    stand_in = SimpleNamespace(App=App, MenuItem=MenuItem, quit_application=lambda: built.append("left"))
    monkeypatch.setitem(sys.modules, "rumps", stand_in)
    monkeypatch.setattr(app, "VoiceCloner", lambda: VoiceCloner(tiny_model))
    app.main()
    assert [item and item.title for item in built[:3]] == ["Read the clipboard", "Stop", None]
    assert built[-1] == "left"
