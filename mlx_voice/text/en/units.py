"""Names for the signs that stand beside numbers."""

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

SCALE_WORDS = {"k": "thousand", "m": "million", "b": "billion", "bn": "billion"}

# sign -> one, many, one hundredth, many hundredths ("" where there are none)
_DOLLAR = ("dollar", "dollars", "cent", "cents")
CURRENCIES: dict[str, tuple[str, str, str, str]] = {
    "$": _DOLLAR,
    "US$": ("U S dollar", "U S dollars", "cent", "cents"),
    "A$": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "C$": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "HK$": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "", ""),
    "₩": ("won", "won", "", ""),
    "₹": ("rupee", "rupees", "", ""),
}

_REGULAR = {
    "nm": "nanometer",
    "µm": "micrometer",
    "mm": "millimeter",
    "cm": "centimeter",
    "m": "meter",
    "km": "kilometer",
    "mi": "mile",
    "yd": "yard",
    "mg": "milligram",
    "g": "gram",
    "kg": "kilogram",
    "lb": "pound",
    "lbs": "pound",
    "oz": "ounce",
    "ml": "milliliter",
    "mL": "milliliter",
    "l": "liter",
    "L": "liter",
    "gal": "gallon",
    "tbsp": "tablespoon",
    "tsp": "teaspoon",
    "ms": "millisecond",
    "s": "second",
    "sec": "second",
    "secs": "second",
    "min": "minute",
    "mins": "minute",
    "h": "hour",
    "hr": "hour",
    "hrs": "hour",
    "yr": "year",
    "yrs": "year",
    "KB": "kilobyte",
    "kB": "kilobyte",
    "MB": "megabyte",
    "GB": "gigabyte",
    "TB": "terabyte",
    "Mb": "megabit",
    "Gb": "gigabit",
    "Kbps": "kilobit per second",
    "Mbps": "megabit per second",
    "Gbps": "gigabit per second",
    "W": "watt",
    "kW": "kilowatt",
    "MW": "megawatt",
    "GW": "gigawatt",
    "Wh": "watt hour",
    "kWh": "kilowatt hour",
    "mAh": "milliamp hour",
    "V": "volt",
    "kV": "kilovolt",
    "dB": "decibel",
    "cal": "calorie",
    "kcal": "kilocalorie",
    "px": "pixel",
    "Pa": "pascal",
    "kPa": "kilopascal",
    "hPa": "hectopascal",
}
_SAME = {
    "Hz": "hertz",
    "kHz": "kilohertz",
    "MHz": "megahertz",
    "GHz": "gigahertz",
    "mph": "miles per hour",
    "kph": "kilometers per hour",
    "kmh": "kilometers per hour",
    "fps": "frames per second",
    "rpm": "R P M",
    "psi": "P S I",
    "ha": "hectares",
}


def _many(name: str) -> str:
    first, gap, rest = name.partition(" per ")
    return f"{first}s{gap}{rest}"


def _table() -> dict[str, tuple[str, str]]:
    table = {sign: (name, _many(name)) for sign, name in _REGULAR.items()}
    table |= {sign: (name, name) for sign, name in _SAME.items()}
    table |= {"ft": ("foot", "feet"), "sq ft": ("square foot", "square feet")}
    for sign in ("mm", "cm", "m", "km", "ft", "mi"):
        one, many = table[sign]
        table[f"{sign}^2"] = (f"square {one}", f"square {many}")
        table[f"{sign}^3"] = (f"cubic {one}", f"cubic {many}")
    return table


UNITS = _table()  # sign -> its name after one, and after any other number
