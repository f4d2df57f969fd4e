"""A store for other tools: one `.npz` of everything, or a folder with one for each clip."""

import io
import zipfile
from pathlib import Path
from urllib.parse import quote

import numpy as np

from mlx_voice.corpus.collate import Clip
from mlx_voice.corpus.dataset import Corpus
from mlx_voice.files import atomic, write_bytes
from mlx_voice.nn.weights import Array


def export(corpus: Corpus, out: Path) -> int:
    """Names in an `.npz` are `<id>/<feature>`; in a folder `<id>.npz` stands beside a `metadata.csv`."""
    if out.suffix == ".npz":
        with atomic(out) as file, zipfile.ZipFile(file, "w") as archive:
            for clip in corpus:
                _put(archive, clip, f"{clip.id}/")
        return len(corpus)
    lines = []
    for clip in corpus:
        name = f"{quote(clip.id, safe='')}.npz"
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            _put(archive, clip, "")
        write_bytes(out / name, data.getvalue())
        lines.append(f"{name}|{clip.header.speaker}|{clip.header.language}|{clip.text}\n")
    write_bytes(out / "metadata.csv", "".join(lines).encode())
    return len(corpus)


def _put(archive: zipfile.ZipFile, clip: Clip, prefix: str) -> None:
    for name, array in clip.features.items():
        archive.writestr(
            zipfile.ZipInfo(f"{prefix}{name}.npy"), _npy(array)
        )  # dated 1980: the same bytes always


def _npy(array: Array) -> bytes:
    data = io.BytesIO()
    np.save(data, array, allow_pickle=False)
    return data.getvalue()
