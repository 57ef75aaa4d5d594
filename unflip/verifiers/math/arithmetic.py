r"""Exact values of closed arithmetic: numbers, + - * / ^ !, \frac, \binom and roots that come out.

Everything is an integer or a fraction, and every step is priced in bits before it is taken, so that
`9^{9^9}` costs nothing. What has letters, or a root that does not come out, has no value here.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

MOST_BITS = 1 << 16
_DEEPEST = 40
_LONGEST = 2000
_LONGEST_LITERAL = 600
"""Digits; beyond 640 Python may refuse to read an integer at all."""

_TOKEN = re.compile(
    r"\s*(?:([0-9]+(?:\.[0-9]*)?|\.[0-9]+)|\\(frac|binom|sqrt)(?![A-Za-z])|(\*\*|[-+*/^!(){}\[\]]))"
)
_CLOSING = {"(": ")", "{": "}", "[": "]"}


class TooLarge(ArithmeticError):
    """The value, or one on the way to it, has more than `MOST_BITS` bits."""


class _NotArithmetic(ValueError):
    """The text says something else."""


def evaluate(text: str) -> Fraction | None:
    r"""The exact value of an expression, or None if it is no closed arithmetic.

    Juxtaposition multiplies, except that an integer before a fraction is a mixed number.

    Raises:
        TooLarge: It has a value that is too large to compute.

    Example:
        >>> evaluate(r"2\frac{1}{2}"), evaluate(r"\frac{2^{5}}{4!}"), evaluate("2x")
        (Fraction(5, 2), Fraction(4, 3), None)
    """
    if len(text) > _LONGEST:
        return None
    try:
        return _Parser(_tokens(text)).all()
    except (_NotArithmetic, ZeroDivisionError):
        return None


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if not token:
            raise _NotArithmetic
        tokens.append(token[1] or token[2] or token[3].replace("**", "^"))
        at = token.end()
    return tokens


class _Parser:
    """Recursive descent, at most `_DEEPEST` deep."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def all(self) -> Fraction:
        value = self._sum()
        if self._next:
            raise _NotArithmetic
        return value

    @property
    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        mark = self._next
        self._at += 1
        return mark

    def _skip(self, mark: str) -> bool:
        found = self._next == mark
        self._at += found
        return found

    def _sum(self) -> Fraction:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _NotArithmetic
        value = self._product()
        while self._next in ("+", "-"):
            minus = self._take() == "-"
            other = self._product()
            value = _small(value - other if minus else value + other)
        self._depth -= 1
        return value

    def _product(self) -> Fraction:
        value, divided = self._signed(), False
        while True:
            if self._skip("*"):
                value = _small(value * self._signed())
            elif self._skip("/"):
                value, divided = _small(value / self._signed()), True
            elif self._next in ("(", "{", "frac", "binom", "sqrt") and not divided:
                # 1/2(3) means two things, so juxtaposition after a slash means nothing.
                value = _small(value * self._power())
            else:
                return value

    def _signed(self) -> Fraction:
        sign = 1
        while self._next in ("+", "-"):
            sign = -sign if self._take() == "-" else sign
        return sign * self._power()

    def _power(self) -> Fraction:
        base = self._factorial()
        return _power(base, self._exponent()) if self._skip("^") else base

    def _exponent(self) -> Fraction:
        """What `^` raises to: a group, or a number that may itself be raised (to the right)."""
        sign = -1 if self._skip("-") else 1
        return sign * self._power()

    def _factorial(self) -> Fraction:
        """A number with its factorials; two signs are one double factorial, as in `5!! = 15`."""
        value, count = self._atom(), 0
        while self._skip("!"):
            count += 1
        if count == 2:
            return _factorial(value, step=2)
        for _ in range(count):
            value = _factorial(value)
        return value

    def _atom(self) -> Fraction:
        mark = self._take()
        if mark == "frac":
            return _small(self._argument() / self._argument())
        if mark == "binom":
            return _binomial(self._argument(), self._argument())
        if mark == "sqrt":
            return self._root()
        if mark in ("(", "{"):
            value = self._sum()
            if not self._skip(_CLOSING[mark]):
                raise _NotArithmetic
            return value
        return self._mixed(mark)

    def _mixed(self, mark: str) -> Fraction:
        value = _literal(mark)
        if self._next != "frac" or value.denominator != 1:
            return value
        self._take()
        start = self._at
        part = self._argument() / self._argument()
        written = self._tokens[start : self._at]
        if not 0 < part < 1 or not all(mark in "{}" or mark.isdigit() for mark in written):
            raise _NotArithmetic
        return value + part

    def _argument(self) -> Fraction:
        r"""A group, or the next digit: \frac12 is a half."""
        if self._next in ("{", "frac"):
            return self._atom()
        mark = self._take()
        if not mark.isdigit():
            raise _NotArithmetic
        if len(mark) > 1:
            self._at -= 1
            self._tokens[self._at] = mark[1:]
        return _literal(mark[0])

    def _root(self) -> Fraction:
        degree = Fraction(2)
        if self._skip("["):
            degree = self._signed()
            if not self._skip("]"):
                raise _NotArithmetic
        return _root(self._argument(), degree)


