"""The one door to MLX: every other module says `from mlx_voice.device import mx, nn`.

On Linux MLX is linked to the reference BLAS, some fifty times slower than OpenBLAS. The dynamic linker
takes the first definition of a symbol that it finds, so an OpenBLAS loaded before MLX serves its products.
"""

import ctypes
import sys


def _prefer_openblas() -> str | None:
    if not sys.platform.startswith("linux") or "mlx.core" in sys.modules:
        return None
    for name in ("libopenblas.so.0", "libopenblas.so"):
        try:
            ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
        except OSError:
            continue
        return name
    return None


openblas = _prefer_openblas()

import mlx.core as mx  # noqa: E402
from mlx import nn  # noqa: E402

__all__ = ["mx", "nn", "openblas"]
