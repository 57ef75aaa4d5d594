r"""Sets of real numbers: intervals, unions, inequalities, set-builders, in one canonical form.

`2 < x \le 3`, `(2, 3]`, `x \in (2, 3]` and `\{x | x > 2, x \le 3\}` are the same pieces. The ends
are ordered by their values to fifty digits, and compared as formulas.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from unflip.verifiers.math import charts
from unflip.verifiers.math.budget import Budget
from unflip.verifiers.math.exact import rational
from unflip.verifiers.math.identity import Decision, Same, real_value, sign_of_infinity
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
    negative,
    number,
    substituted,
    symbols,
)

_LEAST = Decimal(10) ** -40
_INF = Decimal("Infinity")
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}
_MOST_PIECES = 100


class End(NamedTuple):
    """One end of a piece."""

    value: Decimal
    node: Node
    closed: bool


class Piece(NamedTuple):
    """All numbers between two ends; a single number has two closed ends alike."""

    low: End
    high: End


class RealSet(NamedTuple):
    """Disjoint pieces in order, and what is said to lie in them; None if nothing is said."""

    pieces: tuple[Piece, ...]
    subject: Node | None = None


class _NoSet(ValueError):
    """The node is no set of real numbers that this file can order."""


BELOW = End(-_INF, negative(INFINITY), False)
ABOVE = End(_INF, INFINITY, False)
ALL = (Piece(BELOW, ABOVE),)


def decide(one: Node, other: Node, judge: Judge) -> Decision | None:
    """Whether two sets of real numbers are the same, if at least one can be nothing else."""
    if not (_is_set(one) or _is_set(other)):
        return None
    left, right = read(one, judge.budget), read(other, judge.budget)
    if left is None or right is None:
        return _as_written(one, other, judge)
    return same_sets(left, right, judge)


def _as_written(one: Node, other: Node, judge: Judge) -> Decision | None:
    """Two unions, or two intersections, of the same sets in any order."""
    for kind in ("cup", "cap"):
        if is_op(one, kind) and is_op(other, kind):
            decision = judge.same_set(one.args, other.args, "sets", counted=True)
            return decision if decision else None
    return None


def same_sets(left: RealSet, right: RealSet, judge: Judge) -> Decision | None:
    """Whether two sets are the same; None if they are of different formulas."""
    subjects = left.subject, right.subject
    if (
        None not in subjects
        and left.subject != right.subject
        and not all(isinstance(subject, Sym) for subject in subjects)
    ):
        return None
    decision = _same_pieces(left.pieces, right.pieces, judge)
    names = [subject for subject in subjects if subject is not None]
    if decision.same is Same.DIFFERENT and len(names) == 1 and not isinstance(names[0], Sym):
        return Decision(Same.UNKNOWN, "a set of a formula's values")
    if decision and len(names) == 2 and names[0] != names[1]:
        return Decision(Same.UNKNOWN, "sets of different variables")
    return decision


def _same_pieces(left: tuple[Piece, ...], right: tuple[Piece, ...], judge: Judge) -> Decision:
    if len(left) != len(right):
        return Decision(Same.DIFFERENT, "real sets")
    worst = Same.EQUAL
    for one, other in zip(left, right, strict=True):
        for a, b in ((one.low, other.low), (one.high, other.high)):
            same = judge.same(a.node, b.node).same
            if a.closed != b.closed or same is Same.DIFFERENT:
                return Decision(Same.DIFFERENT, "real sets")
            worst = same if same is Same.UNKNOWN else worst
    return Decision(worst, "real sets")


def _is_set(node: Node) -> bool:
    """Whether a node can only be a set, or a statement about one."""
    if isinstance(node, Sym):
        return node.name.startswith(("\\bb", "\\emptyset"))
    if not isinstance(node, Op):
        return False
    if node.kind == "rel":
        return any(sign in ("<", ">", "<=", ">=", "!=", "in") for sign in node.data.split())
    if node.kind == "group":
        infinite = any(sign_of_infinity(arg) for arg in node.args)
        return node.data in ("[)", "(]") or (infinite and len(node.args) == 2)
    return node.kind in ("cup", "cap", "minus", "builder", "any", "all")


def read(node: Node, budget: Budget) -> RealSet | None:
    """The set that a node is or states; None if it is none, or not in order."""
    try:
        return _Reader(budget).set(node)
    except _NoSet:
        return None


class _Reader:
    """Reads sets; the budget pays for the values of their ends."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def set(self, node: Node) -> RealSet:
        if isinstance(node, Sym):
            if node.name == "\\bbR":
                return RealSet(ALL)
            if node.name == "\\emptyset":
                return RealSet(())
        elif isinstance(node, Op):
            if node.kind == "group":
                return RealSet(self._group(node))
            if node.kind in ("cup", "cap", "minus"):
                return self._combined(node)
            if node.kind == "rel":
                return self._relation(node)
            if node.kind == "builder":
                return self._builder(node)
            if node.kind in ("any", "all"):
                return self._several(node.args, "or" if node.kind == "any" else ",")
        raise _NoSet

    def _end(self, node: Node, *, closed: bool) -> End:
        sign = sign_of_infinity(node)
        if sign:
            return ABOVE if sign > 0 else BELOW
        value = real_value(node, self._budget)
        if value is None:
            raise _NoSet
        return End(value, node, closed)

    def _point(self, node: Node) -> Piece:
        end = self._end(node, closed=True)
        if end.value.is_infinite():
            raise _NoSet
        return Piece(end, end)

    def _group(self, node: Op) -> tuple[Piece, ...]:
        if node.data == "{}":
            return _united([self._point(arg) for arg in node.args])
        if len(node.args) != 2 or not node.data:
            raise _NoSet
        low = self._end(node.args[0], closed=node.data[0] == "[")
        high = self._end(node.args[1], closed=node.data[1] == "]")
        if low.value > high.value or low == ABOVE or high == BELOW:
            raise _NoSet
        return (Piece(low, high),)

    def _combined(self, node: Op) -> RealSet:
        one, other = (self._operand(arg) for arg in node.args)
        subject = one.subject or other.subject
        if node.kind == "cup":
            return RealSet(_united([*one.pieces, *other.pieces]), subject)
        right = other.pieces if node.kind == "cap" else _complement(other.pieces)
        return RealSet(_common(one.pieces, right), subject)

    def _operand(self, node: Node) -> RealSet:
        """One side of a union; braces may have lost their backslash."""
        if isinstance(node, Op) and node.kind == "group" and not node.data:
            return RealSet(_united([self._point(arg) for arg in node.args]))
        if isinstance(node, Num) or (isinstance(node, Op) and node.kind in ("mul", "div", "root")):
            return RealSet((self._point(node),))
        return self.set(node)

    def _builder(self, node: Op) -> RealSet:
        subject, *conditions = node.args
        if is_op(subject, "rel") and isinstance(subject, Op) and subject.data == "in":
            conditions.insert(0, subject)
        found = self._several(tuple(conditions), node.data)
        if isinstance(subject, Sym) and found.subject not in (subject, None):
            raise _NoSet
        return RealSet(found.pieces)

    def _several(self, conditions: tuple[Node, ...], join: str) -> RealSet:
        sets = [self.set(condition) for condition in conditions]
        subjects = {one.subject for one in sets if one.subject is not None}
        if len(subjects) > 1:
            raise _NoSet
        pieces = sets[0].pieces
        for one in sets[1:]:
            pieces = (
                _united([*pieces, *one.pieces]) if join == "or" else _common(pieces, one.pieces)
            )
        if not pieces and join == ",":
            pieces = _united([piece for one in sets for piece in one.pieces])
        return RealSet(pieces, next(iter(subjects), None))

    def _relation(self, node: Op) -> RealSet:
        signs = node.data.split()
        found: list[RealSet] = []
        for (left, right), sign in zip(pairwise(node.args), signs, strict=True):
            found.append(self._pair(left, sign, right))
        pieces = found[0].pieces
        for one in found[1:]:
            pieces = _common(pieces, one.pieces)
        subjects = {one.subject for one in found}
        if len(subjects) != 1:
            raise _NoSet
        return RealSet(pieces, subjects.pop())

    def _pair(self, left: Node, sign: str, right: Node) -> RealSet:
        if sign == "in":
            inner = self.set(right)
            return RealSet(inner.pieces, left)
        if sign not in _FLIPPED:
            raise _NoSet
        if not symbols(left):
            left, sign, right = right, _FLIPPED[sign], left
        names = symbols(left) | symbols(right)
        if symbols(right) or not symbols(left):
            if len(names) != 1:
                raise _NoSet
            left, right = difference(left, right), ZERO
        return self._solved(left, sign, right)

    def _solved(self, left: Node, sign: str, right: Node) -> RealSet:
        """The numbers that fit; a subject that is linear in one variable is solved for it."""
        if is_op(left, "abs"):
            return self._absolute(left.args[0], sign, right)
        if (chart := charts.of(difference(left, right))) is not None:
            return RealSet(self._charted(chart, sign), Sym(chart.name))
        if not isinstance(left, Sym) and (line := _line(left)):
            name, slope, shift = line
            right = Op("div", (difference(right, shift), slope))
            value = rational(slope)
            sign = _FLIPPED[sign] if value is not None and value < 0 else sign
            left = Sym(name)
        return RealSet(self._half(sign, right), left)

    def _charted(self, chart: charts.Chart, sign: str) -> tuple[Piece, ...]:
        """Where a quotient of polynomials is above, below or at nought."""
        ends = [self._end(root.node, closed=True) for root in chart.roots]
        bounds = [BELOW, *(end._replace(closed=False) for end in ends), ABOVE]
        fits = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (1, 0), "=": (0,), "!=": (1, -1)}[sign]
        pieces = [
            Piece(low, high)
            for (low, high), value in zip(pairwise(bounds), chart.between, strict=True)
            if value in fits
        ]
        points = zip(ends, chart.roots, strict=True)
        pieces += [Piece(end, end) for end, root in points if not root.is_pole and 0 in fits]
        return _united(pieces)

    def _half(self, sign: str, right: Node) -> tuple[Piece, ...]:
        if sign == "=":
            return (self._point(right),)
        if sign == "!=":
            return _complement((self._point(right),))
        end = self._end(right, closed=len(sign) == 2)
        return (Piece(BELOW, end),) if sign[0] == "<" else (Piece(end, ABOVE),)

    def _absolute(self, subject: Node, sign: str, right: Node) -> RealSet:
        positive = self._half(sign, right)
        mirrored = tuple(
            Piece(_mirrored(piece.high), _mirrored(piece.low)) for piece in reversed(positive)
        )
        above = (Piece(self._end(ZERO, closed=True), ABOVE),)
        below = (Piece(BELOW, self._end(ZERO, closed=True)),)
        pieces = [*_common(positive, above), *_common(mirrored, below)]
        line = None if isinstance(subject, Sym) else _line(subject)
        if line is None:
            return RealSet(_united(pieces), subject)
        return RealSet(_united([self._moved(piece, line) for piece in pieces]), Sym(line[0]))

    def _moved(self, piece: Piece, line: tuple[str, Node, Node]) -> Piece:
        """A piece of the values of a straight line, as a piece of its variable."""
        _, slope, shift = line
        ends = []
        for end in piece:
            finite = not end.value.is_infinite()
            node = Op("div", (difference(end.node, shift), slope)) if finite else end.node
            ends.append(self._end(node, closed=end.closed))
        falls = (rational(slope) or 0) < 0
        return Piece(_turned(ends[1]), _turned(ends[0])) if falls else Piece(*ends)


