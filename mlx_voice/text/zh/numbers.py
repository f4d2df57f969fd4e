"""Numbers in Chinese words. A plain one is said yi1 whatever follows it: in digits, dates, ordinals, sums."""

ONE = "\ue000"  # 一 that takes no tone sandhi; becomes 一 when the text is normalised
DIGITS = "零一二三四五六七八九"
PLAIN = DIGITS.replace("一", ONE)
PHONE = DIGITS.replace("一", "幺")
PLACES = ("", "十", "百", "千")
MYRIADS = ("", "万", "亿", "万亿")
LONGEST = 16  # digits of the longest number said as a number


def digits(number: str, names: str = PLAIN) -> str:
    return "".join(names[int(d)] for d in number)


def cardinal(number: str, one: str = ONE) -> str:
    """一百二十, 零; digits in a row if it begins with zero or is very long. `one` is a 1 at the end."""
    if len(number) > LONGEST or (len(number) > 1 and number[0] == "0"):
        return digits(number)
    if not number.strip("0"):
        return "零"
    groups = []
    while number:
        number, group = number[:-4], number[-4:]
        groups.append(group)
    said = ""
    for myriad, group in reversed(list(zip(MYRIADS, groups, strict=False))):
        if int(group):
            gap = "零" if said and group[0] == "0" and not said.endswith("零") else ""
            said += gap + _thousands(group.lstrip("0"), "一" if myriad else one) + myriad
        elif not said.endswith("零"):
            said += "零"
    said = said.strip("零")
    return said[1:] if said.startswith(f"{ONE}十") else said


def _thousands(group: str, one: str) -> str:
    said = ""
    for place, digit in zip(reversed(PLACES[: len(group)]), group, strict=True):
        if digit == "1":
            said += {"": one, "十": ONE}.get(place, "一") + place
        elif digit != "0":
            said += DIGITS[int(digit)] + place
        elif not said.endswith("零"):
            said += "零"
    return said.rstrip("零")


def number(text: str, one: str = ONE) -> str:
    """`-3.14`, `12`, `.5`: sign, whole part, and every digit after the point."""
    sign = "负" if text.startswith("-") else ""
    whole, point, fraction = text.lstrip("-").partition(".")
    said = cardinal(whole or "0", ONE if point else one)
    return sign + said + ("点" + digits(fraction) if point else "")
