"""One self-contained page about a corpus: histograms, and the clips that stand out, to see and to hear."""

import base64
import html
import io
import statistics
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlx_voice.audio import encode, mono, read, resample
from mlx_voice.corpus.clipfile import Header
from mlx_voice.corpus.collate import Clip
from mlx_voice.corpus.dataset import Corpus
from mlx_voice.files import write_bytes
from mlx_voice.nn.weights import Array

BINS = 30
OUTLIERS = 4  # at most, at each end of each measure
FAR = 3.5  # of the median deviation, from where on a clip stands out
HEARD_RATE, HEARD = 16000, 10.0  # of the sound in the page, in Hz and seconds
PAGE = Path(__file__).parent / "data" / "report.html"


@dataclass(frozen=True)
class Measure:
    name: str
    unit: str
    field: str


MEASURES = (
    Measure("Duration", "s", "seconds"),
    Measure("Loudness", "dB", "loudness"),
    Measure("F0", "Hz", "f0"),
    Measure("Speed", "characters/s", "characters"),
)


def report(corpus: Corpus, path: Path) -> int:
    """Write the page; how many outliers it shows."""
    listing, headers = corpus.listing, corpus.headers()
    found = outliers(headers)
    parts = {
        "title": html.escape(" · ".join(filter(None, (listing.folder.resolve().name, listing.split)))),
        "summary": html.escape(_summary(corpus, headers)),
        "histograms": "\n".join(_figure(measure, _values(headers, measure)) for measure in MEASURES),
        "outliers": "\n".join(_outlier(corpus, ident, reasons) for ident, reasons in found.items()),
        "failures": "\n".join(
            f"<li><b>{html.escape(ident)}</b> {html.escape(reason)}</li>"
            for ident, reason in corpus.failures.items()
        ),
    }
    page = PAGE.read_text(encoding="utf-8")
    for name, part in parts.items():
        page = page.replace(f"<!--{name}-->", part or "<p>None.</p>")
    write_bytes(path, page.encode())
    return len(found)


def outliers(headers: Sequence[Header]) -> dict[str, list[str]]:
    """Clips far from the middle of a measure, and why; the farthest first."""
    found: dict[str, list[str]] = {}
    for measure in MEASURES:
        values = {h.id: getattr(h, measure.field) for h in headers if _is_known(h, measure)}
        if len(values) < 3:
            continue
        middle = statistics.median(values.values())
        spread = statistics.median(abs(v - middle) for v in values.values()) or 1e-9
        for sign, word in ((1, "high"), (-1, "low")):
            ranked = sorted(values, key=lambda i: sign * values[i], reverse=True)[:OUTLIERS]
            for ident in ranked:
                if sign * (values[ident] - middle) / spread > FAR:
                    told = f"{measure.name} {word}: {values[ident]:.1f} {measure.unit} (median {middle:.1f})"
                    found.setdefault(ident, []).append(told)
    return found


def _values(headers: Sequence[Header], measure: Measure) -> list[float]:
    return [getattr(header, measure.field) for header in headers if _is_known(header, measure)]


def _is_known(header: Header, measure: Measure) -> bool:
    """No F0 is one of 0 Hz."""
    return measure.field != "f0" or header.f0 > 0


def _summary(corpus: Corpus, headers: Sequence[Header]) -> str:
    hours = sum(header.seconds for header in headers) / 3600
    return f"{len(headers)} clips, {hours:.2f} hours, {len(corpus.failures)} that cannot be used."


def _figure(measure: Measure, values: Sequence[float]) -> str:
    """A histogram as SVG."""
    if not values:
        return ""
    counts, edges = np.histogram(values, BINS)
    height, width, most = 120, 16, max(1, int(counts.max()))
    bars = "".join(
        f'<rect x="{i * width}" y="{height - n * height / most:.1f}" width="{width - 2}" '
        f'height="{n * height / most:.1f}">'
        f"<title>{edges[i]:.2f} – {edges[i + 1]:.2f} {measure.unit}: {n}</title></rect>"
        for i, n in enumerate(counts.tolist())
    )
    ends = f'<text x="0" y="{height + 16}">{edges[0]:.1f}</text>' + (
        f'<text x="{BINS * width}" y="{height + 16}" text-anchor="end">{edges[-1]:.1f}</text>'
    )
    middle = f"median {statistics.median(values):.1f} {measure.unit}"
    return (
        f"<figure><figcaption>{measure.name} <small>{middle}</small></figcaption>"
        f'<svg viewBox="0 0 {BINS * width} {height + 20}" role="img" aria-label="{measure.name}">'
        f"{bars}{ends}</svg></figure>"
    )


def _outlier(corpus: Corpus, ident: str, reasons: Sequence[str]) -> str:
    clip = corpus[ident]
    audio = next(item.audio for item in corpus.items if item.id == ident)
    samples, rate = read(audio)
    sound = resample(mono(samples)[: int(HEARD * rate)], rate, HEARD_RATE)
    told = " · ".join(map(html.escape, reasons))
    source = _data("audio/wav", encode(sound, HEARD_RATE))
    return (
        f"<article><h3>{html.escape(ident)}</h3><p>{html.escape(clip.text)}</p><p><small>{told}</small></p>"
        f'{_picture(clip)}<audio controls preload="metadata" src="{source}">'
        "</audio></article>"
    )


def _picture(clip: Clip) -> str:
    """The log mel, low at the bottom, quiet is dark."""
    mel = clip.features.get("mel")
    if mel is None:
        return ""
    levels = mel.astype(np.float32).T[::-1]
    low, high = np.percentile(levels, (5, 99.5))
    grey = (np.clip((levels - low) / max(float(high - low), 1e-6), 0, 1) * 255).astype(np.uint8)
    return f'<img alt="Spectrogram of {html.escape(clip.id)}" src="{_data("image/png", png(grey))}">'


def png(grey: Array) -> bytes:
    """8-bit grey levels [height, width] as a PNG."""
    height, width = grey.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), grey], axis=1).tobytes()  # no filter

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    out = io.BytesIO()
    out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)))
    out.write(chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))
    return out.getvalue()


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
