r"""Numbers and formulas: equal as functions, or a decimal that rounds a value.

Percents and degrees stand for what the options say; `45^\circ` is 45 where the other side names no
unit, and a quarter of pi where that is meant.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from unflip.verifiers.math.exact import in_base, rational
from unflip.verifiers.math.identity import Decision, Same, real_value
from unflip.verifiers.math.judging import Judge
from unflip.verifiers.math.nodes import (
    MINUS_ONE,
    ONE,
    PI,
    Node,
    Num,
    Op,
    Sym,
    holds,
    is_op,
    negative,
    number,
    renamed,
    replaced,
    sides,
    walk,
)
from unflip.verifiers.math.tolerance import Percent

_FLOAT_FIGURES = 12
"""So many digits come from a machine, whose last ones may be off."""
_MOST_PLACES = 40
_DOTS = Sym("\\ldots")
_LN_TEN = Op("fn", (number(10),), "ln")
STRUCTURES = frozenset(
    ("group", "list", "rel", "matrix", "row", "cases", "cup", "cap", "minus", "builder", "text",
     "pm", "bound")
)  # fmt: skip


def is_formula(node: Node) -> bool:
    """Whether a node is a number or formula, and no set, relation or matrix."""
    if isinstance(node, Op):
        return node.kind not in STRUCTURES and all(map(is_formula, node.args))
    return not (isinstance(node, Sym) and node.name.startswith(("\\bb", "\\emptyset")))


def decide(one: Node, other: Node, judge: Judge) -> Decision | None:
    """Whether two formulas are the same."""
    if not (is_formula(one) and is_formula(other)):
        return None
    for kind, rule in _MARKED.items():
        if marked := sides(one, other, kind):
            return rule(*marked, judge)
    return _values(one, other, judge)


def _values(one: Node, other: Node, judge: Judge) -> Decision:
    decision = judge.identical(one, other)
    if decision.same is Same.EQUAL:
        return decision
    if _rounds(one, other, judge) or _rounds(other, one, judge):
        return Decision(Same.EQUAL, "rounding")
    for respelled in (_with_capital_i, _with_decimal_log, _with_combinations):
        ours, theirs = respelled(one), respelled(other)
        if (ours, theirs) != (one, other) and (said := judge.identical(ours, theirs)):
            return said
    if decision.same is Same.DIFFERENT and _same_but_for_order(one, other, judge):
        return Decision(Same.UNKNOWN, "order of letters")
    return decision


def _with_capital_i(node: Node) -> Node:
    """Computer algebra writes I for the imaginary unit."""
    return renamed(node, {"I": "i"})


def _with_decimal_log(node: Node) -> Node:
    """A logarithm without a base, which is natural to some, to the base 10."""

    def change(part: Node) -> Node | None:
        if not is_op(part, "fn") or part.data != "log" or len(part.args) != 1:
            return None
        return Op("div", (Op("fn", (_with_decimal_log(part.args[0]),), "ln"), _LN_TEN))

    return replaced(node, change)


def _with_combinations(node: Node) -> Node:
    """`C(n, k)` and `C_n^k` as binomials."""

    def change(part: Node) -> Node | None:
        if is_op(part, "fn") and part.data == "C" and len(part.args) == 2:
            return Op("binom", part.args)
        if is_op(part, "pow") and (top := _chosen_from(part.args[0])) is not None:
            return Op("binom", (top, part.args[1]))
        return None

    return replaced(node, change)


def _chosen_from(node: Node) -> Node | None:
    """The n of `C_n`."""
    if is_op(node, "fn") and node.data == "C_":
        return node.args[0]
    if isinstance(node, Sym) and node.name.startswith("C_") and node.name[2:].isdigit():
        return number(int(node.name[2:]))
    return None


def _same_but_for_order(one: Node, other: Node, judge: Judge) -> bool:
    """Whether AB against BA is all that differs: the same length, another vector or number."""
    names = {s.name for side in (one, other) for s in walk(side) if isinstance(s, Sym)}
    turned = {name: "".join(sorted(name)) for name in names if name.isalpha() and name.isupper()}
    if all(old == new for old, new in turned.items()):
        return False
    return bool(judge.identical(renamed(one, turned), renamed(other, turned)))


def _rounds(decimal: Node, other: Node, judge: Judge) -> bool:
    """Whether one is a decimal of enough digits, and the other a value that rounds to it."""
    wanted = judge.tolerance.digits
    decimal = _number(decimal)
    if wanted is None or not isinstance(decimal, Num) or not decimal.places:
        return False
    if isinstance(other, Num) or decimal.figures < wanted or decimal.places > _MOST_PLACES:
        return False
    exact = rational(other)
    if exact is not None and pow(10, exact.denominator.bit_length(), exact.denominator) == 0:
        return False
    value = exact if exact is not None else _approximate(other, judge)
    return value is not None and _is_near(decimal, decimal.places, value)


def _is_near(decimal: Num, places: int, value: Fraction) -> bool:
    apart = abs(value - decimal.value)
    if decimal.figures >= _FLOAT_FIGURES and apart <= abs(value) / 10**_FLOAT_FIGURES:
        return True
    half = Fraction(1, 2 * 10**places)
    return apart <= half


def _number(node: Node) -> Node:
    """A number with its sign, as one number."""
    if is_op(node, "mul") and len(node.args) == 2 and node.args[0] == MINUS_ONE:
        inner = node.args[1]
        return negative(inner) if isinstance(inner, Num) else node
    return node


def _approximate(node: Node, judge: Judge) -> Fraction | None:
    value = real_value(node, judge.budget)
    return None if value is None or abs(value) > Decimal(10) ** 300 else Fraction(value)


def _percents(percent: Op, value: Node, judge: Judge) -> Decision:
    if is_op(value, "pct"):
        return judge.same(percent.args[0], value.args[0])
    if is_op(value, "deg"):
        return Decision(Same.DIFFERENT, "percent and degrees")
    decision = _values(_hundredth(percent.args[0]), value, judge)
    if decision or judge.tolerance.percent is Percent.EXACT:
        return decision
    either = judge.same(percent.args[0], value)
    return either if either else decision


def _hundredth(node: Node) -> Node:
    if isinstance(node, Num):
        return Num(node.value / 100, (node.places or 0) + 2, node.figures)
    return Op("pct", (node,))


def _degrees(degrees: Op, value: Node, judge: Judge) -> Decision:
    if is_op(value, "deg"):
        return judge.same(degrees.args[0], value.args[0])
    if _has_pi(value) or holds(value, "deg"):
        return _values(degrees, value, judge)
    bare = judge.same(degrees.args[0], value)
    return bare if bare else _values(degrees, value, judge)


def _has_pi(node: Node) -> bool:
    return any(part == PI for part in walk(node))


def _in_bases(based: Op, value: Node, judge: Judge) -> Decision:
    """Digits in two bases by their value; digits in one and a plain number by the digits."""
    if is_op(value, "base"):
        left, right = in_base(based), in_base(value)
        if left is None or right is None:
            same = judge.all_same(based.args, value.args, "base")
            return same if same else Decision(Same.UNKNOWN, "base")
        return Decision(Same.EQUAL if left == right else Same.DIFFERENT, "base")
    alike = rational(based.args[0]) == rational(value)
    return Decision(Same.EQUAL if alike else Same.DIFFERENT, "digits of a base")


def _ratios(one: Node, other: Node, judge: Judge) -> Decision:
    left, right = _terms(one), _terms(other)
    if len(left) != len(right):
        return Decision(Same.DIFFERENT, "ratio")
    if any(rational(term) == 0 for term in (*left, *right)):
        return judge.all_same(left, right, "ratio")
    worst = Same.EQUAL
    for a, b in zip(left[1:], right[1:], strict=True):
        decision = judge.identical(Op("mul", (a, right[0])), Op("mul", (b, left[0])))
        if decision.same is Same.DIFFERENT:
            return Decision(Same.DIFFERENT, "ratio")
        worst = decision.same if decision.same is Same.UNKNOWN else worst
    if any(part == _DOTS for term in (*left, *right) for part in walk(term)):
        worst = Same.UNKNOWN
    return Decision(worst, "ratio")


def _congruences(one: Op, other: Node, judge: Judge) -> Decision:
    """Remainders of the same modulus; a number without a modulus is the remainder itself."""
    if not is_op(other, "pmod"):
        return judge.same(one.args[0], other)
    if not judge.same(one.args[1], other.args[1]):
        return Decision(Same.DIFFERENT, "modulus")
    modulus = one.args[1]
    left, right = (Op("mod", (side.args[0], modulus)) for side in (one, other))
    return judge.identical(left, right)


def _terms(node: Node) -> tuple[Node, ...]:
    return node.args if is_op(node, "ratio") else (node, ONE)


_MARKED: dict[str, Callable[[Op, Node, Judge], Decision]] = {
    "base": _in_bases,
    "pmod": _congruences,
    "pct": _percents,
    "deg": _degrees,
    "ratio": _ratios,
}
"""What is compared by a rule of its own, in the order in which it is looked for."""
