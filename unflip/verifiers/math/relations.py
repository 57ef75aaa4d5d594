"""Equations and inequalities: labels, values, factors, and functions under other variables.

`k = 3` states the value 3, `f(x) = x` and `f(z) = z` the same function, `x/2 + y = 1` and
`x + 2y = 2` the same line, `a < b` and `b > a` the same order.
"""

from __future__ import annotations

from fractions import Fraction

from unflip.verifiers.math.exact import rational
from unflip.verifiers.math.formulas import is_formula
from unflip.verifiers.math.identity import Decision, Same
from unflip.verifiers.math.judging import Judge
from unflip.verifiers.math.labels import Statement, function_of, statement, value_of
from unflip.verifiers.math.nodes import (
    Node,
    Op,
    Sym,
    difference,
    holds,
    is_op,
    number,
    renamed,
    substituted,
    symbols,
)

_MUTUAL = frozenset(("!=", "par", "perp", "sim"))
"""Relations whose sides may change places."""
_DIFFERENT = Decision(Same.DIFFERENT, "equation")
_UNKNOWN = Decision(Same.UNKNOWN, "equation")


def decide(one: Node, other: Node, judge: Judge) -> Decision | None:
    """Whether two relations are the same, or a relation states the other side as its value."""
    if isinstance(one, Op) and isinstance(other, Op) and one.kind == other.kind == "rel":
        return _both(one, other, judge)
    if is_op(one, "rel") and isinstance(one, Op):
        return _and_value(one, other, judge)
    if is_op(other, "rel") and isinstance(other, Op):
        return _and_value(other, one, judge)
    return None


def _and_value(relation: Op, value: Node, judge: Judge) -> Decision | None:
    signs = set(relation.data.split())
    if signs & {"<", ">", "<=", ">=", "!="}:
        return _DIFFERENT if is_formula(value) else None
    stated = value_of(relation)
    if stated is not None:
        decision = judge.same(stated, value)
        if decision or not is_formula(value) or not symbols(value):
            return decision
    if signs == {"="} and is_formula(value):
        solved = _solves(relation, value, judge)
        if solved is not None:
            return solved
        return _DIFFERENT if stated is not None or not symbols(value) else _UNKNOWN
    return None


def _solves(relation: Op, value: Node, judge: Judge) -> Decision | None:
    """An equation against the value of its one other variable, in which it must be linear."""
    if len(relation.args) != 2 or not symbols(value):
        return None
    others = symbols(relation) - symbols(value)
    if len(others) != 1 or symbols(value) - symbols(relation):
        return None
    return _explicit(next(iter(others)), value, relation, judge)


def _explicit(name: str, value: Node, relation: Op, judge: Judge) -> Decision | None:
    """Whether putting the value for the name solves an equation that is linear in the name."""
    rest = difference(relation.args[0], relation.args[1])
    at = [substituted(rest, {name: number(x)}) for x in (0, 1, 2)]
    bend = Op("add", (at[0], Op("mul", (number(-2), at[1])), at[2]))
    if not judge.identical(bend, number(0)) or judge.identical(at[0], at[1]):
        return None
    return judge.identical(substituted(rest, {name: value}), number(0))


def _both(one: Op, other: Op, judge: Judge) -> Decision | None:
    if set(one.data.split()) <= {"=", "~"} and set(other.data.split()) <= {"=", "~"}:
        return _equations(one, other, judge)
    if one.data == other.data and one.data in _MUTUAL:
        return judge.same_set(one.args, other.args, "relation", counted=True)
    left, right = _straight(one), _straight(other)
    if left.data == right.data and len(left.args) == len(right.args):
        pairwise = judge.all_same(left.args, right.args, "relation")
        if pairwise or len(left.args) > 2 or "in" in left.data:
            return pairwise if pairwise or len(symbols(one) | symbols(other)) > 1 else None
    if len(symbols(one) | symbols(other)) <= 1:
        return None
    if left.data == right.data and left.data in ("<", "<=", "!="):
        return _inequalities(left, right, judge)
    return Decision(Same.DIFFERENT if left.data != right.data and len(left.args) ==
                    len(right.args) == 2 else Same.UNKNOWN, "relation")  # fmt: skip


def _straight(relation: Op) -> Op:
    """A chain that rises: all of its signs are turned if one of them is greater."""
    signs = relation.data.split()
    if not any(sign in (">", ">=") for sign in signs):
        return relation
    turned = [{">": "<", ">=": "<=", "<": ">", "<=": ">="}.get(sign, sign) for sign in signs]
    return Op("rel", relation.args[::-1], " ".join(turned[::-1]))


def _equations(one: Op, other: Op, judge: Judge) -> Decision:
    left, right = statement(one), statement(other)
    if left and right:
        decision = _stated(one, left, other, right, judge)
        alike = left.names == right.names and bool(left.names)
        told = alike or decision.same is not Same.DIFFERENT
        if told or not len(one.args) == len(other.args) == 2:
            return decision
    same = judge.all_same(one.args, other.args, "equation")
    if same or len(one.args) != 2 or len(other.args) != 2:
        return same if same else _UNKNOWN
    if left and right and not (left.names and right.names):
        return _UNKNOWN
    return _up_to_a_factor(one, other, judge)


