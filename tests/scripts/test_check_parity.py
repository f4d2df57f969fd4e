"""The parity check on the reference's small networks: it holds, and no altered number goes unseen."""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import official_files
import pytest
from reference_weights import REFERENCE

from scripts import check_parity
from scripts.parity.decoder import speed_of
from scripts.parity.folder import Folder
from scripts.parity.report import Case, compare
from scripts.parity.speech import divided
from scripts.parity.tokens import closest, texts_of

SCRIPT = Path(check_parity.__file__)
NETWORKS = ("s1", "s2_v2", "s2_v2pro", "s2_v1", "hubert", "bert", "eres2netv2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """The small networks in the official formats, the cases that the repository keeps, all read once."""
    path = tmp_path_factory.mktemp("reference")
    official_files.tiny(path, *NETWORKS)
    (path / "cases").mkdir()
    for file in (REFERENCE / "cases").glob("[0-9]*.npz"):
        shutil.copy(file, path / "cases")
    yield Folder(path, path / "work")
    shutil.rmtree(path)


def failures(folder: Folder, name: str | None = None) -> list[str]:
    found = check_parity.summary(check_parity.run(folder, name))
    return found["out"] + found["unlisted"]


def test_every_array_holds(folder: Folder) -> None:
    cases = check_parity.run(folder)
    found = check_parity.summary(cases)
    assert not found["out"] and not found["unlisted"], found
    assert len(found["ok"]) > 200
    assert not [case.error for case in cases if case.error]


def altered(array: np.ndarray, chance: random.Random) -> np.ndarray:
    """One number changed: a whole one by 1, another by a tenth of the largest."""
    new = array.copy()
    i = chance.randrange(new.size)
    step = 1 if new.dtype.kind in "iu" and new.dtype != np.int16 else 0.1 * (np.abs(new).max() or 1)
    new.reshape(-1)[i] += np.asarray(
        step if new.reshape(-1)[i] < 0 or new.dtype != np.int16 else -step, new.dtype
    )
    return new


def test_an_altered_number_is_found(folder: Folder, count) -> None:  # type: ignore[no-untyped-def]
    """Of any array: its own case goes out, or one that is computed from it."""
    arrays = [(case.name, array) for case in folder.cases.values() for array in case.arrays]
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    chance.shuffle(arrays)
    for name, array in arrays[: count(6, 60)]:
        case = folder.cases[name]
        true = case.arrays[array]
        case.arrays[array] = altered(true, chance)
        others = [other for other in folder.cases if other != name]
        found = any(failures(folder, each) for each in (name, *others))
        case.arrays[array] = true
        assert found, f"{name}/{array} was altered, seed {seed}"


def test_the_command(tmp_path: Path) -> None:
    """Exit code and the JSON line, on the one case that needs no checkpoint."""
    (tmp_path / "cases").mkdir()
    file = tmp_path / "cases" / "04_sampling.npz"
    shutil.copy(REFERENCE / "cases" / file.name, file)
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert "04_sampling/probs" in last["ok"] and last["out"] == last["unlisted"] == []
    assert "04_sampling/q" in last["unchecked"]
    with np.load(file) as arrays:
        data = dict(arrays)
    data["probs"][3, 1, np.argmax(data["probs"][3, 1])] += 0.01
    np.savez(file, **data)
    done = run(tmp_path)
    assert done.returncode == 1
    assert json.loads(done.stdout.splitlines()[-1])["out"] == ["04_sampling/probs"]
    assert "OUT        04_sampling/probs  abs 1.0e-02" in done.stdout
    np.savez(file, **data, surprise=np.zeros(3))
    assert json.loads(run(tmp_path).stdout.splitlines()[-1])["unlisted"] == ["04_sampling/surprise"]
    assert run(tmp_path / "nowhere").returncode == 1


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True, check=False)


def test_a_stage_that_stops_is_reported(tmp_path: Path) -> None:
    """A case whose checkpoint is missing leaves its arrays unchecked, and they are on no list."""
    (tmp_path / "cases").mkdir()
    shutil.copy(REFERENCE / "cases" / "10_timbre.npz", tmp_path / "cases")
    (case,) = check_parity.run(Folder(tmp_path, tmp_path / "work"))
    assert "s2_v2.pth" in case.error and not case.verdicts
    assert len(check_parity.summary([case])["unlisted"]) == len(case.arrays)


def test_tolerances() -> None:
    one = np.ones(4, np.float32)
    assert compare("logits", one + 5e-5, one).ok and not compare("logits", one + 2e-4, one).ok
    assert compare("s100_wave", one + 5e-4, one).ok and not compare("wave16k_ref", one + 5e-4, one).ok
    pcm = np.array([1000, -1000], np.int16)
    assert compare("pcm", pcm + 33, pcm).ok and not compare("pcm", pcm + 34, pcm).ok
    assert not compare("codes", np.array([1, 3]), np.array([1, 2])).ok
    assert not compare("logits", one * np.nan, one).ok and not compare("logits", one[:3], one).ok
    never = np.array([-np.inf, 1])
    assert compare("logits", never, never).ok and not compare("logits", np.array([0, 1]), never).ok


def test_of_several_answers_the_worst_counts() -> None:
    case = Case("x", {"a": np.arange(3)})
    case.check("a", [0, 1, 2])
    case.check("a", [0, 1, 1])
    case.check("a", [0, 1, 2])
    case.check("b", [1])
    assert list(case.verdicts) == ["a"] and not case.verdicts["a"].ok


def test_a_speed_is_read_from_the_length() -> None:
    for plain in range(2, 200):
        for speed in (0.6, 0.75, 0.9, 1.1, 1.25, 1.65):
            frames = int(plain / speed) + 1
            assert frames == plain or int(plain / speed_of(plain, frames)) + 1 == frames
    assert speed_of(48, 48) == 1


def test_a_text_is_found_by_its_phones() -> None:
    """Even where one of them was altered: the comparison shall find that, not another text."""
    said = {"prompt": [5, 6, 7], "text0": [1, 2, 3, 4], "text1": [1, 2, 3, 9, 8], "en": [7, 7]}
    folder = Folder(Path(), Path())
    folder.__dict__["cases"] = {
        "03_bert": Case("03_bert", {f"{name}_phones": np.array(ids) for name, ids in said.items()})
    }
    assert texts_of(folder) == ["text0", "text1"]
    assert closest(folder, np.array([1, 2, 0, 9, 8])) == ("text1", False)
    assert closest(folder, np.array([5, 6, 7, 1, 2, 3, 5])) == ("text0", True)
    assert closest(folder, np.array([5, 6, 7, 7, 7])) == ("en", True)


def test_a_common_wave_is_divided_by_codes() -> None:
    """Samples beyond the last code, as odd kernels make them, are nobody's."""
    parts = divided(6, np.arange(20), {"text0": [1], "text1": [1, 1]})
    assert parts["text0"].tolist() == list(range(6)) and parts["text1"].tolist() == list(range(6, 18))
