"""Antiderivatives of what is smooth on the whole line: sums of polynomials, sine, cosine, e^x.

Each rule is exact. What no rule knows has none here, and neither has what is undefined somewhere.
"""

from __future__ import annotations

from collections.abc import Callable

from unflip.verifiers.math.exact import integer
from unflip.verifiers.math.nodes import (
    ONE,
    ZERO,
    Node,
    Op,
    Sym,
    is_op,
    negative,
    number,
    symbols,
)

_HIGHEST = 20
Join = Callable[[list[Node], list[Node]], list[Node]]


def antiderivative(node: Node, name: str) -> Node | None:
    """An antiderivative in the variable of that name; None where no rule knows one.

    Example:
        >>> from unflip.verifiers.math.nodes import shown
        >>> shown(antiderivative(Op("pow", (Sym("x"), number(2))), "x"))
        '(1*1)*x^3/3'
    """
    powers = _coefficients(node, name)
    if powers is not None:
        return _of_polynomial(powers, Sym(name))
    if is_op(node, "add"):
        parts = [antiderivative(arg, name) for arg in node.args]
        known = tuple(part for part in parts if part is not None)
        return Op("add", known) if len(known) == len(parts) else None
    if is_op(node, "div") and name not in symbols(node.args[1]):
        over = antiderivative(node.args[0], name)
        return over and Op("div", (over, node.args[1]))
    if is_op(node, "mul"):
        return _of_product(node, name)
    return _of_function(node, name)


def _of_product(node: Op, name: str) -> Node | None:
    """Constants times one function."""
    moving = [arg for arg in node.args if name in symbols(arg)]
    if len(moving) != 1:
        return None
    inner = antiderivative(moving[0], name)
    constants = tuple(arg for arg in node.args if name not in symbols(arg))
    return inner and Op("mul", (*constants, inner))


def _of_function(node: Node, name: str) -> Node | None:
    """Sine, cosine or a power of e, of a straight line."""
    if is_op(node, "fn") and node.data in ("sin", "cos") and len(node.args) == 1:
        inside = node.args[0]
        turned = Op("fn", (inside,), "cos" if node.data == "sin" else "sin")
        found: Node = negative(turned) if node.data == "sin" else turned
    elif is_op(node, "pow") and node.args[0] == Sym("e"):
        inside, found = node.args[1], node
    else:
        return None
    powers = _coefficients(inside, name)
    if powers is None or len(powers) != 2 or symbols(powers[1]):
        return None
    return Op("div", (found, powers[1]))


def _of_polynomial(powers: list[Node], variable: Sym) -> Node:
    terms = [
        Op("div", (Op("mul", (factor, Op("pow", (variable, number(n + 1))))), number(n + 1)))
        for n, factor in enumerate(powers)
        if factor != ZERO
    ]
    return terms[0] if len(terms) == 1 else Op("add", tuple(terms)) if terms else ZERO


def _coefficients(node: Node, name: str) -> list[Node] | None:
    """The coefficients of a polynomial in one variable, from the constant; None if it is none."""
    if name not in symbols(node):
        return [node]
    if isinstance(node, Sym):
        return [ZERO, ONE]
    if is_op(node, "add"):
        return _combined(node, name, _sum)
    if is_op(node, "mul"):
        return _combined(node, name, _product)
    if is_op(node, "div") and name not in symbols(node.args[1]):
        over = _coefficients(node.args[0], name)
        return over and [Op("div", (factor, node.args[1])) for factor in over]
    if is_op(node, "pow") and (power := integer(node.args[1])) and 0 < power <= _HIGHEST:
        return _combined(Op("mul", (node.args[0],) * power), name, _product)
    return None


def _combined(node: Op, name: str, join: Join) -> list[Node] | None:
    total: list[Node] | None = None
    for arg in node.args:
        part = _coefficients(arg, name)
        if part is None:
            return None
        total = part if total is None else join(total, part)
        if len(total) > _HIGHEST + 1:
            return None
    return total


def _sum(one: list[Node], other: list[Node]) -> list[Node]:
    short, long = sorted((one, other), key=len)
    return [Op("add", pair) for pair in zip(short, long, strict=False)] + long[len(short) :]


def _product(one: list[Node], other: list[Node]) -> list[Node]:
    terms: list[list[Node]] = [[] for _ in range(len(one) + len(other) - 1)]
    for i, left in enumerate(one):
        for j, right in enumerate(other):
            if ZERO not in (left, right):
                terms[i + j].append(Op("mul", (left, right)))
    return [Op("add", tuple(term)) if term else ZERO for term in terms]
