"""Writes the fixtures of this folder with torch itself, once:

python -m venv /tmp/torch && /tmp/torch/bin/pip install torch==2.13.0 numpy
/tmp/torch/bin/python tests/data/checkpoints/make.py
"""

import sys
import types
from collections import OrderedDict
from pathlib import Path

import torch

HERE = Path(__file__).parent


def hparams(**fields):
    """An object of the class utils.HParams, as GPT-SoVITS trains and pickles it."""
    if "utils" not in sys.modules:
        sys.modules["utils"] = types.ModuleType("utils")
        sys.modules["utils"].HParams = type("HParams", (), {"__module__": "utils"})
    made = sys.modules["utils"].HParams()
    made.__dict__.update(fields)
    return made


def weights():
    grid = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8
    return OrderedDict(
        grid=grid,
        turned=grid.t(),  # strided
        row=grid[2],  # shares the storage
        every_other=grid[::2, 1::3],
        half=grid.half(),
        bfloat16=(grid * 1000).bfloat16(),
        double=grid.double() / 3,
        long=torch.arange(5) - 2,
        int=torch.arange(5, dtype=torch.int32),
        flags=torch.tensor([True, False, True]),
        bytes=torch.arange(3, dtype=torch.uint8),
        scalar=torch.tensor(7.5),
        nothing=torch.zeros(0, 3),
        parameter=torch.nn.Parameter(grid[:1] + 1),
    )


def main():
    config = hparams(data=hparams(sampling_rate=32000), model={"version": "v2", "rates": [10, 8]}, note=None)
    content = OrderedDict(weight=weights(), config=config, info="2epoch")
    torch.save(content, HERE / "zip.pth")
    torch.save(content, HERE / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.manual_seed(0)
    state = torch.nn.BatchNorm1d(3).state_dict()  # an OrderedDict with attributes
    torch.save(state, HERE / "state.bin")
    torch.save(state, HERE / "state_legacy.bin", _use_new_zipfile_serialization=False)


main()
