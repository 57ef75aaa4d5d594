"""The exact rational value of a formula without variables, if it has one that is small enough."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from unflip.verifiers.math import arithmetic
from unflip.verifiers.math.nodes import Node, Num, Op, Sym

_MOST_BITS = 4096
_LARGEST_ROOTED = 64


class _NotExact(ArithmeticError):
    """It is irrational, too large, or has variables."""


def rational(node: Node) -> Fraction | None:
    """The value as a fraction; None if it has none, or one too large to be worth computing.

    Example:
        >>> from unflip.verifiers.math.nodes import TWO, Op, number
        >>> rational(Op("pow", (TWO, number(-3)))), rational(Op("root", (TWO, TWO))) is None
        (Fraction(1, 8), True)
    """
    if isinstance(node, Num):
        return node.value
    if isinstance(node, Sym):
        return None
    try:
        return _value(node)
    except (_NotExact, ZeroDivisionError, arithmetic.TooLarge):
        return None


def integer(node: Node) -> int | None:
    """The value as an integer; None if it is none."""
    value = rational(node)
    return value.numerator if value is not None and value.denominator == 1 else None


def _value(node: Node) -> Fraction:
    if isinstance(node, Num):
        return node.value
    if isinstance(node, Sym):
        raise _NotExact
    rule = _RULES.get(node.kind)
    if rule is None:
        return _other(node)
    value = rule([_value(arg) for arg in node.args])
    if value.numerator.bit_length() + value.denominator.bit_length() > _MOST_BITS:
        raise _NotExact
    return value


def _other(node: Op) -> Fraction:
    if node.kind == "fn" and node.data in ("gcd", "lcm", "max", "min"):
        values = [_value(arg) for arg in node.args]
        if node.data in ("max", "min"):
            return max(values) if node.data == "max" else min(values)
        if all(value.denominator == 1 for value in values):
            name = math.gcd if node.data == "gcd" else math.lcm
            return Fraction(name(*(value.numerator for value in values)))
    if node.kind == "fn" and node.data == "!!" and (value := integer(node.args[0])) is not None:
        return _double_factorial(value)
    if node.kind == "base":
        value = in_base(node)
        if value is not None:
            return Fraction(value)
    raise _NotExact


def in_base(node: Op) -> int | None:
    """The value of digits in a base; None if a digit is too large for it."""
    digits, base = (arg.value for arg in node.args if isinstance(arg, Num))
    try:
        return int(str(digits), int(base))
    except ValueError:
        return None


def _product(values: list[Fraction]) -> Fraction:
    total = Fraction(1)
    for value in values:
        total *= value
        if total.numerator.bit_length() > _MOST_BITS:
            raise _NotExact
    return total


def _power(values: list[Fraction]) -> Fraction:
    base, exponent = values
    if exponent.denominator != 1:
        if abs(exponent.numerator) >= _LARGEST_ROOTED:
            raise _NotExact
        return _root([base**exponent.numerator, Fraction(exponent.denominator)])
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if (base == 0 and exponent <= 0) or bits * abs(exponent) > _MOST_BITS:
        raise _NotExact
    return base**exponent.numerator


def _root(values: list[Fraction]) -> Fraction:
    value, degree = values
    if degree.denominator != 1 or not 1 <= degree <= 64:
        raise _NotExact
    sign = -1 if value < 0 and degree % 2 else 1
    if value < 0 and sign > 0:
        raise _NotExact
    root = arithmetic.exact_root(abs(value), degree.numerator)
    if root is None:
        raise _NotExact
    return sign * root


def _factorial(values: list[Fraction]) -> Fraction:
    value = values[0]
    if value.denominator != 1 or not 0 <= value <= 400:
        raise _NotExact
    return Fraction(math.factorial(value.numerator))


def _double_factorial(value: int) -> Fraction:
    if not 0 <= value <= 400:
        raise _NotExact
    return Fraction(math.prod(range(value, 0, -2)))


def _binomial(values: list[Fraction]) -> Fraction:
    top, bottom = values
    if top.denominator != 1 or bottom.denominator != 1 or not 0 <= top <= 1000 or bottom < 0:
        raise _NotExact
    return Fraction(math.comb(top.numerator, bottom.numerator))


def _modulo(values: list[Fraction]) -> Fraction:
    return values[0] % values[1]


_RULES: dict[str, Callable[[list[Fraction]], Fraction]] = {
    "add": lambda values: sum(values, Fraction(0)),
    "mul": _product,
    "div": lambda values: values[0] / values[1],
    "pow": _power,
    "root": _root,
    "fact": _factorial,
    "binom": _binomial,
    "abs": lambda values: abs(values[0]),
    "floor": lambda values: Fraction(math.floor(values[0])),
    "ceil": lambda values: Fraction(math.ceil(values[0])),
    "pct": lambda values: values[0] / 100,
    "mod": _modulo,
}