def _turned(end: End) -> End:
    """An end of a line that falls: infinity changes its sign."""
    return _mirrored(end) if end.value.is_infinite() else end


def _mirrored(end: End) -> End:
    if end.value.is_infinite():
        return ABOVE if end.value < 0 else BELOW
    return End(-end.value, negative(end.node), end.closed)


def _line(node: Node) -> tuple[str, Node, Node] | None:
    """The variable, slope and value at 0 of a formula that is a straight line; else None."""
    names = symbols(node)
    if len(names) != 1:
        return None
    name = next(iter(names))
    at = [rational(substituted(node, {name: number(x)})) for x in (0, 1, 2, 7)]
    if any(value is None for value in at):
        return None
    zero, one, two, seven = (value for value in at if value is not None)
    slope = one - zero
    if not slope or two != zero + 2 * slope or seven != zero + 7 * slope:
        return None
    return name, number(slope), number(zero)


def _before(one: End, other: End) -> bool:
    if one.value.is_infinite() or other.value.is_infinite():
        return one.value < other.value
    return other.value - one.value > _LEAST * max(Decimal(1), abs(one.value))


def _equal(one: End, other: End) -> bool:
    return not _before(one, other) and not _before(other, one)


def _is_real_piece(piece: Piece) -> bool:
    if _before(piece.high, piece.low):
        return False
    return _before(piece.low, piece.high) or (piece.low.closed and piece.high.closed)


