"""A recording becomes a voice, or nothing happens."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlx_voice.audio import read, write
from mlx_voice.checkpoints import open_model
from mlx_voice.errors import AudioError, InputError
from mlx_voice.voices import adding
from mlx_voice.voices.adding import Recording
from mlx_voice.voices.registry import Registry, faults
from mlx_voice.voices.tiers import Tiers

TEXT = "今天天气很好，我们去公园。"


@pytest.fixture
def tiers(tiny_model: Path) -> Tiers:
    return Tiers(open_model(tiny_model), Registry())


def test_what_was_told_is_stored(tiers: Tiers, recording: Path, own_home: Path) -> None:
    told = Recording(
        recording, f" {TEXT} ", aliases=("zh",), license="CC0", consent="my own voice", speed_factor=1.1
    )
    voice, advice = adding.add(tiers, "anna", told)
    entry = json.loads((own_home / "voices.json").read_text())["voices"]["anna"]
    assert (entry["ref_text"], entry["language"], entry["aliases"]) == (TEXT, "zh", ["zh"])
    assert (entry["license"], entry["consent"], entry["source"]) == ("CC0", "my own voice", "not stated")
    assert (entry["speed_factor"], entry["slot"]) == (1.1, False)
    assert entry["codes_path"] == "voices/anna/codes.bin"
    (codes,) = entry["features"]["codes"].values()
    assert (codes["path"], codes["count"]) == ("voices/anna/codes.bin", 94)
    stored = np.fromfile(own_home / "voices/anna/codes.bin", "<i4")
    assert np.array_equal(stored, tiers.codes(tiers.source(voice)))
    mel = entry["features"]["mel"]["704"]
    assert {k: mel[k] for k in ("frames", "sample_rate", "n_fft", "hop")} == {
        "frames": 160, "sample_rate": 32000, "n_fft": 2048, "hop": 640,
    }  # fmt: skip
    assert np.fromfile(own_home / "voices/anna/mel.bin", "<f4").reshape(704, 160).min() > 0
    assert faults(voice) == []
    assert isinstance(advice, tuple)


def test_a_long_clip_is_cut_and_stored_as_it_is_used(tiers: Tiers, recording: Path, tmp_path: Path) -> None:
    samples, rate = read(recording)
    pause = np.zeros(rate, np.float32)
    write(
        tmp_path / "long.flac", np.concatenate([pause, pause, samples, samples, pause, samples, pause]), rate
    )
    voice, advice = adding.add(tiers, "long", Recording(tmp_path / "long.flac", TEXT))
    assert "is used" in advice[0]
    stored, _ = read(voice.path("voices/long/reference.wav"))
    assert 3 * rate <= len(stored) <= 10 * rate
    voice, _ = adding.add(tiers, "part", Recording(tmp_path / "long.flac", TEXT, window=(2.0, 5.0)))
    stored, _ = read(voice.path("voices/part/reference.wav"))
    assert np.abs(stored - samples[: 3 * rate]).max() < 1e-4


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"text": "  "}, "needs the text"),
        ({"language": "tlh"}, "tlh"),
        ({"aliases": ("a:b",)}, "a:b"),
        ({"path": Path("none.wav")}, "none.wav"),
        ({"window": (1.0, 99.0)}, "window"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    tiers: Tiers, recording: Path, own_home: Path, change: dict[str, object], complaint: str
) -> None:
    keys: dict[str, object] = {"path": recording, "text": TEXT, **change}
    with pytest.raises((InputError, AudioError), match=complaint):
        adding.add(tiers, "anna", Recording(**keys))  # type: ignore[arg-type]
    assert not (own_home / "voices.json").exists()
    assert not (own_home / "voices").exists()


def test_a_taken_name_is_refused_before_anything_is_heard(
    tiers: Tiers, recording: Path, tmp_path: Path
) -> None:
    adding.add(tiers, "anna", Recording(recording, TEXT))
    with pytest.raises(InputError, match="--replace"):
        adding.add(tiers, "anna", Recording(tmp_path / "none.wav", TEXT))


def test_the_script_adds_to_the_file_that_it_is_told(
    recording: Path, tiny_model: Path, tmp_path: Path
) -> None:
    script = Path(__file__).parents[2] / "scripts/extract_codes.py"
    target = tmp_path / "ships" / "voices.json"
    options = ["--text", TEXT, "--model", str(tiny_model), "--voices", str(target)]
    result = subprocess.run(
        [sys.executable, str(script), "anna", str(recording), *options],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "94 codes" in result.stdout
    assert faults(Registry(target).find("anna")) == []
    assert (target.parent / "voices/anna/codes.bin").stat().st_size == 4 * 94
