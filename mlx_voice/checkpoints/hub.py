"""The official checkpoints from the Hugging Face hub, and their conversion."""

import errno
import logging
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

from mlx_voice.checkpoints.convert import convert
from mlx_voice.checkpoints.versions import BY_NAME, HUB, LATER_NAMES
from mlx_voice.errors import InputError, NetworkError
from mlx_voice.files import storage_error

log = logging.getLogger("mlx_voice")

FOLDERS = {  # what is fetched of a Hugging Face folder
    "hubert": ("config.json", "pytorch_model.bin"),
    "bert": ("config.json", "tokenizer.json", "pytorch_model.bin"),
}
PATIENCE = 8.0  # seconds to find out whether there is a network at all
FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)


def pull(
    version: str, *, name: str | None = None, dtype: str = "float16", quantize: int | None = None
) -> Path:
    """Download an official version where it is not here yet, and convert it; returns the model's folder."""
    if version in LATER_NAMES:
        raise InputError(f"{version} is not supported yet: pull v1, v2, v2Pro or v2ProPlus.")
    if version not in BY_NAME:
        raise InputError(f"there is no official version {version!r}: pull one of {', '.join(BY_NAME)}.")
    wanted = BY_NAME[version].files
    names = {
        option: [file + inner for inner in FOLDERS[option]] if file.endswith("/") else [file]
        for option, file in wanted.items()
    }
    absent = [file for files in names.values() for file in files if not _cached(file)]
    if absent:
        _demand_network()
    paths = {option: [_fetch(file) for file in files] for option, files in names.items()}
    given = {o: files[0].parent if wanted[o].endswith("/") else files[0] for o, files in paths.items()}
    return convert(**given, name=name or version, dtype=dtype, quantize=quantize)


def _cached(file: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(HUB, file), str)


def _fetch(file: str) -> Path:
    """The file in the hub's own cache: what was broken off is resumed, and a bar shows how far it is."""
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(HUB, file, local_files_only=_cached(file)))
    except Exception as error:  # the hub's client lets the errors of whatever transport it uses through
        if isinstance(error, OSError) and error.errno in FULL_DISK:
            raise storage_error(Path(error.filename or file), error) from error
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise NetworkError(
            f"{file} could not be downloaded ({reason}): try again, it goes on from here."
        ) from error


def _demand_network() -> None:
    """The hub's client tries for half a minute before it says that there is no network; this asks first."""
    from huggingface_hub.constants import ENDPOINT, HF_HUB_OFFLINE

    if HF_HUB_OFFLINE:
        raise NetworkError(
            "the hub may not be asked while HF_HUB_OFFLINE is set: unset it, or convert local files."
        )
    answered = threading.Event()
    asking = threading.Thread(target=_connect, args=(*_address(ENDPOINT), answered), daemon=True)
    asking.start()  # in a thread, since looking a name up knows no time limit
    asking.join(PATIENCE)
    if not answered.is_set():
        raise NetworkError(
            f"{ENDPOINT} cannot be reached: check the network, or convert local files with `models convert`."
        )


def _address(endpoint: str) -> tuple[str, int]:
    """Host and port to connect to: the proxy's where there is one."""
    from urllib.request import getproxies, proxy_bypass  # slow to import, and opening a model passes here

    url = urlsplit(endpoint)
    proxy = getproxies().get(url.scheme)
    if proxy and not proxy_bypass(url.hostname or ""):
        url = urlsplit(proxy if "//" in proxy else f"//{proxy}", url.scheme)
    return url.hostname or "", url.port or (443 if url.scheme == "https" else 80)


def _connect(host: str, port: int, answered: threading.Event) -> None:
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except OSError as error:
        log.debug("no connection to %s:%d: %s", host, port, error)
    else:
        answered.set()
