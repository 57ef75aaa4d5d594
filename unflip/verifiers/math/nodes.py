"""What a formula is made of: numbers, symbols, and operations on them; all frozen and hashable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple, TypeGuard


class Num(NamedTuple):
    """A rational number.

    Attributes:
        value: Its exact value.
        places: Digits behind the point if it was written as a decimal, else None.
        figures: Significant digits of a decimal.
    """

    value: Fraction
    places: int | None = None
    figures: int = 0


class Sym(NamedTuple):
    r"""A variable or constant by its name: `x`, `x_1`, `\pi`, `AB`."""

    name: str


class Op(NamedTuple):
    """An operation, a bracket or a relation.

    Attributes:
        kind: Which one: `add`, `mul`, `div`, `pow`, `fn`, `group`, `rel`, and so on.
        args: What it is applied to.
        data: What else it needs: a function's name, the brackets of a group, a relation's signs.
    """

    kind: str
    args: tuple[Node, ...] = ()
    data: str = ""


Node = Num | Sym | Op

ZERO, ONE, TWO = Num(Fraction(0)), Num(Fraction(1)), Num(Fraction(2))
INFINITY = Sym("\\infty")
PI = Sym("\\pi")
CONSTANTS = frozenset({"\\pi", "e", "i", "\\infty"})
MINUS_ONE = Num(Fraction(-1))
BINDING = frozenset(("sum", "prod", "int", "lim"))
"""Operations that bind the variable in their `data`."""


def is_op(node: Node, kind: str) -> TypeGuard[Op]:
    """Whether a node is an operation of this kind."""
    return isinstance(node, Op) and node.kind == kind


def sides(one: Node, other: Node, kind: str) -> tuple[Op, Node] | None:
    """The side that is an operation of this kind, and the other one; None if neither is."""
    if is_op(one, kind):
        return one, other
    return (other, one) if is_op(other, kind) else None


def number(value: int | Fraction) -> Num:
    """A rational number as a node."""
    return Num(Fraction(value))


def negative(node: Node) -> Node:
    """The node times -1; a number keeps how it was written."""
    if isinstance(node, Num):
        return node._replace(value=-node.value)
    return Op("mul", (MINUS_ONE, node))


def difference(one: Node, other: Node) -> Node:
    """One less the other."""
    return Op("add", (one, negative(other)))


def walk(node: Node) -> Iterator[Node]:
    """The node and everything inside it."""
    stack = [node]
    while stack:
        one = stack.pop()
        yield one
        if isinstance(one, Op):
            stack.extend(one.args)


def symbols(node: Node) -> frozenset[str]:
    r"""The free variables; constants such as \pi, and what a sum runs over, are none.

    Example:
        >>> sorted(symbols(Op("add", (Sym("x"), PI, Sym("y")))))
        ['x', 'y']
    """
    if isinstance(node, Sym):
        return frozenset() if node.name in CONSTANTS else frozenset({node.name})
    if isinstance(node, Num):
        return frozenset()
    inner = frozenset[str]().union(*(symbols(arg) for arg in node.args))
    return inner - {node.data[1:]} if node.kind in BINDING else inner


def holds(node: Node, *kinds: str) -> bool:
    """Whether an operation of one of these kinds stands anywhere in the node."""
    return any(isinstance(one, Op) and one.kind in kinds for one in walk(node))


def replaced(node: Node, change: Callable[[Node], Node | None]) -> Node:
    """The node with every part for which `change` gives another one replaced, from outside in."""
    if (other := change(node)) is not None:
        return other
    if isinstance(node, Op) and node.args:
        return node._replace(args=tuple(replaced(arg, change) for arg in node.args))
    return node


def renamed(node: Node, names: dict[str, str]) -> Node:
    """The node with variables under other names.

    Example:
        >>> renamed(Sym("x"), {"x": "z"})
        Sym(name='z')
    """
    return substituted(node, {old: Sym(new) for old, new in names.items()})


def substituted(node: Node, values: dict[str, Node]) -> Node:
    """The node with nodes in the place of variables; what a sum runs over stays."""
    if isinstance(node, Sym):
        return values.get(node.name, node)
    if isinstance(node, Num) or not node.args:
        return node
    if node.kind in BINDING and node.data[1:] in values:
        free = {name: value for name, value in values.items() if name != node.data[1:]}
        *bounds, body = node.args
        outer = (substituted(bound, values) for bound in bounds)
        return node._replace(args=(*outer, substituted(body, free)))
    return node._replace(args=tuple(substituted(arg, values) for arg in node.args))


def shown(node: Node) -> str:
    """A node as text for people, in one line.

    Example:
        >>> shown(Op("add", (Sym("x"), number(1))))
        'x + 1'
    """
    if isinstance(node, Num):
        return str(node.value) if node.value.numerator.bit_length() < 400 else "(a long number)"
    if isinstance(node, Sym):
        return node.name
    parts = [shown(arg) for arg in node.args]
    if node.kind == "add":
        return " + ".join(parts)
    if node.kind in ("mul", "div", "pow"):
        inner = [f"({p})" if is_op(a, "add") else p for p, a in zip(parts, node.args, strict=True)]
        return {"mul": "*", "div": "/", "pow": "^"}[node.kind].join(inner)
    if node.kind == "rel":
        signs = node.data.split()
        return parts[0] + "".join(f" {s} {p}" for s, p in zip(signs, parts[1:], strict=True))
    if node.kind in ("group", "list"):
        return f"{node.data[:1]}{', '.join(parts)}{node.data[1:]}"
    if node.kind == "text":
        return node.data
    if node.kind in BINDING:
        return f"{node.kind}({node.data[1:]}: {', '.join(parts)})"
    return f"{node.data or node.kind}({', '.join(parts)})"
