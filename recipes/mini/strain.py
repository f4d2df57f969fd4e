"""What the embedded model must bear: sentences of 1 to 60 words, little memory, two cores, no OpenBLAS."""

import random
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

from mlx_voice.cloner import VoiceCloner
from recipes.mini import sentences
from recipes.mini.voices import SHIPPED

LONGEST = 60  # words or syllables
SLOW, FAST = 1.2, 0.06  # seconds a word or a syllable: beyond, it is endless or swallowed
TIMED = """
import sys, time
if sys.argv[1] == "plain":
    import mlx.core
from mlx_voice import VoiceCloner
with VoiceCloner("mini") as cloner:
    cloner.speak("Good morning.", "cedar")
    began = time.perf_counter()
    audio = cloner.speak("The morning train was late, so we walked slowly along the river.", "cedar", seed=1)
    print(audio.seconds / (time.perf_counter() - began))
"""


def sentence(rng: random.Random, language: str, length: int) -> str:
    """So many words, or syllables, of held-out sentences."""
    if language == "zh":
        text = ""
        while len(text) < length:
            text += "".join(c for c in sentences.mandarin_text(rng, "valid") if "\u4e00" <= c <= "\u9fff")
        return text[:length] + "。"
    words: list[str] = []
    while len(words) < length:
        words += sentences.english(rng, "valid").strip(".?!").replace(",", "").split()
    return " ".join(words[:length]) + "."


def speed(blas: str) -> float:
    """Seconds of sound a second, of a second sentence of a process."""
    done = subprocess.run([sys.executable, "-c", TIMED, blas], capture_output=True, text=True, check=True)
    return round(float(done.stdout), 2)


def memory() -> float:
    """MB at the peak of `mlx-voice speak`; of all children of this process the largest."""
    text = sentence(random.Random(0), "en", 20)
    with tempfile.TemporaryDirectory() as work:
        command = [sys.executable, "-m", "mlx_voice", "speak", text, "-o", f"{work}/said.wav"]
        subprocess.run([*command, "--model", "mini"], check=True)
    return round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, 1)


def first_sound(cloner: VoiceCloner) -> float:
    cloner.speak("Good morning.", "cedar")
    times = []
    for seed in range(5):
        began = time.perf_counter()
        stream = cloner.stream("The morning train was late, so we walked slowly.", "cedar", seed=seed)
        next(stream)
        times.append(time.perf_counter() - began)
        for _ in stream:
            pass
    return round(float(np.median(times)), 3)


def judge(cloner: VoiceCloner, count: int) -> dict:
    memory_mb = memory()
    rng, faults = random.Random("strain"), []
    for i in range(count):
        shipped = SHIPPED[i % len(SHIPPED)]
        length = 1 + i * LONGEST // count
        text = sentence(rng, shipped.language, length)
        audio = cloner.speak(text, shipped.name, language=shipped.language, seed=i)
        pace, loud = audio.seconds / length, float(np.sqrt(np.mean(audio.samples**2)))
        if loud < 0.01 or pace < FAST or pace > SLOW + 0.6 / length:
            faults.append([shipped.name, text, round(pace, 3), round(loud, 4)])
    return {
        "strain": f"{count} sentences of 1 to {LONGEST} words", "empty, endless or silent": len(faults),
        "which": faults[:5], "first sound": first_sound(cloner), "peak memory of speak, MB": memory_mb,
        "times real time": speed("openblas"), "times real time without OpenBLAS": speed("plain"),
    }  # fmt: skip
