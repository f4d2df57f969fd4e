"""A folder as `make_checkpoints.py` writes it: checkpoints in the official formats, and cases."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mlx_voice.audio import Samples, read
from mlx_voice.checkpoints.convert import convert
from mlx_voice.checkpoints.model import Model, open_model
from scripts.parity.report import AbsentError, Case, MissingError

T2S, HUBERT, BERT, SPEAKER = "s1.ckpt", "hubert", "bert", "eres2netv2.ckpt"


class Folder:
    """The networks are converted when a stage first asks for them, into `work`, and loaded in float32."""

    def __init__(self, path: Path, work: Path) -> None:
        self.path, self.work = path, work
        self._converted: dict[str, Model] = {}
        self._memory: dict[Any, Any] = {}

    @cached_property
    def cases(self) -> dict[str, Case]:
        """By name without its number: the stages refer to one another."""
        found = {}
        for file in sorted((self.path / "cases").glob("*.npz")):
            with np.load(file) as arrays:
                found[file.stem] = Case(file.stem, dict(arrays))
        return found

    def case(self, name: str) -> Case:
        return self.cases.get(name) or Case(name, {})

    def wave_file(self, name: str) -> Samples | None:
        file = self.path / "audio" / f"{name}.wav"
        return read(file)[0] if file.is_file() else None

    @property
    def t2s(self) -> Any:
        return self._model("t2s", T2S).t2s

    @property
    def max_seconds(self) -> float:
        return self._model("t2s", T2S).config.max_seconds

    @property
    def hubert(self) -> Any:
        return self._model("hubert", HUBERT).content

    @property
    def hubert_model(self) -> Model:
        return self._model("hubert", HUBERT)

    @property
    def bert(self) -> Any:
        return self._model("bert", BERT).bert

    @property
    def tokenizer(self) -> Any:
        return self._model("bert", BERT).tokenizer

    @property
    def speaker(self) -> Any:
        if not (self.path / SPEAKER).is_file():
            raise AbsentError(f"there is no {SPEAKER}")
        return self._model("speaker", SPEAKER).speaker

    def sovits(self, version: str) -> Model:
        """The decoder in `s2_VERSION.pth`, whatever the case of its letters."""
        wanted = f"s2_{version}.pth".lower()
        files = [file.name for file in self.path.glob("s2_*.pth") if file.name.lower() == wanted]
        if not files:
            raise (AbsentError if version == "v1" else MissingError)(f"there is no {wanted}")
        return self._model("sovits", files[0])

    def _model(self, kind: str, file: str) -> Model:
        if file not in self._converted:
            out = self.work / Path(file).stem
            convert(**{kind: self.path / file}, out=out, dtype="float32")  # type: ignore[arg-type]
            self._converted[file] = open_model(out, dtype="float32")
        return self._converted[file]
