"""The cached speech, read by memory map, and the draws that the stages share."""

import json
import random

import numpy as np
import torch

from recipes.mini.data import CACHE, CODE, SHIPPED, SYMBOLS
from recipes.mini.sound import MEAN, SCALE

ALIASES = {
    ",": ("…", "-", "SP", "SP2"),
    ".": ("!", "?", "…", "SP3"),
    "?": (".", "!"),
    "!": (".", "?"),
}  # silences all
DRIFTING = {"kal16"}  # a teacher whose own times drift: what learns from times does without it
ALIAS_IDS = {SYMBOLS.index[k]: [SYMBOLS.index[v] for v in values] for k, values in ALIASES.items()}


class Corpus:
    def __init__(self, split: str, timed: bool = False) -> None:
        """`timed` leaves out the speakers whose times can't be trusted."""
        folder = CACHE / split
        self.rows = [json.loads(line) for line in (folder / "index.jsonl").read_text().splitlines()]
        self.waves = np.memmap(folder / "waves.i16", np.int16, "r")
        self.mels = np.memmap(folder / "mels.f16", np.float16, "r").reshape(-1, 80)
        codes = folder / "codes.i16"
        self._codes = np.memmap(codes, np.int16, "r") if codes.exists() else None
        self.speakers = sorted({row["speaker"] for row in self.rows})
        self.of_speaker: dict[str, list[int]] = {}
        self.of_language: dict[str, list[int]] = {"en": [], "zh": []}
        self.shipped: dict[str, list[int]] = {"en": [], "zh": []}
        ship = {(language, "{}:{}:{}".format(*one)) for language, ones in SHIPPED.items() for one in ones}
        for i, row in enumerate(self.rows):
            if timed and row["voice"] in DRIFTING:
                continue
            self.of_speaker.setdefault(row["speaker"], []).append(i)
            self.of_language[row["language"]].append(i)
            if (row["language"], row["speaker"]) in ship:  # m3 speaks English too, but ships in Mandarin
                self.shipped[row["language"]].append(i)

    def draw(self, rng: random.Random, count: int, mandarin: float = 0.55, shipped: float = 0.5) -> list[int]:
        """Shares of Mandarin (oftener than English: its tones are harder) and of the voices that ship."""
        chosen = []
        for _ in range(count):
            table = self.shipped if rng.random() < shipped else self.of_language
            chosen.append(rng.choice(table["zh" if rng.random() < mandarin else "en"]))
        return chosen

    def wave(self, i: int, start: int = 0, codes: int | None = None) -> np.ndarray:
        row = self.rows[i]
        first = (row["start"] + start) * CODE
        return self.waves[first : first + (codes or row["codes"]) * CODE].astype(np.float32) / 32767

    def mel(self, i: int) -> np.ndarray:
        """The latent: [2 * codes, 80]"""
        row = self.rows[i]
        return (
            self.mels[2 * row["start"] : 2 * (row["start"] + row["codes"])].astype(np.float32) - MEAN
        ) / SCALE

    def codes(self, i: int) -> np.ndarray:
        row = self.rows[i]
        return self._codes[row["start"] : row["start"] + row["codes"]]

    def phones(self, i: int, rng: random.Random | None = None) -> list[int]:
        ids = self.rows[i]["ids"]
        if rng is None:
            return ids
        return [rng.choice(ALIAS_IDS[p]) if p in ALIAS_IDS and rng.random() < 0.1 else p for p in ids]

    def said(self, i: int) -> np.ndarray:
        """Which phone of the sentence each 25 Hz frame says: -1 where the teacher's times drift."""
        row = self.rows[i]
        if row["voice"] in DRIFTING:
            return np.full(row["codes"], -1)
        return np.repeat(np.arange(len(row["ids"])), row["frames"])

    def timed(self, i: int, rng: random.Random | None = None) -> np.ndarray:
        """The phone of every 25 Hz frame."""
        return np.repeat(self.phones(i, rng), self.rows[i]["frames"])


def padded(rows: list[np.ndarray], value: float = 0) -> torch.Tensor:
    longest = max(len(row) for row in rows)
    pad = torch.nn.functional.pad
    return torch.stack([
        pad(torch.as_tensor(row), (0, 0) * (row.ndim - 1) + (0, longest - len(row)), value=value)
        for row in rows
    ])  # fmt: skip
