"""Every key of every official file is consumed or known to be useless, at full size; memory stays small."""

import subprocess
import sys
from pathlib import Path

import official_files
import pytest
from conftest import FULL

from mlx_voice.checkpoints import convert, open_model

VERSIONS = (("v2", "s1_v2"), ("v1", "s1_v1"), ("v2Pro", "s1_v2"), ("v2ProPlus", "s1_v2"))


@pytest.mark.parametrize(("version", "t2s"), VERSIONS if FULL else VERSIONS[:1])
def test_every_version(tmp_path: Path, version: str, t2s: str) -> None:
    folder = convert(
        t2s=official_files.full_t2s(tmp_path, t2s) if FULL else None,
        sovits=official_files.full_sovits(tmp_path, version),
        out=tmp_path / "model",
    )
    model = open_model(folder)
    assert model.config.version == version
    assert model.sovits is not None
    assert (model.t2s is not None) == FULL


ENCODERS = {
    "hubert": "chinese_hubert_base",
    "bert": "chinese_roberta_wwm_ext_large",
    "speaker": "eres2netv2_w24s4ep4",
}


@pytest.mark.parametrize("option", ENCODERS if FULL else ("speaker",))
def test_every_encoder(tmp_path: Path, option: str) -> None:
    model = open_model(convert(**{option: _encoder(tmp_path, option)}, out=tmp_path / "model"))  # type: ignore[arg-type]
    assert getattr(model, "content" if option == "hubert" else option) is not None


def _encoder(folder: Path, option: str) -> Path:
    state = official_files.full_state(ENCODERS[option])
    if option == "speaker":
        return official_files.write(folder / "speaker.ckpt", official_files.Ordered(state))
    return official_files.write_folder(
        folder / option, state, official_files.hugging_face_config(option, "full")
    )


MEASURED = """
import re, sys, threading, time
from pathlib import Path
from mlx_voice.checkpoints import convert
from mlx_voice.checkpoints.parts import CONVERTIBLE
for part in CONVERTIBLE:
    part.code  # imports do not count

def anonymous():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10

start = most = anonymous()
done = threading.Event()

def watch():
    global most
    while not done.wait(0.002):
        most = max(most, anonymous())

watcher = threading.Thread(target=watch)
watcher.start()
convert(**{sys.argv[1]: sys.argv[2]}, out=sys.argv[3], dtype=sys.argv[4], quantize=int(sys.argv[5]) or None)
done.set(), watcher.join()
print(most - start)
"""


OPTIONS = (("float16", "0"), ("float32", "0"), ("float16", "8"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measured in /proc")
@pytest.mark.parametrize("options", OPTIONS if FULL else OPTIONS[:1])
def test_memory_of_a_conversion(tmp_path: Path, options: tuple[str, str]) -> None:
    """Above 500 MB it grows by at most 0.3 times the file; a smaller file stands for it in `make test`."""
    option = "bert" if FULL else "hubert"
    source = _encoder(tmp_path, option)
    size = (source / "pytorch_model.bin").stat().st_size
    assert size > 500e6 or not FULL
    command = [sys.executable, "-c", MEASURED, option, str(source), str(tmp_path / "model"), *options]
    grown = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"{options}: {grown / 1e6:.0f} MB anonymous for a file of {size / 1e6:.0f} MB")
    assert grown <= 0.3 * size
