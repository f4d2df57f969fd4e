"""The decoder: semantic codes, phones and a speaker -> sound."""

from mlx_voice.models.sovits.config import SoVITSConfig, config_from_checkpoint
from mlx_voice.models.sovits.model import SoVITS
from mlx_voice.models.sovits.prior import Prior
from mlx_voice.models.sovits.renames import UNUSED, renames
from mlx_voice.models.sovits.style import fitted

__all__ = ["UNUSED", "Prior", "SoVITS", "SoVITSConfig", "config_from_checkpoint", "fitted", "renames"]