def _united(pieces: list[Piece]) -> tuple[Piece, ...]:
    """The union, as disjoint pieces in order."""
    if len(pieces) > _MOST_PIECES:
        raise _NoSet
    out: list[Piece] = []
    for piece in sorted(
        filter(_is_real_piece, pieces), key=lambda p: (p.low.value, not p.low.closed)
    ):
        last = out[-1] if out else None
        touches = last and (
            _before(piece.low, last.high)
            or (_equal(piece.low, last.high) and (piece.low.closed or last.high.closed))
        )
        if not last or not touches:
            out.append(piece)
        elif _before(last.high, piece.high) or (
            _equal(last.high, piece.high) and piece.high.closed
        ):
            low = last.low
            if _equal(last.low, piece.low) and piece.low.closed:
                low = piece.low
            out[-1] = Piece(low, piece.high)
    return tuple(out)


def _common(left: tuple[Piece, ...], right: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """The intersection."""
    out = []
    for one in left:
        for other in right:
            low = _later(one.low, other.low)
            high = _earlier(one.high, other.high)
            out.append(Piece(low, high))
    return _united(out)


def _later(one: End, other: End) -> End:
    if _equal(one, other):
        return other if one.closed else one
    return other if _before(one, other) else one


def _earlier(one: End, other: End) -> End:
    if _equal(one, other):
        return other if one.closed else one
    return one if _before(one, other) else other


def _complement(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    out = []
    low = BELOW
    for piece in pieces:
        out.append(Piece(low, piece.low._replace(closed=not piece.low.closed)))
        low = piece.high._replace(closed=not piece.high.closed)
    if low.value != _INF:
        out.append(Piece(low, ABOVE))
    return tuple(p for p in out if _is_real_piece(p) and p.high != BELOW)
