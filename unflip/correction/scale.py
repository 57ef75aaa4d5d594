"""How long advantages are: a running scale, for where no group std sets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from unflip.correction.arrays import Array, cast, detached, host, working
from unflip.errors import UsageError


@dataclass(frozen=True, slots=True, eq=False)
class Running:
    """One scale for all rows: the root mean square of the advantages of earlier steps.

    Since it comes from earlier steps, and is the same for all rows, it bends no direction: it is a
    learning rate that follows the corrections' size. Only the very first step is divided by its
    own. Squares and counts decay apart, so small steps do not count as much as large ones. Rows
    with advantage 0 count, abstains do too.

    Attributes:
        decay: What a step's weight is multiplied by at each later step, in (0, 1).
        square: Decayed sum of squares: a number, or a tensor without dimensions.
        rows: Decayed count of rows.

    Raises:
        UsageError: The decay is no such factor.

    Source: the running s_BC of Cai et al. 2025, arXiv 2510.00915v4, appendix B.

    Example:
        >>> import numpy as np
        >>> scaled_B, scale = Running(0.9)(np.array([2.0, -2.0]))
        >>> scaled_B, scale(np.array([1.0, 0.0]))[0]
        (array([ 1., -1.]), array([0.5, 0. ]))
    """

    decay: float = 0.99
    square: Any = 0.0
    rows: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.decay < 1:
            raise UsageError(f"decay is a factor in (0, 1), such as 0.99, not {self.decay}")

    def __call__(self, advantage_B: Array) -> tuple[Array, Running]:
        """The advantages over the scale, and the state after this step."""
        x_B = detached(working(advantage_B))
        after = replace(
            self,
            square=self.decay * self.square + (x_B**2).sum(),
            rows=self.decay * self.rows + len(x_B),
        )
        before = self if self.rows else after
        mean_square = before.square / max(before.rows, 1.0)
        # Where nothing had an advantage so far, the scale is 1.
        scale = (mean_square + (mean_square == 0)) ** 0.5
        return cast(x_B / scale, like=advantage_B), after

    def to_json(self) -> dict[str, float]:
        """A JSON object; waits for the device."""
        return {"decay": self.decay, "square": float(host(self.square)), "rows": self.rows}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Running:
        """The inverse of `to_json`."""
        return cls(**row)
