"""Which phone a code says: the model's own ear, asked about its codewords.

The phone head of the content encoder hears features; a codeword is two neighbouring ones through `ssl_proj`.
The feature that would give the codeword, if it came twice, is what the head is asked about.
"""

from typing import TYPE_CHECKING

import numpy as np

from mlx_voice.device import mx
from mlx_voice.nn.weights import Array

if TYPE_CHECKING:
    from mlx_voice.checkpoints import Model

WITH_HEAD = "content"  # the kind of content encoder
DAMPING = 0.01  # of the mean square of the projection: directions that it hardly hears stay small


def phone_table(model: "Model") -> Array | None:
    """[codes, phones], rows sum to 1; None where the content encoder has no phone head."""
    if model.config.content is None or model.config.content.kind != WITH_HEAD:
        return None
    sovits, head = model.sovits, model.content.head
    projection = _float(sovits.ssl_proj.weight).sum(axis=0)  # [features, features] of one that comes twice
    square = projection @ projection.T
    square += DAMPING * np.trace(square) / len(square) * np.eye(len(square))
    words = _float(sovits.codebook.weight) - _float(sovits.ssl_proj.bias)
    features = words @ np.linalg.solve(square, projection).T
    scores = features @ _float(head.weight).T + _float(head.bias)
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    table: Array = chances / chances.sum(axis=1, keepdims=True)
    return table


def _float(weight: mx.array) -> Array:
    return np.array(weight.astype(mx.float32)).astype(np.float64)
