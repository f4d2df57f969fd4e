"""Stage 7: `python -m recipes.mini.export [FOLDER]`. The trained networks as the embedded model.

T2S and SoVITS are first written as GPT-SoVITS checkpoints and then converted by the package itself; the
content encoder and the durations, which have no official shape, are written beside them.
"""

import sys
import tempfile
from collections import Counter
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch

from mlx_voice.checkpoints.config import Content, ModelConfig, Reference, Style
from mlx_voice.checkpoints.convert import convert
from mlx_voice.checkpoints.manifest import FILE, Manifest, record_of
from mlx_voice.checkpoints.safetensors import write_safetensors
from mlx_voice.nn.weights import Plan, Weight
from mlx_voice.settings import SamplingOptions
from recipes.mini import networks, polish, sharpen, sound, training
from recipes.mini.corpus import Corpus
from recipes.mini.data import SYMBOLS

ASSETS = Path(__file__).parents[2] / "mlx_voice" / "assets" / "mini"
SILENT = (
    513  # from this bin of the reference spectrogram on, training heard nothing: the weights count nothing
)
NOISE = 0.2  # in the deviations that the text encoder foretells
FEW = 20  # times that a phone was said in training
NORMED = ("dec.ups.", "dec.resblocks.", ".enc.in_layers.", ".enc.res_skip_layers.", ".enc.cond_layer.")
STYLE = Style(steps=12, rate=0.11, nearness=3.0, firmness=0.1, gain=0.03)  # see README: voices never heard
SAMPLING = SamplingOptions(top_k=5, top_p=1.0, temperature=0.4, repetition_penalty=1.0)
State = dict[str, torch.Tensor]


def normed(state: State) -> State:
    """`weight` as the pair `weight_g`, `weight_v` that the format has."""
    made: State = {}
    for key, value in state.items():
        if key.endswith(".weight") and any(name in key for name in NORMED):
            made[key + "_g"] = value.flatten(1).norm(dim=1).view(-1, *[1] * (value.ndim - 1))
            made[key + "_v"] = value
        else:
            made[key] = value
    return made


@cache
def stand_ins() -> dict[int, int]:
    """Finals that training hardly had, mostly in the neutral tone -> the same final in another tone."""
    counts = Counter(i for row in Corpus("train").rows for i in row["ids"])
    index, found = SYMBOLS.index, {}
    for name in list(index)[: networks.PHONES]:
        others = [index[f"{name[:-1]}{tone}"] for tone in "4123" if f"{name[:-1]}{tone}" in index]
        if name[-1] in "12345" and counts[index[name]] < FEW:
            known = [other for other in others if counts[other] >= FEW]
            found |= {index[name]: known[0]} if known else {}
    return found


def with_stand_ins(table: torch.Tensor) -> torch.Tensor:
    table = table.clone()
    for row, other in stand_ins().items():
        table[row] = table[other]
    return table


@cache
def louder() -> float:
    """The teachers' loudness against the generator's on predicted latents: incoherent phases lose energy."""
    net = sharpen.generator(NOISE)
    with torch.no_grad():
        ratios = [wave.std() / net(made[None]).numpy().std() for made, _, wave in sharpen.predictions(NOISE)]
    return round(float(np.median(ratios)), 2)


def t2s_checkpoint(path: Path) -> None:
    sizes = networks.T2SSizes()
    state = training.weights("t2s")
    words = "ar_text_embedding.word_embeddings.weight"
    state[words] = with_stand_ins(state[words])
    weight = {f"model.{key}": value.half() for key, value in state.items()}
    model = {
        "embedding_dim": sizes.width, "hidden_dim": sizes.width, "head": sizes.heads, "n_layer": sizes.layers,
        "vocab_size": sizes.codes, "phoneme_vocab_size": sizes.phones, "EOS": sizes.codes - 1,
    }  # fmt: skip
    torch.save({"weight": weight, "config": {"model": model, "data": {"max_sec": 40}}, "info": "mini"}, path)


