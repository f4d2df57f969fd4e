"""The teachers: flite, festival, espeak-ng (Debian packages), asked for sound and the time of every phone.

A teacher's answer is `(samples float32 at 16 kHz, segments [(its own phone name, start, end)] in seconds)`.
"""

import ctypes
import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import soxr

RATE = 16000
Segments = list[tuple[str, float, float]]


def flite(voice: str, text: str, pace: float = 1.0, pitch: float = 1.0) -> tuple[np.ndarray, Segments]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        command = [
            "flite",
            "--setf",
            f"duration_stretch={pace:.3f}",
            "--setf",
            f"f0_shift={pitch:.3f}",
            "-voice",
            voice,
            "-t",
            text,
            "-o",
            str(path),
            "-psdur",
        ]
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        wave, rate = soundfile.read(path, dtype="float32")
    ends = [(name, float(end)) for name, end in re.findall(r"(\S+):([\d.]+)", answer)]
    scale = len(wave) / rate / ends[-1][1]  # kal16's own times drift by a few percent
    starts = [0.0, *(end for _, end in ends)]
    return _at_16k(wave, rate), [(n, s * scale, e * scale) for (n, e), s in zip(ends, starts, strict=False)]


def festival(voice: str, text: str, pitch: float = 1.0) -> tuple[np.ndarray, Segments]:
    melody = f"((target_f0_mean {105 * pitch}) (target_f0_std 14) (model_f0_mean 170) (model_f0_std 34))"
    tuned = f"(set! int_lr_params '{melody})" if pitch != 1 else ""
    with tempfile.TemporaryDirectory() as folder:
        script = (
            f'(begin (voice_{voice}) {tuned} (set! u (utt.synth (Utterance Text "{text}")))'
            f'(utt.save.wave u "{folder}/speech.wav") (utt.save.segs u "{folder}/segments"))'
        )
        subprocess.run(["festival", "--batch", script], capture_output=True, check=True)
        wave, rate = soundfile.read(f"{folder}/speech.wav", dtype="float32")
        rows = [line.split() for line in Path(folder, "segments").read_text().splitlines()]
    ends = [(row[2], float(row[0])) for row in rows if len(row) == 3]
    starts = [0.0, *(end for _, end in ends)]
    return _at_16k(wave, rate), [(n, s, e) for (n, e), s in zip(ends, starts, strict=False)]


class Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int), ("id", ctypes.c_uint), ("text", ctypes.c_int), ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int), ("sample", ctypes.c_int), ("user", ctypes.c_void_p),
        ("name", ctypes.c_char * 8),
    )  # fmt: skip


WORD, PHONEME = 1, 7
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))


class Espeak:
    """One process speaks with one espeak-ng; words arrive as segments named `#`."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL("libespeak-ng.so.1")
        self.rate = self.library.espeak_Initialize(2, 0, None, 1)  # synchronous, with phoneme events
        self.samples: list[np.ndarray] = []
        self.events: list[tuple[str, float]] = []
        self.callback = CALLBACK(self._receive)
        self.library.espeak_SetSynthCallback(self.callback)

    def _receive(self, wave, count, events):
        if count:
            self.samples.append(np.ctypeslib.as_array(wave, (count,)).copy())
        i = 0
        while events[i].type:
            if events[i].type in (WORD, PHONEME):
                name = "#" if events[i].type == WORD else events[i].name.decode("utf-8", "replace")
                self.events.append((name, events[i].milliseconds / 1000))
            i += 1
        return 0

    def speak(self, voice: str, text: str, pitch: int = 50, rate: int = 165) -> tuple[np.ndarray, Segments]:
        self.samples, self.events = [], []
        if self.library.espeak_SetVoiceByName(voice.encode()):
            raise ValueError(f"espeak-ng has no voice {voice}")
        self.library.espeak_SetParameter(1, rate, 0)
        self.library.espeak_SetParameter(3, pitch, 0)
        data = text.encode()
        self.library.espeak_Synth(data, len(data) + 1, 0, 1, 0, 1, None, None)  # UTF-8
        self.library.espeak_Synchronize()
        wave = np.concatenate(self.samples).astype(np.float32) / 32768
        ends = [time for _, time in self.events[1:]] + [len(wave) / self.rate]
        return _at_16k(wave, self.rate), [
            (name, start, end) for (name, start), end in zip(self.events, ends, strict=True)
        ]


@cache
def espeak() -> Espeak:
    return Espeak()


def _at_16k(wave: np.ndarray, rate: int) -> np.ndarray:
    return wave if rate == RATE else soxr.resample(wave, rate, RATE, "HQ").astype(np.float32)
