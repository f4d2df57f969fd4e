"""`mlx-voice models …`: convert, pull, list, show, verify, remove."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from mlx_voice.cli.options import Json, examples, group

app = group("The models: convert, pull, list, show, verify, remove.")


class Dtype(StrEnum):
    float16 = "float16"
    float32 = "float32"


class Bits(StrEnum):
    eight = "8"
    four = "4"


DtypeOption = Annotated[Dtype, typer.Option(help="How the weights are stored.")]
BitsOption = Annotated[
    Bits | None, typer.Option(help="Pack the linear layers of T2S and BERT into so many bits.")
]


@app.command(epilog=examples("models convert --t2s s1.ckpt --sovits s2.pth --name mine --like v2"))
def convert(
    t2s: Annotated[Path, typer.Option(help="The T2S (GPT) checkpoint, .ckpt.")],
    sovits: Annotated[Path, typer.Option(help="The SoVITS checkpoint, .pth.")],
    name: Annotated[str, typer.Option(help="What to call the model.")],
    hubert: Annotated[Path | None, typer.Option(help="The folder chinese-hubert-base.")] = None,
    bert: Annotated[Path | None, typer.Option(help="The folder chinese-roberta-wwm-ext-large.")] = None,
    speaker: Annotated[Path | None, typer.Option(help="The speaker encoder of v2Pro, .ckpt.")] = None,
    like: Annotated[
        str | None, typer.Option(help="Take what is not given from the checkpoints of this installed model.")
    ] = None,
    dtype: DtypeOption = Dtype.float16,
    quantize: BitsOption = None,
) -> None:
    """Convert your own GPT-SoVITS checkpoints into a model."""
    from mlx_voice.checkpoints.convert import convert as convert_files

    bits = int(quantize) if quantize else None
    folder = convert_files(
        t2s=t2s,
        sovits=sovits,
        hubert=hubert,
        bert=bert,
        speaker=speaker,
        like=like,
        name=name,
        dtype=dtype,
        quantize=bits,
    )
    typer.echo(f"{name}: {folder}")


@app.command(epilog=examples("models pull v2Pro"))
def pull(
    version: Annotated[str, typer.Argument(help="v1, v2, v2Pro or v2ProPlus.")],
    name: Annotated[str | None, typer.Option(help="What to call the model; the version unless told.")] = None,
    dtype: DtypeOption = Dtype.float16,
    quantize: BitsOption = None,
) -> None:
    """Download an official model and convert it; what was broken off is resumed."""
    from mlx_voice.checkpoints.hub import pull as pull_version

    folder = pull_version(version, name=name, dtype=dtype, quantize=int(quantize) if quantize else None)
    typer.echo(f"{name or version}: {folder}")


@app.command("list", epilog=examples("models list"))
def list_models(as_json: Json = False) -> None:
    """Every model that is installed."""
    from mlx_voice.checkpoints.install import installed

    rows = [_summary(folder) for folder in installed()]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    elif not rows:
        typer.echo("No model is installed: `mlx-voice models pull v2` brings one.")
    for row in [] if as_json else rows:
        kind = f"{row['version']:10} {row['dtype']:9} {row['megabytes']:8.1f} MB"
        typer.echo(f"{row['name']:16} {kind}  {row['folder']}")


@app.command(epilog=examples("models show mini"))
def show(
    name: Annotated[str, typer.Argument(help="A model's name or folder.")], as_json: Json = False
) -> None:
    """What a model is, what it was made from, and what it can do."""
    from mlx_voice.checkpoints.install import find

    table = _summary(find(name)) | _details(find(name))
    if as_json:
        typer.echo(json.dumps(table, ensure_ascii=False, indent=1))
        return
    for key, value in table.items():
        if isinstance(value, dict):
            typer.echo(f"{key}:")
            for inner, text in value.items():
                typer.echo(f"  {inner:22} {text}")
        else:
            typer.echo(f"{key + ':':14} {value}")


@app.command(epilog=examples("models verify v2"))
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models to check; all of them unless told.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read every file of a model again and compare it with its checksum."""
    from mlx_voice.checkpoints.install import find, installed
    from mlx_voice.checkpoints.manifest import forget_checksums
    from mlx_voice.checkpoints.repair import damage_of

    folders = [find(name) for name in names] if names else installed()
    forget_checksums()
    found = {str(folder): damage_of(folder) for folder in folders}
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
    for folder, damage in ({} if as_json else found).items():
        typer.echo(f"{Path(folder).name}: {'; '.join(damage) or 'every file is whole'}")
    if any(found.values()):
        raise typer.Exit(1)


@app.command(epilog=examples("models remove v2"))
def remove(name: Annotated[str, typer.Argument(help="A model's name.")], as_json: Json = False) -> None:
    """Delete a model from this machine."""
    from mlx_voice.checkpoints import install

    folder = install.remove(name)
    typer.echo(json.dumps({"removed": str(folder)}) if as_json else f"{name}: removed")


def _summary(folder: Path) -> dict[str, Any]:
    from mlx_voice.checkpoints.config import ModelConfig
    from mlx_voice.errors import ModelError

    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    row: dict[str, Any] = {"name": folder.name, "version": "?", "dtype": "?"}
    row |= {"megabytes": round(size / 1e6, 1), "folder": str(folder)}
    try:
        config = ModelConfig.read(folder)
    except ModelError as error:
        return row | {"damage": str(error)}
    return row | {"version": config.version, "dtype": config.dtype}


def _details(folder: Path) -> dict[str, Any]:
    from mlx_voice.checkpoints.config import ModelConfig
    from mlx_voice.checkpoints.manifest import Manifest

    config, manifest = ModelConfig.read(folder), Manifest.read(folder)
    return {
        "symbols": config.symbols,
        "layout": config.layout,
        "max_seconds": config.max_seconds,
        "quantize": manifest.quantize,
        "converter": manifest.converter,
        "parts": {name: f"{record.size / 1e6:.1f} MB" for name, record in manifest.files.items()},
        "sources": {option: source.path for option, source in manifest.sources.items()},
        "sizes": {name: json.dumps(sizes) for name, sizes in config.networks.items()},
    }
