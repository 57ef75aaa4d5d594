"""Whether two formulas are the same function: exactly, by residues, or at real points.

In this order: both have a small rational value; residues modulo primes agree (the same, as surely
as primes of 60 bits drawn by a key allow) or differ without any unknown function (different);
values at real points differ (different), or agree to forty digits and then to eighty (the same, a
heuristic). Two formulas are compared where both are real.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import NamedTuple

from unflip.verifiers.math.budget import Budget
from unflip.verifiers.math.decimals import Complex, Undefined
from unflip.verifiers.math.exact import rational
from unflip.verifiers.math.nodes import Node, Num, Op, Sym, holds, is_op, symbols, walk
from unflip.verifiers.math.reals import Real, points
from unflip.verifiers.math.residues import (
    KNOWN,
    NoResidue,
    Point,
    Unlucky,
    counted_symbols,
    small_symbols,
)


class Same(Enum):
    """Whether two things are the same."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNKNOWN = "unknown"

    def __bool__(self) -> bool:
        """Equal, and nothing else."""
        return self is Same.EQUAL


class Decision(NamedTuple):
    """Whether two things are the same, and by which rule.

    Attributes:
        same: The answer.
        rule: What decided, in a word or two.
        heuristic: Whether real points decided, whose error nobody bounds.
    """

    same: Same
    rule: str
    heuristic: bool = False

    def __bool__(self) -> bool:
        """Whether they are equal."""
        return self.same is Same.EQUAL


_LOW, _HIGH = 60, 110
_NEAR_LOW, _NEAR_HIGH = Decimal(10) ** -42, Decimal(10) ** -88
_REAL = Decimal(10) ** -35
_WANTED = 4
_WANTED_IF_SMALL = 7
"""Points to agree at where variables stand for one of a dozen integers, so that some may repeat."""
_WANTED_IF_ROUNDED = 40
_LEAST_IF_ROUNDED = 30
_TRIES = 4
_MOST_COUNTS = 16
_MOST_BITS = 3000
_MOST_DIGITS = 3000
_USUAL_DIGITS = 15
_DIGITS_PER_BIT = Fraction(31, 100)


def identical(one: Node, other: Node, budget: Budget) -> Decision:
    r"""Whether two formulas are the same function of their variables; symmetric.

    Example:
        >>> from unflip.verifiers.math.nodes import Sym, number
        >>> x = Sym("x")
        >>> identical(Op("add", (x, number(1))), Op("add", (number(1), x)), Budget())
        Decision(same=<Same.EQUAL: 'equal'>, rule='residues', heuristic=False)
    """
    if one == other:
        return Decision(Same.EQUAL, "form")
    left, right = rational(one), rational(other)
    if left is not None and right is not None:
        return Decision(Same.EQUAL if left == right else Same.DIFFERENT, "exact")
    if _infinite(one) or _infinite(other):
        return _as_infinite(one, other)
    if _divides_by_zero(one) != _divides_by_zero(other):
        return Decision(Same.DIFFERENT, "undefined")
    key = _key(one, other)
    decision = _by_residues(one, other, key, budget)
    counted = counted_symbols(one, other)
    if not decision and counted and holds(one, "binom", "fact") and holds(other, "binom", "fact"):
        return _by_counting(one, other, key, budget, counted)
    if not decision:
        decision = _by_points(one, other, key, budget, decision)
    if decision.same is Same.DIFFERENT and _unknown(one) != _unknown(other):
        return Decision(Same.UNKNOWN, "an unknown function")
    return decision


def _by_counting(
    one: Node, other: Node, key: bytes, budget: Budget, small: frozenset[str]
) -> Decision:
    """Factorials and binomials of variables, where these are small natural numbers."""
    agreed = 0
    for turn in range(_MOST_COUNTS):
        point = Point(key + bytes([turn]), budget, small | small_symbols(one, other))
        try:
            same = point.residue(one) == point.residue(other)
        except Unlucky:
            continue
        except NoResidue:
            break
        if not same:
            return Decision(Same.UNKNOWN if point.opaque else Same.DIFFERENT, "natural numbers")
        agreed += not point.opaque
    enough = agreed >= _MOST_COUNTS // 2
    return Decision(Same.EQUAL if enough else Same.UNKNOWN, "natural numbers", heuristic=enough)


