"""One network from its file: lazily mapped, strictly fitted, in the dtype that is asked for."""

from pathlib import Path

from mlx_voice.checkpoints.config import ModelConfig
from mlx_voice.checkpoints.fit import demand_fit, shapes_of
from mlx_voice.checkpoints.parts import Part
from mlx_voice.checkpoints.plans import NOT_AS_EXPECTED
from mlx_voice.checkpoints.quantize import dequantized, keep_quantized
from mlx_voice.device import mx, nn
from mlx_voice.errors import ModelError

DTYPES = {"float16": mx.float16, "float32": mx.float32}


def load_part(folder: Path, config: ModelConfig, part: Part, dtype: str) -> nn.Module:
    try:
        network = part.build(part.configured(config.networks[part.name]))
    except NOT_AS_EXPECTED as error:
        raise ModelError(
            f"config.json in {folder} describes no {part.title} ({error}): convert it again."
        ) from error
    path = folder / part.file
    weights = _weights(path)
    if packed := config.quantization.get(part.name):
        if mx.default_device().type == mx.DeviceType.cpu:
            weights = dequantized(weights, packed.bits, packed.group_size)
        else:
            keep_quantized(network, weights, packed.bits, packed.group_size)
    given = {key: tuple(array.shape) for key, array in weights.items()}
    demand_fit(shapes_of(network), given, path, "convert or pull the model again")
    wanted = DTYPES[dtype]
    cast = [(k, a.astype(wanted) if a.dtype in DTYPES.values() else a) for k, a in weights.items()]
    network.load_weights(cast)
    network.eval()
    mx.eval(network.parameters())  # here, in the thread that asked: lazy arrays belong to a thread
    return network


def _weights(path: Path) -> dict[str, mx.array]:
    try:
        weights = mx.load(str(path))
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"{path} cannot be loaded ({error}): convert or pull the model again.") from error
    assert isinstance(weights, dict)
    return weights
