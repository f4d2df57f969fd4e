"""The one table of GPT-SoVITS versions: what tells them apart, and the official files of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mlx_voice.checkpoints.reader import Checkpoint

HUB = "lj1995/GPT-SoVITS"
_EVERY = {"hubert": "chinese-hubert-base/", "bert": "chinese-roberta-wwm-ext-large/"}
_PRO = {**_EVERY, "t2s": "s1v3.ckpt", "speaker": "sv/pretrained_eres2netv2w24s4ep4.ckpt"}
_FOLDER = "gsv-v2final-pretrained"


@dataclass(frozen=True)
class Version:
    name: str
    symbols: str  # the name of its symbol table
    rows: int  # of the SoVITS text embedding, one a symbol
    max_seconds: float  # of speech in one go, where the T2S checkpoint does not say
    files: Mapping[str, str]  # on the hub: convert's argument -> file, or folder where it ends in a slash
    speaker: bool = False
    width: int = 512  # of the generator's first layer
    byte: str = ""  # what a fine-tuned file has over its leading "PK"


VERSIONS = (
    Version(
        "v1", "v1", 322, 54,
        {**_EVERY, "t2s": "s1bert25hz-2kh-longer-epoch=68e-step=50232.ckpt", "sovits": "s2G488k.pth"},
        byte="00",
    ),
    Version(
        "v2", "v2", 732, 57,
        {
            **_EVERY,
            "t2s": f"{_FOLDER}/s1bert25hz-5kh-longer-epoch=12-step=369668.ckpt",
            "sovits": f"{_FOLDER}/s2G2333k.pth",
        },
        byte="01",
    ),
    Version("v2Pro", "v2", 732, 57, {**_PRO, "sovits": "v2Pro/s2Gv2Pro.pth"}, True, 512, "05"),
    Version("v2ProPlus", "v2", 732, 57, {**_PRO, "sovits": "v2Pro/s2Gv2ProPlus.pth"}, True, 768, "06"),
)  # fmt: skip
BY_NAME = {version.name: version for version in VERSIONS}

# Flow-matching decoders, a next step: their keys, version bytes and the names in their configurations.
LATER_KEYS = ("cfm.*", "bridge.*", "wns1.*")
LATER_BYTES = {"02": "v3", "03": "v3 (LoRA)", "04": "v4 (LoRA)"}
LATER_NAMES = ("v3", "v4")


def demand_supported(checkpoint: Checkpoint) -> None:
    """Refuse the versions that are known and not supported yet."""
    said = _said(checkpoint)
    keyed = any(fnmatchcase(key, pattern) for key in checkpoint.state for pattern in LATER_KEYS)
    if said in LATER_NAMES or checkpoint.version_byte in LATER_BYTES or keyed:
        later = LATER_BYTES.get(checkpoint.version_byte) or (said if said in LATER_NAMES else "v3 or v4")
        raise checkpoint.error(
            f"is a {later} model, which is not supported yet: use v1, v2, v2Pro or v2ProPlus"
        )


def detect(checkpoint: Checkpoint) -> Version:
    """The version of a SoVITS checkpoint, from its keys and shapes."""
    state, said = checkpoint.state, _said(checkpoint)
    rows = state["enc_p.text_embedding.weight"].shape[0]
    speaker = "sv_emb.weight" in state
    fitting = [v for v in VERSIONS if v.rows == rows and v.speaker == speaker]
    if not fitting:
        raise checkpoint.error(
            f"has {rows} text symbols, which no known version has: use v1, v2, v2Pro or v2ProPlus"
        )
    width = state["dec.conv_pre.weight"].shape[0] if "dec.conv_pre.weight" in state else 0
    for tells in (
        lambda v: v.width == width,  # the official sizes
        lambda v: v.byte == checkpoint.version_byte,
        lambda v: v.name == said,
    ):
        if len(those := [v for v in fitting if tells(v)]) == 1:
            return those[0]
    return fitting[0]


def _said(checkpoint: Checkpoint) -> str:
    """What the configuration calls itself; the original writes v1 or v2 over many kinds of model."""
    model = checkpoint.config.get("model")
    said = model.get("version") if isinstance(model, dict) else None
    return said if isinstance(said, str) else ""
