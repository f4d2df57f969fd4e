"""Codes, phones and a reference to sound: the timbre, each layer of the decoder, and whole decodes."""

from collections.abc import Sequence

import numpy as np

from mlx_voice.device import mx, nn
from mlx_voice.models.sovits import SoVITS
from scripts.parity.features import reference_spectrogram
from scripts.parity.folder import Folder
from scripts.parity.report import Array, Case
from scripts.parity.watch import Heard, watched

NOISE_SCALE = 0.5
ROUNDING = 1e-6


def turned(x: mx.array) -> mx.array:
    """[B, T, C] <-> [B, C, T]"""
    return x.swapaxes(1, 2)


def condition(folder: Folder, net: SoVITS, waves: Sequence[str], vectors: Sequence[Array] = ()) -> mx.array:
    """The mean of what the references say of the speaker, [1, 1, gin]."""
    given: list[mx.array | None] = [mx.array(v) for v in vectors]
    given = given or [None] * len(waves)
    spectra = [reference_spectrogram(folder, wave) for wave in waves]
    pairs = zip(spectra, given, strict=True)
    return mx.concatenate([net.condition(spec, vector) for spec, vector in pairs]).mean(axis=0, keepdims=True)


def references(folder: Folder) -> list[str]:
    """The waves of case 01 that speak together: the reference and all auxiliary ones."""
    waves = [wave.removeprefix("wave_") for wave in folder.case("01_spectrogram").arrays]
    return ["ref32k", *(wave for wave in waves if wave.startswith("aux"))]


def timbre(folder: Folder, case: Case) -> None:
    net: SoVITS = folder.sovits("v2").sovits
    with watched(net.ref_enc) as heard:
        condition(folder, net, ["ref32k"])
    case.check("spectral", nn.mish(heard.given["spectral.1"]))
    case.check("temporal", turned(heard.taken["slf_attn"]))
    case.check("attention", heard.given["slf_attn"])
    for array in case.arrays:
        kind, _, wave = array.partition("_")
        if kind == "ge":
            waves = references(folder) if wave.startswith("mean") else [wave]
            case.check(array, turned(condition(folder, net, waves)))


def decode(net: SoVITS, case: Case, prefix: str, ge: mx.array, speed: float | None = 1.0) -> Heard:
    """One decode with the case's codes, phones and noise, in all parts.

    At a known speed as many codes as the noise is long; else all codes, at the speed that makes them so long.
    """
    codes, phones = case.ids("codes", net.config.codes), case.ids("phones", net.config.symbols)
    doubled, frames = net.config.frames_per_code, case[f"{prefix}_noise"].shape[2]
    if speed is None:
        speed = speed_of(codes.shape[1] * doubled, frames)
    else:
        codes = codes[:, : as_many(codes.shape[1], doubled, speed, frames)]
    with watched(net) as heard:
        prior = net.encode(codes, phones, ge, speed)
        z_p = prior.sample(turned(case.tensor(f"{prefix}_noise")), NOISE_SCALE)
        z = net.flow(z_p, ge)
        wave = net.generator(z, ge)
        mx.eval(wave)
    case.check(f"{prefix}_y", turned(prior.y))
    case.check(f"{prefix}_m_p", turned(prior.m_p))
    case.check(f"{prefix}_logs_p", turned(prior.logs_p))
    case.check(f"{prefix}_z_p", turned(z_p))
    case.check(f"{prefix}_z", turned(z))
    case.check(f"{prefix}_wave", wave[0])
    noise(case, prefix)
    return heard


def speed_of(plain: int, frames: int) -> float:
    """A speed at which so many frames become so many: nothing but their number depends on it."""
    return 1.0 if frames == plain else plain / (frames - 0.5)


def as_many(codes: int, frames_per_code: int, speed: float, frames: int) -> int:
    """The most codes, of so many, whose sound has this many frames; all of them where none fits."""
    for n in range(codes, 0, -1):
        plain = n * frames_per_code
        if frames == (plain if speed == 1 else int(plain / speed) + 1):
            return n
    return codes


