"""Whatever is written with digits, put into words: a table of patterns, applied from the first to the last.

Every quantifier is bounded or stands behind a look-behind, so that each pattern is linear in the text.
"""

import re
from collections.abc import Callable

from mlx_voice.text.en.numbers import (
    cardinal,
    decimal,
    digits,
    fraction,
    money,
    ordinal,
    plural,
    whole,
    year,
)
from mlx_voice.text.en.units import CURRENCIES, MONTHS, SCALE_WORDS, UNITS

Match = re.Match[str]
NUMBER = (
    r"(?<![\d.,])(?:\d{1,3}(?:,\d{3}){1,9}(?!\d)(?:\.\d{1,40})?|\d{1,40}(?:\.\d{1,40})?|\.\d{1,40})(?!\d)"
)
GROUPED = r"\d{1,3}(?:,\d{3}){1,9}(?![\d])"
HALF_DAY = r"(?:\s?([apAP])\.?[mM](?![A-Za-z])\.?)"


def ends_sentence(match: Match) -> bool:
    """Whether the full stop that a match swallowed also ended a sentence."""
    return match[0].endswith(".") and bool(
        re.match(r"\s*$|\s+[A-Z]", match.string[match.end() : match.end() + 3])
    )


def number(text: str) -> str:
    """A plain, grouped or decimal number in words."""
    return whole(text) if text.isdigit() else decimal(text)


def _each_digit(match: Match) -> str:
    groups = re.findall(r"\d+", match[0])
    return ", ".join(digits(group) for group in groups)


def _iso_date(match: Match) -> str:
    return _date(int(match[2]), match[3], match[1]) or match[0]


def _slashed_date(match: Match) -> str:
    """`1/5/2024`: the month first, unless it cannot be one."""
    first, second = match[1], match[2]
    if int(first) > 12:
        first, second = second, first
    return _date(int(first), second, match[3]) or match[0]


def _date(month: int, day: str, in_year: str) -> str:
    if not (1 <= month <= 12 and 1 <= int(day) <= 31):
        return ""
    return f"{MONTHS[month - 1]} {ordinal(day)}, {year(in_year)}"


def _month_day(match: Match) -> str:
    month = next(name for name in MONTHS if name.startswith(match[1][:3]))
    until = f" to {ordinal(match[3])}" if match[3] else ""
    return f"{month} {ordinal(match[2])}{until}"


def _day_month(match: Match) -> str:
    month = next(name for name in MONTHS if name.startswith(match[2][:3]))
    return f"the {ordinal(match[1])} of {month}"


def _time(match: Match) -> str:
    hour, minute, second, half = match[1].lstrip("0") or "0", match[2], match[3], match[4]
    said = [cardinal(hour)]
    if minute != "00":
        said.append(f"oh {cardinal(minute[1])}" if minute[0] == "0" else cardinal(minute))
    elif not half and not second:
        said.append("o'clock" if int(hour) <= 12 else "hundred")
    if second:
        said.append(f"and {cardinal(second.lstrip('0') or '0')} seconds")
    return " ".join(said) + _half(half, match)


def _hour(match: Match) -> str:
    return cardinal(match[1]) + _half(match[2], match)


def _half(half: str | None, match: Match) -> str:
    return f" {half.upper()} M{'.' if ends_sentence(match) else ''}" if half else ""


def _money(match: Match) -> str:
    sign, amount, scale = match["sign"] or match["after"], match["amount"], match["scale"]
    names = CURRENCIES[sign]
    if scale:
        return f"{number(amount)} {SCALE_WORDS.get(scale.lower(), scale)} {names[1]}"
    return money(amount, names)


def _quantity(match: Match) -> str:
    one, many = UNITS[match[2]]
    said = f"{number(match[1])} {one if match[1] == '1' else many}"
    return f"{said} per {UNITS[match[3]][0]}" if match[3] else said


def _temperature(match: Match) -> str:
    scale = {"C": " celsius", "F": " fahrenheit"}.get((match[2] or "").upper(), "")
    return f"{number(match[1])} degree{'' if match[1] == '1' else 's'}{scale}"


def _decade(match: Match) -> str:
    return plural(whole(match[1]))


def _mixed(match: Match) -> str:
    part = fraction(match[2], match[3])
    return f"{cardinal(match[1])} and {'a half' if part == 'one half' else part}" if match[1] else part


def _feet(match: Match) -> str:
    return f"{cardinal(match[1])} foot {cardinal(match[2])}"


def _points(match: Match) -> str:
    return " point ".join(cardinal(part) for part in match[0].split("."))


def _number(match: Match) -> str:
    return number(match[0])


