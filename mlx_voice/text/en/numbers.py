"""Numbers as English words. Digits in, words out; nothing here looks at a text."""

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
SCALES = ["", "thousand", "million", "billion", "trillion", "quadrillion"]
ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
DIGITS = 3 * len(SCALES)  # a longer number is read digit by digit


def digits(number: str) -> str:
    return " ".join(ONES[int(d)] for d in number)


def _below_hundred(n: int) -> str:
    if n < 20:
        return ONES[n]
    return TENS[n // 10] + (f"-{ONES[n % 10]}" if n % 10 else "")


def _below_thousand(n: int, joint: str) -> str:
    if n < 100:
        return _below_hundred(n)
    rest = n % 100
    return f"{ONES[n // 100]} hundred" + (joint + _below_hundred(rest) if rest else "")


def cardinal(number: str, joint: str = " ", comma: str = ", ") -> str:
    """`4567` -> four thousand, five hundred sixty-seven; a leading zero or great length: digit by digit."""
    if len(number) > DIGITS or (number[0] == "0" and len(number) > 1):
        return digits(number)
    groups: list[str] = []
    value = int(number)
    for scale in SCALES:
        value, group = divmod(value, 1000)
        if group:
            groups.append(f"{_below_thousand(group, joint)} {scale}".rstrip())
    return comma.join(reversed(groups)) or "zero"


def ordinal(number: str) -> str:
    """`103` -> one hundred and third."""
    head, gap, last = _split_last(cardinal(number.lstrip("0") or "0", " and ", " "))
    if last in ORDINALS:
        return head + gap + ORDINALS[last]
    return head + gap + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def plural(words: str) -> str:
    """`nineteen ninety` -> nineteen nineties."""
    head, gap, last = _split_last(words)
    if last.endswith("y"):
        return head + gap + last[:-1] + "ies"
    return head + gap + last + ("es" if last.endswith("x") else "s")


def _split_last(words: str) -> tuple[str, str, str]:
    at = max(words.rfind(" "), words.rfind("-"))
    return words[: max(at, 0)], words[at : at + 1] if at >= 0 else "", words[at + 1 :]


def year(number: str) -> str:
    """Four digits in pairs: nineteen oh five, two thousand eight, twenty twenty-four."""
    century, rest = int(number[:2]), int(number[2:])
    if century % 10 == 0 and rest < 10:
        return cardinal(number, comma=" ")
    if rest == 0:
        return f"{_below_hundred(century)} hundred"
    return f"{_below_hundred(century)} {'oh ' if rest < 10 else ''}{_below_hundred(rest)}"


def whole(number: str) -> str:
    """A number without separators, as it is usually meant: a four-digit one below 3000 is a year."""
    return year(number) if len(number) == 4 and "1000" < number < "3000" else cardinal(number)


def decimal(number: str) -> str:
    """`1,234.50` -> one thousand, two hundred thirty-four point five zero; `.5` -> point five."""
    head, _, tail = number.partition(".")
    words = cardinal(head.replace(",", "")) if head else ""
    return f"{words} point {digits(tail)}".strip() if tail else words


def fraction(top: str, bottom: str) -> str:
    """`3/4` -> three fourths; a denominator nobody says as an ordinal is divided by."""
    if bottom == "2":
        return "one half" if top == "1" else f"{cardinal(top)} halves"
    if len(bottom) > 2 or int(bottom) < 2 or top[0] == "0" or len(top) > 2:
        return f"{cardinal(top)} over {cardinal(bottom)}"
    return f"{cardinal(top)} {ordinal(bottom)}{'' if top == '1' else 's'}"


def money(number: str, names: tuple[str, str, str, str]) -> str:
    """`3.50` -> three dollars and fifty cents; `names` are dollar, dollars, cent, cents (or no cents)."""
    one, many, cent, cents = names
    head, _, tail = number.replace(",", "").partition(".")
    # `1500` dollars are fifteen hundred; other amounts are counted in full
    words = whole(head) if head.endswith("00") and "," not in number else cardinal(head or "0")
    if not tail or not cent or len(tail) > 2:
        exact = f"{words} point {digits(tail)}" if tail else words
        return f"{exact} {one if exact == 'one' else many}"
    small = int(tail.ljust(2, "0"))
    parts = [f"{words} {one if words == 'one' else many}"] if words != "zero" or not small else []
    if small:
        parts.append(f"{_below_hundred(small)} {cent if small == 1 else cents}")
    return " and ".join(parts)