def _literal(token: str) -> Fraction:
    if not token or token[0] not in "0123456789." or len(token) > _LONGEST_LITERAL:
        raise _NotArithmetic
    whole, _, decimals = token.partition(".")
    return Fraction(int(whole + decimals), 10 ** len(decimals))


def _small(value: Fraction) -> Fraction:
    if value.numerator.bit_length() + value.denominator.bit_length() > MOST_BITS:
        raise TooLarge
    return value


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        return _power(_root(base, Fraction(exponent.denominator)), Fraction(exponent.numerator))
    power = exponent.numerator
    if abs(base) == 1 or base == 0:
        power = power if power <= 0 else 2 - power % 2
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if bits * abs(power) > MOST_BITS:
        raise TooLarge
    if base == 0 and power <= 0:
        raise _NotArithmetic
    return Fraction(base) ** power


def _factorial(value: Fraction, step: int = 1) -> Fraction:
    if value.denominator != 1 or value < 0:
        raise _NotArithmetic
    n = value.numerator
    if n * n.bit_length() > MOST_BITS:
        raise TooLarge
    return Fraction(math.factorial(n) if step == 1 else math.prod(range(n, 0, -step)))


def _binomial(top: Fraction, bottom: Fraction) -> Fraction:
    if top.denominator != 1 or bottom.denominator != 1 or top < 0 or bottom < 0:
        raise _NotArithmetic
    n, k = top.numerator, min(bottom.numerator, max(0, top.numerator - bottom.numerator))
    if min(n, k * n.bit_length()) > MOST_BITS:
        raise TooLarge
    return Fraction(math.comb(n, bottom.numerator) if n >= bottom.numerator else 0)


def _root(value: Fraction, degree: Fraction) -> Fraction:
    """The real root, if it is rational."""
    if degree.denominator != 1 or not 1 <= degree.numerator <= MOST_BITS or value < 0:
        raise _NotArithmetic
    return Fraction(
        _integer_root(value.numerator, degree.numerator),
        _integer_root(value.denominator, degree.numerator),
    )


def exact_root(value: Fraction, degree: int) -> Fraction | None:
    """The root of a fraction that is not negative, if it is rational.

    Example:
        >>> exact_root(Fraction(4, 9), 2), exact_root(Fraction(2), 2) is None
        (Fraction(2, 3), True)
    """
    try:
        return _root(value, Fraction(degree))
    except _NotArithmetic:
        return None


def _integer_root(n: int, degree: int) -> int:
    if degree == 1 or n < 2:
        return n
    if degree == 2:
        root = math.isqrt(n)
    else:
        low, high = 1, 1 << -(-n.bit_length() // degree)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if middle**degree <= n else (low, middle - 1)
        root = low
    if root**degree != n:
        raise _NotArithmetic
    return root
