"""What kind of thing a node is, in a word for people: a verdict's evidence names it."""

from __future__ import annotations

from unflip.verifiers.math.formulas import is_formula
from unflip.verifiers.math.nodes import Node, Num, Sym, symbols

_KINDS = {
    "text": "words", "matrix": "matrix", "row": "matrix", "cases": "cases", "unit": "quantity",
    "pct": "percent", "deg": "degrees", "base": "number in a base", "ratio": "ratio",
    "pm": "plus-minus", "cup": "set", "cap": "set", "minus": "set", "builder": "set", "any": "set",
    "all": "set", "int": "integral", "lim": "limit", "bound": "integral or limit",
}  # fmt: skip
_GROUPS = {"": "list", "{}": "set", "()": "tuple", "[]": "vector"}
_ORDERS = frozenset(("<", ">", "<=", ">=", "!="))


def kind_of(node: Node) -> str:
    """What a node is.

    Example:
        >>> from unflip.verifiers.math.nodes import Op, number
        >>> kind_of(number(2)), kind_of(Op("group", (number(1), number(2)), "(]"))
        ('number', 'interval')
    """
    if isinstance(node, Num):
        return "number"
    if isinstance(node, Sym):
        return ("formula" if symbols(node) else "number") if is_formula(node) else "set"
    if node.kind == "group":
        name = _GROUPS.get(node.data, "interval")
        return f"{name} or interval" if node.data in ("()", "[]") and len(node.args) == 2 else name
    if node.kind == "rel":
        signs = set(node.data.split())
        return "inequality" if signs & _ORDERS else "equation" if "=" in signs else "relation"
    return _KINDS.get(node.kind) or ("formula" if symbols(node) else "number")
