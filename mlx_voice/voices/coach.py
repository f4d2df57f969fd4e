"""Listening to a reference before a voice is taken from it: what to use of it, and what to do better."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from mlx_voice.audio import Samples, check_reference, check_samples, read
from mlx_voice.errors import InputError

SHORTEST, LONGEST = 1.0, 600.0  # seconds of a recording that is heard at all
GOOD = (3.0, 10.0)  # what the models were trained for
FRAME = 0.02  # seconds
EDGE = 0.15  # of a pause, left before and after a window
SCRIPTS = {
    "zh": r"[\u3400-\u9fff]", "yue": r"[\u3400-\u9fff]", "en": r"[A-Za-z]",
    "ja": r"[\u3040-\u30ff\u3400-\u9fff]", "ko": r"[\uac00-\ud7a3]",
}  # fmt: skip
SYLLABLE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]|[aeiouyAEIOUY]+")


@dataclass(frozen=True)
class Reference:
    """Speech that a voice can be taken from."""

    samples: Samples  # [n], within -1 and 1
    rate: int
    start: float  # seconds into the recording
    recorded: float  # seconds of the whole recording
    advice: tuple[str, ...]  # one sentence each

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


def listen(source: Path, window: tuple[float, float] | None = None) -> Reference:
    """Read and judge a recording; `window` (seconds) chooses a part of it, else a long one is cut by ear."""
    samples, rate = read(source, longest=LONGEST)
    return coach(samples, rate, source.name, window)


def coach(
    samples: Samples, rate: int, what: str = "The reference", window: tuple[float, float] | None = None
) -> Reference:
    check_samples(samples, what)
    wave, advice = _mixed(samples)
    recorded = len(wave) / rate
    check_reference(wave, rate, SHORTEST, LONGEST, what)
    if window is None and recorded > GOOD[1]:
        window = best_window(wave, rate)
        advice.append(
            f"Of {recorded:.1f} s the part from {window[0]:.2f} to {window[1]:.2f} s is used (--window takes "
            "another): the text must be what is said there."
        )
    start, end = window or (0.0, recorded)
    if not 0 <= start < end <= recorded + FRAME:
        raise InputError(f"The window {start:g}-{end:g} does not lie within the {recorded:.2f} s of {what}.")
    part = wave[round(start * rate) : round(end * rate)]
    check_reference(part, rate, SHORTEST, GOOD[1] + FRAME, f"The window of {what}" if window else what)
    peak = float(np.abs(part).max())
    advice += _judged(part, rate, peak)
    return Reference(part / np.float32(max(1.0, peak)), rate, start, recorded, tuple(advice))


def best_window(wave: Samples, rate: int) -> tuple[float, float]:
    """From pause to pause, 3 to 10 s, with the most speech and the least of what disturbs."""
    levels = _levels(wave, rate)
    speech = _speech(levels)
    pauses = [(a, b) for a, b in _runs(speech) if not speech[a] and (b - a) * FRAME >= EDGE]
    edge = round(EDGE / FRAME)
    starts = [0, *(max(a, b - edge) for a, b in pauses)]
    ends = [*(min(b, a + edge) for a, b in pauses), len(speech)]
    # A frame of speech counts for, one of silence against, a clipped one (-1 dB in the mean) ten times that.
    worth = np.where(speech, 1, -1) - 10 * (levels > -1.0)
    total = np.concatenate([[0], np.cumsum(worth)])
    shortest, longest = (round(seconds / FRAME) for seconds in GOOD)
    windows = [
        (start, end)
        for start in starts
        for end in ends[bisect_left(ends, start + shortest) : bisect_right(ends, start + longest)]
    ]
    if not windows:  # nobody pauses
        length = round(9 / FRAME)
        windows = [(start, start + length) for start in range(len(speech) - length + 1)]
    start, end = max(windows, key=lambda window: total[window[1]] - total[window[0]])
    return start * FRAME, end * FRAME


def fit(text: str, language: str, seconds: float) -> list[str]:
    """What speaks against `text` being what is said in so many seconds, one sentence each."""
    advice = []
    if not re.search(SCRIPTS[language], text):
        advice.append(f"The text has no letter of the language {language}: is it --language {guess(text)}?")
    rate = len(SYLLABLE.findall(text)) / seconds
    if not 1.5 <= rate <= 9:
        advice.append(
            f"The text has about {rate:.1f} syllables for each second of the reference, where 2 to 7 are "
            "usual: it must be exactly what is said there."
        )
    return advice


def guess(text: str) -> str:
    """The language that a text is most likely in, by its script."""
    for language, script in (("ja", r"[\u3040-\u30ff]"), ("ko", SCRIPTS["ko"]), ("zh", SCRIPTS["zh"])):
        if re.search(script, text):
            return language
    return "en"


def _mixed(samples: Samples) -> tuple[Samples, list[str]]:
    """One channel of many: their mean, unless that cancels speech out or a channel is silent."""
    if samples.ndim == 1:
        return samples, []
    power = np.square(samples).mean(axis=0)
    mean = samples.mean(axis=1, dtype=np.float32)
    loudest = int(power.argmax())
    if np.square(mean).mean() < 0.3 * power[loudest]:
        return np.ascontiguousarray(samples[:, loudest]), [
            f"Of its {samples.shape[1]} channels, which differ, only number {loudest + 1} is used."
        ]
    return mean, [f"Its {samples.shape[1]} channels are mixed to one."] if samples.shape[1] > 1 else []


def _judged(wave: Samples, rate: int, peak: float) -> Iterator[str]:
    seconds = len(wave) / rate
    levels = _levels(wave, rate)
    speech = _speech(levels)
    low, high = np.percentile(levels, (10, 90))
    clipped = np.count_nonzero(np.abs(wave) >= 0.999 * max(1.0, peak)) / len(wave)
    if seconds < GOOD[0]:
        yield f"It lasts {seconds:.1f} s: {GOOD[0]:g} to {GOOD[1]:g} s of speech give a closer voice."
    if rate < 16000:
        yield f"It was recorded at {rate} Hz: 16000 Hz or more carry what makes a voice."
    if clipped > 1e-4:
        yield "It is clipped (too loud at the recording): record it again with less gain."
    if high < -40:
        yield f"It is quiet ({high:.0f} dB of full scale): speak closer, or record with more gain."
    if high - low < 15:
        yield f"Speech stands only {high - low:.0f} dB above the noise: record in a quieter place."
    if speech.mean() < 0.5:
        yield f"Only {speech.sum() * FRAME:.1f} of its {seconds:.1f} s are speech: cut the silence."


def _levels(wave: Samples, rate: int) -> Samples:
    """Decibels of full scale per frame."""
    size = max(1, round(FRAME * rate))
    count = max(1, len(wave) // size)
    frames = wave[: count * size].reshape(count, -1)
    levels: Samples = 10 * np.log10(np.square(frames).mean(axis=1) + 1e-12)
    return levels


def _speech(levels: Samples) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which frames are at least a third of the way from the noise to the voice."""
    low, high = np.percentile(levels, (10, 95))
    above: np.ndarray[tuple[int], np.dtype[np.bool_]] = levels >= max(low + (high - low) / 3, high - 35)
    return above


def _runs(flags: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Iterator[tuple[int, int]]:
    start = 0
    for _, run in groupby(flags.tolist()):
        end = start + len(list(run))
        yield start, end
        start = end
