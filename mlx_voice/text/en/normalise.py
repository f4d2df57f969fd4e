"""English as it is written -> words of letters and ' - with the marks . , ? ! between them."""

import re
import unicodedata
from collections.abc import Callable

from mlx_voice.text.en import amounts
from mlx_voice.text.en.amounts import ends_sentence
from mlx_voice.text.en.capitals import expand_capitals
from mlx_voice.text.reading import Traced

Match = re.Match[str]
FOLDED = {
    **dict.fromkeys("‘’‛ʼ´`′", "'"),
    **dict.fromkeys("“”„«»″", '"'),
    **dict.fromkeys("‐‑‒–−", "-"),
    **dict.fromkeys("—―；：﹔﹕、，", ", "),
    **dict.fromkeys("。｡…", ". "),
    **dict.fromkeys("（【「『《〈", " ("),
    **dict.fromkeys("）】」』》〉", ") "),
    **dict.fromkeys("⁄∕", "/"),
    **dict.fromkeys("™®©\u200d\u00ad\ufeff\u200b", ""),
    **dict(zip("ßæÆœŒøØłŁđĐðþÞı", "ss ae Ae oe Oe o O l L d D d th Th i".split(), strict=True)),
    **dict(zip("½¼¾⅓⅔⅛", (" 1/2", " 1/4", " 3/4", " 1/3", " 2/3", " 1/8"), strict=True)),
    **dict(zip("℃℉²³￥№μ", ("°C", "°F", "^2", "^3", "¥", "No. ", "µ"), strict=True)),
}
KEPT = frozenset("°€£¥₩₹×÷±≈√µ")

TITLES = {
    "Dr": "Doctor",
    "Prof": "Professor",
    "Rev": "Reverend",
    "Hon": "Honorable",
    "Gen": "General",
    "Sen": "Senator",
    "Rep": "Representative",
    "Gov": "Governor",
    "Pres": "President",
    "Capt": "Captain",
    "Cpt": "Captain",
    "Sgt": "Sergeant",
    "Lt": "Lieutenant",
    "Col": "Colonel",
    "Maj": "Major",
    "Cmdr": "Commander",
    "Fr": "Father",
    "St": "Saint",
    "Mt": "Mount",
    "Ft": "Fort",
}
PLACES = {
    "St": "Street",
    "Dr": "Drive",
    "Ave": "Avenue",
    "Rd": "Road",
    "Blvd": "Boulevard",
    "Ln": "Lane",
    "Hwy": "Highway",
    "Sq": "Square",
    "Jr": "Junior",
    "Sr": "Senior",
    "Inc": "Inc",
    "Ltd": "Limited",
    "Corp": "Corporation",
    "Co": "Company",
    "Bros": "Brothers",
    "Dept": "Department",
    "Univ": "University",
}
SHORT = {
    "vs": "versus",
    "etc": "etc",
    "approx": "approximately",
    "incl": "including",
    "al": "al",
    "mon": "Monday",
    "tue": "Tuesday",
    "tues": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "thurs": "Thursday",
    "fri": "Friday",
}
BEFORE_NUMBER = {
    "fig": "figure",
    "vol": "volume",
    "ch": "chapter",
    "sec": "section",
    "ca": "circa",
    "tel": "telephone",
    "ext": "extension",
    "no": "number",
    "nos": "numbers",
    "p": "page",
    "pp": "pages",
    "min": "minimum",
    "max": "maximum",
}
SIGNS = {
    "@": "at",
    ".": "dot",
    "/": "slash",
    ":": "colon",
    "?": "question mark",
    "=": "equals",
    "&": "and",
    "-": "dash",
    "_": "underscore",
    "#": "hash",
    "%": "percent",
    "+": "plus",
    "~": "tilde",
}
PERIODS = "second|minute|hour|day|night|week|month|year|person|piece|pound|head|user"
STARTERS = frozenset(
    (
        "The A An This That These Those It He She We You They I In On At If When But And So Then There "
        "What Who How Why Where Is Are Was My His Her Our Your Their No Yes Do Please"
    ).split()
)


def _title(match: Match) -> str:
    return TITLES[match[1]] + " "


def _place(match: Match) -> str:
    return PLACES[match[1]] + ("." if ends_sentence(match) else "")


def _short(match: Match) -> str:
    word = match[1].lower()
    return SHORT[word] + ("." if word in ("etc", "al") and ends_sentence(match) else "")


def _before_number(match: Match) -> str:
    return BEFORE_NUMBER[match[1].lower()] + " "


def _letters(match: Match) -> str:
    """`U.S.A.` -> U S A; the last full stop stays where it also ends the sentence."""
    letters = " ".join(match[0].replace(".", "").upper())
    rest = match.string[match.end() : match.end() + 16].lstrip()
    word = re.match("[A-Za-z]*", rest)
    return letters + ("." if match[0].endswith(".") and (not rest or (word and word[0] in STARTERS)) else "")


def _initial(match: Match) -> str:
    return match[0] if match[2] in STARTERS else f"{match[1]} "


def _ampersand(match: Match) -> str:
    return f"{' '.join(match[1])} and {' '.join(match[2])}"


def _address(match: Match) -> str:
    """A web or mail address as one says it."""
    said = re.sub(r"^(?:https?|ftp)://", "", match[0]).rstrip("/")
    said = re.sub(r"[.,!?;:'\")\]]+$", "", said)
    tail = re.search(r"[.,!?]*$", match[0])
    for sign, name in SIGNS.items():
        said = said.replace(sign, f" {name} ")
    return " ".join(re.sub(r"\bwww\b", "w w w", said).split()) + (tail[0][:1] if tail else "")


