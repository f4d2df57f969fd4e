"""Japanese: OpenJTalk's accented phones, with `[` where the pitch rises and `]` where it falls.

Between accent phrases stands a mark that the networks' tables lack: they were trained with UNK there.
"""

import io
import re
import unicodedata
from contextlib import redirect_stdout
from itertools import pairwise

from mlx_voice.text.ja_phrases import divide
from mlx_voice.text.reading import Context, Reading, Traced
from mlx_voice.text.symbols import UNKNOWN

with redirect_stdout(io.StringIO()):  # it prints that an optional package is missing
    import pyopenjtalk

LONGEST = 120  # characters given to OpenJTalk at once
_NAMES = "ゼロ イチ ニー サン ヨン ゴー ロク ナナ ハチ キュー"
DIGITS = dict(zip("0123456789", _NAMES.split(), strict=True))
MARKS = dict(zip("：；，、·:;。．！？,.!?…", ",,,,,,,..!?,.!?…", strict=True))
BRACKETS = frozenset(
    "「」『』（）()【】《》〈〉［］[]“”\"'"
)  # unknown to the tables, but a boundary that was trained
UNITS = {
    "km/h": "キロメートル毎時",
    "km": "キロメートル",
    "cm": "センチメートル",
    "mm": "ミリメートル",
    "m": "メートル",
    "kg": "キログラム",
    "mg": "ミリグラム",
    "g": "グラム",
    "ml": "ミリリットル",
    "L": "リットル",
    "GB": "ギガバイト",
    "MB": "メガバイト",
    "%": "パーセント",
    "℃": "度",
    "°C": "度",
    "°": "度",
}
CURRENCIES = {"$": "ドル", "＄": "ドル", "¥": "円", "￥": "円", "€": "ユーロ", "£": "ポンド"}
_UNIT = "|".join(map(re.escape, UNITS))
_MONEY = "|".join(map(re.escape, CURRENCIES))

Match = re.Match[str]


def _digits(match: Match) -> str:
    return "".join(DIGITS.get(char, "、") for char in match[0])


def _date(match: Match) -> str:
    return f"{match[1]}年{int(match[2])}月{int(match[3])}日"


def _time(match: Match) -> str:
    return f"{int(match[1])}時" + (f"{int(match[2])}分" if int(match[2]) else "")


RULES = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"[,，](?=\d{3}(?!\d))(?<=\d[,，])", ""),
        (r"(?<![\d/-])(\d{4})[/-](\d{1,2})[/-](\d{1,2})(?![\d/-])", _date),
        (r"(?<![\d:])(\d{1,2})[:：](\d{2})(?![\d:])", _time),
        (r"(?<![\d-])0\d{1,4}-\d{1,4}-\d{3,4}(?![\d-])", _digits),
        (rf"({_MONEY})\s?(\d{{1,15}}(?:\.\d{{1,9}})?)", lambda m: m[2] + CURRENCIES[m[1]]),
        (rf"(?<=\d)\s?({_UNIT})(?![A-Za-z])", lambda m: UNITS[m[1]]),
        (r"(?<=\d)\.(?=\d)", "点"),
        (r"(?<=\d)\s?[-~〜～]\s?(?=\d)", "から"),
        (r"\d{17,}", _digits),
    )
)
_SAID = (
    r"[0-9A-Za-z\u3005-\u3007\u3041-\u3096\u309d-\u30fa\u30fc-\u30fe\u3400-\u9fff\uf900-\ufaff"
    r"\U00020000-\U000323af]"
)
_PIECE = re.compile(rf"{_SAID}{{1,{LONGEST}}}|.", re.DOTALL)
_SAYABLE = re.compile(_SAID)
_REPEATED = re.compile(r"([,.!?…])[,.!?…]+")


def _narrow(char: str) -> str:
    """Letters and digits of full width as ASCII, kana of half width as full; Japanese marks stay."""
    wide = char in "％＋" or (char.isalnum() and "０" <= char <= "ﾟ")
    return unicodedata.normalize("NFKC", char) if wide else char


def normalise(text: Traced) -> Traced:
    table = {char: _narrow(char) for char in set(text.text) if not char.isascii()}
    text = text.translate(table).sub(_REPEATED, r"\1")
    for pattern, new in RULES:
        text = text.sub(pattern, new)
    return text.keep(lambda char: char in MARKS or char in BRACKETS or bool(_SAYABLE.match(char)))


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
