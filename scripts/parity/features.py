"""What a reference and a text become before anything is generated."""

import numpy as np

from mlx_voice.audio import peak_limited, resample, resample_sinc
from mlx_voice.audio.spectrum import fbank, spectrogram
from mlx_voice.device import mx
from mlx_voice.nn.gelu import gelu
from scripts.parity.folder import Folder
from scripts.parity.report import Array, Case, compare

N_FFT, HOP, RATE = 2048, 640, 32000  # of the official models' references
FIRST = 20000  # samples of aux2 that stand for sound at 44.1 kHz


def reference_spectrogram(folder: Folder, wave: str) -> mx.array:
    """[1, frames, bins] of a wave of case 01."""
    samples = peak_limited(folder.case("01_spectrogram")[f"wave_{wave}"])
    return spectrogram(samples, N_FFT, HOP)[None]


def spectrograms(folder: Folder, case: Case) -> None:
    for array in case.arrays:
        kind, _, wave = array.partition("_")
        if kind == "wave" and (file := folder.wave_file(wave)) is not None:
            case.verify(array, np.array_equal(file, case[array]), f"differs from audio/{wave}.wav")
        elif kind.startswith("spec"):
            spec = reference_spectrogram(folder, wave)[..., : int(kind.removeprefix("spec") or 0) or None]
            case.check(array, spec.swapaxes(1, 2))


def heard(folder: Folder) -> Array:
    """[1, n]: the reference at HuBERT's rate and the silence after it."""
    content = folder.hubert_model.config.content
    assert content is not None
    tail = np.zeros(int(content.tail_seconds * content.sample_rate), np.float32)
    return np.concatenate([folder.case("02_hubert_codes")["wave16k_ref"], tail])[None]


def hubert(folder: Folder, case: Case) -> None:
    net = folder.hubert
    case.check("wave16k_ref", resample(folder.case("01_spectrogram")["wave_ref32k"], RATE, 16000))
    case.check("input", heard(folder))
    x = mx.array(heard(folder))
    if "conv0" in case:
        first = gelu(net.conv_norm(net.convs[0](x[..., None])))[:, : case["conv0"].shape[2]]
        case.check("conv0", first.swapaxes(1, 2))
    features = net.extract(x)
    case.check("features", features.swapaxes(1, 2))
    projected = net.project(features)
    case.check("projected", projected)
    case.check("pos_conv", net.places(projected))
    h = net.norm(projected + net.places(projected))
    case.check("encoder_in", h)
    for i, layer in enumerate(net.layers):
        h = layer(h)
        case.check(f"layer{i}", h)
    last = net(x)
    case.check("last_hidden_state", last)
    quantized(folder, case, last)
    other = net(folder.case("01_spectrogram").tensor("wave_wave16k")[None])
    case.check("last_hidden_state_wave16k", other)
    case.check("codes_wave16k", folder.sovits("v2").sovits.codes(other)[0])


def quantized(folder: Folder, case: Case, features: mx.array) -> None:
    sovits = folder.sovits("v2").sovits
    projected = sovits.ssl_proj(features)
    case.check("ssl_proj", projected.swapaxes(1, 2))
    case.check("codes", sovits.codes(features)[0])
    x, book = (np.array(a).astype(np.float64) for a in (projected[0], sovits.codebook.weight))
    distance = (x**2).sum(1)[:, None] - 2 * x @ book.T + (book**2).sum(1)
    nearest = np.argsort(distance, axis=1)[:, :2]
    case.check("best2_index", nearest)
    case.check("best2_dist", np.take_along_axis(distance, nearest, axis=1))


def bert(folder: Folder, case: Case) -> None:
    net = folder.bert
    ids = case.ids("input_ids", net.word_embeddings.weight.shape[0])
    case.check("embeddings", net.embed(ids))
    hidden = net(ids)
    case.check("hidden_minus3", hidden)
    text = case["text_utf8"].astype(np.uint8).tobytes().decode(errors="replace")
    case.check("input_ids", [folder.tokenizer.encode(text).ids])
    case.verify("text_utf8", case.verdicts["input_ids"].ok, "gives other tokens than input_ids")
    rows = np.array(hidden[0, 1:-1])
    for array in case.arrays:
        text, _, kind = array.rpartition("_")
        if kind == "word2ph":
            repeated(case, text)
            if text == "bert_text" or alike(case, text, rows):
                for kind in ("phones", "word2ph"):
                    case.check(f"{text}_{kind}", case[f"bert_text_{kind}"])
                case.check(f"{text}_feature", np.repeat(rows, case["bert_text_word2ph"], axis=0).T)


def repeated(case: Case, text: str) -> None:
    """A character's features stand once for each of its phones."""
    counts, feature, phones = (case[f"{text}_{kind}"] for kind in ("word2ph", "feature", "phones"))
    if counts.min(initial=1) < 1 or not counts.sum() == len(phones) == feature.shape[1]:
        case.consistent(f"{text}_word2ph", False, "does not add up to the phones")
        return
    firsts = feature[:, np.cumsum(counts) - counts]
    same = np.array_equal(np.repeat(firsts, counts, axis=1), feature)
    case.consistent(f"{text}_feature", same, "is not one column repeated for each character")


def alike(case: Case, text: str, rows: Array) -> bool:
    """Whether a text is the one of `text_utf8` again: two of its three arrays say so."""
    same = [
        np.array_equal(case[f"{text}_{kind}"], case[f"bert_text_{kind}"]) for kind in ("phones", "word2ph")
    ]
    ours = np.repeat(rows, case["bert_text_word2ph"], axis=0).T
    same.append(compare("feature", ours, case[f"{text}_feature"]).ok)
    return sum(same) >= 2


def speaker(folder: Folder, case: Case) -> None:
    net, waves = folder.speaker, folder.case("01_spectrogram")
    case.check("fbank", fbank(waves.tensor("wave_wave16k")))
    energies = case.tensor("fbank")[None]  # the reference's: its own rounding is all of the difference
    x = net.stem(energies)
    maps = {"stem": x}
    for name in ("layer1", "layer2", "layer3", "layer4"):
        for block in net[name]:
            x = block(x)
        maps[name] = x
    maps["layer3_ds"] = net.layer3_ds(maps["layer3"])
    maps["fuse34"] = net.fuse34(maps["layer4"], maps["layer3_ds"])
    for name, ours in maps.items():
        if name in case:  # [B, time, mels, channels] here, the first channels of [B, C, mels, time] there
            case.check(name, ours.transpose(0, 3, 2, 1)[:, : case[name].shape[1]])
    case.check("embedding", net(energies))
    aux = waves["wave_aux2_32k"]
    wave = resample_sinc(peak_limited(aux), RATE, 16000)
    case.check("resampled_aux2", wave[None])
    case.check("embedding_aux2", net(fbank(wave)[None]))
    case.check("resampled_44k_to_32k", resample_sinc(aux[:FIRST], 44100, RATE)[None])


def speaker_vector(folder: Folder, wave: str) -> mx.array:
    """[1, n] of a wave of case 01, as the pipeline makes it."""
    samples = peak_limited(folder.case("01_spectrogram")[f"wave_{wave}"])
    return folder.speaker(fbank(resample_sinc(samples, RATE, 16000))[None])  # type: ignore[no-any-return]


def full_hubert(folder: Folder, case: Case) -> None:
    case.check("last_hidden_state", folder.hubert(case.tensor("wave")[None]))


def full_bert(folder: Folder, case: Case) -> None:
    rows = folder.bert.word_embeddings.weight.shape[0]
    case.check("hidden_minus3", folder.bert(case.ids("input_ids", rows)))
