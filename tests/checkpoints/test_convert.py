"""Official checkpoints become a model folder that loads strictly, or nothing happens at all."""

import json
from pathlib import Path
from typing import Any

import hostile_files
import numpy as np
import official_files
import pytest
import reference_weights
import torch_files
from safetensors.numpy import load_file

from mlx_voice.checkpoints import convert, open_model
from mlx_voice.checkpoints.load import load_part
from mlx_voice.checkpoints.parts import T2S
from mlx_voice.checkpoints.quantize import keep_quantized, linear_paths
from mlx_voice.checkpoints.reader import open_checkpoint
from mlx_voice.checkpoints.versions import detect
from mlx_voice.device import mx
from mlx_voice.errors import CheckpointError, InputError


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tiny")
    return official_files.tiny(folder, "s1", "s2_v1", "s2_v2", "s2_v2pro", "hubert", "bert")


def test_a_whole_model(tiny: dict[str, Path], own_home: Path) -> None:
    folder = convert(
        t2s=tiny["s1"],
        sovits=tiny["s2_v2"],
        hubert=tiny["hubert"],
        bert=tiny["bert"],
        name="mine",
        dtype="float32",
    )
    assert folder == own_home / "models" / "mine"
    assert sorted(p.name for p in folder.iterdir()) == [
        "bert.safetensors", "config.json", "content.safetensors", "manifest.json",
        "sovits.safetensors", "t2s.safetensors", "tokenizer.json",
    ]  # fmt: skip
    model = open_model("mine")
    assert model.loaded() == []
    for part in ("t2s", "sovits", "content", "bert"):
        assert getattr(model, part) is getattr(model, part)
    assert model.loaded() == ["bert", "content", "sovits", "t2s"]
    assert (model.speaker, model.duration) == (None, None)
    assert model.tokenizer is not None and model.tokenizer.get_vocab_size() > 0
    model.release("t2s")
    assert "t2s" not in model.loaded()
    assert (model.config.version, model.config.symbols, model.config.max_seconds) == ("v2", "v2", 1)
    assert model.config.reference is not None and model.config.reference.bins == 704
    state = reference_weights.state("s1")
    kept = np.array(model.t2s.layers[0].linear1.weight)
    assert np.array_equal(kept, state["model.h.layers.0.linear1.weight"].astype(np.float32))


@pytest.mark.parametrize(("name", "version", "bins"), [("s2_v1", "v1", 1025), ("s2_v2pro", "v2Pro", 704)])
def test_the_version_is_read_from_the_shapes(
    tiny: dict[str, Path], tmp_path: Path, name: str, version: str, bins: int
) -> None:
    model = open_model(convert(sovits=tiny[name], hubert=tiny["hubert"], out=tmp_path / "m"))
    assert model.config.version == version
    assert model.config.reference is not None and model.config.reference.bins == bins
    assert model.sovits is not None and model.t2s is None


def test_voices_codes_belong_to_the_weights_that_made_them(tiny: dict[str, Path], tmp_path: Path) -> None:
    """Not to a model's name: two models with the same content encoder and codebook share them."""
    one = convert(sovits=tiny["s2_v2"], hubert=tiny["hubert"], out=tmp_path / "one")
    two = convert(sovits=tiny["s2_v2"], hubert=tiny["hubert"], t2s=tiny["s1"], out=tmp_path / "two")
    other = convert(sovits=tiny["s2_v2pro"], hubert=tiny["hubert"], out=tmp_path / "other")
    assert open_model(one).encoder_id == open_model(two).encoder_id != open_model(other).encoder_id
    assert open_model(one).part_hash("content") == open_model(other).part_hash("content")


