"""How large each network is."""

from dataclasses import dataclass

CODES, FEATURES, MELS, PHONES = 512, 128, 80, 322  # the first 322 symbols hold all of Mandarin and English


@dataclass(frozen=True)
class T2SSizes:
    layers: int = 4
    width: int = 192
    heads: int = 4
    ffn: int = 768
    phones: int = PHONES
    codes: int = CODES + 1


@dataclass(frozen=True)
class SovitsSizes:
    inter: int = MELS
    hidden: int = 96
    filter: int = 256
    heads: int = 2
    layers: int = 4
    gin: int = 128
    style: int = 64
    bins: int = 704
    phones: int = PHONES
    upsample_rates: tuple[int, ...] = (8, 8, 5)
    upsample_kernels: tuple[int, ...] = (16, 16, 11)
    upsample_width: int = 192
    block_kernels: tuple[int, ...] = (3, 5, 7)
    block_dilations: tuple[tuple[int, ...], ...] = ((1, 2), (2, 6), (3, 12))