def _divides_by_zero(node: Node) -> bool:
    return any(is_op(part, "div") and rational(part.args[1]) == 0 for part in walk(node))


def _unknown(node: Node) -> frozenset[str]:
    """The names of the functions of which nothing is known."""
    return frozenset(
        part.data
        for part in walk(node)
        if is_op(part, "fn") and part.data not in KNOWN and not part.data.endswith("_")
    )


def _infinite(node: Node) -> bool:
    return any(isinstance(part, Sym) and part.name == "\\infty" for part in walk(node))


def sign_of_infinity(node: Node) -> int:
    """1 or -1 for plus or minus infinity; 0 for anything else."""
    if isinstance(node, Sym):
        return int(node.name == "\\infty")
    if isinstance(node, Op) and node.kind == "mul" and len(node.args) == 2:
        factor = rational(node.args[0])
        return 0 if not factor else sign_of_infinity(node.args[1]) * (1 if factor > 0 else -1)
    if isinstance(node, Op) and node.kind == "pct":
        return sign_of_infinity(node.args[0])
    return 0


def _as_infinite(one: Node, other: Node) -> Decision:
    left, right = sign_of_infinity(one), sign_of_infinity(other)
    if left and right:
        return Decision(Same.EQUAL if left == right else Same.DIFFERENT, "infinity")
    finite = other if left else one
    if (left or right) and not _infinite(finite):
        return Decision(Same.DIFFERENT, "infinity")
    return Decision(Same.UNKNOWN, "infinity")


def _key(one: Node, other: Node) -> bytes:
    """A key of both, whichever comes first."""
    both = sorted(hashlib.blake2b(_text(node), digest_size=16).digest() for node in (one, other))
    return both[0] + both[1]


def _text(node: Node) -> bytes:
    return "\0".join(_pieces(node)).encode("utf-8", "surrogatepass")


def _pieces(node: Node) -> list[str]:
    if isinstance(node, Num):
        return [f"{node.value.numerator:x}/{node.value.denominator:x}"]
    if isinstance(node, Sym):
        return [node.name]
    inner = [f"{node.kind}:{node.data}:{len(node.args)}"]
    for arg in node.args:
        inner += _pieces(arg)
    return inner


def _by_residues(one: Node, other: Node, key: bytes, budget: Budget) -> Decision:
    small = small_symbols(one, other)
    agreed, wanted = 0, _WANTED_IF_SMALL if small else 2
    for turn in range(_TRIES + wanted - 2):
        point = Point(key + bytes([turn]), budget, small)
        try:
            same = point.residue(one) == point.residue(other)
        except Unlucky:
            continue
        except NoResidue:
            return Decision(Same.UNKNOWN, "residues")
        if not same:
            return Decision(Same.UNKNOWN if point.opaque else Same.DIFFERENT, "residues")
        agreed += 1
        if agreed == wanted:
            return Decision(Same.EQUAL, "residues", heuristic=bool(small))
    return Decision(Same.UNKNOWN, "residues")


def _by_points(one: Node, other: Node, key: bytes, budget: Budget, before: Decision) -> Decision:
    """Real points, where residues could not tell."""
    if before.same is Same.DIFFERENT:
        return before
    names = symbols(one) | symbols(other)
    imaginary = any(
        isinstance(n, Sym) and n.name == "i" for side in (one, other) for n in walk(side)
    )
    digits = _digits(one) + _digits(other)
    if digits > _MOST_DIGITS:
        return Decision(Same.UNKNOWN, "large numbers")
    small = small_symbols(one, other)
    agreed, complex_agreed, disagreed_behind = 0, 0, False
    rounded = any(holds(node, "floor", "ceil", "mod") for node in (one, other))
    wanted = _WANTED_IF_ROUNDED if rounded else _WANTED_IF_SMALL if small else _WANTED
    for point in points(names, key, small, wide=rounded):
        both = _values(one, other, point, key, budget, digits)
        if both is None:
            if not names:
                break
            continue
        real = imaginary or not names or all(_is_real(value) for value in both)
        near = _near(*both, _NEAR_LOW.scaleb(-digits))
        if real and not near and not far_apart(*both):
            real = not _confirmed(one, other, point, key, budget, digits)
        if real and not near:
            disagreed_behind = agreed > 0 and any(value < 0 for value in point.values())
            if disagreed_behind and holds(one, "root", "pow") | holds(other, "root", "pow"):
                return Decision(Same.UNKNOWN, "only where variables are positive")
            return Decision(Same.DIFFERENT, "real points")
        if near and not _confirmed(one, other, point, key, budget, digits):
            return Decision(Same.UNKNOWN, "two precisions")
        agreed += real and near
        complex_agreed += not real and near
        if not names or agreed == wanted:
            break
    if rounded and names and agreed < _LEAST_IF_ROUNDED:
        return Decision(Same.UNKNOWN, "real points")
    if agreed >= (2 if names else 1) or (not agreed and complex_agreed >= 3):
        return Decision(Same.EQUAL, "real points", heuristic=True)
    return Decision(Same.UNKNOWN, "real points")