def noise(case: Case, prefix: str) -> None:
    """The case's noise must be the one that its own sample came from."""
    mean, logs, drawn, sample = (case[f"{prefix}_{kind}"] for kind in ("m_p", "logs_p", "noise", "z_p"))
    spread = drawn * np.exp(logs) * NOISE_SCALE
    near = np.abs(mean + spread - sample) <= ROUNDING * (np.abs(mean) + np.abs(spread))
    case.verify(f"{prefix}_noise", bool(near.all()), "is not what z_p was drawn with")


def layers(net: SoVITS, case: Case, prefix: str, heard: Heard) -> None:
    given = heard.given
    frames = mx.repeat(given["enc_p.ssl_proj"], net.config.frames_per_code, axis=1)
    case.check(f"{prefix}_enc.ssl_proj", turned(frames))
    for path, ours in given.items():
        if path.startswith("enc_p.") and path != "enc_p.ssl_proj":
            case.check(f"{prefix}_enc.{path.removeprefix('enc_p.')}", turned(ours))
    z = heard.taken["flow"]
    for i in reversed(range(net.config.flow_count)):
        case.check(f"{prefix}_flow{2 * i + 1}", turned(z[..., ::-1]))
        z = given[f"flow.flows.{i}"]
        case.check(f"{prefix}_flow{2 * i}", turned(z))
    names = {"pre": "conv_pre", "cond": "cond", "post": "conv_post"}
    for i in range(len(net.config.upsample_rates)):
        names |= {f"up{i}": f"ups.{i}", f"res{i}": f"resblocks.{i}.0"}
    for theirs, path in names.items():
        if (array := f"{prefix}_dec_{theirs}") in case:  # long ones are cut
            case.check(array, turned(given[f"generator.{path}"])[..., : case[array].shape[2]])


def decodes(folder: Folder, case: Case) -> None:
    """Case 11: speeds as s100, s125 …, the first one layer by layer, and a mean of three references."""
    net: SoVITS = folder.sovits("v2").sovits
    ge = condition(folder, net, ["ref32k"])
    case.check("ge", turned(ge))
    quantized = net.codebook(case.ids("codes", net.config.codes))
    case.check("quantized", turned(quantized))
    for array in case.arrays:
        prefix, _, kind = array.partition("_")
        if kind == "noise" and prefix != "refs3":
            heard = decode(net, case, prefix, ge, int(prefix.removeprefix("s")) / 100)
            layers(net, case, prefix, heard)
            doubled = mx.repeat(quantized, net.config.frames_per_code, axis=1)
            case.check("upsampled_first3", turned(doubled)[0, :3])
    if "refs3_noise" in case:
        decode(net, case, "refs3", condition(folder, net, references(folder)))


def decodes_pro(folder: Folder, case: Case) -> None:
    """Case 13: one reference at speed 1, two of them faster; the speaker vectors stand in the case."""
    net: SoVITS = folder.sovits("v2pro").sovits
    one = condition(folder, net, ["ref32k"], [case["sv0"]])
    case.check("one_ge", turned(one))
    case.check("one_ge512", turned(net.ge_to512(one)))
    decode(net, case, "one", one)
    two = condition(folder, net, ["ref32k", "aux1_32k"], [case["sv0"], case["sv1"]])
    case.check("two_ge", turned(two))
    decode(net, case, "two", two, speed=None)


def decodes_v1(folder: Folder, case: Case) -> None:
    net: SoVITS = folder.sovits("v1").sovits
    ge = condition(folder, net, ["ref32k"])
    case.check("ge", turned(ge))
    decode(net, case, "s100", ge)


def full_decode(folder: Folder, case: Case) -> None:
    net: SoVITS = folder.sovits(case.name.removeprefix("full_s2_")).sovits
    vector = case.tensor("sv") if "sv" in case else None
    ge = net.condition(turned(case.tensor("spec")), vector)
    case.check("ge", turned(ge))
    decode(net, case, "s100", ge)
    case.check("ssl_codes", np.array(net.codes(turned(case.tensor("ssl")))[0]))
