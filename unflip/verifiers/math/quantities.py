"""Values with units: 8.65 kW is 8650 W, and 1 kg is not 1 mile.

A unit on one side only says nothing unless the option says so, as references rarely say whether
they want it; two nouns say nothing either.
"""

from __future__ import annotations

from fractions import Fraction

from unflip.verifiers.math.identity import Decision, Same
from unflip.verifiers.math.judging import Judge
from unflip.verifiers.math.measures import measure_of
from unflip.verifiers.math.nodes import Node, Num, Op, is_op, number, sides
from unflip.verifiers.math.tolerance import Units
from unflip.verifiers.units import read_unit


def decide(one: Node, other: Node, judge: Judge) -> Decision | None:
    """Whether two values with units are the same."""
    if is_op(one, "unit") and is_op(other, "unit"):
        return _both(one, other, judge)
    one_sided = sides(one, other, "unit")
    return _one_sided(*one_sided, judge) if one_sided else None


def _both(one: Op, other: Op, judge: Judge) -> Decision:
    left, right = (measure_of(read_unit(node.data) or ((node.data, 1),)) for node in (one, other))
    if left is None or right is None:
        return _nouns(one, other, judge, measured=left is not None or right is not None)
    if left.dimensions != right.dimensions:
        return Decision(Same.DIFFERENT, "dimensions")
    if left.size == right.size:
        return judge.same(one.args[0], other.args[0])
    return judge.same(_scaled(one.args[0], left.size), _scaled(other.args[0], right.size))


def _scaled(node: Node, size: Fraction) -> Node:
    return Num(node.value * size) if isinstance(node, Num) else Op("mul", (node, number(size)))


def _one_sided(unit: Op, bare: Node, judge: Judge) -> Decision | None:
    if isinstance(bare, Op) and bare.kind in ("rel", "group", "text"):
        return None
    if is_op(bare, "pct") and measure_of(read_unit(unit.data) or ()):
        return Decision(Same.DIFFERENT, "percent and a unit")
    if judge.tolerance.units is Units.EXACT:
        return Decision(Same.DIFFERENT, "a unit missing")
    return judge.same(unit.args[0], bare)


def _nouns(one: Op, other: Op, judge: Judge, *, measured: bool) -> Decision:
    decision = judge.same(one.args[0], other.args[0])
    general = any(node.data.rstrip("s").endswith("unit") for node in (one, other))
    if decision and measured and not general:
        return Decision(Same.UNKNOWN, "a unit and a noun")
    return decision
