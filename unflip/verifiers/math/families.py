r"""Periodic solutions: `\frac{\pi}{6} + k\pi` for every integer k, under any name of the integer.

A family is an offset and a step. Two lists of families are the same if they have the same offsets
within the period that all of their steps divide.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from typing import NamedTuple

from unflip.verifiers.math.budget import Budget
from unflip.verifiers.math.identity import Decision, Same, real_value
from unflip.verifiers.math.judging import Judge
from unflip.verifiers.math.labels import unlabelled, value_of
from unflip.verifiers.math.nodes import Node, Op, Sym, is_op, number, substituted, symbols, walk

_INTEGERS = frozenset("knmltjpNKMZ")
_LEAST = Decimal(10) ** -20
_MOST = 200
_MOST_NAMES = 3
_MOST_PARTS = 60


class Family(NamedTuple):
    """All of `offset + n * step`; a step of 0 is a single number."""

    offset: Decimal
    step: Decimal


def decide(one: Node, other: Node, judge: Judge) -> Decision | None:
    """Whether two lists of periodic solutions hold the same numbers."""
    if judge.inside or not (_is_periodic(one) or _is_periodic(other)):
        return None
    left, right = _families(one, judge.budget), _families(other, judge.budget)
    if not left or not right or not any(family.step for family in (*left, *right)):
        return None
    if symbols(one) == symbols(other) and len(left) == len(right) == 1 and not _has_pi(one):
        return None
    if not any(family.step for family in left) or not any(family.step for family in right):
        return Decision(Same.DIFFERENT, "periodic family")
    return _same(left, right)


def _has_pi(node: Node) -> bool:
    return any(isinstance(part, Sym) and part.name == "\\pi" for part in walk(node)) or any(
        isinstance(part, Op) and part.kind == "deg" for part in walk(node)
    )


def _is_periodic(node: Node) -> bool:
    names = symbols(node) - _labels(node)
    return len(names) == 1 and names <= _INTEGERS and _has_pi(node)


def _labels(node: Node) -> frozenset[str]:
    items = node.args if is_op(node, "group") and isinstance(node, Op) else (node,)
    labels = [
        symbols(item.args[0]) for item in items if isinstance(item, Op) and item.kind == "rel"
    ]
    return frozenset[str]().union(*labels)


def _families(node: Node, budget: Budget) -> list[Family] | None:
    items = node.args if is_op(node, "group") and isinstance(node, Op) else (node,)
    if isinstance(node, Op) and node.kind == "group" and node.data not in ("", "{}"):
        return None
    found = []
    for item in items:
        value = value_of(item) if is_op(item, "rel") and isinstance(item, Op) else item
        family = value is not None and _family(value, budget)
        if not family:
            return None
        found.append(family)
    return found


def _family(node: Node, budget: Budget) -> Family | None:
    """The offset and step of a formula that is linear in one integer."""
    names = symbols(node)
    if len(names) > 1 or not names <= _INTEGERS:
        return None
    values = []
    for x in (0, 1, 2):
        value = real_value(substituted(node, {name: number(x) for name in names}), budget)
        if value is None:
            return None
        values.append(value)
    step = values[1] - values[0]
    if abs(values[2] - values[1] - step) > _LEAST * 10**4:
        return None
    return Family(values[0], abs(step) if abs(step) > _LEAST else Decimal(0))


def _same(left: list[Family], right: list[Family]) -> Decision:
    rule = "periodic family"
    steps = [family.step for family in (*left, *right)]
    if not all(steps):
        return Decision(Same.UNKNOWN, rule)
    parts = [_part(step / steps[0]) for step in steps]
    if any(part is None for part in parts):
        return Decision(Same.DIFFERENT, rule)
    ratios = [part for part in parts if part is not None]
    bottom = math.lcm(*(ratio.denominator for ratio in ratios))
    whole = math.lcm(*(int(ratio * bottom) for ratio in ratios))
    period = steps[0] * whole / bottom
    sides = [_offsets(side, period) for side in (left, right)]
    if None in sides:
        return Decision(Same.UNKNOWN, rule)
    one, other = (side for side in sides if side is not None)
    same = _covers(one, other, period) and _covers(other, one, period)
    return Decision(Same.EQUAL if same else Same.DIFFERENT, rule)


def _part(ratio: Decimal) -> Fraction | None:
    """The small fraction that a ratio of steps is; None if it is none."""
    near = Fraction(ratio).limit_denominator(_MOST_PARTS)
    return near if abs(Fraction(ratio) - near) < Fraction(_LEAST) and near else None


def _offsets(families: list[Family], period: Decimal) -> list[Decimal] | None:
    offsets: list[Decimal] = []
    for family in families:
        count = int((period / family.step).to_integral_value())
        if count + len(offsets) > _MOST:
            return None
        offsets += [family.offset + family.step * n for n in range(count)]
    return offsets


def _covers(one: list[Decimal], other: list[Decimal], period: Decimal) -> bool:
    def near(a: Decimal, b: Decimal) -> bool:
        turns = (a - b) / period
        return abs(turns - turns.to_integral_value()) < _LEAST

    return all(any(near(a, b) for b in other) for a in one)


def same_under_other_names(
    one: Node, other: Node, judge: Judge, free: frozenset[str]
) -> Decision | None:
    """Two formulas in declared parameters whose names differ, or differ in case, as C and c do."""
    one, other = unlabelled(one), unlabelled(other)
    mine, theirs = sorted(symbols(one) - symbols(other)), sorted(symbols(other) - symbols(one))
    if not 0 < len(mine) == len(theirs) <= _MOST_NAMES:
        return None
    in_case = sorted((*mine, *theirs)) in (["C", "c"], ["K", "k"])
    counted = {*mine, *theirs} <= _INTEGERS and _has_pi(one) and _has_pi(other)
    if not (in_case or counted or set(mine) <= free or set(theirs) <= free):
        return None
    for order in permutations(mine):
        names: dict[str, Node] = {old: Sym(new) for old, new in zip(theirs, order, strict=True)}
        decision = judge.same(one, substituted(other, names))
        if decision:
            return decision
    return None
