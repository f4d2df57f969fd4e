"""The networks in PyTorch, with the checkpoints' own key names; the package's models say what they are.

Weight norm is not used in training; `export` writes the `weight_g`, `weight_v` pairs that the format wants.
`python -m recipes.mini.networks` prints the sizes.
"""

from torch import nn

from recipes.mini.networks.content import Content, Duration
from recipes.mini.networks.encoder import TextEncoder
from recipes.mini.networks.flow import Flow
from recipes.mini.networks.generator import Generator
from recipes.mini.networks.layers import conv
from recipes.mini.networks.sizes import CODES, FEATURES, MELS, PHONES, SovitsSizes, T2SSizes
from recipes.mini.networks.style import Style
from recipes.mini.networks.t2s import T2S

__all__ = (
    "CODES", "FEATURES", "MELS", "PHONES", "T2S", "Content", "Duration", "Flow", "Generator", "Sovits",
    "SovitsSizes", "Style", "T2SSizes", "TextEncoder", "conv",
)  # fmt: skip


class Sovits(nn.Module):
    """Everything but the generator, which is trained by itself on the latent that this one predicts."""

    def __init__(self, sizes: SovitsSizes) -> None:
        super().__init__()
        self.enc_p, self.flow, self.ref_enc = TextEncoder(sizes), Flow(sizes), Style(sizes)