def _one_of(names: list[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


_SIGN = _one_of(list(CURRENCIES))
_SCALE = r"(?:\s?(?P<scale>hundred|thousand|million|billion|trillion|bn|[kKmMbB])(?![A-Za-z]))?"
_AMOUNT = rf"(?P<amount>(?:{GROUPED}|\d{{1,40}})(?:\.\d{{1,40}})?|\.\d{{1,40}})"
_MONTH = (
    r"(?<![A-Za-z])(Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_UNIT = _one_of(list(UNITS))

RULES: tuple[tuple[str, str | Callable[[Match], str]], ...] = (
    # dates
    (r"(?<![\d./-])(\d{4})([-/.])(?=\d{1,2}\2)", r"\1-"),  # one separator for what follows
    (r"(?<![\d-])(\d{4})-(\d{1,2})[-/.](\d{1,2})(?![\d/-]|\.\d)", _iso_date),
    (r"(?<![\d/.])(\d{1,2})/(\d{1,2})/(\d{4})(?![\d/])", _slashed_date),
    (
        rf"{_MONTH}\.?\s(\d{{1,2}})(?:st|nd|rd|th)?(?:\s?-\s?(\d{{1,2}})(?:st|nd|rd|th)?)?(?![\d:%A-Za-z-]|[.,]\d)",
        _month_day,
    ),
    (rf"(?<![\d.,:/-])(\d{{1,2}})(?:st|nd|rd|th)?\s{_MONTH}(?![A-Za-z])\.?", _day_month),
    (r"(?<![\w'])'?((?:[12]\d)?\d0)'?s(?![A-Za-z])", _decade),
    # times
    (r"(?<=[\dmM.])\s?-\s?(?=\d{1,2}(?::\d\d|\s?[apAP]\.?[mM](?![A-Za-z])))", " to "),
    (rf"(?<![\d:.])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:]){HALF_DAY}?", _time),
    (rf"(?<![\d:.,])(\d{{1,2}}){HALF_DAY}", _hour),
    # numbers that are names: telephones, versions, addresses
    (r"(?<![\w+])\+\d(?:[ ().-]{0,2}\d){6,17}(?!\d)", _each_digit),
    (r"(?<![\w(])\(\d{2,4}\)\s?\d{3,4}[-. ]\d{3,4}(?!\d)", _each_digit),
    (r"(?<![\w-])\d{1,8}(?:-\d{1,8}){2,8}(?![\w-])", _each_digit),
    (r"(?<![\w.-])\d{3}[-.]\d{3}[-.]\d{4}(?!\d)", _each_digit),
    (r"(?<![\w.-])\d{3}-\d{4}(?![\w-])", _each_digit),
    (r"(?<=[cC]all )\d{3,12}(?!\d)|(?<=[dD]ial )\d{3,12}(?!\d)", _each_digit),
    (r"(?<![\d.])\d{1,12}(?:\.\d{1,12}){2,8}(?!\d)", _points),
    # money, quantities
    (r"(?<![\w)])-(?=\.?\d)", "negative "),
    (rf"({_SIGN})(\d{{1,15}})-(?:{_SIGN})?(?=\d)", r"\2 to \1"),
    (rf"(?<![\w.])-(?=(?:{_SIGN})\s?\.?\d)", "negative "),
    (rf"(?P<sign>{_SIGN})\s?{_AMOUNT}{_SCALE}(?P<after>)", _money),
    (rf"(?P<sign>)(?<![\d.,]){_AMOUNT}{_SCALE}\s?(?P<after>[€£¥₩₹$])", _money),
    (r"(?<![\d/])(\d)'\s?(\d{1,2})\"", _feet),
    (rf"({NUMBER})\s?°\s?(?:([CFcf])(?![A-Za-z]))?", _temperature),
    (rf"({NUMBER})[ -]?({_UNIT})(?:/({_UNIT}))?(?![A-Za-z0-9^'])", _quantity),
    (r"(?<=\d)\s?%", " percent"),
    # arithmetic, fractions, ranges
    (r"(?<=\d)\^2(?!\d)", " squared"),
    (r"(?<=\d)\^3(?!\d)", " cubed"),
    (r"(?<=\w)\^(?=\d)", " to the power of "),
    (r"(?<=\d)\s?[×*]\s?(?=\d)", " times "),
    (r"(?<=\d)\s?[xX]\s?(?=\d)", " by "),
    (r"(?<=\d)[xX](?![A-Za-z])", " times"),
    (r"(?<=\d)\s?÷\s?(?=\d)|(?<=\d) / (?=\d)", " divided by "),
    (r"(?<=[\d\w)])\s?<\s?(?=[\d])", " is less than "),
    (r"(?<=[\d\w)])\s?>\s?(?=[\d])", " is greater than "),
    (r"(?<![\d/])24/7(?![\d/])", "twenty-four seven"),
    (r"(?<![\d/.,])(?:(\d{1,12})\s)?(\d{1,12})/(\d{1,12})(?![\d/])", _mixed),
    (r"(?<=\d)\s-\s(?=[\d(])", " minus "),
    (r"(?<=[\d%])\s?(?:-|~)\s?(?=[.$]?\d)", " to "),
    (r"(?<=\d):(?=\d)", " to "),
    (r"(?<!\w)±\s?(?=\d)|(?<=\d)\s?±\s?(?=\d)", " plus or minus "),
    (r"(?<!\w)[~≈]\s?(?=\d)", "about "),
    (r"#\s?(?=\d)|(?<!\w)[Nn]os?\.\s?(?=\d)", "number "),
    # what is left
    (
        r"(?<![\d.,])(\d{1,3}(?:,\d{3}){1,5}|\d{1,18})(?:st|nd|rd|th)(?![A-Za-z])",
        lambda m: ordinal(m[1].replace(",", "")),
    ),
    (r"(?<=[A-Za-z])\d{3,}(?!\d|[.,]\d)|(?<![\d.,])\d{3,}(?=[A-Za-z])", lambda m: f" {digits(m[0])} "),
    (r"(?<=[A-Za-z])-?(?=\d)|(?<=\d)-?(?=[A-Za-z])", " "),
    (rf"(?<![\d.,])(?:{GROUPED}(?:\.\d{{1,40}})?|\d{{1,40}}\.\d{{1,40}}|\.\d{{1,40}})(?!\d)", _number),
    (r"\d+", _number),
)
COMPILED: tuple[tuple[re.Pattern[str], str | Callable[[Match], str]], ...] = tuple(
    (re.compile(pattern), new) for pattern, new in RULES
)
