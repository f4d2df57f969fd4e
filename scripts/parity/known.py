"""Inputs that no output vouches for, in the reference sets that we know.

An unlikely code's noise or a stop that is never reached may be altered without any result changing. So where
the array computed from it (the witness) is a known set's, the input must be that set's as well. A set with
other numbers is judged by its results alone.
"""

import hashlib
import json
from pathlib import Path

from scripts.parity.report import Array, Case

FILE = Path(__file__).with_name("known_inputs.json")
WITNESSES = {  # case -> ending of an input's name -> ending of its witness's
    "04_sampling": {"prev": "probs", "settings": "probs", "q": "drawn"},
    "05_t2s_prefill": {"teacher_tokens": "teacher_logits"},
    "06_t2s_greedy": {"_args": "_gap"},
    "08_t2s_sampled": {"_q": "_gap"},
    "full_s1": {"phones": "hidden", "prompt": "hidden", "bert": "hidden", "teacher_tokens": "hidden"},
    "full_s2_v2": {"ssl": "ssl_codes"},
    "full_s2_v2Pro": {"ssl": "ssl_codes"},
}


def sum_of(array: Array) -> str:
    return hashlib.sha256(f"{array.dtype} {array.shape}".encode() + array.tobytes()).hexdigest()[:16]


def pairs(case: Case) -> list[tuple[str, str]]:
    """Inputs of a case and their witnesses."""
    found = []
    for ending, other in WITNESSES.get(case.name, {}).items():
        for array in case.arrays:
            if array.endswith(ending) and (witness := array.removesuffix(ending) + other) in case:
                found.append((array, witness))
    return found


def demand_known(case: Case) -> None:
    """An input whose witness is a known set's is out unless it is that set's too."""
    known: dict[str, str] = json.loads(FILE.read_text())
    for array, witness in pairs(case):
        expected = known.get(f"{case.name}/{array} {sum_of(case[witness])}")
        case.consistent(
            array, expected in (None, sum_of(case[array])), f"is not the one {witness} comes from"
        )


def table(cases: list[Case]) -> dict[str, str]:
    """What `known_inputs.json` holds of a set: input and sum of the witness -> sum of the input."""
    return {f"{c.name}/{a} {sum_of(c[w])}": sum_of(c[a]) for c in cases for a, w in pairs(c)}
