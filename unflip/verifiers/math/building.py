"""Nodes from their parts, in the one form that each thing has here."""

from __future__ import annotations

from unflip.verifiers.math.cursor import NotMath
from unflip.verifiers.math.nodes import Node, Op, Sym, is_op, number

CLOSING = {"(": ")]", "[": ")]", "{": "}", "\\{": "\\}", "lfloor": "rfloor", "lceil": "rceil"}
"""What closes a bracket; an interval may be closed by either of two."""
_PARTNERS = {"(": ")", "[": "]", "{": "}"}


def applied(name: str, operands: tuple[Node, ...], base: Node | None) -> Node:
    """A named function of its operands, in the one form that it has here."""
    argument = operands[0] if len(operands) == 1 else None
    if argument is None or name in ("gcd", "lcm", "max", "min"):
        return Op("fn", operands, name)
    if name == "exp":
        return Op("pow", (Sym("e"), argument))
    if name in ("log", "lg") and (base is not None or name == "lg"):
        below = base if base is not None else number(10)
        return Op("div", (Op("fn", (argument,), "ln"), Op("fn", (below,), "ln")))
    if name in ("abs", "floor", "ceil"):
        return Op(name, (argument,))
    return Op("fn", operands if base is None else (*operands, base), name)


def enclosed(opening: str, closing: str, items: list[Node]) -> Node:
    """What stands between brackets: itself if it is one formula, a group if it is a list."""
    if opening in ("lfloor", "lceil"):
        kind = "floor" if opening == "lfloor" and closing == "rfloor" else "ceil"
        if len(items) != 1:
            raise NotMath("a list rounded")
        return Op(kind, (items[0],))
    if opening == "\\{":
        return Op("group", tuple(items), "{}")
    if not items:
        raise NotMath("empty brackets")
    if len(items) == 1:
        if closing != _PARTNERS[opening]:
            raise NotMath(f"{opening} closed by {closing}")
        return items[0]
    return Op("group", tuple(items), "" if opening == "{" else opening + closing)


def joined(kind: str, parts: list[Node]) -> Node:
    """Terms or factors as one; a single one is itself."""
    if len(parts) == 1:
        return parts[0]
    if kind == "mul":
        parts = [p.args[0] if is_op(p, "group") and len(p.args) == 1 else p for p in parts]
    return Op(kind, tuple(parts))
