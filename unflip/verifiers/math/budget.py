"""Deterministic budgets: so many steps, the same on every machine and under every load."""

from __future__ import annotations

STEPS = 10_000
"""Steps that one comparison may take; a step is an operation on numbers of a few words."""


class OverBudget(ArithmeticError):
    """The comparison would take more steps than it may."""


class Budget:
    """Steps that are left; the parts of one comparison share one."""

    def __init__(self, steps: int = STEPS) -> None:
        self.left = steps

    def spend(self, steps: int = 1) -> None:
        """Take steps off.

        Raises:
            OverBudget: None are left.
        """
        self.left -= steps
        if self.left < 0:
            raise OverBudget
