"""A SoVITS checkpoint's tensors -> the weights of `SoVITS`: weight norm folded, layouts changed, inputs'
projections joined."""

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatch

import numpy as np

from mlx_voice.models.sovits.config import SoVITSConfig
from mlx_voice.nn.weights import Array, Plan, State, Weight, copied, folded

UNUSED = (
    "enc_q.*",
    "quantizer.vq.layers.0._codebook.inited",
    "quantizer.vq.layers.0._codebook.cluster_size",
    "quantizer.vq.layers.0._codebook.embed_avg",
)

NAMES = (
    (r"^dec\.", "generator."),
    (r"^quantizer\.vq\.layers\.0\._codebook\.embed$", "codebook.weight"),
    (r"\.gamma$", ".weight"),
    (r"\.beta$", ".bias"),
    (r"^ref_enc\.spectral\.3\.", "ref_enc.spectral.1."),  # 1, 2, 4, 5 have no weights
    (r"^(ref_enc\.spectral\.\d|ref_enc\.fc)\.fc\.", r"\1."),
    (r"^(ref_enc\.temporal\.\d+)\.conv1\.conv\.", r"\1."),
    (r"^(generator\.resblocks\.\d+)\.convs\.", r"\1.convs1."),
    (r"^prelu\.weight$", "prelu"),
)
"""Checkpoint name -> ours, in this order; what no rule touches keeps its name."""

JOINED = (
    (r"^(enc_p\.encoder\w+\.attn_layers\.\d+)\.conv_([qkv])\.", r"\1.qkv."),
    (r"^(enc_p\.mrte\.cross_attention)\.conv_([kv])\.", r"\1.kv."),
    (r"^(ref_enc\.slf_attn)\.w_([qkv])s\.", r"\1.qkv."),
)
"""Projections of one input become one product, in the order of their letters."""

CONVOLUTION = r"(^ssl_proj|\.conv_([12]|pre|post)|\.(in_layers|temporal|convs1|convs2)\.\d+)\.weight$"
NORMED = (
    ("parametrizations.weight.original0", "weight_g"),
    ("parametrizations.weight.original1", "weight_v"),
)
"""Newer and older spelling of a normed weight's length and direction."""


def renames(state: State, config: SoVITSConfig) -> Plan:
    """The converted file. What is no part of SoVITS keeps its name, for the strict loader to complain of."""
    plan: Plan = {}
    joined: dict[str, dict[str, Weight]] = {}
    for key, weight in _plain(state):
        name = _name(key, config)
        weight = _laid_out(name, weight, config)
        for pattern, whole in JOINED:
            if match := re.match(pattern, name):
                joined.setdefault(re.sub(pattern, whole, name), {})[match[2]] = weight
                break
        else:
            plan[name] = weight
    for name, parts in joined.items():
        plan[name] = _stacked([parts[letter] for letter in "qkv" if letter in parts])
    return plan


def _plain(state: State) -> Iterator[tuple[str, Weight]]:
    """The tensors that inference uses, weight norm folded."""
    tensors = {}
    for key, tensor in state.items():
        if not any(fnmatch(key, pattern) for pattern in UNUSED):
            for newer, older in NORMED:
                key = key.replace(newer, older)
            tensors[key] = tensor
    for key, tensor in tensors.items():
        layer = key.removesuffix("_g").removesuffix("_v")
        if layer == key or {f"{layer}_g", f"{layer}_v"} - tensors.keys():
            yield key, copied(tensor)
        elif key.endswith("_g"):
            yield layer, folded(tensor, tensors[f"{layer}_v"], (0, 1, 2))


def _name(key: str, config: SoVITSConfig) -> str:
    for pattern, ours in NAMES:
        key = re.sub(pattern, ours, key)
    kernels = len(config.resblock_kernel_sizes)
    key = re.sub(r"^flow\.flows\.(\d+)", lambda m: f"flow.flows.{int(m[1]) // 2}", key)  # odd ones flip
    return re.sub(
        r"^generator\.resblocks\.(\d+)",
        lambda m: f"generator.resblocks.{int(m[1]) // kernels}.{int(m[1]) % kernels}",
        key,
    )


def _laid_out(name: str, weight: Weight, config: SoVITSConfig) -> Weight:
    shape = weight.shape
    if len(shape) < 3:
        return weight
    if ".emb_rel_" in name:  # [1, distances, channels]
        return _changed(weight, shape[1:], lambda w: w[0])
    if upsampling := re.match(r"generator\.ups\.(\d+)\.", name):
        return _upsampling(weight, config.upsample_rates[int(upsampling[1])])
    if re.search(CONVOLUTION, name):  # [out, in, K]
        return _changed(weight, shape[::-1], lambda w: w.transpose(2, 1, 0))
    return _changed(weight, shape[:2], lambda w: w[..., 0])  # a convolution of one tap is a product


def _upsampling(weight: Weight, rate: int) -> Weight:
    """[in, out, K] -> [taps, in, rate * out], the last taps first."""
    inputs, outputs, kernel = weight.shape
    taps = -(-kernel // rate)

    def change(w: Array) -> Array:
        w = np.pad(w.transpose(2, 0, 1), [(0, taps * rate - kernel), (0, 0), (0, 0)])
        w = w.reshape(taps, rate, inputs, outputs)[::-1]
        return w.transpose(0, 2, 1, 3).reshape(taps, inputs, rate * outputs)

    return _changed(weight, (taps, inputs, rate * outputs), change)


def _changed(weight: Weight, shape: tuple[int, ...], change: Callable[[Array], Array]) -> Weight:
    return Weight(shape, lambda: change(weight.make()))


def _stacked(parts: list[Weight]) -> Weight:
    shape = (sum(part.shape[0] for part in parts), *parts[0].shape[1:])
    return Weight(shape, lambda: np.concatenate([part.make() for part in parts]))
