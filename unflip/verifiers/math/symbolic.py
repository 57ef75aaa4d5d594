r"""Intervals whose ends are formulas in other variables: `x > a` is `(a, \infty)`.

Ends without a value cannot be ordered, so only single intervals are compared, end by end.
"""

from __future__ import annotations

from typing import NamedTuple

from unflip.verifiers.math.identity import Decision, Same
from unflip.verifiers.math.judging import Judge
from unflip.verifiers.math.nodes import INFINITY, Node, Op, Sym, is_op, negative, symbols

_LEFT = {"<": "(", "<=": "["}
_RIGHT = {"<": ")", "<=": "]"}
_TURNED = {">": "<", ">=": "<="}
_BRACKETS = frozenset(("()", "[]", "(]", "[)"))


class Span(NamedTuple):
    """An interval as it is written: two ends and the brackets around them."""

    low: Node
    high: Node
    brackets: str


def decide(one: Node, other: Node, judge: Judge) -> Decision | None:
    """Whether an inequality in one variable is the interval of the other side."""
    relation, group = (one, other) if is_op(one, "rel") else (other, one)
    if not is_op(relation, "rel") or not is_op(group, "group"):
        return None
    if len(group.args) != 2 or group.data not in _BRACKETS:
        return None
    spans = [span for span in spans_of(relation) if symbols(span.low) | symbols(span.high) ==
             symbols(group)]  # fmt: skip
    if not spans:
        return None
    wanted = Span(group.args[0], group.args[1], group.data)
    decisions = [_same(span, wanted, judge) for span in spans]
    return next(filter(None, decisions), decisions[0])


def _same(one: Span, other: Span, judge: Judge) -> Decision:
    if one.brackets != other.brackets:
        return Decision(Same.DIFFERENT, "interval")
    return judge.all_same(one[:2], other[:2], "interval")


def spans_of(relation: Op) -> list[Span]:
    """The intervals that an inequality may state, by which of its sides is the variable."""
    signs, args = relation.data.split(), relation.args
    if all(sign in _TURNED for sign in signs):
        signs, args = [_TURNED[sign] for sign in reversed(signs)], args[::-1]
    if not all(sign in _LEFT for sign in signs):
        return []
    if len(args) == 3 and isinstance(args[1], Sym):
        return [Span(args[0], args[2], _LEFT[signs[0]] + _RIGHT[signs[1]])]
    if len(args) != 2:
        return []
    below = Span(negative(INFINITY), args[1], "(" + _RIGHT[signs[0]])
    above = Span(args[0], INFINITY, _LEFT[signs[0]] + ")")
    return [span for span, side in ((below, args[0]), (above, args[1])) if isinstance(side, Sym)]
