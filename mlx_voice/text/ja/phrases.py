"""The accent phrases of OpenJTalk 1.11, which the networks were trained on.

pyopenjtalk-plus joins auxiliary verbs and formal nouns to the word before them; OpenJTalk begins a phrase
there. Where a phrase is divided, the accent of its second part is computed again from its words' chain rules.
"""

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyopenjtalk.types import NJDFeature as Word

BEFORE_NAN = tuple("タチツテトダヂヅデドナニヌネノ")
DEPENDENT = ("助詞", "助動詞")
_RULE = re.compile(r"(?:(?P<pos>[^%/]+)%)?(?P<kind>[FC]\d)(?:@(?P<shift>-?\d+))?")


def divide(words: "list[Word]") -> "list[Word]":
    """The same words with OpenJTalk's own phrase boundaries, and 何 as it is said before t, d and n."""
    out = [word.copy() for word in words]
    for word, following in pairwise(out):
        if word["pron"] == "ナニ" and word["string"] == "何" and following["pron"][:1] in BEFORE_NAN:
            word["pron"] = "ナン"
    for i in range(1, len(out)):
        if out[i]["chain_flag"] == 1 and begins_phrase(out[i - 1], out[i]):
            out[i]["chain_flag"] = 0
            _accent(out, i)
            _shorten(out, i)
    return out


def begins_phrase(before: "Word", word: "Word") -> bool:
    pos, group = word["pos"], word["pos_group1"]
    if pos in DEPENDENT or group == "接尾":
        return False
    if pos == "動詞" and group == "非自立":
        joins = (
            before["cform"].startswith("連用")
            if before["pos"] == "動詞"
            else before["pos_group1"] == "サ変接続"
        )
        return not joins
    if pos == "形容詞" and group == "非自立":
        return False
    if before["pos"] in DEPENDENT:
        return True
    if before["pos"] == "動詞":
        return pos in ("名詞", "形容詞")
    return before["pos"] == "名詞" and pos in ("動詞", "形容詞")


def _accent(words: "list[Word]", head: int) -> None:
    """Where the pitch falls in the phrase that now begins at `head`."""
    accent, moras = words[head]["acc"], words[head]["mora_size"]
    for before, word in zip(words[head:], words[head + 1 :], strict=False):
        if word["chain_flag"] != 1:
            break
        accent = _chained(word, before["pos"], accent, moras)
        moras += word["mora_size"]
    words[head]["acc"] = accent


def _chained(word: "Word", pos: str, accent: int, moras: int) -> int:
    for rule in _RULE.finditer(word["chain_rule"]):
        if rule["pos"] not in (None, pos):
            continue
        shifted = moras + int(rule["shift"] or 0)
        match rule["kind"]:
            case "F2":
                return accent or shifted
            case "F3":
                return shifted if accent else 0
            case "F4":
                return shifted
            case "F5" | "C4":
                return 0
            case "C1":
                return moras + int(word["acc"]) if word["acc"] else 0
            case "C2":
                return moras + 1
            case "C3":
                return moras
            case _:
                return accent
    return accent


def _shorten(words: "list[Word]", end: int) -> None:
    """An accent that lay in the part now cut off leaves the first part flat."""
    start = end - 1
    while start > 0 and words[start]["chain_flag"] == 1:
        start -= 1
    if words[start]["acc"] > sum(word["mora_size"] for word in words[start:end]):
        words[start]["acc"] = 0
