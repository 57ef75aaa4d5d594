"""Exact numbers and times of the standard library as data, each a list of its kind and of text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

_DIGITS, _EXPONENT = 10_000, 10_000
_WRITTEN: dict[type, Callable[[Any], list[Any]]] = {
    Decimal: lambda value: [str(value)],
    Fraction: lambda value: [hex(value.numerator), hex(value.denominator)],
    date: lambda value: [value.isoformat()],
    datetime: lambda value: [value.isoformat()],
    time: lambda value: [value.isoformat()],
    timedelta: lambda value: [value.days, value.seconds, value.microseconds],
}


def dumped(value: Any) -> list[Any] | None:
    """A value's kind and parts; None if it is of no such kind, or of a subclass of one.

    Example:
        >>> dumped(Decimal("1.50")), dumped(1.5)
        (['Decimal', '1.50'], None)
    """
    write = _WRITTEN.get(type(value))
    return None if write is None else [type(value).__name__, *write(value)]


def loaded(held: Any) -> Any:
    """The inverse of `dumped`.

    Raises:
        ValueError, TypeError, KeyError: These are no parts of such a value, or it is too large to
            reckon with.

    Example:
        >>> loaded(["Fraction", "0x1", "0x3"])
        Fraction(1, 3)
    """
    kind, *parts = held
    return _READ[kind](*parts)


def _decimal(said: str) -> Decimal:
    if not isinstance(said, str) or len(said) > _DIGITS:
        raise ValueError("no decimal of ours")
    value = Decimal(said)
    if value.is_finite() and abs(value.adjusted()) > _EXPONENT:
        raise ValueError("too large to reckon with")
    return value


def _fraction(numerator: str, denominator: str) -> Fraction:
    below = int(denominator, 16)
    # It is reduced when it is made, which takes the square of its length.
    if below < 1 or len(numerator) > _DIGITS or len(denominator) > _DIGITS:
        raise ValueError("no fraction of ours")
    return Fraction(int(numerator, 16), below)


_READ: dict[str, Callable[..., Any]] = {
    "Decimal": _decimal, "Fraction": _fraction, "date": date.fromisoformat,
    "datetime": datetime.fromisoformat, "time": time.fromisoformat,
    "timedelta": lambda days, seconds, micro: timedelta(int(days), int(seconds), int(micro)),
}  # fmt: skip