def test_the_same_input_gives_the_same_bytes(tiny: dict[str, Path], tmp_path: Path) -> None:
    one, two = (convert(t2s=tiny["s1"], sovits=tiny["s2_v2"], out=tmp_path / n / "m") for n in "ab")
    for name in ("t2s.safetensors", "sovits.safetensors", "config.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_what_is_not_given_is_taken_from_another_model(tiny: dict[str, Path]) -> None:
    convert(t2s=tiny["s1"], sovits=tiny["s2_v2"], hubert=tiny["hubert"], bert=tiny["bert"], name="base")
    folder = convert(sovits=tiny["s2_v2pro"], name="mine", like="base", dtype="float32")
    model = open_model("mine")
    assert (model.config.version, model.config.dtype) == ("v2Pro", "float32")
    assert {"t2s.safetensors", "content.safetensors", "bert.safetensors"} <= {
        p.name for p in folder.iterdir()
    }
    assert model.manifest.sources["bert"] == open_model("base").manifest.sources["bert"]


def test_dtype(tiny: dict[str, Path], tmp_path: Path) -> None:
    folder = convert(t2s=tiny["s1"], out=tmp_path / "m")
    assert {a.dtype for a in load_file(folder / "t2s.safetensors").values()} == {np.dtype(np.float16)}
    assert open_model(folder, "float16").t2s.head.weight.dtype == mx.float16
    assert open_model(folder, "float32").t2s.head.weight.dtype == mx.float32
    with pytest.raises(InputError, match="float16 or float32"):
        convert(t2s=tiny["s1"], out=tmp_path / "n", dtype="int8")
    with pytest.raises(InputError, match="not in bfloat16"):
        open_model(folder, "bfloat16")


@pytest.mark.parametrize(("bits", "error"), [(8, 0.01), (4, 0.15)])
def test_quantized_layers_are_close_and_smaller(
    tiny: dict[str, Path], tmp_path: Path, bits: int, error: float
) -> None:
    plain = open_model(convert(t2s=tiny["s1"], out=tmp_path / "plain"))
    packed = open_model(convert(t2s=tiny["s1"], bert=tiny["bert"], out=tmp_path / "packed", quantize=bits))
    assert packed.config.quantization["t2s"].bits == packed.config.quantization["bert"].bits == bits
    name = "t2s.safetensors"
    assert (packed.folder / name).stat().st_size < 0.9 * (plain.folder / name).stat().st_size
    wanted, found = plain.t2s.layers[1].linear1.weight, packed.t2s.layers[1].linear1.weight
    assert mx.abs(wanted - found).max() < error * mx.abs(wanted).max()
    assert np.array_equal(plain.t2s.text_embedding.weight, packed.t2s.text_embedding.weight)


def test_quantized_layers_stay_packed_off_the_cpu(tiny: dict[str, Path], tmp_path: Path) -> None:
    model = open_model(convert(t2s=tiny["s1"], out=tmp_path / "m", quantize=8))
    dense = load_part(model.folder, model.config, T2S, "float32")
    network = T2S.build(T2S.configured(model.config.networks["t2s"]))
    weights: Any = mx.load(str(model.folder / T2S.file))
    keep_quantized(network, weights, 8, 64)
    network.load_weights(list(weights.items()), strict=True)
    assert len(linear_paths(dense)) == sum(f"{path}.scales" in weights for path in linear_paths(dense))
    x = mx.random.normal((3, 64))
    assert mx.abs(network.head(x) - dense.head(x)).max() < 1e-2


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "a T2S given as SoVITS": ({"sovits": "s1"}, r"is a T2S \(GPT\) checkpoint and was given as --sovits"),
    "a SoVITS given as T2S": ({"t2s": "s2_v2"}, "is a SoVITS checkpoint and was given as --t2s"),
    "a BERT given as HuBERT": ({"hubert": "bert"}, "is a BERT checkpoint and was given as --hubert"),
    "a T2S of v2 with a SoVITS of v1": (
        {"t2s": "s1", "sovits": "s2_v1"},
        "give two checkpoints of one version",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_checkpoints_in_the_wrong_place(tiny: dict[str, Path], own_home: Path, what: str) -> None:
    given, words = WRONG[what]
    with pytest.raises(CheckpointError, match=words):
        convert(**{option: tiny[name] for option, name in given.items()}, name="wrong")
    assert not (own_home / "models").exists()


@pytest.mark.parametrize("sign", ["keys", "name", "02", "03", "04"])
def test_later_versions_are_refused_by_name(tmp_path: Path, sign: str) -> None:
    weight: dict[str, Any] = {"enc_p.text_embedding.weight": np.zeros((732, 192), np.float16)}
    if sign == "keys":
        weight["cfm.estimator.x"] = np.zeros(1)
    config = {"model": {"version": "v3" if sign == "name" else "v2"}}
    head = sign.encode() if sign.isdigit() else b"PK"
    path = official_files.write(tmp_path / "x.pth", {"weight": weight, "config": config}, head)
    with pytest.raises(CheckpointError, match=r"is a v[34].* model, which is not supported yet"):
        convert(sovits=path, name="later")


@pytest.mark.parametrize(("width", "byte", "said", "version"), [
    (512, b"PK", "v2", "v2Pro"), (768, b"PK", "v2Pro", "v2ProPlus"), (768, b"05", "v2Pro", "v2ProPlus"),
    (32, b"06", "v2Pro", "v2ProPlus"), (32, b"05", "v2ProPlus", "v2Pro"),
    (32, b"PK", "v2ProPlus", "v2ProPlus"), (32, b"PK", "v2", "v2Pro"),
])  # fmt: skip
def test_pro_and_plus(tmp_path: Path, width: int, byte: bytes, said: str, version: str) -> None:
    """Shapes tell first; where they are nobody's, the version byte, then the configuration."""
    shapes = {
        "enc_p.text_embedding.weight": (732, 2),
        "sv_emb.weight": (1, 1),
        "dec.conv_pre.weight": (width, 1, 1),
    }
    weight = {key: np.zeros(shape, np.float16) for key, shape in shapes.items()}
    path = official_files.write(
        tmp_path / "x", {"weight": weight, "config": {"model": {"version": said}}}, byte
    )
    assert detect(open_checkpoint(path)).name == version


@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", "a/b", "..", ".", "", ".hidden", "a" * 65, "mini", "x.damaged"]
)
def test_names_stay_inside_the_models_folder(tmp_path: Path, own_home: Path, name: str) -> None:
    path = tmp_path / "x.ckpt"
    path.write_bytes(hostile_files.sound())
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError):
        convert(t2s=path, name=name)
    assert sorted(tmp_path.rglob("*")) == before
    assert not own_home.exists()


