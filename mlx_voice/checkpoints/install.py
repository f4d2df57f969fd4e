"""Model folders on disk: their names, how they come to be all at once, and how they go."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlx_voice.checkpoints import manifest
from mlx_voice.errors import InputError, ModelMissingError
from mlx_voice.files import locked, storage_error
from mlx_voice.settings import home

ASSETS = Path(__file__).parents[1] / "assets"
EMBEDDED = "mini"
DAMAGED = ".damaged"


def models_folder() -> Path:
    return home() / "models"


def named_folder(name: str) -> Path:
    """Where a model of this name is, or would be, installed."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name) or name.endswith(DAMAGED):
        raise InputError(
            f"{name!r} is no name for a model: use letters, digits, '.', '_' and '-', at most 64."
        )
    if name == EMBEDDED:
        raise InputError(f"{name!r} is the model inside the package: choose another name.")
    return models_folder() / name


def find(name_or_path: str | Path) -> Path:
    """The folder of an installed model, or of the one at a path."""
    if str(name_or_path) == EMBEDDED:
        folder = ASSETS / EMBEDDED
    elif isinstance(name_or_path, Path) or os.sep in name_or_path:
        folder = Path(name_or_path).expanduser()
    else:
        folder = named_folder(name_or_path)
    if not folder.exists():
        _put_back(folder)
    if not (folder / manifest.FILE).is_file():
        raise ModelMissingError(
            f"there is no model {str(name_or_path)!r}: `mlx-voice models list` shows what is installed, "
            "`models pull` and `models convert` bring more."
        )
    return folder


def installed() -> list[Path]:
    """Every model folder, the embedded one first."""
    folders = sorted(models_folder().glob("*")) if models_folder().is_dir() else []
    mine = [f for f in folders if not f.name.startswith(".") and not f.name.endswith(DAMAGED)]
    return [f for f in (ASSETS / EMBEDDED, *mine) if (f / manifest.FILE).is_file()]


@contextmanager
def installing(folder: Path) -> Iterator[Path]:
    """A new folder to fill: when the block ends well it becomes `folder`, otherwise nothing of it stays."""
    folder = folder.absolute()
    _demand_replaceable(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(folder.parent / _LOCK):
            _clear_leftovers(folder.parent)
            new = folder.with_name(_NEW + folder.name)
            new.mkdir()
            try:
                yield new
                _replace(folder, new)
            finally:
                shutil.rmtree(new, ignore_errors=True)
    except OSError as error:
        raise storage_error(folder, error) from error


def set_aside(folder: Path) -> Path:
    """Move a damaged model out of the way; the one set aside before it goes."""
    aside = folder.with_name(folder.name + DAMAGED)
    try:
        shutil.rmtree(aside, ignore_errors=True)
        return folder.rename(aside)
    except OSError as error:
        raise storage_error(folder, error) from error


def remove(name: str) -> Path:
    folder = find(named_folder(name))
    try:
        with locked(folder.parent / _LOCK):
            _clear_leftovers(folder.parent)
            shutil.rmtree(folder.rename(folder.with_name(_NEW + folder.name)))  # gone at once, or not at all
            shutil.rmtree(folder.with_name(folder.name + DAMAGED), ignore_errors=True)
    except OSError as error:
        raise storage_error(folder, error) from error
    return folder


_LOCK, _NEW, _OLD = "mlx-voice-installing", ".mlx-voice-new-", ".mlx-voice-old-"


def _demand_replaceable(folder: Path) -> None:
    """Outside the models folder only a model may be replaced: whatever else is there is not ours."""
    ours = folder.parent == models_folder().absolute() or (folder / manifest.FILE).is_file()
    if folder.exists() and not ours:
        raise InputError(f"{folder} exists and is no model: choose another place.")


def _replace(folder: Path, new: Path) -> None:
    old = folder.with_name(_OLD + folder.name)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _put_back(folder: Path) -> None:
    """A crash between the two renames of a replacement leaves the old model under another name."""
    old = folder.with_name(_OLD + folder.name)
    if old.is_dir():
        old.rename(folder)


def _clear_leftovers(parent: Path) -> None:
    """Of installations that died; the lock is held, so none is alive."""
    for old in parent.glob(f"{_OLD}*"):
        folder = old.with_name(old.name.removeprefix(_OLD))
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(folder)
    for new in parent.glob(f"{_NEW}*"):
        shutil.rmtree(new, ignore_errors=True)
