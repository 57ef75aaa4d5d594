"""Numbers as they are written, with what their spelling says of their precision."""

from __future__ import annotations

from fractions import Fraction

from unflip.verifiers.math.cursor import NotMath
from unflip.verifiers.math.nodes import Num

_LONGEST_LITERAL = 3000


def literal(text: str) -> Num:
    """A number as it is written; `0.1(6)` repeats its 6.

    Raises:
        NotMath: It has more digits than are read.
    """
    if len(text) > _LONGEST_LITERAL:
        raise NotMath("a long number")
    text, _, exponent = text.lower().partition("e")
    power = int(exponent or 0)
    if abs(power) > _LONGEST_LITERAL:
        raise NotMath("a large exponent")
    text, _, repeat = text.partition("(")
    whole, point, decimals = text.partition(".")
    value = Fraction(int((whole + decimals) or 0), 10 ** len(decimals))
    if repeat:
        digits = repeat.rstrip(")")
        return Num(value + Fraction(int(digits), (10 ** len(digits) - 1) * 10 ** len(decimals)))
    figures = len((whole + decimals).lstrip("0"))
    places = len(decimals) if point and decimals else None
    return Num(value, places, figures) if not power else scaled(Num(value, places, figures), power)


def scaled(value: Num, power: int) -> Num:
    """A number times a power of ten."""
    places = max(0, (value.places or 0) - power)
    return Num(value.value * Fraction(10) ** power, places or None, value.figures)
