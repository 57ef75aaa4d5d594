"""Rewrites of numbers that are equivalent, or different, by exact arithmetic."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from unflip.errors import UsageError
from unflip.types import Sample

_LARGEST = 10**30
"""Numerators and denominators stay below this: longer numerals test patience, not equality."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A number written in some way, beside the reference it was made from.

    Attributes:
        reference: The reference, as it was given.
        text: The variant, ready to be put into a completion.
        kind: How it was made, such as "decimal" or "off by one".
        value: What it says, exactly.
        equivalent: Whether that is the reference's value.
    """

    reference: str
    text: str
    kind: str
    value: Fraction
    equivalent: bool

    def sample(self, present: Callable[[str], str] = str) -> Sample:
        r"""The variant as a completion, with its truth.

        Args:
            present: How a completion states an answer; a verifier's own `present` fits.

        Example:
            >>> variants("1/2")[1].sample(r"so it is \boxed{{{}}}".format).completion
            'so it is \\boxed{0.5}'
        """
        return Sample(
            present(self.text), self.reference, correct=self.equivalent, stratum=self.kind
        )


def variants(reference: str) -> tuple[Variant, ...]:
    r"""Equivalent and different ways to write a reference that is a number.

    Equivalent ones are the same fraction written otherwise; different ones are another fraction,
    written as the reference would be. Whether a verifier should accept "50%" for "1/2" or "0.33"
    for "1/3" is for its contract to say: leave out the kinds that yours rules out.

    Args:
        reference: An integer, a decimal or a fraction, such as "-12", "0.5" or "3/4".

    Returns:
        The reference itself first, then equivalents, then near misses; no text twice.

    Raises:
        UsageError: The reference is no such number, or has more than 30 digits.

    Example:
        >>> [v.text for v in variants("1/2") if v.equivalent][:6]
        ['1/2', '0.5', '0.50', '50%', '2/4', '\\frac{1}{2}']
        >>> [v.text for v in variants("1/2") if not v.equivalent]
        ['-1/2', '3/2', '1/4', '5', '1/20', '2', '50']
    """
    value = _read(reference)
    given = reference.strip()
    made = [("as given", given, value)]
    made += [(kind, text, value) for kind, text in (*_equivalents(value), *_dressed(given))]
    made += [
        (kind, text, Fraction(text))
        for kind, text in _near_misses(value, decimals="." in reference)
    ]
    unique = {text: (kind, text, exact) for kind, text, exact in reversed(made)}
    return tuple(
        Variant(reference, text, kind, exact, equivalent=exact == value)
        for kind, text, exact in made
        if unique[text] == (kind, text, exact)
    )


def _read(reference: str) -> Fraction:
    try:
        # The length first: int() and Fraction() take their time with a million digits.
        value = Fraction(reference.strip()) if len(reference) <= 64 else None
    except (ValueError, ZeroDivisionError):
        value = None
    if value is None or max(abs(value.numerator), value.denominator) >= _LARGEST:
        raise UsageError(
            f"variants are made of a number such as 12, 0.5 or 3/4: {reference[:40]!r}"
        )
    return value


def _equivalents(value: Fraction) -> Iterator[tuple[str, str]]:
    """Kinds and texts that say exactly `value`, as another numeral."""
    sign, p, q = "-" * (value < 0), abs(value.numerator), value.denominator
    if q == 1:
        yield from _integers(sign, p)
        return
    yield "fraction", f"{sign}{p}/{q}"
    if (decimal := _decimal(value)) is not None:
        yield "decimal", decimal
        yield "trailing zeros", decimal + "0"
    if abs(value) < 1 and (percent := _decimal(100 * value)) is not None:
        yield "percent", percent + "%"
    yield "unreduced", f"{sign}{2 * p}/{2 * q}"
    yield "LaTeX fraction", rf"{sign}\frac{{{p}}}{{{q}}}"
    yield "LaTeX fraction", rf"{sign}\dfrac{{{p}}}{{{q}}}"


def _dressed(given: str) -> Iterator[tuple[str, str]]:
    """Kinds and texts with the same numeral in other clothes."""
    yield "LaTeX dressing", rf"${given}$"
    yield "LaTeX dressing", rf"\({given}\)"
    yield "equation", f"x = {given}"
    yield "spaces", f" {given} "


def _integers(sign: str, p: int) -> Iterator[tuple[str, str]]:
    yield "trailing zeros", f"{sign}{p}.0"
    yield "denominator 1", f"{sign}{p}/1"
    if not sign and p:
        yield "plus sign", f"+{p}"
    if p >= 1000:
        yield "thousands separators", f"{sign}{p:,}"
        yield "thousands separators", f"{sign}{p:,}".replace(",", "{,}")
        zeros = len(str(p)) - len(str(p).rstrip("0"))
        if zeros >= 3:
            yield "powers of ten", rf"{sign}{p // 10**zeros} \times 10^{{{zeros}}}"


def _near_misses(value: Fraction, *, decimals: bool) -> Iterator[tuple[str, str]]:
    """Kinds and texts of other numbers, close to `value` in how they are written."""

    def write(other: Fraction) -> str:
        return (_decimal(other) if decimals else None) or str(other)

    text = write(value)
    if value:
        yield "sign", write(-value)
    yield "off by one", write(value + 1)
    yield "off by one", write(value - 1)
    # Two off, not one, and never to 0: a denominator has to stay one.
    yield "digit", text[:-1] + str(int(text[-1]) + (2 if text[-1] < "8" else -2))
    if pair := re.search(r"(?!(\d)\1)(\d)([1-9])", text):
        yield "swapped digits", text[: pair.start()] + pair[3] + pair[2] + text[pair.end() :]
    if value:
        yield "ten times", write(10 * value)
        yield "a tenth", write(value / 10)
    if abs(value) not in (0, 1):
        yield "upside down", write(1 / value)
    if value.denominator > 1 and abs(value) < 1:
        yield "hundred times", write(100 * value)
    if _decimal(value) is None:
        yield "rounded", _decimal(Fraction(round(100 * value), 100)) or ""


def _decimal(value: Fraction) -> str | None:
    """The finite decimal of a fraction, or None if it has none."""
    twos = fives = 0
    q = value.denominator
    while q % 2 == 0:
        q, twos = q // 2, twos + 1
    while q % 5 == 0:
        q, fives = q // 5, fives + 1
    if q != 1:
        return None
    places = max(twos, fives)
    if not places:
        return str(value.numerator)
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{'-' * (value < 0)}{digits[:-places]}.{digits[-places:]}"
