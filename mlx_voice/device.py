"""The one door to MLX: every other module says `from mlx_voice.device import mx, nn`.

On Linux MLX is linked to the reference BLAS, some fifty times slower than OpenBLAS. The dynamic linker
takes the first definition of a symbol that it finds, so an OpenBLAS loaded before MLX serves its products.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager


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
from mlx import nn, optimizers  # noqa: E402

__all__ = ["blas_threads", "mx", "nn", "openblas", "optimizers"]


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """OpenBLAS with so many threads meanwhile; nothing changes where another library multiplies."""
    if openblas is None:
        yield
        return
    library = ctypes.CDLL(openblas)
    before = library.openblas_get_num_threads()
    library.openblas_set_num_threads(count)
    try:
        yield
    finally:
        library.openblas_set_num_threads(before)
