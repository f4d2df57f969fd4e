"""Speech to learn from: `python -m recipes.mini.data train 10500` fills CACHE/train.

An utterance is a sentence, a base voice and a resampling factor (which makes another speaker of it), with the
phones of our text front ends and the 25 Hz frames that each lasts. All can be made again from its seed.
"""

import json
import os
import random
import sys
from dataclasses import dataclass
from functools import cache
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import soxr

from mlx_voice.text.en import dictionary
from mlx_voice.text.symbols import load
from recipes.mini import sentences, teachers

CACHE = Path(os.environ.get("MINI_DATA", ".work/mini-data"))
RATE, CODE = 16000, 640  # samples a second; samples a code
FACTORS = (0.8, 0.86, 0.93, 1.0, 1.0, 1.0, 1.09, 1.17)
FLITE = ("rms", "slt", "awb", "kal16")
VARIANTS = ("", "klatt", "klatt2", "klatt4", "f1", "f2", "f4", "m1", "m3", "m7")
WITHHELD = {"en": ("festival", "ked_diphone"), "zh": ("espeak", "f5")}
FIRST, VARIED = 8000, 10500  # of `train`: the first by voices that ship, the first by many English speakers
SHIPPED = {
    "en": (("flite", "rms", 1.0), ("flite", "slt", 1.0), ("flite", "awb", 1.0)),
    "zh": (("espeak", "m3", 1.0), ("espeak", "f2", 1.09), ("espeak", "klatt", 0.93), ("espeak", "f4", 1.0)),
}
# English has few teachers: what tells speakers apart is learned where throat and pitch change by themselves
MANY = (("flite", "slt"), ("flite", "awb"), ("flite", "kal16"), *2 * (("festival", "kal_diphone"),))
THROATS, PITCHES = (0.78, 0.83, 0.89, 0.96, 1.04, 1.13, 1.22), (0.75, 0.87, 1.0, 1.15, 1.3)
SYMBOLS = load("v2")
VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
FLITE_PHONES = {
    "ax": ("AH",),
    "axr": ("ER",),
    "el": ("AH", "L"),
    "em": ("AH", "M"),
    "en": ("AH", "N"),
    "dx": ("T",),
}
ESPEAK_NAMES = """
i:=IY i=IY I=IH I2=IH I#=IH E=EH E2=EH a=AE a#=AH aa=AE A:=AA A=AA 0=AA 0#=AA V=AH @=AH @2=AH @5=AH
@L=AH+L 3=ER 3:=ER U=UH u:=UW u=UW O:=AO O=AO O2=AO eI=EY aI=AY OI=OY aU=AW oU=OW oU#=OW o=OW e@=EH+R
A@=AA+R O@=AO+R o@=AO+R i@=IH+R i@3=IH+R U@=UH+R aI3=AY+ER aI@=AY+AH aU@=AW+ER IR=IH+R VR=ER tS=CH dZ=JH
D=DH T=TH S=SH Z=ZH N=NG j=Y h=HH r=R r-=R l=L l/=L 3l=L m=M n=N n-=AH+N m-=AH+M p=P b=B t=T t#=T t2=T d=D
d#=D k=K g=G f=F v=V s=S z=Z z#=Z w=W ?=T x=K"""
ESPEAK_PHONES = {k: tuple(v.split("+")) for k, v in (pair.split("=") for pair in ESPEAK_NAMES.split())}


@dataclass(frozen=True)
class Speech:
    wave: np.ndarray
    phones: list[str]
    ends: list[float]  # seconds, one a phone


def english(text: str, wave: np.ndarray, segments: teachers.Segments, names: dict) -> Speech | None:
    """The dictionary's phones laid on the teacher's times; None where the two disagree too much."""
    wanted: list[str] = []
    for word in text.replace(",", " ,").replace(".", " .").replace("?", " ?").replace("!", " !").split():
        phones = (word,) if word in ",.?!" else dictionary.pronounce(word)
        if phones is None:
            return None
        wanted.extend(phones)
    heard, pauses = [], []
    for name, start, end in segments:
        if name in {"pau", "_", "_:", "_|"}:
            if heard and end > start:
                pauses.append((len(heard), start, end))
            continue
        if name == "#":
            continue
        parts = names.get(name, (name.upper(),))
        heard += [
            (part, start + (end - start) * i / len(parts), start + (end - start) * (i + 1) / len(parts))
            for i, part in enumerate(parts)
        ]
    spoken = [phone for phone in wanted if phone not in ",.?!"]
    pairs = _align([phone.rstrip("012") for phone in spoken], [name for name, _, _ in heard])
    if pairs is None:
        return None
    start = heard[0][1]
    phones, ends, at, index = [], [], start, 0
    breaks = {position: end for position, _, end in pauses}
    for phone in wanted:
        if phone in ",.?!":
            at = max(at, breaks.pop(index, at))
        else:
            at = heard[pairs[len([p for p in phones if p not in ",.?!"])]][2]
            index = pairs[len([p for p in phones if p not in ",.?!"])] + 1
        phones.append(phone)
        ends.append(at - start)
    if any(position < len(heard) for position in breaks):  # a pause that no mark explains
        return None
    return Speech(wave[int(start * RATE) :], phones, ends)


