"""Whole requests, as the reference's pipeline composes them: greedy codes, one decode for a batch, 16 bits.

None of this composition is the product's: it keeps the first codes of an early stop, and decodes each text
by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlx_voice.device import mx
from mlx_voice.generate.sampling import Sampling
from mlx_voice.models.sovits import SoVITS
from scripts.parity.decoder import condition, references, speed_of, turned
from scripts.parity.features import RATE, heard, speaker_vector
from scripts.parity.folder import Folder
from scripts.parity.report import Array, Case, compare
from scripts.parity.tokens import prompt_codes, spoken, text_row, texts_of

CODES_A_SECOND = 50  # as the early stop counts them
PAUSE = 0.3  # seconds after each text
GREEDY = Sampling(top_k=1, repetition_penalty=1.35)
THRESHOLD = 0.75  # of similar lengths in a bucket


@dataclass(frozen=True)
class Request:
    texts: tuple[str, ...]
    together: int = 1  # texts that T2S reads at once
    bucketed: bool = True
    changed: bool = False  # speed: the reference then decodes each text by itself
    prompted: bool = True
    auxiliary: bool = False  # more references than one


def known(folder: Folder) -> dict[str, Request]:
    """Case 16's requests; of `speed` only that it is another one is known beforehand."""
    first, *others = texts_of(folder)
    return {
        "single": Request((first,)),
        "multi": Request(tuple(others), bucketed=False),
        "parallel": Request((first, *others), together=4),
        "buckets": Request((*others[-1:], first, *others[:-1]), together=2),
        "speed": Request((first,), changed=True),
        "aux": Request((first,), auxiliary=True),
        "noprompt": Request((first,), prompted=False),
        "mixed": Request(("en",)),
    }


def requests(folder: Folder, case: Case) -> None:
    net: SoVITS = folder.sovits("v2").sovits
    prompt = prompt_codes(folder)
    for name, request in known(folder).items():
        if f"{name}_codes" in case:
            ge = condition(folder, net, references(folder) if request.auxiliary else ["ref32k"])
            speak(folder, case, name, request, net, ge, prompt if request.prompted else None)


def request_pro(folder: Folder, case: Case) -> None:
    """Case 19. Its speaker vector is taken as given where it is not what case 15's rules make of ref32k."""
    net: SoVITS = folder.sovits("v2pro").sovits
    ours = np.array(speaker_vector(folder, "ref32k"))
    if compare("sv", ours, case["sv"]).ok:
        case.check("sv", ours)
    codes = np.array(net.codes(folder.hubert(mx.array(heard(folder))))[0])
    case.check("prompt", codes)
    ge = condition(folder, net, ["ref32k"], [case["sv"]])
    speak(folder, case, "single", known(folder)["single"], net, ge, codes)


def speak(
    folder: Folder, case: Case, name: str, request: Request, net: SoVITS, ge: mx.array, prompt: Array | None
) -> None:
    codes: dict[str, list[int]] = {}
    indices: dict[str, int] = {}
    sounds: dict[str, Array] = {}
    order = batches(folder, request)
    for texts in order:
        generated = continued(folder, request, texts, prompt)
        codes |= {text: kept for text, (kept, _) in generated.items()}
        indices |= {text: index for text, (_, index) in generated.items()}
    per_code = net.config.samples_per_frame * net.config.frames_per_code
    processed = [text for texts in order for text in texts]
    case.check(f"{name}_codes", np.concatenate([codes[text] for text in processed]))
    case.check(f"{name}_codes_len", [len(codes[text]) for text in processed])
    case.check(f"{name}_idx", [indices[text] for text in processed])
    for i, texts in enumerate([(text,) for text in processed] if request.changed else order):
        said = {text: codes[text] for text in texts}
        wave = decoded(folder, case, f"{name}_noise{i}", net, ge, said)
        case.check(f"{name}_wave{i}", wave)
        sounds |= {texts[0]: wave} if request.changed else divided(per_code, wave, said)
    case.check(f"{name}_pcm", pcm([sounds[text] for text in request.texts]))


def batches(folder: Folder, request: Request) -> list[tuple[str, ...]]:
    """The reference's buckets: the shortest texts first, as many as are of similar length."""
    if not request.bucketed:
        return [request.texts]
    texts = folder.case("03_bert")
    length = {t: len(texts.arrays.get(f"{t}_word2ph", ())) for t in request.texts}
    waiting = sorted(request.texts, key=lambda t: length[t])
    found = []
    while waiting:
        bucket = waiting[: request.together]
        while len(bucket) > 1:
            lengths = [length[t] for t in bucket]
            if lengths[len(bucket) // 2] / np.mean(lengths) >= THRESHOLD:
                break
            bucket.pop()
        found.append(tuple(bucket))
        waiting = waiting[len(bucket) :]
    return found


def continued(
    folder: Folder, request: Request, texts: Sequence[str], prompt: Array | None
) -> dict[str, tuple[list[int], int]]:
    """Per text the codes that reach the decoder and the index that T2S returns.

    At an early stop one code too many is there: a batch loses the last, a single text the first, and one
    without a prompt (index 0) none.
    """
    stop = int(CODES_A_SECOND * folder.max_seconds)
    rows = [text_row(folder, text, GREEDY, stop, prompt) for text in texts]
    groups = [rows] if request.together > 1 else [[row] for row in rows]
    drawn = [tokens for group in groups for tokens in spoken(folder, group)]
    found = {}
    for text, tokens in zip(texts, drawn, strict=True):
        ids = [token.code for token in tokens]
        index = len(ids) - 1
        generated = ids[:-1] if tokens[-1].reason == "end" or request.together > 1 else ids
        found[text] = (generated[-index:], index) if prompt is not None else (generated, 0)
    return found


def decoded(
    folder: Folder, case: Case, noise: str, net: SoVITS, ge: mx.array, said: Mapping[str, Sequence[int]]
) -> Array:
    """All of these texts' codes in one decode, as if they were one text, as long as the noise is."""
    phones = [folder.case("03_bert").ids(f"{text}_phones", net.config.symbols) for text in said]
    codes = mx.array([[code for row in said.values() for code in row]])
    speed = speed_of(codes.shape[1] * net.config.frames_per_code, case[noise].shape[2])
    wave = net.decode(codes, mx.concatenate(phones, axis=1), ge, turned(case.tensor(noise)), speed=speed)
    return np.array(wave[0])


def divided(per_code: int, wave: Array, said: Mapping[str, Sequence[int]]) -> dict[str, Array]:
    """Each text's part of a common wave, at so many samples a code; what is left at the end is lost."""
    ends = np.cumsum([len(codes) * per_code for codes in said.values()])
    return {text: wave[end - len(said[text]) * per_code : end] for text, end in zip(said, ends, strict=True)}


def pcm(sounds: Sequence[Array]) -> Array:
    """Each text's peak limited to 1 and followed by a pause, then all of it truncated to 16 bits."""
    pause = np.zeros(int(RATE * PAUSE), np.float32)
    parts = [part for sound in sounds for part in (sound / max(1.0, np.abs(sound).max()), pause)]
    return np.trunc(np.concatenate(parts) * np.float32(32768)).astype(np.int16)