def _stated(one: Op, left: Statement, other: Op, right: Statement, judge: Judge) -> Decision:
    """Two statements of a value: of the same thing, or of a function in another variable."""
    if not left.names and not right.names:
        same = judge.all_same(one.args, other.args, "computation")
        return same if same else _unless_different(judge.same(left.value, right.value))
    if not left.names or not right.names:
        return judge.same(left.value, right.value)
    ours, theirs = function_of(left.names[0]), function_of(right.names[0])
    if ours and theirs and _are_bound(ours, left) and _are_bound(theirs, right):
        return _as_functions(ours, left.value, theirs, right.value, judge)
    values = judge.same(left.value, right.value)
    if not values or judge.same_set(left.names, right.names, "names", counted=False):
        return values
    bound = [f and _are_bound(f, s) for f, s in ((ours, left), (theirs, right))]
    if ours and theirs and ours[0] == theirs[0] and not any(bound) and ours[0][-1] != "_":
        points = all(name.islower() for name in (*ours[1], *theirs[1]))
        return values if points else Decision(Same.UNKNOWN, "other names")
    if Sym("y") in (left.names[0], right.names[0]) and (ours or theirs):
        return values
    return Decision(Same.UNKNOWN, "other names")


def _unless_different(decision: Decision) -> Decision:
    return decision if decision.same is Same.DIFFERENT else Decision(Same.UNKNOWN, decision.rule)


def _are_bound(function: tuple[str, tuple[str, ...]], stated: Statement) -> bool:
    """Whether the variables of a function stand in its value."""
    return set(function[1]) <= symbols(stated.value)


def _as_functions(
    ours: tuple[str, tuple[str, ...]],
    left: Node,
    theirs: tuple[str, tuple[str, ...]],
    right: Node,
    judge: Judge,
) -> Decision:
    if len(ours[1]) != len(theirs[1]):
        return _UNKNOWN
    fresh = [f"#{place}" for place in range(len(ours[1]))]
    same = judge.same(
        renamed(left, dict(zip(ours[1], fresh, strict=True))),
        renamed(right, dict(zip(theirs[1], fresh, strict=True))),
    )
    return _UNKNOWN if same and ours[0] != theirs[0] else same


def _up_to_a_factor(one: Op, other: Op, judge: Judge) -> Decision:
    """Whether the zero forms of two equations are multiples of each other."""
    left, right = difference(*one.args), difference(*other.args)
    if not symbols(left) and not symbols(right):
        return _UNKNOWN
    if symbols(left) != symbols(right):
        return _DIFFERENT
    for first, second in ((one, other), (other, one)):
        if isinstance(first.args[0], Sym) and first.args[0].name not in symbols(first.args[1]):
            solved = _explicit(first.args[0].name, first.args[1], second, judge)
            if solved:
                return solved
    decision = proportional(left, right, judge)
    if decision.same is Same.DIFFERENT and (holds(left, "div", "root", "fn", "pow") or holds(
        right, "div", "root", "fn", "pow"
    )):  # fmt: skip
        names = symbols(left)
        return _DIFFERENT if len(names) == 1 and not holds(left, "fn") else decision
    return decision


def proportional(left: Node, right: Node, judge: Judge) -> Decision:
    """Whether one formula is a constant times the other: f(p) g(q) = f(q) g(p) for all p and q."""
    names = {name: f"{name}'q" for name in symbols(left) | symbols(right)}
    if judge.identical(left, number(0)) or judge.identical(right, number(0)):
        return judge.identical(left, right)
    crossed = Op("mul", (left, renamed(right, names)))
    straight = Op("mul", (renamed(left, names), right))
    return judge.identical(crossed, straight)


def _inequalities(one: Op, other: Op, judge: Judge) -> Decision:
    left, right = difference(*one.args), difference(*other.args)
    if symbols(left) != symbols(right):
        return Decision(Same.DIFFERENT, "inequality")
    decision = proportional(left, right, judge)
    if not decision or one.data == "!=":
        return decision
    same_side = _ratio_is_positive(left, right)
    if same_side is None:
        return Decision(Same.UNKNOWN, "inequality")
    return decision if same_side else Decision(Same.DIFFERENT, "inequality")


def _ratio_is_positive(left: Node, right: Node) -> bool | None:
    for shift in range(2, 9):
        point: dict[str, Node] = {
            name: number(Fraction(7 * place + shift, shift + 1))
            for place, name in enumerate(sorted(symbols(left)))
        }
        values = [rational(substituted(side, point)) for side in (left, right)]
        if all(values):
            one, other = (value for value in values if value is not None)
            return one * other > 0
    return None
