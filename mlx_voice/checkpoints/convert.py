"""Official checkpoints -> a model folder that loads as it lies."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mlx_voice.checkpoints import install, parts, versions
from mlx_voice.checkpoints.config import DTYPES, Content, ModelConfig, Quantization, Reference
from mlx_voice.checkpoints.manifest import Manifest, Record, Source, record_of, remember
from mlx_voice.checkpoints.mapped import one_line
from mlx_voice.checkpoints.plans import NOT_AS_EXPECTED, Planned, plan
from mlx_voice.checkpoints.quantize import BITS, GROUP, linear_paths, quantized
from mlx_voice.checkpoints.reader import Checkpoint, open_checkpoint, read_json
from mlx_voice.checkpoints.safetensors import write_safetensors
from mlx_voice.errors import CheckpointError, InputError
from mlx_voice.files import atomic, write_bytes

log = logging.getLogger("mlx_voice")

TOKENIZER = "tokenizer.json"
Where = Path | str | None


def convert(
    *,
    t2s: Where = None,
    sovits: Where = None,
    hubert: Where = None,
    bert: Where = None,
    speaker: Where = None,
    like: Where = None,
    name: str | None = None,
    out: Where = None,
    dtype: str = "float16",
    quantize: int | None = None,
) -> Path:
    """Convert what is given into the model `name`, or into the folder `out`; returns the folder.

    What is not given is converted from the checkpoints that the model `like` was made from. Nothing is
    installed unless everything fits: the folder appears whole, at the end.
    """
    folder = _destination(name, out, dtype, quantize)
    given = {"t2s": t2s, "sovits": sovits, "hubert": hubert, "bert": bert, "speaker": speaker}
    others = Manifest.read(install.find(like)).sources if like else {}
    paths = {o: path or others[o].path for o, path in given.items() if path or o in others}
    if not paths:
        raise InputError("there is nothing to convert: give at least a T2S and a SoVITS checkpoint.")
    checkpoints = {option: open_checkpoint(path) for option, path in paths.items()}
    planned = _planned(checkpoints)
    config = _config(name or folder.name, {p.part.option: p for p in planned}, dtype, quantize)
    with install.installing(folder) as new:
        files = {}
        for p in planned:
            log.info("converting %s", p.checkpoint.path)
            files[p.part.file] = _write(new, p, np.dtype(dtype), quantize if p.part.quantizable else None)
        if "bert" in checkpoints:
            files[TOKENIZER] = _copy_tokenizer(checkpoints["bert"], new)
        config.write(new)
        files["config.json"] = record_of(new / "config.json")
        sources = {option: _source(checkpoint) for option, checkpoint in checkpoints.items()}
        Manifest(config.name, files, sources, dtype, quantize).write(new)
    for file, record in files.items():
        remember(folder / file, record.sha256)
    return folder


def _destination(name: str | None, out: Where, dtype: str, quantize: int | None) -> Path:
    if dtype not in DTYPES or quantize not in (None, *BITS):
        raise InputError(
            "a model is stored in float16 or float32, and quantized to 8 or 4 bits or not at all."
        )
    if out is not None:
        return Path(out)
    if name is None:
        raise InputError("a converted model needs a name: give one with --name.")
    return install.named_folder(name)


def _planned(checkpoints: dict[str, Checkpoint]) -> list[Planned]:
    if "sovits" in checkpoints:
        versions.demand_supported(checkpoints["sovits"])
    return [plan(p, checkpoints[p.option]) for p in parts.CONVERTIBLE if p.option in checkpoints]


def _config(name: str, planned: dict[str, Planned], dtype: str, quantize: int | None) -> ModelConfig:
    version = versions.detect(planned["sovits"].checkpoint) if "sovits" in planned else None
    if version and "t2s" in planned:
        _demand_belong(version, planned["t2s"], planned["sovits"])
    networks = {p.part.name: p.fields for p in planned.values()}
    table: dict[str, Any] = {}
    with _readable(planned):
        if "t2s" in planned:
            table["max_seconds"] = _max_seconds(planned["t2s"])
        elif version:
            table["max_seconds"] = version.max_seconds
        if "sovits" in planned:
            table["reference"] = _reference(planned["sovits"])
    if "hubert" in planned:
        table["content"] = Content("hubert")
    packed = {
        p.part.name: Quantization(quantize, GROUP)
        for p in planned.values()
        if quantize and p.part.quantizable
    }
    return ModelConfig(
        name=name,
        version=version.name if version else "",
        symbols=version.symbols if version else "v2",
        dtype=dtype,
        networks=networks,
        quantization=packed,
        **table,
    )


@contextmanager
def _readable(planned: dict[str, Planned]) -> Iterator[None]:
    try:
        yield
    except NOT_AS_EXPECTED as error:
        names = " and ".join(str(p.checkpoint.path) for p in planned.values())
        raise CheckpointError(f"the configuration of {names} cannot be used: export it again.") from error


def _reference(sovits: Planned) -> Reference:
    data = sovits.checkpoint.config["data"]
    bins = sovits.checkpoint.state["ref_enc.spectral.0.fc.weight"].shape[1]
    rate, n_fft, hop = (int(data[key]) for key in ("sampling_rate", "filter_length", "hop_length"))
    if not (0 < hop <= n_fft <= rate <= 192_000 and bins <= n_fft // 2 + 1):
        raise ValueError("a spectrogram that cannot be")
    return Reference(rate, n_fft, hop, bins)


def _max_seconds(t2s: Planned) -> float:
    seconds = float(t2s.checkpoint.config["data"]["max_sec"])
    if not 0 < seconds <= 3600:
        raise ValueError("a length that cannot be")
    return seconds


def _demand_belong(version: versions.Version, t2s: Planned, sovits: Planned) -> None:
    """A T2S of other symbols or codes than the SoVITS would speak gibberish."""
    rows = t2s.config.phones
    others = {v.rows for v in versions.VERSIONS} - {version.rows}
    codebook = sovits.checkpoint.state["quantizer.vq.layers.0._codebook.embed"].shape[0]
    if rows < version.rows or rows in others or t2s.config.end != codebook:
        raise t2s.checkpoint.error(
            f"has {rows} phones and {t2s.config.end} codes, which does not fit the {version.name} model "
            f"{sovits.checkpoint.path}: give two checkpoints of one version"
        )


def _write(folder: Path, planned: Planned, dtype: "np.dtype[Any]", bits: int | None) -> Record:
    weights, dtypes = planned.weights, {}
    if bits:
        weights = quantized(weights, linear_paths(planned.part.build(planned.config)), bits, dtype)
        dtypes = {
            key: np.dtype(np.uint32) for key in weights if f"{key.removesuffix('.weight')}.scales" in weights
        }
    weights = dict(sorted(weights.items()))
    path = folder / planned.part.file
    with atomic(path) as file:
        try:
            digest = write_safetensors(file, weights, {key: dtypes.get(key, dtype) for key in weights})
        except (ValueError, MemoryError) as error:
            raise planned.checkpoint.error(f"cannot be converted, since {one_line(error)}") from error
    planned.demand_all_read()
    return Record(path.stat().st_size, digest)


def _copy_tokenizer(bert: Checkpoint, folder: Path) -> Record:
    path = bert.path / TOKENIZER
    if "model" not in read_json(path):
        raise CheckpointError(f"{path} describes no tokenizer: download it again.")
    write_bytes(folder / TOKENIZER, path.read_bytes())
    return record_of(folder / TOKENIZER)


def _source(checkpoint: Checkpoint) -> Source:
    files = {str(path.absolute()): record_of(path) for path in checkpoint.files}
    return Source(
        str(checkpoint.path.absolute()), files
    )  # not resolved: the hub's cache links to nameless files