def sovits_checkpoint(path: Path) -> None:
    sizes = networks.SovitsSizes()
    trained, content = polish.trained().state_dict(), training.weights("content")
    state = {
        key.removeprefix("sovits."): value for key, value in trained.items() if key.startswith("sovits.")
    }
    state["ref_enc.spectral.0.fc.weight"] = state["ref_enc.spectral.0.fc.weight"].clone()
    state["ref_enc.spectral.0.fc.weight"][:, SILENT:] = 0
    state |= {f"dec.{key}": value for key, value in sharpen.generator(NOISE).state_dict().items()}
    state["enc_p.text_embedding.weight"] = with_stand_ins(state["enc_p.text_embedding.weight"])
    state["dec.conv_post.weight"] = state["dec.conv_post.weight"] * louder()
    state |= {key: value for key, value in content.items() if key.startswith("ssl_proj.")}
    state["quantizer.vq.layers.0._codebook.embed"] = content["quantizer.embed"]
    model = {
        "inter_channels": sizes.inter, "hidden_channels": sizes.hidden, "filter_channels": sizes.filter,
        "n_heads": sizes.heads, "n_layers": sizes.layers, "kernel_size": 3, "resblock": "2",
        "resblock_kernel_sizes": list(sizes.block_kernels),
        "resblock_dilation_sizes": list(sizes.block_dilations),
        "upsample_rates": list(sizes.upsample_rates), "upsample_initial_channel": sizes.upsample_width,
        "upsample_kernel_sizes": list(sizes.upsample_kernels), "gin_channels": sizes.gin, "version": "v1",
    }  # fmt: skip
    data = {"sampling_rate": sound.RATE, "filter_length": 2048, "hop_length": 640}
    weight = {key: value.half() for key, value in normed(state).items()}
    torch.save({"weight": weight, "config": {"model": model, "data": data}, "info": "mini"}, path)


def content_part() -> tuple[dict, dict[str, np.ndarray]]:
    state = {
        k.removeprefix("content."): v
        for k, v in training.weights("content").items()
        if k.startswith("content.")
    }
    net = networks.Content(networks.PHONES)
    width = state["inputs.weight"].shape[0]
    fields = {
        "n_fft": sound.SIZE, "hop": sound.HOP, "mels": sound.BINS, "top": sound.RATE / 2,
        "floor": sound.FLOOR,
        "mean": sound.MEAN, "scale": sound.SCALE, "width": width, "kernel": state["inputs.weight"].shape[2],
        "dilations": [layer.dilation[0] for layer in net.convs], "features": networks.FEATURES,
        "phones": networks.PHONES,
    }  # fmt: skip
    names = {"norms": "norm", "convs": "conv", "points": "point"}
    weights = {}
    for key, value in state.items():
        first, *rest = key.split(".")
        name = f"blocks.{rest[0]}.{names[first]}.{rest[1]}" if first in names else key
        weights[name] = channels_last(value)
    return fields, weights


def duration_part() -> tuple[dict, dict[str, np.ndarray]]:
    state = training.weights("durations")
    state["embedding.weight"] = with_stand_ins(state["embedding.weight"])
    phones, width = state["embedding.weight"].shape
    layers = len({key.split(".")[1] for key in state if key.startswith("convs.")})
    fields = {"phones": phones, "width": width, "kernel": state["convs.0.weight"].shape[2], "layers": layers}
    return fields, {key: channels_last(value) for key, value in state.items()}


def channels_last(value: torch.Tensor) -> np.ndarray:
    """A convolution's [out, in, K] as [K, in, out]; all else as it is."""
    return (value.permute(2, 1, 0) if value.ndim == 3 else value).numpy()


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as work:
        t2s, sovits, made = Path(work) / "t2s.ckpt", Path(work) / "sovits.pth", Path(work) / "mini"
        t2s_checkpoint(t2s)
        sovits_checkpoint(sovits)
        convert(t2s=t2s, sovits=sovits, name="mini", out=made)
        config, files = ModelConfig.read(made), dict(Manifest.read(made).files)
        folder.mkdir(parents=True, exist_ok=True)
        for file in ("t2s.safetensors", "sovits.safetensors"):
            (folder / file).write_bytes((made / file).read_bytes())
    own = {"content": content_part(), "duration": duration_part()}
    for name, (_, weights) in own.items():
        plan: Plan = {k: Weight(v.shape, lambda v=v: v) for k, v in sorted(weights.items())}
        with (folder / f"{name}.safetensors").open("wb") as file:
            write_safetensors(file, plan, dict.fromkeys(plan, np.dtype("float16")))
        files[f"{name}.safetensors"] = record_of(folder / f"{name}.safetensors")
    parts = dict(config.networks) | {name: fields for name, (fields, _) in own.items()}
    config = replace(
        config, version="mini", layout="timed", max_seconds=40, sampling=SAMPLING, noise_scale=NOISE,
        reference=Reference(32000, 2048, 640, 704), content=Content("content", sound.RATE, 0.0),
        style=STYLE, networks=parts,
    )  # fmt: skip
    config.write(folder)
    files["config.json"] = record_of(folder / "config.json")
    Manifest("mini", files, {}).write(folder)
    total = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder}: {total / 1e6:.2f} MB", asdict(config)["sampling"], f"louder by {louder()}", FILE)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ASSETS)
