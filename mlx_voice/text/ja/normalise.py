"""Japanese as it is written -> figures and signs in words that OpenJTalk reads; digits it reads itself."""

import re
import unicodedata
from collections.abc import Callable

from mlx_voice.text.reading import Traced

_NAMES = "ゼロ イチ ニー サン ヨン ゴー ロク ナナ ハチ キュー"
DIGITS = dict(zip("0123456789", _NAMES.split(), strict=True))
MARKS = dict(zip("：；，、·:;。．！？,.!?…", ",,,,,,,..!?,.!?…", strict=True))
# Unknown to the tables, yet boundaries in training.
BRACKETS = frozenset("「」『』（）()【】《》〈〉［］[]“”\"'")
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


RULES: tuple[tuple[re.Pattern[str], str | Callable[[Match], str]], ...] = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"[,，](?=\d{3}(?!\d))(?<=\d[,，])", ""),
        (r"(?<![\d/-])(\d{4})[/-](\d{1,2})[/-](\d{1,2})(?![\d/-])", _date),
        (r"(?<![\d:])(\d{1,2})[:：](\d{2})(?![\d:])", _time),
        (r"(?<![\d-])0\d{1,4}-\d{1,4}-\d{3,4}(?![\d-])", _digits),
        (rf"({_MONEY})\s?(\d{{1,15}}(?:\.\d{{1,9}})?)", lambda m: m[2] + CURRENCIES[m[1]]),
        (rf"(?<=\d)\s?({_UNIT})(?![A-Za-z])", lambda m: UNITS[m[1]]),
        (r"(?<![\d/])(\d{1,9})/(\d{1,9})(?![\d/])", r"\2分の\1"),
        (r"(?<![0-9A-Za-z)])[-−](?=\d)", "マイナス"),
        (r"(?<=\d)\.(?=\d)", "点"),
        (r"(?<=\d)\s?[-~〜～]\s?(?=\d)", "から"),
        (r"\d{17,}", _digits),
    )
)
SAID = (
    r"[0-9A-Za-z\u3005-\u3007\u3041-\u3096\u309d-\u30fe\u3400-\u9fff\uf900-\ufaff"
    r"\U00020000-\U000323af]"
)
_SAYABLE = re.compile(SAID)
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
