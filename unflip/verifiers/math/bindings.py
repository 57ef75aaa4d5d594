r"""Integrals, limits and infinite sums, under any name of their variable.

Computed are definite integrals of polynomials, sine, cosine and powers of e, limits of quotients of
polynomials where these are defined, and geometric series of numbers. Two others are the same if
their bounds and what they are of are the same; if these differ, nothing is known.
"""

from __future__ import annotations

from itertools import pairwise

from unflip.verifiers.math.antiderivatives import antiderivative
from unflip.verifiers.math.exact import rational
from unflip.verifiers.math.formulas import is_formula
from unflip.verifiers.math.identity import Decision, Same, sign_of_infinity
from unflip.verifiers.math.judging import Judge
from unflip.verifiers.math.nodes import (
    INFINITY,
    ZERO,
    Node,
    Num,
    Op,
    Sym,
    difference,
    is_op,
    number,
    replaced,
    substituted,
    symbols,
    walk,
)

_RULE = "bound variables"
_CONTINUOUS = frozenset(("add", "mul", "div", "pow"))
_PROBED = 6
_MOST = 12


def decide(one: Node, other: Node, judge: Judge) -> Decision | None:
    """Whether two formulas with integrals, limits or infinite sums are the same."""
    if not (_holds(one) or _holds(other)) or not (is_formula(one) and is_formula(other)):
        return None
    left, right = computed(one), computed(other)
    if not (_holds(left) or _holds(right)):
        return judge.same(left, right)
    left, right = _named(left, right, judge)
    return Decision(Same.EQUAL if judge.identical(left, right) else Same.UNKNOWN, _RULE)


def _holds(node: Node) -> bool:
    return any(map(_binds, walk(node)))


def _binds(node: Node) -> bool:
    if is_op(node, "sum") or is_op(node, "prod"):
        return bool(sign_of_infinity(node.args[1]))
    return is_op(node, "int") or is_op(node, "lim")


# What has a value --------------------------------------------------------------------------------


def computed(node: Node) -> Node:
    r"""The node with what can be computed in its place.

    Example:
        >>> from unflip.verifiers.math.parser import parse
        >>> from unflip.verifiers.math.tokens import tokenize
        >>> rational(computed(parse(tokenize(r"\int_0^1 x^2 dx"))))
        Fraction(1, 3)
    """
    return replaced(node, _value)


def _value(node: Node) -> Node | None:
    if not isinstance(node, Op) or not _binds(node):
        return None
    name = node.data[1:]
    if node.kind == "int":
        return _integral(node, name)
    if node.kind == "lim":
        return _limit(node, name)
    return _geometric(node, name) if node.kind == "sum" else None


def _integral(node: Op, name: str) -> Node | None:
    low, high, body = node.args
    if sign_of_infinity(low) or sign_of_infinity(high):
        return None
    inner = antiderivative(computed(body), name)
    if inner is None:
        return None
    ends = (substituted(inner, {name: end}) for end in (high, low))
    return difference(next(ends), next(ends))


def _limit(node: Op, name: str) -> Node | None:
    """What stands at the limit, if that is a point where a quotient of polynomials is defined."""
    target, body = node.args
    kinds = {part.kind for part in walk(body) if isinstance(part, Op)}
    if not kinds <= _CONTINUOUS or symbols(body) - {name} or rational(target) is None:
        return None
    powers = [part.args[1] for part in walk(body) if is_op(part, "pow")]
    if any(not isinstance(power, Num) or power.value.denominator != 1 for power in powers):
        return None
    value = rational(substituted(body, {name: target}))
    return None if value is None else number(value)


def _geometric(node: Op, name: str) -> Node | None:
    """The sum of a geometric series of rational numbers."""
    first, _, body = node.args
    start = rational(first)
    if start is None or not _is_exponential(body, name):
        return None
    terms = [rational(substituted(body, {name: number(start + n)})) for n in range(_PROBED)]
    known = [term for term in terms if term]
    if len(known) < _PROBED:
        return None
    ratios = {after / before for before, after in pairwise(known)}
    ratio = ratios.pop()
    return number(known[0] / (1 - ratio)) if not ratios and abs(ratio) < 1 else None


def _is_exponential(node: Node, name: str) -> bool:
    """Whether a formula is a product of numbers and of powers of numbers with linear exponents."""
    if not symbols(node):
        return rational(node) is not None
    if is_op(node, "mul") or is_op(node, "div"):
        return all(_is_exponential(arg, name) for arg in node.args)
    if not is_op(node, "pow") or symbols(node) != {name}:
        return False
    base, exponent = node.args
    if symbols(base):
        return _is_exponential(base, name) and rational(exponent) is not None
    return rational(base) is not None and _is_linear(exponent)


def _is_linear(node: Node) -> bool:
    """Whether a formula is a sum of numbers and of numbers times a variable."""
    if is_op(node, "add"):
        return all(map(_is_linear, node.args))
    if is_op(node, "mul"):
        return sum(isinstance(arg, Sym) for arg in node.args) <= 1 and all(
            isinstance(arg, (Sym, Num)) for arg in node.args
        )
    return isinstance(node, (Sym, Num))


# What has none -----------------------------------------------------------------------------------


def _named(one: Node, other: Node, judge: Judge) -> tuple[Node, Node]:
    """Both with a new variable for each of these operations, the same for those that are equal."""
    known: list[Op] = []

    def change(part: Node) -> Node | None:
        if not isinstance(part, Op) or not _binds(part):
            return None
        place = next((k for k, seen in enumerate(known) if _alike(part, seen, judge)), len(known))
        if place == len(known) and place < _MOST:
            known.append(part)
        return Sym(f"#bound{place}")

    return replaced(one, change), replaced(other, change)


def _alike(one: Op, other: Op, judge: Judge) -> bool:
    """Whether two are the same term by term: bounds, and what they are of from the first bound."""
    if one.kind != other.kind or len(one.args) != len(other.args):
        return False
    ours, theirs = (_from_nought(node) for node in (one, other))
    pairs = zip(ours, theirs, strict=True)
    return all(one == other or bool(judge.identical(one, other)) for one, other in pairs)


def _from_nought(node: Op) -> tuple[Node, ...]:
    """The parts with one name for the variable; that of a series counts from nought."""
    fresh = Sym("#n")
    name = node.data[1:]
    *bounds, body = node.args
    if node.kind in ("sum", "prod"):
        moved = substituted(body, {name: Op("add", (fresh, bounds[0]))})
        return (ZERO, INFINITY, moved)
    bounds = [_with_one_sign(bound) for bound in bounds]
    return (*bounds, substituted(body, {name: fresh}))


def _with_one_sign(node: Node) -> Node:
    sign = sign_of_infinity(node)
    return node if not sign else INFINITY if sign > 0 else Op("mul", (number(-1), INFINITY))
