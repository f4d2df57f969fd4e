"""A linear layer for products of few rows, which is what a token step consists of."""

from functools import cache

from mlx_voice.device import mx, nn, openblas

SMALL = 1_000_000  # multiplications up to which OpenBLAS multiplies without packing its operands first
FEW = 16  # rows


@cache
def blocks(rows: int, inputs: int, outputs: int) -> int:
    """Into how many blocks of outputs a product is cut so that each is small; 1 when that is no help."""
    if rows > FEW:
        return 1
    cuts = (n for n in range(1, 65) if outputs % n == 0 and rows * inputs * (outputs // n) <= SMALL)
    return next(cuts, 1)


class Linear(nn.Linear):
    """With few rows OpenBLAS packs the whole weight to use it once; cut into small blocks it does not."""

    def __call__(self, x: mx.array) -> mx.array:
        outputs, inputs = self.weight.shape
        rows = x.size // inputs
        n = blocks(rows, inputs, outputs)
        if n == 1 or openblas is None or mx.default_device() != mx.cpu:
            out: mx.array = super().__call__(x)
            return out
        weight = self.weight.reshape(n, outputs // n, inputs)
        y = (x.reshape(1, rows, inputs) @ weight.transpose(0, 2, 1)).transpose(1, 0, 2)  # [rows, n, block]
        y = y.reshape(*x.shape[:-1], outputs)
        return y + self.bias if "bias" in self else y
