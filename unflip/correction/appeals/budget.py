"""Where second looks are spent: chances by cell that make the reward's variance least."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unflip.correction.appeals.robust import FLOOR
from unflip.correction.arrays import Array, namespace, on_device, take
from unflip.errors import UsageError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The chance of a second look in each cell: logged before anybody draws.

    Attributes:
        chance_C: Of each cell, from `FLOOR` to 1, for accepts no less than for rejects.

    Raises:
        UsageError: A cell has no such chance: its errors could not be repaired.

    Example:
        >>> plan = Plan(np.array([0.5, 0.1, 1.0]))
        >>> taken_B, probability_B = plan.draw(np.array([0, 1]), np.array([0.3, 0.3]))
        >>> taken_B, probability_B
        (array([ True, False]), array([0.5, 0.1]))
    """

    chance_C: Array

    def __post_init__(self) -> None:
        chances = self.chance_C
        if isinstance(chances, np.ndarray) and not ((chances >= FLOOR) & (chances <= 1)).all():
            raise UsageError(
                f"every cell needs a chance of a second look in [{FLOOR}, 1], accepts too"
            )

    def draw(self, cell_B: Array, uniform_B: Array) -> tuple[Array, Array]:
        """Which rows get a second look, and the chance of each, both (B,).

        Args:
            cell_B: Each row's cell, as `verdict_cells` gives it.
            uniform_B: Numbers drawn uniformly from [0, 1), for nothing else.
        """
        probability_B = take(self.chance_C, cell_B)
        return uniform_B < probability_B, probability_B

    def to(self, device: Any, dtype: Any = None) -> Plan:
        """The same on a torch device."""
        return replace(self, chance_C=on_device(self.chance_C, device, dtype))


def allocate(
    rows_C: ArrayLike, squares_C: ArrayLike, *, budget: float, floor: float = FLOOR
) -> Plan:
    """The chances that make the mean reward's variance least, for a number of second looks.

    sum_c N_c V_c (1 - pi_c) / pi_c subject to sum_c N_c pi_c = budget is least at pi_c in
    proportion to sqrt(V_c), within [floor, 1].

    Args:
        rows_C: N, how many rows each cell is expected to have.
        squares_C: V = E[(g - m)^2] of each cell, as `squared_misses` gives it.
        budget: How many second looks there are, of all rows together.
        floor: The least chance of a row, from `FLOOR` to 1.

    Raises:
        UsageError: The floor alone costs more than the budget, or a number is out of range.

    Source: Neyman 1934, with the bounds of Cochran 1977, section 5.8.

    Example:
        >>> allocate([800, 200], [0.01, 0.16], budget=160, floor=0.02).chance_C
        array([0.1, 0.4])
    """
    rows_C, spread_C = np.asarray(rows_C, dtype=float), np.sqrt(np.asarray(squares_C, dtype=float))
    if not ((rows_C >= 0).all() and (spread_C >= 0).all() and FLOOR <= floor <= 1):
        raise UsageError(f"allocate needs numbers of at least 0, and a floor in [{FLOOR}, 1]")
    least = floor * rows_C.sum()
    if budget < least * (1 - 1e-9):
        raise UsageError(
            f"{budget:g} second looks do not reach the floor {floor:g} on {rows_C.sum():g} rows: "
            f"raise the budget to {least:g}, or lower the floor"
        )
    return Plan(_filled(rows_C, np.maximum(spread_C, 1e-9), budget, floor))


def expected_looks(plan: Plan, rows_C: ArrayLike) -> float:
    """How many second looks a plan takes on average.

    Example:
        >>> expected_looks(Plan(np.array([0.1, 0.4])), [800, 200])
        160.0
    """
    return float(namespace(plan.chance_C).asarray(plan.chance_C) @ np.asarray(rows_C, dtype=float))


def _filled(rows_C: Floats, spread_C: Floats, budget: float, floor: float) -> Floats:
    """clip(t spread, floor, 1) with the t that costs the budget, by bisection on log t."""
    low, high = np.log(floor / spread_C.max()), np.log(1 / spread_C.min())
    for _ in range(100):
        middle = (low + high) / 2
        cost = rows_C @ np.clip(np.exp(middle) * spread_C, floor, 1)
        low, high = (middle, high) if cost < budget else (low, middle)
    return np.asarray(np.clip(np.exp(high) * spread_C, floor, 1))
