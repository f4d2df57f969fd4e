"""Checkpoints and models on disk: from official files to networks ready to run.

reader      opens a checkpoint of any kind: mapped, pickles (read as data), zips, legacy, safetensors
versions    the one table of GPT-SoVITS versions; parts: the one table of networks
convert     checkpoints -> a model folder: plans (each network's own renames), quantize, fit, install
config, manifest    what a model folder says of itself
model       opens a model folder; repair: a damaged one is set aside and made again; hub: downloads
"""

from mlx_voice.checkpoints.convert import convert
from mlx_voice.checkpoints.model import Model, open_model

__all__ = ["Model", "convert", "open_model"]
