"""The page about a corpus, as a browser shows it."""

import base64
import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from example_corpus import RATE, compute, make, tone

from mlx_voice import Corpus
from mlx_voice.audio import read, write
from mlx_voice.corpus.report import png, report

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PROBE = """
<script>
addEventListener("load", async () => {
  const images = [...document.images], sounds = [...document.querySelectorAll("audio")];
  await Promise.all(sounds.map(s => s.readyState ? 0 : new Promise(done => {
    s.onloadedmetadata = s.onerror = done; setTimeout(done, 4000); })));
  const told = { images: images.filter(i => i.naturalWidth > 0).length,
    bars: document.querySelectorAll("rect").length, sounds: sounds.filter(s => s.duration > 0).length,
    fits: document.documentElement.scrollWidth <= innerWidth, injected: Boolean(window.injected) };
  document.title = JSON.stringify(told);
});
</script>"""


@pytest.fixture
def page(tmp_path: Path, tiny_model: Path) -> Path:
    folder = make(tmp_path / "corpus", 9)
    write(folder / "wavs/odd.wav", tone(2.5, 450), RATE)
    with (folder / "metadata.csv").open("a") as file:
        file.write("\nodd|你好<script>window.injected = 1</script>\ngone|<img src=x>")
    compute(folder, tiny_model)
    with Corpus(folder) as corpus:
        assert report(corpus, tmp_path / "report.html") >= 1
    return tmp_path / "report.html"


def test_the_page_needs_nothing_else(page: Path) -> None:
    text = page.read_text()
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert "<script" not in text
    assert all(word in text for word in ("Duration", "Loudness", "F0", "Speed", "odd", "gone", "10 clips"))
    assert "<!--" not in text.replace("<!doctype", "")


def test_a_browser_shows_it(page: Path, tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("no browser is installed")
    probe = tmp_path / "probe.html"
    probe.write_text(page.read_text().replace("</body>", f"{PROBE}</body>"))
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    command += ["--virtual-time-budget=8000", "--window-size=1000,900", "--dump-dom", probe.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    (title,) = re.findall(r"<title>(\{.*?\})</title>", done.stdout)
    articles = page.read_text().count("<article>")
    assert title == (f'{{"images":{articles},"bars":120,"sounds":{articles},"fits":true,"injected":false}}')


def test_pictures_are_png() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (5, 7)).astype(np.uint8)
    data = png(grey)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (7, 5)
    start = data.index(b"IDAT")
    (length,) = struct.unpack(">I", data[start - 4 : start])
    rows = np.frombuffer(zlib.decompress(data[start + 4 : start + 4 + length]), np.uint8).reshape(5, 8)
    np.testing.assert_array_equal(rows[:, 1:], grey)


def test_sounds_can_be_heard(page: Path) -> None:
    (first, *_) = re.findall(r"data:audio/wav;base64,([^\"]+)", page.read_text())
    samples, rate = read(base64.b64decode(first))
    assert rate == 16000
    assert np.abs(samples).max() > 0.01
