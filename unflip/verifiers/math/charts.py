"""Where a quotient of polynomials in one variable is positive, negative or nought.

Exact: coefficients are rational, and roots are rational or of quadratic polynomials. A polynomial
of which more is left over than a quadratic one has no chart here.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from math import isqrt, lcm
from typing import NamedTuple

from unflip.verifiers.math.exact import integer, rational
from unflip.verifiers.math.nodes import TWO, Node, Num, Op, Sym, number, symbols

Coefficients = tuple[Fraction, ...]
"""From the constant on; the last is not 0, and nought is `()`."""
Quotient = tuple[Coefficients, Coefficients]

_HIGHEST = 8
_MOST_DIVISORS = 400
_LARGEST = 10**6
_ONE: Coefficients = (Fraction(1),)


class Root(NamedTuple):
    """A place where the sign may change.

    Attributes:
        value: Its value, near enough to tell it from the others.
        node: Its exact value.
        is_pole: Whether the quotient has no value there.
    """

    value: Fraction
    node: Node
    is_pole: bool


class Chart(NamedTuple):
    """The signs of a quotient of polynomials.

    Attributes:
        name: Its variable.
        roots: Where numerator or denominator is nought, in order.
        between: The sign below the first root, between each two, and above the last: -1, 0 or 1.
    """

    name: str
    roots: tuple[Root, ...]
    between: tuple[int, ...]


def of(node: Node) -> Chart | None:
    """The signs of a formula of degree two or more; None if it is none, or has no exact roots.

    Example:
        >>> from unflip.verifiers.math.parser import parse
        >>> from unflip.verifiers.math.tokens import tokenize
        >>> chart = of(parse(tokenize("x^2 - 4")))
        >>> [str(root.value) for root in chart.roots], chart.between
        (['-2', '2'], (1, -1, 1))
    """
    names = symbols(node)
    if len(names) != 1:
        return None
    name = next(iter(names))
    found = _quotient(node, name)
    if found is None or not found[1] or (len(found[0]) < 3 and len(found[1]) < 2):
        return None
    top, bottom = found
    zeros, poles = _roots(top), _roots(bottom)
    if zeros is None or poles is None:
        return None
    roots = {value: Root(value, exact, is_pole=False) for value, exact in zeros}
    roots |= {value: Root(value, exact, is_pole=True) for value, exact in poles}
    ordered = tuple(roots[value] for value in sorted(roots))
    between = tuple(_sign(top, at) * _sign(bottom, at) for at in _probes(ordered))
    return Chart(name, ordered, between)


# Coefficients ------------------------------------------------------------------------------------


def _quotient(node: Node, name: str) -> Quotient | None:
    """Numerator and denominator; None if it is no quotient of polynomials with rational numbers."""
    if isinstance(node, Num):
        return _trimmed((node.value,)), _ONE
    if isinstance(node, Sym):
        return ((Fraction(0), Fraction(1)), _ONE) if node.name == name else None
    if not symbols(node):
        value = rational(node)
        return None if value is None else (_trimmed((value,)), _ONE)
    rule = _RULES.get(node.kind)
    parts = [_quotient(arg, name) for arg in node.args] if rule else []
    known = [part for part in parts if part is not None]
    if node.kind == "pow" and known[:1]:
        return _power(known[0], node.args[1])
    if not rule or len(known) != len(parts):
        return None
    total = known[0]
    for part in known[1:]:
        total = rule(total, part)
        if max(map(len, total)) > _HIGHEST + 1:
            return None
    return total


def _trimmed(values: Coefficients) -> Coefficients:
    end = len(values)
    while end and not values[end - 1]:
        end -= 1
    return values[:end]


def _plus(one: Coefficients, other: Coefficients) -> Coefficients:
    short, long = sorted((one, other), key=len)
    added = tuple(a + b for a, b in zip(short, long, strict=False))
    return _trimmed(added + long[len(short) :])


def _times(one: Coefficients, other: Coefficients) -> Coefficients:
    out = [Fraction(0)] * (len(one) + len(other))
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            out[i + j] += a * b
    return _trimmed(tuple(out))


def _sum(one: Quotient, other: Quotient) -> Quotient:
    if one[1] == other[1]:
        return _plus(one[0], other[0]), one[1]
    crossed = _plus(_times(one[0], other[1]), _times(other[0], one[1]))
    return crossed, _times(one[1], other[1])


def _product(one: Quotient, other: Quotient) -> Quotient:
    return _times(one[0], other[0]), _times(one[1], other[1])


def _division(one: Quotient, other: Quotient) -> Quotient:
    """The denominator keeps what cancels: where that is nought, there is no value."""
    return _times(one[0], other[1]), _times(_times(one[1], other[0]), other[1])


def _power(base: Quotient, exponent: Node) -> Quotient | None:
    power = integer(exponent)
    if power is None or not 0 < power <= _HIGHEST:
        return None
    total = base
    for _ in range(power - 1):
        total = _product(total, base)
        if max(map(len, total)) > _HIGHEST + 1:
            return None
    return total


_RULES: dict[str, Callable[[Quotient, Quotient], Quotient]] = {
    "add": _sum, "mul": _product, "div": _division, "pow": _product,
}  # fmt: skip


# Roots -------------------------------------------------------------------------------------------


def _at(values: Coefficients, x: Fraction) -> Fraction:
    total = Fraction(0)
    for value in reversed(values):
        total = total * x + value
    return total


def _sign(values: Coefficients, x: Fraction) -> int:
    found = _at(values, x)
    return (found > 0) - (found < 0)


def _roots(values: Coefficients) -> list[tuple[Fraction, Node]] | None:
    """The real roots; None if some of them are neither rational nor of a quadratic polynomial."""
    if not values:
        return None
    found: list[tuple[Fraction, Node]] = []
    while len(values) > 3:
        root = _rational_root(values)
        if root is None:
            return None
        found.append((root, number(root)))
        values = _deflated(values, root)
    return found + (_of_quadratic(*values) if len(values) == 3 else _of_line(values))


def _of_line(values: Coefficients) -> list[tuple[Fraction, Node]]:
    if len(values) < 2:
        return []
    root = -values[0] / values[1]
    return [(root, number(root))]


def _of_quadratic(c: Fraction, b: Fraction, a: Fraction) -> list[tuple[Fraction, Node]]:
    under = b * b - 4 * a * c
    if under < 0:
        return []
    top, bottom = isqrt(under.numerator), isqrt(under.denominator)
    if top * top == under.numerator and bottom * bottom == under.denominator:
        exact = Fraction(top, bottom)
        return [(root, number(root)) for root in {(-b - exact) / (2 * a), (-b + exact) / (2 * a)}]
    near = Fraction(isqrt(under.numerator * _FINE * _FINE // under.denominator), _FINE)
    root_of = Op("root", (number(under / (4 * a * a)), TWO))
    middle, apart = -b / (2 * a), near / abs(2 * a)
    down = Op("add", (number(middle), Op("mul", (number(-1), root_of))))
    return [(middle - apart, down), (middle + apart, Op("add", (number(middle), root_of)))]


_FINE = 10**40


def _rational_root(values: Coefficients) -> Fraction | None:
    if not values[0]:
        return Fraction(0)
    scale = lcm(*(value.denominator for value in values))
    first, last = abs(int(values[0] * scale)), abs(int(values[-1] * scale))
    if max(first, last) > _LARGEST:
        return None
    tops, bottoms = _divisors(first), _divisors(last)
    if len(tops) * len(bottoms) > _MOST_DIVISORS:
        return None
    tried = (Fraction(sign * p, q) for p in tops for q in bottoms for sign in (1, -1))
    return next((x for x in tried if not _at(values, x)), None)


def _divisors(value: int) -> list[int]:
    low = [d for d in range(1, isqrt(value) + 1) if value % d == 0]
    return sorted({*low, *(value // d for d in low)})


def _deflated(values: Coefficients, root: Fraction) -> Coefficients:
    out: list[Fraction] = []
    carry = Fraction(0)
    for value in reversed(values[1:]):
        carry = carry * root + value
        out.append(carry)
    return tuple(reversed(out))


def _probes(roots: tuple[Root, ...]) -> list[Fraction]:
    """A point below all roots, one between each two, and one above all."""
    if not roots:
        return [Fraction(0)]
    values = [root.value for root in roots]
    middles = [(one + other) / 2 for one, other in pairwise(values)]
    return [values[0] - 1, *middles, values[-1] + 1]