def _any(words: dict[str, str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_STARTER = "|".join(sorted(STARTERS))
_TLD = r"(?:com|org|net|edu|gov|io|ai|dev|app|info|tv|co\.[a-z]{2}|[a-z]{2}(?=/))"

# Rules are applied in order. Each is linear: a match can only begin where the look-behind allows it.
BEFORE: tuple[tuple[str, str | Callable[[Match], str]], ...] = (
    (r"<[/!]?[A-Za-z][^<>]{0,200}>|\x1b\[[0-9;]{0,20}[A-Za-z]", " "),
    (r"&amp;", "&"),
    (r"&(?:[a-z]{2,8}|#\d{1,7});", " "),
    (r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}", _address),
    (r"(?<![\w@./-])(?:(?:https?|ftp)://|www\.)[^\s<>\"]{1,2000}", _address),
    (rf"(?<![\w@./-])(?:[A-Za-z0-9-]{{1,63}}\.){{1,8}}{_TLD}(?![\w@-])(?:/[^\s<>\"]{{0,2000}})?", _address),
    (r"\s+", " "),
    (r"(?<![A-Za-z])e\.\s?g\.,?", "for example"),
    (r"(?<![A-Za-z])i\.\s?e\.,?", "that is"),
    (r"(?<![A-Za-z])[Pp][Hh]\.?\s?D\.(?=\s|$)", "P H D"),
    (r"(?<![A-Za-z])(Mrs?|Ms)\.", r"\1"),
    (rf"(?<![A-Za-z])({_any(TITLES)})\.\s?(?=[A-Z][A-Za-z'])(?!(?:{_STARTER})(?![A-Za-z]))", _title),
    (rf"(?<=[A-Za-z0-9,] )({_any(PLACES)})\.(?![A-Za-z])", _place),
    (rf"(?<![A-Za-z.])((?i:{_any(SHORT)}))\.(?![A-Za-z])", _short),
    (r"(?<![A-Za-z])Sat\.(?=,)", "Saturday"),
    (r"(?<![A-Za-z])Sun\.(?=,)", "Sunday"),
    (rf"(?<![A-Za-z.])((?i:{_any(BEFORE_NUMBER)}))\.\s?(?=\d)", _before_number),
    (
        r"(?<![\w.'])(?<!\d )(?:[A-Za-z]\.){2,20}(?:[A-Za-z](?![\w.]))?|(?<![\w.'])[A-Z]\.[A-Z](?![\w.])",
        _letters,
    ),
    (r"(?<![\w.'])([A-Z])\. (?=([A-Z][a-z]*))", _initial),
    (r"(?<![A-Za-z&])([A-Z]{1,3})&([A-Z]{1,3})(?![A-Za-z&])", _ampersand),
    (r"(?<=[A-Z])#(?!\w)", " sharp"),
)
AFTER: tuple[tuple[str, str | Callable[[Match], str]], ...] = (
    (r"#(?=[A-Za-z])", " hashtag "),
    (r"\s?&\s?", " and "),
    (r"\s?@\s?", " at "),
    (r"\s?=\s?", " equals "),
    (r"\s?\+\s?(?=[A-Za-z])|\s\+\s", " plus "),
    (r"\+", " plus "),
    (r"%", " percent "),
    (r"°", " degrees "),
    (r"√", " the square root of "),
    (r"[€£¥₩₹$÷×±≈µ]", " "),
    (r"(?<=[A-Za-z0-9])\.(?=[a-z])", " dot "),
    (rf"/\s?(?=(?:{PERIODS})(?![A-Za-z]))", " per "),
    (r"[()\[\]{};:]", ", "),
    (r"\s-+\s|-{2,}", ", "),
    (r"[/\\|_~*^<>#\"-](?![A-Za-z])|(?<![A-Za-z])-|[/\\|_~*^<>#\"]", " "),
    (r"[^A-Za-z'.,?!\- ]", ""),
    (r"\s*([.,?!])[.,?! ]*", lambda m: _mark(m[0]) + " "),
    (r"^[, ]+|\s+$", ""),
    (r" {2,}", " "),
)


def _mark(run: str) -> str:
    """Of a run of marks the first, but a comma yields to a full stop."""
    return next((mark for mark in run if mark in ".?!"), ",")


def _fold(char: str) -> str:
    if char in KEPT:
        return char
    if char in FOLDED:
        return FOLDED[char]
    if char.isspace():
        return " "
    plain = unicodedata.normalize("NFKD", char)
    letters = "".join(c for c in plain if c.isascii())
    return letters if letters else "" if unicodedata.combining(char) else " "


Rules = tuple[tuple[re.Pattern[str], str | Callable[[Match], str]], ...]
_BEFORE: Rules = tuple((re.compile(pattern), new) for pattern, new in BEFORE)
_AFTER: Rules = tuple((re.compile(pattern), new) for pattern, new in AFTER)
_DIGIT = re.compile(r"[0-9]")


def _apply(text: Traced, rules: Rules) -> Traced:
    for pattern, new in rules:
        text = text.sub(pattern, new)
    return text


def normalise(text: Traced) -> Traced:
    foreign = {char: _fold(char) for char in set(text.text) if not " " <= char <= "~"}
    plain = _apply(text.translate(foreign), _BEFORE)
    shouted = not re.search("[a-z]", plain.text)
    if _DIGIT.search(plain.text):
        plain = _apply(plain, amounts.COMPILED)
    return _apply(expand_capitals(plain, shouted), _AFTER)
