"""How soon the first sound can come, and what that costs at the seams: a table, and one JSON line.

    python benchmarks/seams.py [MODEL]

The codes of some sentences are streamed with several schedules. Each stream is compared with its own latents
decoded at once: the error within 20 ms of a seam against the signal there, in dB. Its latents are compared
with those of a text encoder that knew all codes from the start.
"""

import argparse
import json
from typing import Any

import numpy as np

from mlx_voice.cloner import VoiceCloner
from mlx_voice.device import mx
from mlx_voice.generate import speech
from mlx_voice.generate.stream import SoundStream
from mlx_voice.settings import StreamOptions

TEXTS = (
    "The morning train was late, so we walked slowly along the river.",
    "A quick brown fox jumps over the lazy dog, and nobody is surprised.",
    "今天天气很好，我们一起去公园看花。",
    "Streaming is the same mathematics as the whole, with a little patience.",
)
SCHEDULES = [(look, settle) for look in (0, 2, 4, 8) for settle in (0, 4, 8, 16, None)]
FIRST = 8  # codes in the first piece
AROUND = 0.02  # seconds on either side of a seam


def said(model: str) -> list[tuple[SoundStream, list[int]]]:
    """Finished sentences with their codes, as the model says them."""
    kept: list[tuple[SoundStream, list[int]]] = []
    finished = speech.Speech._take

    def keep(self: speech.Speech, utterance: speech.Utterance) -> Any:
        take = finished(self, utterance)
        assert utterance.sound is not None
        kept.append((utterance.sound, list(utterance.codes)))
        return take

    speech.Speech._take = keep  # type: ignore[method-assign]
    with VoiceCloner(model) as cloner:
        for seed, text in enumerate(TEXTS):
            cloner.speak(text, seed=seed)
    return kept


def streamed(
    sound: SoundStream, codes: list[int], options: StreamOptions
) -> tuple[list[int], Any, Any, float]:
    """Where the pieces end, their sound, the same latents decoded at once, and how far those are off."""
    stream = SoundStream.__new__(SoundStream)
    stream.__dict__ |= sound.__dict__ | {
        "options": options,
        "_sent": 0,
        "_used": 0,
        "_frozen": None,
        "_size": options.first_chunk,
    }
    pieces = []
    for known in range(1, len(codes)):
        if (count := stream.due(known)) is not None:
            pieces.append(stream.take(codes[:count]))
    pieces.append(stream.take(codes, final=True))
    latents = stream._frozen
    assert latents is not None
    whole = stream._sound(latents, 0, latents.shape[1])
    assert sound._frozen is not None
    off = mx.sqrt(mx.mean((latents - sound._frozen) ** 2) / mx.mean(sound._frozen**2)).item()
    return np.cumsum([len(piece) for piece in pieces])[:-1].tolist(), np.concatenate(pieces), whole, off


def seam_error(seams: list[int], got: Any, want: Any, width: int) -> tuple[float, float]:
    error = sum(float(((got - want)[max(s - width, 0) : s + width] ** 2).sum()) for s in seams)
    return error, sum(float((want[max(s - width, 0) : s + width] ** 2).sum()) for s in seams)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", nargs="?", default="mini")
    arguments = parser.parse_args()
    sentences = said(arguments.model)
    config = sentences[0][0].sovits.config
    rows = []
    print("look-ahead  settle  codes before the first sound  seam error  latents off")
    for look, settle in SCHEDULES:
        options = StreamOptions(first_chunk=FIRST, look_ahead=look, settle=settle)
        error = signal = drift = 0.0
        for sound, codes in sentences:
            seams, got, want, off = streamed(sound, codes, options)
            here, there = seam_error(seams, got, want, round(AROUND * config.sample_rate))
            error, signal = error + here, signal + there
            drift += off / len(sentences)
        reach = config.flow_context + config.generator_context if settle is None else settle
        first = FIRST + look + -(-reach // config.frames_per_code)
        decibels = 10 * np.log10(max(error, 1e-20) / signal)
        print(f"{look:10d}  {settle!s:>6}  {first:28d}  {decibels:7.1f} dB  {drift:12.4f}", flush=True)
        rows.append(
            {
                "look_ahead": look,
                "settle": settle,
                "first_codes": first,
                "seam_dB": decibels,
                "latents_off": drift,
            }
        )
    print(json.dumps({"benchmark": "seams", "model": arguments.model, "rows": rows}))


if __name__ == "__main__":
    main()
