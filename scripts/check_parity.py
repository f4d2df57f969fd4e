#!/usr/bin/env python3
"""Compare every stage of the networks with reference data, number by number.

    python scripts/check_parity.py DIR

DIR holds checkpoints in the official formats and `cases/*.npz`. The checkpoints are converted, every
stage is run in float32, and every array of every case is listed: ok (with its largest absolute and relative
error), out, or unchecked. The last line is the same as JSON. Exit code 1 when an array is out, or is
unchecked without standing on the documented list (`parity/listed.py`).
"""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mlx_voice.errors import VoiceError
from scripts.parity import decoder, features, speech, tokens
from scripts.parity.folder import Folder
from scripts.parity.known import demand_known
from scripts.parity.listed import reason
from scripts.parity.report import AbsentError, Case, MissingError

STAGES: dict[str, Callable[[Folder, Case], None]] = {
    "01_spectrogram": features.spectrograms,
    "02_hubert_codes": features.hubert,
    "03_bert": features.bert,
    "04_sampling": tokens.sampling,
    "05_t2s_prefill": tokens.prefill,
    "06_t2s_greedy": tokens.greedy,
    "07_t2s_batch": tokens.batch,
    "08_t2s_sampled": tokens.sampled,
    "10_timbre": decoder.timbre,
    "11_decode": decoder.decodes,
    "13_v2pro": decoder.decodes_pro,
    "14_v1": decoder.decodes_v1,
    "15_speaker": features.speaker,
    "16_e2e": speech.requests,
    "19_e2e_v2pro": speech.request_pro,
    "full_hubert": features.full_hubert,
    "full_bert": features.full_bert,
    "full_s1": tokens.full_t2s,
    "full_s2_v1": decoder.full_decode,
    "full_s2_v2": decoder.full_decode,
    "full_s2_v2Pro": decoder.full_decode,
    "full_s2_v2ProPlus": decoder.full_decode,
}


def run(folder: Folder, only: str | None = None) -> list[Case]:
    """All cases, or the one named, with their verdicts."""
    names = [only] if only else list(folder.cases)
    for name in names:
        case = folder.cases[name]
        case.verdicts, case.error = {}, ""
        stage = STAGES.get(name)
        if stage is None:
            continue
        try:
            stage(folder, case)
        except AbsentError as error:
            case.absent, case.error = True, str(error)
        except (VoiceError, MissingError, ValueError, TypeError, LookupError, ArithmeticError) as error:
            case.error = f"stopped: {error!r}"
        demand_known(case)
    return [folder.cases[name] for name in names]


def summary(cases: list[Case]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"ok": [], "out": [], "unchecked": [], "unlisted": []}
    for case in cases:
        for array in case.arrays:
            name, verdict = f"{case.name}/{array}", case.verdicts.get(array)
            if verdict is not None:
                found["ok" if verdict.ok else "out"].append(name)
                continue
            found["unchecked"].append(name)
            if reason(name) is None and not case.absent:
                found["unlisted"].append(name)
    return found


def lines(case: Case) -> list[str]:
    said = [f"{case.name}: {case.error}"] if case.error else []
    for array in case.arrays:
        name, verdict = f"{case.name}/{array}", case.verdicts.get(array)
        if verdict is None:
            said.append(f"unchecked  {name}  {reason(name) or case.error or 'no stage compares it'}")
        else:
            said.append(f"{'ok ' if verdict.ok else 'OUT'}        {name}  {verdict}")
    return said


def main() -> int:
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "cases").is_dir():
        sys.exit(f"{__doc__}\nGive a folder that holds checkpoints and cases.")
    with tempfile.TemporaryDirectory() as work:
        cases = run(Folder(Path(sys.argv[1]), Path(work)))
    for case in cases:
        print("\n".join(lines(case)))
    found = summary(cases)
    print(json.dumps(found))
    return 1 if found["out"] or found["unlisted"] else 0


if __name__ == "__main__":
    sys.exit(main())
