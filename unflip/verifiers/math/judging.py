"""What every type shares: the options of a comparison, its budget, and the way back to the whole.

A type is a file with one function `decide(one, other, judge)`, which says whether two nodes are
the same, or None if they are not its to compare; `deciding.TYPES` lists them in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from unflip.verifiers.math.budget import Budget, OverBudget
from unflip.verifiers.math.decimals import Complex
from unflip.verifiers.math.identity import Decision, Same, constant_value, far_apart, identical
from unflip.verifiers.math.nodes import Node, Num, symbols
from unflip.verifiers.math.tolerance import Tolerance

Decide = Callable[[Node, Node, "Judge"], Decision | None]


@dataclass
class Judge:
    """One comparison: its options, the steps that are left, the types it knows.

    Attributes:
        types: The types, in the order in which they are asked.
        tolerance: What two numbers may differ in.
        budget: The steps that are left.
        heuristic: Whether a heuristic has said equal anywhere in this comparison.
        inside: How many tuples and other ordered things the nodes stand in.
    """

    types: Sequence[Decide]
    tolerance: Tolerance
    budget: Budget = field(default_factory=Budget)
    heuristic: bool = False
    inside: int = 0
    _values: dict[Node, Complex | None] = field(default_factory=dict)

    def same(self, one: Node, other: Node) -> Decision:
        """Whether two nodes are the same, by the first type that can tell."""
        if one == other:
            return Decision(Same.EQUAL, "form")
        self.budget.spend()
        for decide in self.types:
            decision = decide(one, other, self)
            if decision is not None:
                return decision
        return Decision(Same.UNKNOWN, "no type")

    def identical(self, one: Node, other: Node) -> Decision:
        """Whether two formulas are the same function."""
        try:
            if self._far_apart(one, other):
                return Decision(Same.DIFFERENT, "values")
            decision = identical(one, other, self.budget)
        except (OverBudget, RecursionError):
            return Decision(Same.UNKNOWN, "over budget")
        self.heuristic |= decision.heuristic
        return decision

    def _far_apart(self, one: Node, other: Node) -> bool:
        """Whether two constants have values that differ at first sight."""
        left, right = self._value(one), self._value(other)
        return left is not None and right is not None and far_apart(left, right)

    def _value(self, node: Node) -> Complex | None:
        """The value of a constant that is no rational number; each is computed once."""
        if node not in self._values:
            constant = not isinstance(node, Num) and not symbols(node)
            self._values[node] = constant_value(node, self.budget) if constant else None
        return self._values[node]

    def all_same(self, ones: Sequence[Node], others: Sequence[Node], rule: str) -> Decision:
        """Whether two sequences are the same, item by item."""
        if len(ones) != len(others):
            return Decision(Same.DIFFERENT, rule)
        self.inside += 1
        worst = Same.EQUAL
        for one, other in zip(ones, others, strict=True):
            same = self.same(one, other).same
            worst = same if same is not Same.EQUAL else worst
            if same is Same.DIFFERENT:
                break
        self.inside -= 1
        return Decision(worst, rule)

    def same_set(
        self, ones: Sequence[Node], others: Sequence[Node], rule: str, *, counted: bool
    ) -> Decision:
        """Whether two sequences are the same in some order.

        Args:
            ones: One of them.
            others: The other.
            rule: What to call the rule that decides.
            counted: Whether how often an item stands there counts.
        """
        if bool(ones) != bool(others) or (counted and len(ones) != len(others)):
            return Decision(Same.DIFFERENT, rule)
        table = [[self.same(one, other).same for other in others] for one in ones]
        columns = [list(column) for column in zip(*table, strict=True)]
        lines = table + columns
        if counted:
            if _matched(table, (Same.EQUAL,)):
                return Decision(Same.EQUAL, rule)
            possible = _matched(table, (Same.EQUAL, Same.UNKNOWN))
            return Decision(Same.UNKNOWN if possible else Same.DIFFERENT, rule)
        if any(all(same is Same.DIFFERENT for same in line) for line in lines):
            return Decision(Same.DIFFERENT, rule)
        if all(Same.EQUAL in line for line in lines):
            return Decision(Same.EQUAL, rule)
        return Decision(Same.UNKNOWN, rule)


def _matched(table: list[list[Same]], wanted: tuple[Same, ...]) -> bool:
    """Whether each row can have a column of its own."""
    taken: dict[int, int] = {}

    def place(row: int, seen: set[int]) -> bool:
        for column, same in enumerate(table[row]):
            if same in wanted and column not in seen:
                seen.add(column)
                if column not in taken or place(taken[column], seen):
                    taken[column] = row
                    return True
        return False

    return all(place(row, set()) for row in range(len(table)))
