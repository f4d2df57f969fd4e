"""Compare the text front ends with reference cases: `check_text.py FILE.jsonl…`.

A case has id, lang, text, norm_text, phones, and maybe phones_note (the reference is wrong or odd here) and
truth (characters whose reading was set by hand). Rows of kind "sentence" and "language" are compared by their
pieces and segments. Everything that differs is printed; the last line is JSON.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import accumulate
from pathlib import Path
from typing import Any

from mlx_voice.errors import TextError
from mlx_voice.text import Sentence, analyse

Case = dict[str, Any]
ALONE: dict[str, str] = {
    "ja": "all_ja",
    "ko": "all_ko",
}  # each case was read by one front end, Latin letters included


def distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Insertions, deletions and substitutions that make `b` of `a`."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a):
        last, row[0] = row[0], i + 1
        for j, right in enumerate(b):
            last, row[j + 1] = row[j + 1], min(row[j + 1] + 1, row[j] + 1, last + (left != right))
    return row[-1]


def said(text: str, language: str) -> list[Sentence]:
    """Nothing to say is an answer, too."""
    try:
        return analyse(text, language)
    except TextError:
        return []


def phones(sentences: Sequence[Sentence]) -> list[str]:
    return [phone for sentence in sentences for phone in sentence.phones]


def characters(sentences: Sequence[Sentence]) -> list[tuple[str, list[str]]]:
    """Each character said, with its phones, where a language aligns them."""
    found = []
    for span in (span for sentence in sentences for span in sentence.spans):
        ends = list(accumulate(span.word2ph or (), initial=0))
        for i, char in enumerate(span.text):
            found.append((char, list(span.phones[ends[i] : ends[i + 1]]) if span.word2ph else []))
    return found


def check_truth(case: Case, sentences: Sequence[Sentence]) -> Iterator[bool]:
    ours = characters(sentences)
    blocks = SequenceMatcher(
        None, case["norm_text"], "".join(c for c, _ in ours), False
    ).get_matching_blocks()
    place = {a + k: b + k for a, b, size in blocks for k in range(size)}
    for truth in case.get("truth") or []:
        at = place.get(truth["norm_index"])
        got = ours[at][1] if at is not None else []
        if got != truth["phones"]:
            print(f"{case['id']} truth: {truth['char']} is {truth['phones']}, not {got}")
        yield got == truth["phones"]


class Tally:
    """Figures of one language."""

    def __init__(self) -> None:
        self.same: list[bool] = []
        self.same_unnoted: list[bool] = []
        self.edits = self.phones = self.edits_unnoted = self.phones_unnoted = 0
        self.truth: list[bool] = []

    def add(self, case: Case) -> None:
        language: str = case["lang"]
        sentences = said(case["text"], ALONE.get(language, language))
        want, got = case["phones"], phones(sentences)
        edits = distance(want, got)
        self.same.append(edits == 0)
        self.edits += edits
        self.phones += len(want)
        note = case.get("phones_note")
        if not note:
            self.same_unnoted.append(edits == 0)
            self.edits_unnoted += edits
            self.phones_unnoted += len(want)
        self.truth += check_truth(case, sentences)
        if edits:
            print(f"{case['id']}: {case['text']}\n  wanted {' '.join(want)}\n  got    {' '.join(got)}")
            print(f"  note: {note}" if note else "  no note")

    def report(self) -> dict[str, float | int | None]:
        return {
            "sentences": len(self.same),
            "identical": sum(self.same),
            "identical_unnoted": share(self.same_unnoted),
            "edit_rate": rate(self.edits, self.phones),
            "edit_rate_unnoted": rate(self.edits_unnoted, self.phones_unnoted),
            "truth_right": sum(self.truth),
            "truth": len(self.truth),
        }


def share(answers: Sequence[bool]) -> float | None:
    return round(sum(answers) / len(answers), 4) if answers else None


def rate(edits: int, count: int) -> float | None:
    return round(edits / count, 4) if count else None


def check_pieces(case: Case) -> Iterator[bool]:
    """cut0 to cut5, as the reference feeds its networks."""
    for method, want in case["pre_seg"].items():
        got = [sentence.written for sentence in analyse(case["text"], case["lang"], cut=method)]
        if got != want:
            print(f"{case['id']} {method}\n  wanted {want}\n  got    {got}")
        yield got == want


def check_segments(case: Case) -> Iterator[bool]:
    """Segments and phones of a mixed text, in each mode that no detector decides."""
    for mode, want in case["modes"].items():
        if not want["detector_independent"]:
            continue
        sentences = said(case["text"], mode)
        segments = [
            {"lang": span.language, "text": case["text"][span.start : span.end]}
            for sentence in sentences
            for span in sentence.spans
        ]
        got = phones(sentences)
        if segments != want["segments"]:
            print(f"{case['id']} {mode} segments\n  wanted {want['segments']}\n  got    {segments}")
        if got != want["phones"]:
            print(f"{case['id']} {mode}\n  wanted {' '.join(want['phones'])}\n  got    {' '.join(got)}")
        yield segments == want["segments"] and got == want["phones"]


def main(paths: Sequence[str]) -> int:
    if not paths:
        print("Name one or more files of cases: check_text.py FILE.jsonl", file=sys.stderr)
        return 2
    tallies: dict[str, Tally] = {}
    rows: dict[str, list[bool]] = {}
    for path in paths:
        for line in Path(path).read_text("utf-8").splitlines():
            case = json.loads(line)
            if case.get("kind") == "sentence":
                rows.setdefault("cuts", []).extend(check_pieces(case))
            elif case.get("kind") == "language":
                rows.setdefault("modes", []).extend(check_segments(case))
            else:
                tallies.setdefault(case["lang"], Tally()).add(case)
    report: dict[str, Any] = {lang: tally.report() for lang, tally in tallies.items()}
    report |= {kind: {"rows": len(right), "identical": sum(right)} for kind, right in rows.items()}
    print(json.dumps(report, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
