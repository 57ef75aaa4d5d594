r"""What an equation gives a value to: `k = 3`, `f(x) = 2x`, `(p, q) = (3, 2)`, `x = y = 1`.

A label is no part of the value. An equation whose left side is a formula of its own, such as
`2x + z = 1`, labels nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from unflip.verifiers.math import symbols as table
from unflip.verifiers.math.budget import Budget, OverBudget
from unflip.verifiers.math.exact import integer, rational
from unflip.verifiers.math.formulas import is_formula
from unflip.verifiers.math.identity import real_value
from unflip.verifiers.math.nodes import CONSTANTS, Node, Num, Op, Sym, is_op, symbols

_NAMING = frozenset(("max", "min", "det", "dim", "arg", "deg", "rank", "Re", "Im", "tr", "sup"))


class Statement(NamedTuple):
    """What an equation says.

    Attributes:
        names: What it says it of; empty for a computation such as `1 + 1 = 2`.
        value: What it says.
    """

    names: tuple[Node, ...]
    value: Node


def statement(relation: Op) -> Statement | None:
    """What an equation states; None if it labels nothing.

    Example:
        >>> from unflip.verifiers.math.nodes import number
        >>> statement(Op("rel", (Sym("x"), number(3)), "=")).names
        (Sym(name='x'),)
    """
    if set(relation.data.split()) - {"=", "in", "~"}:
        return None
    first, last = relation.args[0], relation.args[-1]
    if is_name(first):
        others = frozenset[str]().union(*(symbols(side) for side in relation.args[1:]))
        if isinstance(first, Sym) and first.name in others:
            return None
        if not all(is_formula(side) or is_name(side) for side in relation.args[1:-1]):
            return None
        return Statement(tuple(filter(is_name, relation.args[:-1])), last)
    if is_formula(first) and not symbols(first) and not symbols(last):
        return None if _contradicts_itself(relation) else Statement((), last)
    if isinstance(last, Sym) and len(relation.args) == 2 and is_name(last):
        return None if last.name in symbols(first) else Statement((last,), first)
    return None


_STEPS = 500
_HALF = Decimal("0.6")
"""Half of the last place, and a little."""
_LONG = 3
_ROUGHLY = Decimal("0.05")
_CLOSE = Decimal(10) ** -12


def _contradicts_itself(relation: Op) -> bool:
    """Whether two of its sides are numbers that differ by more than rounding, as in `5 = 6`."""
    known = [side for side in relation.args if not symbols(side) and is_formula(side)]
    if len(known) < 2:
        return False
    budget = Budget(_STEPS)
    try:
        values = [real_value(side, budget) for side in known]
    except OverBudget:
        return False
    rough = "~" in relation.data
    return any(
        one is not None and other is not None and not _agree(one, other, sides, rough=rough)
        for one, other, *sides in zip(values, values[1:], known, known[1:], strict=False)
    )


def _room(side: Node) -> Decimal:
    """What a decimal may be off by; a long integer may stand for what is irrational."""
    if not isinstance(side, Num):
        return Decimal(0)
    if side.places:
        return Decimal(10) ** -side.places * (_HALF if side.places == 1 else 1)
    return _HALF if side.figures >= _LONG else Decimal(0)


def _agree(one: Decimal, other: Decimal, sides: Sequence[Node], *, rough: bool) -> bool:
    """Whether two values are the same, but for the digits that a rounded side leaves out."""
    room = max(map(_room, sides))
    if all(rational(side) is not None and not _room(side) for side in sides):
        room = Decimal(0)
    if rough:
        room = max(room, _ROUGHLY * abs(one))
    return abs(one - other) <= max(room, _CLOSE * abs(one))


def value_of(relation: Op) -> Node | None:
    """What an equation says that something is; None if it says nothing of the kind."""
    stated = statement(relation)
    return stated.value if stated else None


def unlabelled(node: Node) -> Node:
    """The value of a labelled node; any other node as it is."""
    value = value_of(node) if is_op(node, "rel") else None
    return node if value is None else value


def is_name(node: Node) -> bool:
    r"""Whether a formula only names something: `x_1`, `f(x)`, `AB`, `S_1 : S_2`, `(p, q)`."""
    if isinstance(node, Sym):
        return node.name not in CONSTANTS
    if not isinstance(node, Op):
        return False
    if node.kind == "fn":
        return node.data not in table.FUNCTIONS or node.data in _NAMING
    if node.kind in ("ratio", "div"):
        return all(map(_is_long_name, node.args)) or all(map(_is_differential, node.args))
    if node.kind in ("group", "abs"):
        return all(map(is_name, node.args))
    if node.kind in ("cup", "cap", "minus"):
        return all(map(is_name, node.args))
    if node.kind == "mul" and _is_inverse(node.args[0]):
        return len(node.args) == 2 and isinstance(node.args[1], Sym)
    if node.kind == "mul":
        return len(node.args) == 2 and isinstance(node.args[0], Sym) and _is_operand(node.args[1])
    return node.kind == "bound" and node.data in ("lim", "int")


def _is_inverse(node: Node) -> bool:
    """Whether a formula is `f^{-1}`, as the name of a function."""
    return is_op(node, "pow") and isinstance(node.args[0], Sym) and integer(node.args[1]) == -1


def _is_operand(node: Node) -> bool:
    """A variable or number, so that `W(n)` and `T(10)`, read as products, are names."""
    if is_op(node, "mul"):
        return all(isinstance(arg, Num) for arg in node.args)
    return isinstance(node, (Sym, Num))


def _is_differential(node: Node) -> bool:
    """Whether a formula is `dy` or `dx`, read as a product."""
    return is_op(node, "mul") and len(node.args) == 2 and node.args[0] == Sym("d")


def _is_long_name(node: Node) -> bool:
    """A name that is no variable: of several letters, or a capital, or with an index."""
    if isinstance(node, Sym):
        return len(node.name) > 1 or node.name.isupper()
    return is_op(node, "fn") and is_name(node)


def function_of(node: Node) -> tuple[str, tuple[str, ...]] | None:
    """The name and variables of `f(x)`; `W(x)` may have been read as a product.

    Example:
        >>> function_of(Op("fn", (Sym("x"),), "f"))
        ('f', ('x',))
    """
    if not isinstance(node, Op) or node.kind not in ("fn", "mul"):
        return None
    head, *rest = node.args
    name = node.data if node.kind == "fn" else getattr(head, "name", "")
    variables = node.args if node.kind == "fn" else tuple(rest)
    names = tuple(one.name for one in variables if isinstance(one, Sym))
    return (name, names) if names and len(names) == len(variables) else None
