"""Formulas modulo large primes at random points: towers and factorials without large numbers.

Two rational formulas that are the same agree at every point; two that differ agree at a random
point of a random prime of 60 bits with a probability of about degree / 2^60. Functions that have
no residues (sine, roots, unknown ones) become unknown functions of the residues of their operands:
what agrees still is the same, and what differs may be the same after all, which `Residue` says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from fractions import Fraction
from functools import cache

from unflip.verifiers.math.budget import Budget
from unflip.verifiers.math.exact import integer, rational
from unflip.verifiers.math.nodes import CONSTANTS, Node, Num, Op, Sym, holds, walk

_LARGEST_FACTORIAL = 20_000
_LARGEST_EXPONENT_BITS = 1 << 14
_MOST_TERMS = 400
_SMALL = 12
"""So many values are drawn from for a variable that a sum or a factorial runs to."""
_LARGEST_FALLING = 40
_FREE = frozenset("'")
_COMMUTATIVE = frozenset(("max", "min", "gcd", "lcm"))


class NoResidue(ArithmeticError):
    """The formula has none at this point, or none at all."""


class Unlucky(NoResidue):
    """A denominator vanishes at this point; another point may do."""


class Point:
    """One prime and one value for every variable, drawn by a key.

    Attributes:
        opaque: Whether a function without residues was met, so that a difference proves nothing.
    """

    def __init__(self, key: bytes, budget: Budget, small: frozenset[str] = frozenset()) -> None:
        self._key = key
        self._budget = budget
        self._small = small
        self._prime = _prime(key)
        self._bound: dict[str, int] = {}
        self.opaque = False

    def residue(self, node: Node) -> int:
        """The value of the formula modulo the prime.

        Raises:
            NoResidue: It has none.
            OverBudget: It takes more steps than are left.
        """
        self._budget.spend()
        if isinstance(node, Num):
            return self._fraction(node.value)
        if isinstance(node, Sym):
            return self._symbol(node.name) % self._prime
        rule = _RULES.get(node.kind)
        return rule(self, node) if rule else self._unknown(node)

    def _fraction(self, value: Fraction) -> int:
        return value.numerator * self._inverse(value.denominator) % self._prime

    def _inverse(self, value: int) -> int:
        value %= self._prime
        if not value:
            raise Unlucky
        return pow(value, -1, self._prime)

    def _symbol(self, name: str) -> int:
        """The integer that a variable stands for; i is a root of -1."""
        if name in self._bound:
            return self._bound[name]
        if name == "\\infty":
            raise NoResidue
        if name == "i":
            return _imaginary(self._prime)
        drawn = self._hash(name)
        if name not in self._small:
            return drawn
        # The other point of a comparison of two points is never the same.
        return drawn % _SMALL + (3 + _SMALL if name.endswith("'q") else 3)

    def _hash(self, *parts: object) -> int:
        content = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
        return int.from_bytes(
            hashlib.blake2b(content, digest_size=7, key=self._key).digest(), "big"
        )

    def _sum(self, node: Op) -> int:
        return sum(map(self.residue, node.args)) % self._prime

    def _product(self, node: Op) -> int:
        total = 1
        for arg in node.args:
            total = total * self.residue(arg) % self._prime
        return total

    def _quotient(self, node: Op) -> int:
        top, bottom = node.args
        return self.residue(top) * self._inverse(self.residue(bottom)) % self._prime

    def _power(self, node: Op) -> int:
        base, exponent = node.args
        if (whole := integer(exponent)) is not None:
            value = self.residue(base)
            return pow(self._inverse(value) if whole < 0 else value, abs(whole), self._prime)
        if rational(exponent) is not None:
            return self._unknown(node)
        value = self.residue(base)
        if not value:
            raise Unlucky
        try:
            return pow(value, self._exponent(exponent), self._prime)
        except NoResidue:
            return self._unknown(node)

    def _exponent(self, node: Node) -> int:
        """An exponent modulo the order of the group, where it is made of integers."""
        order = self._prime - 1
        self._budget.spend()
        if isinstance(node, Num):
            if node.value.denominator != 1:
                raise NoResidue
            return node.value.numerator % order
        if isinstance(node, Sym):
            if node.name in ("i", "\\pi", "e", "\\infty"):
                raise NoResidue
            return self._symbol(node.name) % order
        if (whole := integer(node)) is not None:
            return whole % order
        if node.kind in ("add", "mul"):
            parts = [self._exponent(arg) for arg in node.args]
            return sum(parts) % order if node.kind == "add" else _product_of(parts, order)
        if node.kind == "pow":
            power = integer(node.args[1])
            if (
                power is not None
                and 0 <= power.bit_length() <= _LARGEST_EXPONENT_BITS
                and power >= 0
            ):
                return pow(self._exponent(node.args[0]), power, order)
        raise NoResidue

    def _factorial(self, node: Op) -> int:
        n = integer(node.args[0])
        if n is None:
            n = self._small_integer(node.args[0])
        return self._unknown(node) if n is None or n < 0 else self._factorial_of(n)

    def _small_integer(self, node: Node) -> int | None:
        """The value of a formula of small variables; None if it is no small integer."""
        if not any(isinstance(one, Sym) for one in walk(node)):
            return None
        if not all(one.name in self._small or one.name in self._bound
                   for one in walk(node) if isinstance(one, Sym)):  # fmt: skip
            return None
        value = self.residue(node)
        return value if value <= 200 else None

    def _factorial_of(self, n: int) -> int:
        if n > _LARGEST_FACTORIAL:
            raise NoResidue
        self._budget.spend(1 + n // 20)
        total, prime = 1, self._prime
        for k in range(2, n + 1):
            total = total * k % prime
        return total

    def _binomial(self, node: Op) -> int:
        tops = [integer(arg) for arg in node.args]
        tops = [self._small_integer(a) if t is None else t
                for a, t in zip(node.args, tops, strict=True)]  # fmt: skip
        n, k = tops
        if n is None and k is not None and 0 <= k <= _LARGEST_FALLING:
            return self._falling(node.args[0], k)
        if n is None or k is None or n < 0 or k < 0:
            return self._unknown(node)
        if k > n:
            return 0
        bottom = self._factorial_of(k) * self._factorial_of(n - k)
        return self._factorial_of(n) * self._inverse(bottom) % self._prime

    def _falling(self, top: Node, k: int) -> int:
        """A binomial of a formula above a number, which is a polynomial."""
        value, total = self.residue(top), 1
        for j in range(k):
            total = total * (value - j) % self._prime
        return total * self._inverse(self._factorial_of(k)) % self._prime

    def _series(self, node: Op) -> int:
        low, high, body = node.args
        first, last = self._bound_value(low), self._bound_value(high)
        if first is None or last is None or last - first > _MOST_TERMS:
            return self._unknown(node)
        name = node.data[1:]
        before = self._bound.get(name)
        total = 0 if node.kind == "sum" else 1
        for value in range(first, last + 1):
            self._bound[name] = value
            term = self.residue(body)
            total = (total + term if node.kind == "sum" else total * term) % self._prime
        if before is None:
            self._bound.pop(name, None)
        else:
            self._bound[name] = before
        return total

    def _bound_value(self, node: Node) -> int | None:
        value = integer(node)
        if value is not None:
            return value if abs(value) <= 10_000 else None
        small = self._small_integer(node)
        if small is None and any(isinstance(one, Sym) for one in walk(node)):
            less = self._small_integer(Op("add", (node, Num(Fraction(50)))))
            small = None if less is None else less - 50
        return small

    def _absolute(self, node: Op) -> int:
        value = rational(node)
        return self._unknown(node) if value is None else self._fraction(value)

    def _percent(self, node: Op) -> int:
        return self.residue(node.args[0]) * self._inverse(100) % self._prime

    def _base(self, node: Op) -> int:
        value = integer(node)
        if value is None:
            raise NoResidue
        return value % self._prime

    def _ratio(self, node: Op) -> int:
        if len(node.args) != 2:
            raise NoResidue
        return self._quotient(node)

    def _unknown(self, node: Op) -> int:
        """A function of which nothing is known but that it is one."""
        if node.kind in _WITHOUT:
            raise NoResidue
        values = [self.residue(arg) for arg in node.args]
        if node.data in _COMMUTATIVE:
            values.sort()
        if node.kind == "fn" and node.data.endswith("_") and len(values) == 1:
            return self._symbol(f"{node.data}{values[0]}") % self._prime
        if node.kind != "fn" or node.data in KNOWN or node.data in _COMMUTATIVE:
            self.opaque = True
        return self._hash(node.kind, node.data, *values) % self._prime


KNOWN = frozenset(
    [
        "sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth", "sech", "csch",
        "arcsin", "arccos", "arctan", "arccot", "arcsec", "arccsc", "arcsinh", "arccosh",
        "arctanh", "ln", "log", "sgn", "det", "erf", "Re", "Im", "arg", "tr", "rank", "\\overline",
        "\\Gamma", "\\zeta",
    ]
)  # fmt: skip
_WITHOUT = frozenset(
    ("group", "list", "rel", "matrix", "row", "cases", "cup", "cap", "minus", "builder", "text",
     "pm", "deg", "unit")
)  # fmt: skip
_RULES: dict[str, Callable[[Point, Op], int]] = {
    "add": Point._sum,
    "mul": Point._product,
    "div": Point._quotient,
    "pow": Point._power,
    "fact": Point._factorial,
    "binom": Point._binomial,
    "sum": Point._series,
    "prod": Point._series,
    "abs": Point._absolute,
    "floor": Point._absolute,
    "ceil": Point._absolute,
    "pct": Point._percent,
    "base": Point._base,
    "ratio": Point._ratio,
}


def counted_symbols(*nodes: Node) -> frozenset[str]:
    """Variables of factorials and binomials, which count something."""
    found = {
        part.name
        for node in nodes
        for one in walk(node)
        if isinstance(one, Op) and one.kind in ("fact", "binom")
        for part in walk(one)
        if isinstance(part, Sym)
    }
    return frozenset(found) - CONSTANTS


def small_symbols(*nodes: Node) -> frozenset[str]:
    """Variables that sums and products run to, which must be small integers."""
    found: set[str] = set()
    for node in nodes:
        for one in walk(node):
            if isinstance(one, Op) and one.kind in ("sum", "prod"):
                for limit in one.args[:2]:
                    found |= {sym.name for sym in walk(limit) if isinstance(sym, Sym)}
    if any(holds(node, "sum", "prod") for node in nodes):
        found |= counted_symbols(*nodes)
    return frozenset(found) - CONSTANTS


def _product_of(parts: list[int], modulus: int) -> int:
    total = 1
    for part in parts:
        total = total * part % modulus
    return total


_TRIAL = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89)
_WITNESSES = (2, 325, 9375, 28178, 450775, 9780504, 1795265022)


@cache
def _prime_after(start: int) -> int:
    """The first prime from `start` on that is 1 modulo 4."""
    candidate = start - start % 4 + 1
    while not is_prime(candidate):
        candidate += 4
    return candidate


def _prime(key: bytes) -> int:
    """A prime of 60 bits out of 2^16 that the key picks; kept, since the same ones come again."""
    drawn = int.from_bytes(hashlib.blake2b(key, digest_size=2, person=b"prime").digest(), "big")
    return _prime_after((1 << 59) + drawn * 1_000_003)


def is_prime(n: int) -> bool:
    """Whether a number below 2^64 is prime, by Miller and Rabin with Sinclair's witnesses.

    Example:
        >>> [n for n in range(90, 110) if is_prime(n)]
        [97, 101, 103, 107, 109]
    """
    if n < 97:
        return n in (2, *_TRIAL)
    if n % 2 == 0 or any(n % p == 0 for p in _TRIAL):
        return False
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_passes(n, base, odd, twos) for base in _WITNESSES)


def _passes(n: int, base: int, odd: int, twos: int) -> bool:
    x = pow(base, odd, n)
    if x in (1, n - 1):
        return True
    for _ in range(twos - 1):
        x = x * x % n
        if x == n - 1:
            return True
    return False


@cache
def _imaginary(prime: int) -> int:
    """A square root of -1 modulo a prime that is 1 modulo 4."""
    for base in range(2, 100):
        if pow(base, (prime - 1) // 2, prime) == prime - 1:
            return pow(base, (prime - 1) // 4, prime)
    raise NoResidue
