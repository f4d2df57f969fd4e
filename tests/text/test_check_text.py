"""The check of the text front ends tells right from wrong."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

DATA = Path(__file__).parents[1] / "data/text"
CASES = [json.loads(line) for line in (DATA / "cases.jsonl").read_text("utf-8").splitlines()]
CHINESE = [case for case in CASES if case["lang"] in ("zh", "yue")]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = Path(__file__).parents[2] / "scripts" / "check_text.py"
    spec = importlib.util.spec_from_file_location("check_text", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def report(script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(rows: list[dict]) -> dict[str, dict[str, float]]:
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        assert script.main([str(path)]) == 0
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return run


def test_chinese_and_cantonese_hold_what_they_promise(report: Any) -> None:
    found = report(CHINESE)
    zh, yue = found["zh"], found["yue"]
    assert zh["identical_unnoted"] >= 0.92
    assert zh["edit_rate_unnoted"] <= 0.01
    assert zh["truth_right"] == zh["truth"] == 116
    assert yue["edit_rate_unnoted"] <= 0.02


def test_one_phone_altered_shows(report: Any) -> None:
    case = next(case for case in CHINESE if case["id"] == "zh-066")
    before = report([case])
    assert before["zh"] == {
        "sentences": 1,
        "identical": 1,
        "identical_unnoted": 1.0,
        "edit_rate": 0.0,
        "edit_rate_unnoted": 0.0,
        "truth_right": 1,
        "truth": 1,
    }
    after = report([case | {"phones": [*case["phones"][:-2], "ang5", "."]}])
    assert after["zh"]["identical"] == after["zh"]["identical_unnoted"] == 0
    assert after["zh"]["edit_rate"] == round(1 / len(case["phones"]), 4)
    wrong = case["truth"][0] | {"phones": ["d", "i5"]}
    assert report([case | {"truth": [wrong]}])["zh"]["truth_right"] == 0


def test_a_noted_sentence_counts_apart(report: Any) -> None:
    case = CHINESE[0] | {"phones_note": "odd"}
    found = report([case])["zh"]
    assert (found["identical"], found["identical_unnoted"], found["edit_rate_unnoted"]) == (1, None, None)


def test_edits(script: ModuleType) -> None:
    assert script.distance("kitten", "sitting") == 3
    assert script.distance([], ["a"]) == 1
    assert script.distance(["a", "b"], ["b"]) == 1


def test_pieces_and_segments(report: Any) -> None:
    rows = [json.loads(line) for line in (DATA / "split.jsonl").read_text("utf-8").splitlines()]
    found = report([row for row in rows if row["kind"] == "sentence"])
    assert found == {"cuts": {"rows": 72, "identical": 72}}
    mixed = [row for row in rows if row["id"] in ("mix-001", "mix-004", "mix-011", "mix-024")]
    found = report(mixed)["modes"]
    assert found["rows"] == found["identical"] > 0


def test_it_wants_a_file(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main([]) == 2
    assert "Name one or more files" in capsys.readouterr().err