def _align(wanted: list[str], heard: list[str]) -> list[int] | None:
    """For each wanted phone the last heard one that belongs to it."""
    cost = np.zeros((len(wanted) + 1, len(heard) + 1))
    cost[:, 0], cost[0] = np.arange(len(wanted) + 1), np.arange(len(heard) + 1)
    for i, phone in enumerate(wanted, 1):
        for j, name in enumerate(heard, 1):
            same = 0.0 if phone == name else 0.35 if phone in VOWELS and name in VOWELS else 1.2
            cost[i, j] = min(cost[i - 1, j - 1] + same, cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    if cost[-1, -1] > 0.1 * len(wanted):
        return None
    last, i, j = [0] * len(wanted), len(wanted), len(heard)
    while i:
        phone, last[i - 1] = wanted[i - 1], max(j - 1, 0)
        while j and cost[i, j] == cost[i, j - 1] + 1:
            j -= 1
        same = (
            0.0
            if j and phone == heard[j - 1]
            else 0.35
            if j and phone in VOWELS and heard[j - 1] in VOWELS
            else 1.2
        )
        if j and np.isclose(cost[i, j], cost[i - 1, j - 1] + same):
            j -= 1
        i -= 1
    return last


def mandarin(words: list[str], wave: np.ndarray, segments: teachers.Segments) -> Speech | None:
    """Two phones a syllable; espeak-ng reports a word for every syllable."""
    groups: list[list[tuple[str, float, float]]] = []
    pauses: dict[int, float] = {}
    for name, start, end in segments:
        if name == "#":
            groups.append([])
        elif name in {"_:", "_"}:
            pauses[len(groups)] = end
        elif name != "_|" and groups:
            groups[-1].append((name, start, end))
    syllables = [word for word in words if word not in ",.?!"]
    if len(groups) != len(syllables) or not all(groups):
        return None
    start, phones, ends, count = groups[0][0][1], [], [], 0
    for word in words:
        if word in ",.?!":
            phones.append(word)
            ends.append(max(pauses.get(count, 0.0) - start, ends[-1]))
            continue
        group = groups[count]
        count += 1
        initial, final = sentences.phones(word)
        own = initial not in {"y", "AA", "EE", "OO"} and len(group) > 1 and group[0][0][0] not in "uy"
        cut = group[0][2] if own else group[0][1] + 0.3 * (group[0][2] - group[0][1])
        phones += [initial, final]
        ends += [cut - start, group[-1][2] - start]
    return Speech(wave[int(start * RATE) :], phones, ends)


def frames(ends: list[float]) -> list[int]:
    """Every phone lasts at least one 25 Hz frame."""
    edges = [0]
    for end in ends:
        edges.append(max(round(end * 25), edges[-1] + 1))
    return np.diff(edges).tolist()


def normalised(wave: np.ndarray) -> np.ndarray:
    wave = wave - wave.mean()
    loud = wave[np.abs(wave) > 0.1 * np.abs(wave).max()]
    return wave * min(0.11 / np.sqrt(np.mean(loud**2)), 0.9 / np.abs(wave).max())


def speak(
    rng: random.Random,
    engine: str,
    voice: str,
    language: str,
    factor: float,
    text: str | list[str],
    pitch: float = 1.0,
) -> Speech | None:
    """`factor` resamples the sound; `pitch`, before that, is the teacher's own (not espeak-ng's)."""
    pace = factor * rng.uniform(0.92, 1.08)
    if engine == "flite":
        wave, segments = teachers.flite(voice, text, pace, pitch)
    elif engine == "festival":
        wave, segments = teachers.festival(voice, text, pitch)
    else:
        name = ("cmn-latn-pinyin" if language == "zh" else "en-us") + (f"+{voice}" if voice else "")
        words = (
            text
            if language == "en"
            else " ".join(text).replace(" ,", ",").replace(" .", ".").replace(" ?", "?").replace(" !", "!")
        )
        wave, segments = teachers.espeak().speak(name, words, rate=int(160 / pace))
    if language == "zh":
        speech = mandarin(text, wave, segments)
    else:
        speech = english(text, wave, segments, ESPEAK_PHONES if engine == "espeak" else FLITE_PHONES)
    if speech is None:
        return None
    wave = speech.wave
    if factor != 1:
        wave = soxr.resample(wave, RATE, RATE / factor, "HQ")
    tail = rng.uniform(0.18, 0.28)  # the closing mark: silence under 0.3 s
    ends = [end / factor for end in speech.ends]
    ends[-1] = ends[-2] + tail
    total = sum(frames(ends)) * CODE
    wave = normalised(np.pad(wave[:total], (0, max(0, total - len(wave)))))
    return Speech(wave.astype(np.float32), speech.phones, ends)


@cache
def _held_out() -> frozenset[str]:
    rng = random.Random(1)
    return frozenset(
        str(make(rng, "valid")) for make in (sentences.english, sentences.mandarin) for _ in range(2000)
    )


def _who(rng: random.Random, split: str, number: int) -> tuple[str, str, str, float, float]:
    """Language, engine, voice, factor and pitch of an utterance."""
    language = "zh" if number % 2 else "en"
    if language == "zh" or rng.random() < 0.25:
        engine, voice = "espeak", rng.choice(VARIANTS)
    else:
        engine, voice = "flite", rng.choice(FLITE)
    factor = rng.choice(FACTORS)
    if split == "train" and number >= VARIED:
        return "en", *rng.choice(MANY), rng.choice(THROATS), rng.choice(PITCHES)
    if split == "shipped" or (split == "train" and number >= FIRST):
        return language, *rng.choice(SHIPPED[language]), 1.0
    return language, engine, voice, factor, 1.0


def utterance(job: tuple[str, int]) -> tuple[dict, np.ndarray] | None:
    """Utterance `number` of a split, whatever process makes it."""
    split, number = job
    rng = random.Random(f"{split} {number}")
    kind = "valid" if split in {"valid", "shipped"} else "train"  # `judge` has other draws of `train`'s
    for _ in range(8):
        language, engine, voice, factor, pitch = _who(rng, split, number)
        text = (sentences.mandarin if language == "zh" else sentences.english)(rng, kind)
        if kind == "train" and str(text) in _held_out():
            continue
        speech = speak(rng, engine, voice, language, factor, text, pitch)
        if speech is None or len(speech.wave) > 12 * RATE:
            continue
        row = {
            "number": number, "language": language, "engine": engine, "voice": voice, "factor": factor,
            "speaker": f"{engine}:{voice}:{factor}" + (f":{pitch}" if pitch != 1 else ""),
            "text": text, "phones": speech.phones, "ids": list(SYMBOLS.ids(speech.phones)),
            "frames": frames(speech.ends),
        }  # fmt: skip
        return row, (speech.wave * 32767).astype(np.int16)
    return None


def main(split: str, count: int) -> None:
    from recipes.mini.sound import log_mel

    folder = CACHE / split
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / "index.jsonl"
    done = [json.loads(line) for line in index.read_text().splitlines()] if index.exists() else []
    first, at = (done[-1]["number"] + 1, done[-1]["start"] + done[-1]["codes"]) if done else (0, 0)
    with (
        index.open("a") as rows, (folder / "waves.i16").open("ab") as waves,
        (folder / "mels.f16").open("ab") as mels,
        Pool(2) as pool,
    ):  # fmt: skip
        waves.truncate(at * CODE * 2)
        mels.truncate(at * 2 * 80 * 2)
        for answer in pool.imap(utterance, ((split, n) for n in range(first, count)), chunksize=8):
            if answer is None:
                continue
            row, wave = answer
            row |= {"start": at, "codes": len(wave) // CODE}
            at += row["codes"]
            waves.write(wave.tobytes())
            mels.write(log_mel(wave.astype(np.float32) / 32768).astype(np.float16).tobytes())
            rows.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(f"{split}: {at / 25 / 3600:.2f} hours")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
