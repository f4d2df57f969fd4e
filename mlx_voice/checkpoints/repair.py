"""A model folder that can be trusted: found, checked, and made again when it is damaged."""

import logging
from pathlib import Path

from mlx_voice.checkpoints import hub, install
from mlx_voice.checkpoints.config import ModelConfig
from mlx_voice.checkpoints.convert import convert
from mlx_voice.checkpoints.manifest import Manifest
from mlx_voice.checkpoints.versions import BY_NAME
from mlx_voice.errors import ModelError, ModelMissingError

log = logging.getLogger("mlx_voice")


def sound_folder(name_or_path: str | Path) -> Path:
    """The model's folder, every file of it checked; from the next source where that fails."""
    try:
        folder = install.find(name_or_path)
    except ModelMissingError:
        if str(name_or_path) not in BY_NAME:
            raise
        log.warning("the model %s is not installed yet: it is downloaded and converted now", name_or_path)
        return hub.pull(str(name_or_path))
    damage = damage_of(folder)
    return _made_again(folder, damage) if damage else folder


def damage_of(folder: Path) -> list[str]:
    """What is wrong with a model folder, one phrase each."""
    try:
        manifest = Manifest.read(folder)
        damage = list(manifest.damage(folder))
        if not damage:
            ModelConfig.read(folder)
    except ModelError as error:
        return [str(error).removesuffix(".")]
    return damage


def _made_again(folder: Path, damage: list[str]) -> Path:
    """Set the damaged model aside and convert it again, from its own sources or from the hub."""
    if install.ASSETS in folder.parents:
        raise ModelError(f"the embedded model is damaged ({damage[0]}): install mlx-voice again.")
    manifest = _manifest(folder)
    aside = install.set_aside(folder)
    said = f"the model {folder.name} cannot be used ({damage[0]}) and was set aside as {aside}"
    if manifest and all(source.at_hand() for source in manifest.sources.values()):
        log.warning("%s; it is converted again from its source", said)
        given = {option: source.path for option, source in manifest.sources.items()}
        name, dtype, bits = manifest.name, manifest.dtype, manifest.quantize
        return convert(**given, name=name, out=folder, dtype=dtype, quantize=bits)
    if folder.parent == install.models_folder() and _is_official(folder.name, manifest):
        log.warning("%s; it is downloaded again", said)
        dtype, bits = (manifest.dtype, manifest.quantize) if manifest else ("float16", None)
        return hub.pull(folder.name, dtype=dtype, quantize=bits)
    raise ModelError(f"{said}, and its checkpoints have moved or changed: convert it again.")


def _is_official(name: str, manifest: Manifest | None) -> bool:
    """Whether the hub has it: somebody's own voice under an official name must not become another's."""
    official = BY_NAME[name].files if name in BY_NAME else {}
    made_of = manifest.sources if manifest else {}
    return bool(official) and all(
        option in official and Path(source.path).name == Path(official[option]).name
        for option, source in made_of.items()
    )


def _manifest(folder: Path) -> Manifest | None:
    try:
        return Manifest.read(folder)
    except ModelError:
        return None
