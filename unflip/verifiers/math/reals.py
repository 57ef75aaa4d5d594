"""Formulas at points of the real line, as complex decimals of a stated precision."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from decimal import Context, Decimal, DecimalException, localcontext
from fractions import Fraction

from unflip.verifiers.math import decimals
from unflip.verifiers.math.budget import Budget
from unflip.verifiers.math.decimals import Complex, Undefined
from unflip.verifiers.math.exact import integer, rational
from unflip.verifiers.math.nodes import Node, Num, Op, Sym, symbols

_MOST_TERMS = 200
_ZERO = Decimal(0)
_COST = {"fn": 12, "pow": 6, "root": 4, "abs": 2}
"""Steps of an operation, beside one for a sum or product."""
_REACH = 400
"""Decimal digits of an intermediate result, before or behind the point."""


class Real:
    """One point and one precision.

    Args:
        values: What each variable stands for.
        precision: Significant digits.
        budget: The steps that are left.
        key: What unknown functions are drawn by.
    """

    def __init__(
        self, values: dict[str, Fraction], precision: int, budget: Budget, key: bytes
    ) -> None:
        self._values = dict(values)
        self._precision = precision
        self._budget = budget
        self._key = key

    def value(self, node: Node) -> Complex:
        """The value of the formula here.

        Raises:
            Undefined: It has none.
            OverBudget: It takes more steps than are left.
        """
        context = Context(prec=self._precision, Emax=999_999, Emin=-999_999)
        try:
            with localcontext(context):
                return self._of(node)
        except DecimalException as why:
            raise Undefined from why

    def _of(self, node: Node) -> Complex:
        if isinstance(node, Num):
            self._budget.spend()
            return _decimal(node.value), _ZERO
        if isinstance(node, Sym):
            self._budget.spend()
            return self._symbol(node.name)
        self._budget.spend(_COST.get(node.kind, 1) * (self._precision // 50))
        rule = _RULES.get(node.kind)
        if rule is None:
            raise Undefined
        return rule(self, node)

    def _symbol(self, name: str) -> Complex:
        if name == "\\pi":
            return decimals.pi(), _ZERO
        if name == "e":
            return decimals.base(), _ZERO
        if name == "i":
            return decimals.IMAGINARY
        if name not in self._values:
            raise Undefined
        return _decimal(self._values[name]), _ZERO

    def _sum(self, node: Op) -> Complex:
        total = decimals.ZERO
        for arg in node.args:
            total = decimals.add(total, self._of(arg))
        return total

    def _product(self, node: Op) -> Complex:
        total = decimals.ONE
        for arg in node.args:
            total = decimals.multiply(total, self._of(arg))
        return total

    def _quotient(self, node: Op) -> Complex:
        if len(node.args) != 2:
            raise Undefined
        return decimals.divide(self._of(node.args[0]), self._of(node.args[1]))

    def _power(self, node: Op) -> Complex:
        base, exponent = node.args
        if (whole := integer(exponent)) is not None:
            if whole.bit_length() > 40:
                raise Undefined
            return decimals.power(self._of(base), (Decimal(whole), _ZERO))
        value = self._of(base)
        exact = rational(exponent)
        if exact is not None and exact == Fraction(1, 2):
            return decimals.sqrt(value)
        return decimals.power(value, self._of(exponent))

    def _root(self, node: Op) -> Complex:
        """A root; of odd degree, the real one of a real number."""
        radicand = self._of(node.args[0])
        degree = integer(node.args[1])
        if degree == 2:
            return decimals.sqrt(radicand)
        if degree and degree % 2 and not radicand[1] and radicand[0] < 0:
            size = decimals.power((-radicand[0], _ZERO), (1 / Decimal(degree), _ZERO))
            return -size[0], _ZERO
        return decimals.power(radicand, decimals.divide(decimals.ONE, self._of(node.args[1])))

    def _function(self, node: Op) -> Complex:
        values = [self._of(arg) for arg in node.args]
        rule = decimals.FUNCTIONS.get(node.data)
        if rule and len(values) == 1:
            return rule(values[0])
        if node.data in ("max", "min") and not any(value[1] for value in values):
            choose = max if node.data == "max" else min
            return choose(value[0] for value in values), _ZERO
        if node.data == "\\overline" and len(values) == 1:
            return values[0][0], -values[0][1]
        if node.data in (
            "gcd",
            "lcm",
            "det",
            "sgn",
            "arg",
            "Re",
            "Im",
            "erf",
            "tr",
            "rank",
            "\\Gamma",
            "\\zeta",
        ):
            raise Undefined
        return self._unknown(node.data, values)

    def _unknown(self, name: str, values: list[Complex]) -> Complex:
        """Some smooth function, the same for the same name: a polynomial drawn by the key."""
        total = decimals.ONE
        for place, value in enumerate(values):
            drawn = [
                (Decimal(_drawn(self._key, f"{name}{place}{n}") % 1000 + 1) / 1009, _ZERO)
                for n in range(4)
            ]
            inner = drawn[3]
            for coefficient in (drawn[2], drawn[1], drawn[0]):
                inner = decimals.add(decimals.multiply(inner, value), coefficient)
            total = decimals.multiply(total, inner)
        return total

    def _absolute(self, node: Op) -> Complex:
        return decimals.modulus(self._of(node.args[0])), _ZERO

    def _rounded(self, node: Op) -> Complex:
        real, imaginary = self._of(node.args[0])
        if imaginary or abs(real).adjusted() > self._precision - 10:
            raise Undefined
        nearest = real.to_integral_value()
        if real != nearest and abs(real - nearest) < Decimal(10) ** (8 - self._precision // 2):
            raise Undefined
        up = node.kind == "ceil"
        return real.to_integral_value("ROUND_CEILING" if up else "ROUND_FLOOR"), _ZERO

    def _factorial(self, node: Op) -> Complex:
        n = self._natural(node.args[0])
        self._budget.spend(1 + n // 4)
        total = Decimal(1)
        for k in range(2, n + 1):
            total *= k
        return total, _ZERO

    def _natural(self, node: Node) -> int:
        n = integer(node)
        if n is None:
            real, imaginary = self._of(node)
            if imaginary or real != real.to_integral_value() or abs(real) > 1000:
                raise Undefined
            n = int(real)
        if not 0 <= n <= 2000:
            raise Undefined
        return n

    def _binomial(self, node: Op) -> Complex:
        """Of any number above and a natural one below; of two variables, some smooth function."""
        if symbols(node.args[1]):
            return self._unknown("binom", [self._of(arg) for arg in node.args])
        k = self._natural(node.args[1])
        top, total = self._of(node.args[0]), decimals.ONE
        self._budget.spend(1 + k)
        for j in range(k):
            factor = decimals.subtract(top, (Decimal(j), _ZERO))
            total = decimals.divide(decimals.multiply(total, factor), (Decimal(j + 1), _ZERO))
        return total

    def _series(self, node: Op) -> Complex:
        low, high, body = node.args
        first, last = self._limit(low), self._limit(high)
        if last - first > _MOST_TERMS:
            raise Undefined
        name = node.data[1:]
        before = self._values.get(name)
        total = decimals.ZERO if node.kind == "sum" else decimals.ONE
        combine = decimals.add if node.kind == "sum" else decimals.multiply
        for value in range(first, last + 1):
            self._values[name] = Fraction(value)
            total = combine(total, self._of(body))
        self._values.pop(name, None)
        if before is not None:
            self._values[name] = before
        return total

    def _limit(self, node: Node) -> int:
        real, imaginary = self._of(node)
        if imaginary or real != real.to_integral_value() or abs(real) > 10_000:
            raise Undefined
        return int(real)

    def _percent(self, node: Op) -> Complex:
        return decimals.divide(self._of(node.args[0]), (Decimal(100), _ZERO))

    def _degrees(self, node: Op) -> Complex:
        return decimals.multiply(self._of(node.args[0]), (decimals.pi() / 180, _ZERO))

    def _modulo(self, node: Op) -> Complex:
        one, other = (self._of(arg) for arg in node.args)
        if one[1] or other[1] or not other[0]:
            raise Undefined
        quotient = (one[0] / other[0]).to_integral_value("ROUND_FLOOR")
        return one[0] - quotient * other[0], _ZERO

    def _base(self, node: Op) -> Complex:
        value = rational(node)
        if value is None:
            raise Undefined
        return _decimal(value), _ZERO


_RULES: dict[str, Callable[[Real, Op], Complex]] = {
    "add": Real._sum, "mul": Real._product, "div": Real._quotient, "ratio": Real._quotient,
    "pow": Real._power, "root": Real._root, "fn": Real._function, "abs": Real._absolute,
    "floor": Real._rounded, "ceil": Real._rounded, "fact": Real._factorial,
    "binom": Real._binomial, "sum": Real._series, "prod": Real._series, "pct": Real._percent,
    "deg": Real._degrees, "mod": Real._modulo, "base": Real._base,
}  # fmt: skip


def _decimal(value: Fraction) -> Decimal:
    if value.denominator == 1:
        return +Decimal(value.numerator)
    return Decimal(value.numerator) / Decimal(value.denominator)


def _drawn(key: bytes, name: str) -> int:
    content = name.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(content, digest_size=6, key=key).digest(), "big")


_SPREAD = 97
_RUN = 41
_COUNTING = frozenset("nmkNlpq")
"""Letters that stand for integers where something is rounded, or is real at integers only."""
_RANGES = ((0, 1), (1, 4), (0, 1), (-1, 0), (1, 2), (4, 12), (-4, -1), (20, 90), (-1, 1), (2, 3))


def _natural(name: str, place: int, key: bytes) -> int:
    """A small integer, another one at each of ten places."""
    start = _drawn(key, name)
    turned = (start + place * (1, 3, 7, 9)[start // 10 % 4]) % 10
    return turned + (13 if name.endswith("'q") else 3)


def points(
    names: frozenset[str], key: bytes, small: frozenset[str], *, wide: bool
) -> list[dict[str, Fraction]]:
    """Points to try, from several parts of the line, the same ones for the same key.

    Args:
        names: The variables.
        key: What the points are drawn by.
        small: Variables that take small natural numbers.
        wide: Whether the others lie far apart, as what is rounded needs.
    """
    tries: list[dict[str, Fraction]] = []
    if wide:
        # What is rounded differs at single numbers, so that a run of them has to be tried.
        places = list(enumerate(sorted(names)))
        tries = [{name: Fraction(n + 5 * k) for k, name in places} for n in range(1, _RUN)]
        if names <= _COUNTING:
            return tries
    drawn_points = []
    for place, (low, high) in enumerate(_RANGES):
        point = {}
        for name in sorted(names):
            drawn = _drawn(key, f"{name}/{place}")
            part = low + Fraction(drawn % 9973 + 1, 9975) * (high - low)
            natural = Fraction(_natural(name, place, key))
            point[name] = natural if name in small else part * (_SPREAD if wide else 1)
        drawn_points.append(point)
    # Where something is rounded, whole numbers alone would not tell it from what is rounded.
    tries = drawn_points + tries
    if names <= _COUNTING:
        tries += [dict.fromkeys(names, Fraction(n)) for n in range(1, 7)]
    return tries
