"""Voices mixed by weight: `a:0.7+b:0.3`."""

import math

from mlx_voice.errors import InputError


def parse(text: str) -> list[tuple[str, float]]:
    """Names and weights; a name without a weight has 1."""
    return [_part(part.strip(), text) for part in text.split("+")]


def _part(part: str, text: str) -> tuple[str, float]:
    name, colon, number = part.partition(":")
    try:
        weight = float(number) if colon else 1.0
    except ValueError:
        weight = math.nan
    if not name or not 0 < weight < math.inf:
        raise InputError(f"{text[:100]!r} is no mixture of voices: write it like anna:0.7+ben:0.3.")
    return name.strip(), weight
