"""Units of measurement: how large each one is, and what it measures.

Symbols are read as they are written, with the prefixes of the SI: mm is no Mm.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache, lru_cache
from typing import NamedTuple

from unflip.verifiers.units import Factors

Dimensions = tuple[tuple[str, int], ...]


class Measure(NamedTuple):
    """How many base units a unit is, and the powers of the base units."""

    size: Fraction
    dimensions: Dimensions


_PREFIXES = {
    "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "h": 2, "da": 1, "d": -1, "c": -2, "m": -3, "µ": -6,
    "μ": -6, "u": -6, "n": -9, "p": -12, "f": -15,
}  # fmt: skip
_LONG_PREFIXES = {
    "": 0, "kilo": 3, "mega": 6, "giga": 9, "tera": 12, "hecto": 2, "deci": -1, "centi": -2,
    "milli": -3, "micro": -6, "nano": -9, "pico": -12,
}  # fmt: skip
# symbol, names, size, dimensions; a symbol takes the SI prefixes.
_SI = (
    ("m", "meter metre", 1, "m"), ("g", "gram gramme", Fraction(1, 1000), "kg"),
    ("s", "second sec", 1, "s"), ("A", "ampere amp", 1, "A"), ("K", "kelvin", 1, "K"),
    ("mol", "mole", 1, "mol"), ("L", "liter litre", Fraction(1, 1000), "m3"),
    ("l", "", Fraction(1, 1000), "m3"), ("N", "newton", 1, "kg m s-2"),
    ("J", "joule", 1, "kg m2 s-2"), ("W", "watt", 1, "kg m2 s-3"),
    ("V", "volt", 1, "kg m2 s-3 A-1"),
    ("Ω", "ohm", 1, "kg m2 s-3 A-2"), ("Hz", "hertz", 1, "s-1"), ("Pa", "pascal", 1, "kg m-1 s-2"),
    ("C", "coulomb", 1, "A s"), ("F", "farad", 1, "kg-1 m-2 s4 A2"),
    ("T", "tesla", 1, "kg s-2 A-1"),
    ("H", "henry", 1, "kg m2 s-2 A-2"), ("eV", "", Fraction("1.602176634e-19"), "kg m2 s-2"),
    ("Wh", "", 3600, "kg m2 s-2"),
    ("cal", "calorie", Fraction("4.184"), "kg m2 s-2"), ("bar", "", 10**5, "kg m-1 s-2"),
)  # fmt: skip
_OTHERS = (
    ("min minute", 60, "s"), ("h hr hour", 3600, "s"), ("day", 86400, "s"), ("week", 604800, "s"),
    ("month", 1, "month"), ("year yr", 12, "month"), ("inch inche in", Fraction("0.0254"), "m"),
    ("ft foot feet", Fraction("0.3048"), "m"), ("yd yard", Fraction("0.9144"), "m"),
    ("mi mile", Fraction("1609.344"), "m"), ("lb pound lbs", Fraction("0.45359237"), "kg"),
    ("oz ounce", Fraction("0.028349523125"), "kg"), ("t ton tonne", 1000, "kg"),
    ("gal gallon", Fraction("0.003785411784"), "m3"), ("ha hectare", 10**4, "m2"),
    ("acre", Fraction("4046.8564224"), "m2"), ("degree deg", 1, "deg"), ("radian rad", 1, "rad"),
    ("dollar usd", 1, "$"), ("cent", Fraction(1, 100), "$"), ("euro eur", 1, "€"),
    ("mph", Fraction("0.44704"), "m s-1"), ("kph kmh", Fraction(5, 18), "m s-1"),
    ("degC celsius", 1, "degC"), ("degF fahrenheit", 1, "degF"), ("cc", Fraction(1, 10**6), "m3"),
    ("bit", 1, "bit"), ("byte", 8, "bit"), ("kb Kb kilobit", 10**3, "bit"),
    ("kB KB kilobyte", 8 * 10**3, "bit"), ("Mb megabit", 10**6, "bit"),
    ("MB megabyte", 8 * 10**6, "bit"), ("Gb gigabit", 10**9, "bit"),
    ("GB gigabyte", 8 * 10**9, "bit"), ("TB terabyte", 8 * 10**12, "bit"),
    ("atm", 101325, "kg m-1 s-2"), ("percent", Fraction(1, 100), ""),
)  # fmt: skip


def _dimensions(text: str) -> Dimensions:
    found = []
    for part in text.split():
        name = part.rstrip("-0123456789")
        found.append((name, int(part[len(name) :] or 1)))
    return tuple(sorted(found))


@cache
def _table() -> dict[str, Measure]:
    table = {}
    for symbol, names, size, base in _SI:
        for prefix, power in _PREFIXES.items():
            table[prefix + symbol] = Measure(
                Fraction(size) * Fraction(10) ** power, _dimensions(base)
            )
        for name in names.split():
            for prefix, power in _LONG_PREFIXES.items():
                measure = Measure(Fraction(size) * Fraction(10) ** power, _dimensions(base))
                table[prefix + name] = table[f"{prefix}{name}s"] = measure
    for names, size, base in _OTHERS:
        for name in names.split():
            table[name] = table[f"{name}s"] = Measure(Fraction(size), _dimensions(base))
    return table


@lru_cache(maxsize=2048)
def measure_of(unit: Factors) -> Measure | None:
    """The size and dimensions of a unit; None if one of its names is no unit of measurement.

    Example:
        >>> measure_of((("km", 1), ("h", -1)))
        Measure(size=Fraction(5, 18), dimensions=(('m', 1), ('s', -1)))
        >>> measure_of((("apples", 1),)) is None
        True
    """
    size, powers = Fraction(1), dict[str, int]()
    for name, power in unit:
        found = _table().get(name) or _table().get(name.lower() if len(name) > 3 else name)
        if found is None:
            return None
        size *= found.size**power
        for base, times in found.dimensions:
            powers[base] = powers.get(base, 0) + times * power
    return Measure(size, tuple(sorted((base, n) for base, n in powers.items() if n)))


def ratio(one: Factors, other: Factors) -> Fraction | None:
    """How many of the other unit one is; 0 if they do not measure the same, None if unknown.

    Example:
        >>> ratio((("kW", 1),), (("W", 1),)), ratio((("kg", 1),), (("mile", 1),))
        (Fraction(1000, 1), Fraction(0, 1))
    """
    left, right = measure_of(one), measure_of(other)
    if left is None or right is None:
        return None
    return left.size / right.size if left.dimensions == right.dimensions else Fraction(0)