def _digits(node: Node) -> int:
    """Digits of the largest numbers in a formula, where they are more than usual."""
    most = 0
    for part in walk(node):
        if is_op(part, "pow"):
            base, exponent = (rational(arg) for arg in part.args)
            if base and exponent:
                size = max(base.numerator.bit_length(), base.denominator.bit_length())
                most = max(most, int(abs(exponent) * size * _DIGITS_PER_BIT))
        elif isinstance(part, Num):
            size = max(part.value.numerator.bit_length(), part.value.denominator.bit_length())
            most = max(most, int(size * _DIGITS_PER_BIT))
        elif is_op(part, "fact") and (n := rational(part.args[0])) is not None:
            most = max(most, int(n * n.numerator.bit_length() * _DIGITS_PER_BIT))
    return most if most > _USUAL_DIGITS else 0


def _values(
    one: Node, other: Node, point: dict[str, Fraction], key: bytes, budget: Budget, digits: int
) -> tuple[Complex, Complex] | None:
    try:
        real = Real(point, _LOW + 2 * digits, budget, key)
        return real.value(one), real.value(other)
    except (Undefined, RecursionError):
        return None


_TINY = Decimal(10) ** -15


def far_apart(one: Complex, other: Complex) -> bool:
    """Whether two values differ by more than any loss of digits would explain."""
    size = max(abs(one[0]), abs(one[1]), abs(other[0]), abs(other[1]))
    least = min(max(abs(one[0]), abs(one[1])), max(abs(other[0]), abs(other[1])))
    apart = max(abs(one[0] - other[0]), abs(one[1] - other[1]))
    return least > _TINY and apart > _TINY * size


def constant_value(node: Node, budget: Budget) -> Complex | None:
    """The value of a formula without variables to sixty digits; None if it has none in reach."""
    digits = _digits(node)
    if _infinite(node) or digits > _MOST_DIGITS or _unknown(node):
        return None
    try:
        return Real({}, _LOW + 2 * digits, budget, b"").value(node)
    except (Undefined, RecursionError):
        return None


def _is_real(value: Complex) -> bool:
    return abs(value[1]) <= _REAL * max(Decimal(1), abs(value[0]))


def _near(one: Complex, other: Complex, epsilon: Decimal) -> bool:
    size = max(abs(one[0]), abs(one[1]), abs(other[0]), abs(other[1]))
    apart = max(abs(one[0] - other[0]), abs(one[1] - other[1]))
    return apart <= epsilon * max(size, Decimal(10) ** -12)


def _confirmed(
    one: Node, other: Node, point: dict[str, Fraction], key: bytes, budget: Budget, digits: int
) -> bool:
    try:
        real = Real(point, _HIGH + 2 * digits, budget, key)
        near = _NEAR_HIGH.scaleb(-digits)
        return _near(real.value(one), real.value(other), near)
    except Undefined:
        return False


def real_value(node: Node, budget: Budget) -> Decimal | None:
    """The value of a formula without variables to fifty digits, if it is real."""
    exact = rational(node)
    if exact is not None:
        return Decimal(exact.numerator) / Decimal(exact.denominator) if _fits(exact) else None
    if symbols(node):
        return None
    value = constant_value(node, budget)
    if value is None:
        return None
    return value[0] if _is_real(value) else None


def _fits(exact: Fraction) -> bool:
    return max(exact.numerator.bit_length(), exact.denominator.bit_length()) < _MOST_BITS
