"""Japanese: OpenJTalk's accented phones, with `[` where the pitch rises and `]` where it falls.

Between accent phrases stands a mark that the networks' tables lack: they were trained with UNK there.
"""

import io
import re
from contextlib import redirect_stdout
from itertools import pairwise

from mlx_voice.text.ja.normalise import BRACKETS, MARKS, SAID, normalise
from mlx_voice.text.ja.phrases import divide
from mlx_voice.text.reading import Context, Reading, Traced
from mlx_voice.text.symbols import UNKNOWN

with redirect_stdout(io.StringIO()):  # it prints that an optional package is missing
    import pyopenjtalk

LONGEST = 120  # characters given to OpenJTalk at once
_PIECE = re.compile(rf"{SAID}{{1,{LONGEST}}}|.", re.DOTALL)


def read(text: str, context: Context) -> Reading:
    plain = normalise(Traced.of(text))
    phones: list[str] = []
    for match in _PIECE.finditer(plain.text):
        piece = match[0]
        if piece in MARKS:
            phones += MARKS[piece]
        elif piece in BRACKETS:
            phones.append(UNKNOWN)
        else:
            phones += prosody(piece)
    return Reading(plain.text, context.symbols.known(phones), None, plain.origin)


ENDINGS = frozenset(["N", "cl", *"aeiouAEIOU"])  # of a mora
_LABEL = re.compile(
    r"-(?P<phone>[^+]*)\+.*?/A:(?P<fall>-?\d+|xx)\+(?P<place>\d+|xx)\+(?P<left>\d+|xx)/.*?/F:(?P<moras>\d+|xx)_"
)


def prosody(text: str) -> list[str]:
    """Phones and pitch marks of a piece without punctuation, read off the full-context labels."""
    words = divide(pyopenjtalk.run_frontend(text.lstrip("ー"), use_vanilla=True))
    if not any(word["mora_size"] for word in words):
        return []
    labels = [found for label in pyopenjtalk.make_label(words) if (found := _LABEL.search(label))]
    phones: list[str] = []
    for label, following in pairwise(labels):
        phone = label["phone"]
        if phone == "sil":
            continue
        if phone == "pau":
            phones.append("_")
            continue
        phones.append(phone.lower() if phone in "AEIOU" else phone)
        fall, place, left, moras = (_number(label[name]) for name in ("fall", "place", "left", "moras"))
        upcoming = _number(following["place"])
        if left == upcoming == 1 and phone in ENDINGS:
            phones.append(UNKNOWN)
        elif fall == 0 and upcoming == place + 1 and place != moras:
            phones.append("]")
        elif place == 1 and upcoming == 2:
            phones.append("[")
    return phones


def _number(field: str) -> int:
    return -50 if field == "xx" else int(field)
