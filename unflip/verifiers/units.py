r"""Units of measurement behind a number: read by a small grammar of ours, converted by pint.

Nothing of a completion reaches pint but single names of at most 20 letters, each looked up in its
registry; products, quotients and powers are put together here. Conversions are exact fractions.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Any

from unflip.errors import missing_extra

Factors = tuple[tuple[str, int], ...]
"""Names and their powers, as `m/s^2` is `(("m", 1), ("s", -2))`."""

_LONGEST_NAME = 20
_LONGEST = 80
_MOST_FACTORS = 6
_FACTOR = re.compile(
    rf"(?:(square|sq\.?|cubic|cu\.?) )?([A-Za-zµμΩ]{{1,{_LONGEST_NAME}}})\.?"
    r"(?: ?\^ ?\{? ?(-?[1-9]) ?\}?|([23])(?![0-9])| (squared|cubed))?"
)
_JOIN = re.compile(r" ?(/|\bper\b|\*|·|-) ?| ")
_POWERS = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cu": 3, "cubed": 3, None: 1}
_TEMPERATURE = re.compile(r"(?:degrees?|deg\.?) ?(C|F)(?:elsius|ahrenheit)?\b")
_LATEX = {r"\mu ": "µ", r"\mu": "µ", r"\Omega": "Ω"}
_NO_UNIT = re.compile(
    r"\b(?:pi|sqrt|sin|cos|tan|cot|sec(?=\W+\w)|csc|log|ln|exp|inf|infinity|infinite|or|and|to|of|mod|plus|minus"
    r"|times|over|choose|half|halves|thirds|quarters|(?:ten|hundred|thousand)ths|(?:hundred|thousand"
    r"|million|billion|trillion|dozen|ten|lakh|crore)s?|mn|bn|doubled|tripled|halved|roots?|basis"
    r"|factorial|not|no|never|wrong|false|incorrect|below|less|each|base|is|the)\b|^(?:squared|cubed)",
    re.IGNORECASE,
)
_SYMBOLS = frozenset("msghlLNJWVACKΩ")
"""Names of one letter; any other letter behind a number is a variable."""

_SYNONYMS = (
    "kg kilogram kilogramme", "g gram gramme", "mg milligram", "lb pound", "oz ounce",
    "t ton tonne", "km kilometer kilometre", "m meter metre", "cm centimeter centimetre",
    "mm millimeter millimetre", "mi mile", "ft foot feet", "inch inche inches", "yd yard",
    "s sec second", "ms millisecond", "min minute", "h hr hour", "day", "week", "month", "year yr",
    "l liter litre", "ml milliliter millilitre", "gal gallon", "w watt", "kw kilowatt",
    "kwh kilowatthour", "j joule", "kj kilojoule", "n newton", "v volt", "a amp ampere", "k kelvin",
    "ω ohm", "hz hertz", "pa pascal", "mol mole", "dollar usd", "cent", "euro eur", "degree deg",
    "degc celsius", "degf fahrenheit", "rad radian",
)  # fmt: skip
_CANONICAL = {name: names.split()[0] for names in _SYNONYMS for name in names.split()}
_KNOWN = frozenset(_CANONICAL.values())
_SPELLED_OUT = {"mph": (("mi", 1), ("h", -1)), "kph": (("km", 1), ("h", -1))}


def canonical(unit: Factors) -> Factors:
    """A unit with each name in one spelling, in one order.

    Example:
        >>> canonical((("litres", 1), ("minute", -1))) == canonical((("L", 1), ("min", -1)))
        True
    """
    factors: list[tuple[str, int]] = []
    for name, power in unit:
        word = name.lower()
        plural = len(word) > 2 and word.endswith("s") and not word.endswith("ss")
        single = word if word in _CANONICAL or not plural else word[:-1]
        factors += _SPELLED_OUT.get(single, ((_CANONICAL.get(single, single), power),))
    return tuple(sorted(factors))


def differ(one: Factors, other: Factors) -> bool:
    """Whether two units have different names; two nouns, as `apples` and `fruits`, have not.

    Example:
        >>> differ(read_unit("kg"), read_unit("mile")), differ(read_unit("km/h"), read_unit("kph"))
        (True, False)
        >>> differ(read_unit("apples"), read_unit("fruits")), differ((), read_unit("kg"))
        (False, False)
    """
    if not one or not other or one == other:
        return False
    ours, theirs = canonical(one), canonical(other)
    return ours != theirs and (_is_measured(ours) or _is_measured(theirs))


def _is_measured(unit: Factors) -> bool:
    return any(name in _KNOWN or len(name) <= 2 for name, _ in unit)


def check_installed() -> None:
    """Make sure that pint is there.

    Raises:
        MissingExtra: It is not.
    """
    try:
        version("pint")
    except ModuleNotFoundError as why:
        raise missing_extra("converting units", "units") from why


def read_unit(text: str) -> Factors | None:
    """The factors of a unit or noun; None if the text is something else.

    Example:
        >>> read_unit("m/s^2"), read_unit("square feet"), read_unit("x"), read_unit("or 5")
        ((('m', 1), ('s', -2)), (('feet', 2),), None, None)
    """
    if len(text) > _LONGEST or _NO_UNIT.search(text):
        return None
    for latex, char in _LATEX.items():
        text = text.replace(latex, char)
    text = _TEMPERATURE.sub(r"deg\1", text)
    factors: list[tuple[str, int]] = []
    at, sign = 0, 1
    while factor := _FACTOR.match(text, at):
        before, name, power, digit, after = factor.groups()
        if len(name) == 1 and name not in _SYMBOLS:
            return None
        size = _POWERS[(before or after or "").rstrip(".") or None] * int(power or digit or 1)
        factors.append((name, sign * size))
        at = factor.end()
        if at == len(text):
            return tuple(factors) if len(factors) <= _MOST_FACTORS else None
        join = _JOIN.match(text, at)
        if not join:
            return None
        sign = -1 if join[1] in ("/", "per") else 1
        at = join.end()
    return None


def is_known(unit: Factors) -> bool:
    """Whether every name is a unit of measurement, rather than a noun such as `apples`.

    Raises:
        MissingExtra: pint is not installed.
    """
    return all(_known(name) is not None for name, _ in unit)


def convert(value: Fraction, unit: Factors, into: Factors) -> Fraction | None:
    """The value in another unit, exactly; None if the two do not measure the same.

    Raises:
        MissingExtra: pint is not installed.

    Example:
        >>> convert(Fraction("8.65"), (("kW", 1),), (("W", 1),))
        Fraction(8650, 1)
        >>> convert(Fraction(1), (("kg", 1),), (("mile", 1),)) is None
        True
    """
    from pint import PintError

    registry = _registry()
    try:
        quantity = registry.Quantity(value, _unit(unit)).to(_unit(into))
    except (PintError, TypeError):
        # Logarithmic units, such as dBm, are no fractions: pint raises a TypeError for them.
        return None
    return Fraction(quantity.magnitude)


def _unit(factors: Factors) -> Any:
    registry = _registry()
    whole = registry.Unit("")
    for name, power in factors:
        whole = whole * _known(name) ** power
    return whole


@lru_cache(maxsize=4096)
def _known(name: str) -> Any:
    from pint import UndefinedUnitError

    for spelled in (name, name.lower()):
        try:
            return _registry().Unit(spelled)
        except UndefinedUnitError:
            continue
    return None


@cache
def _registry() -> Any:
    check_installed()
    import pint

    registry: Any = pint.UnitRegistry(non_int_type=Fraction)
    for money in ("dollar = [dollars] = _ = USD", "euro = [euros] = _ = EUR"):
        registry.define(money)
    registry.define("cent = 1/100 * dollar")
    return registry