def test_nothing_given() -> None:
    with pytest.raises(InputError, match="nothing to convert"):
        convert(name="empty")
    with pytest.raises(InputError, match="needs a name"):
        convert(t2s="x.ckpt")


def test_a_tokenizer_is_needed_with_bert(tiny: dict[str, Path], tmp_path: Path, own_home: Path) -> None:
    for name in ("config.json", "pytorch_model.bin"):
        (tmp_path / "bert").mkdir(exist_ok=True)
        (tmp_path / "bert" / name).symlink_to(tiny["bert"] / name)
    with pytest.raises(CheckpointError, match=r"tokenizer\.json does not exist"):
        convert(bert=tmp_path / "bert", name="b")
    assert not list((own_home / "models").glob("[!.]*"))


def test_sharded_and_safetensors_sources_give_the_same_model(tiny: dict[str, Path], tmp_path: Path) -> None:
    state, folder = reference_weights.state("hubert"), tmp_path / "hubert"
    folder.mkdir()
    (folder / "config.json").write_bytes((tiny["hubert"] / "config.json").read_bytes())
    places = {key: f"part-{i % 3}.bin" for i, key in enumerate(state)}
    for name in set(places.values()):
        official_files.write(
            folder / name, torch_files.Ordered({k: v for k, v in state.items() if places[k] == name})
        )
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": places}))
    one, two = (
        convert(hubert=tiny["hubert"], out=tmp_path / "one"),
        convert(hubert=folder, out=tmp_path / "two"),
    )
    assert (one / "content.safetensors").read_bytes() == (two / "content.safetensors").read_bytes()
