"""Rows that share a prompt: how many decided, their mean and their spread, abstains left out."""

from __future__ import annotations

import math
from dataclasses import dataclass

from unflip.correction.arrays import (
    Array,
    cast,
    detached,
    less_product,
    namespace,
    segment_sum,
    take,
    working,
)


def pass_rates(r_hat_B: Array, group_B: Array, *, n_groups: int) -> Array:
    """How many of each group's answers are correct, (n_groups,), in [0, 1].

    For what goes by pass rates: dynamic sampling, curricula, early stops. Raw verdicts would put
    rho0 + J p in the place of p.

    Args:
        r_hat_B: Rewards corrected by `backward`, `anchored` or `doubly_robust`; NaN abstains.
        group_B: Each row's group.
        n_groups: How many groups there are.

    Returns:
        Means, kept in [0, 1]; NaN for groups without a decided row.

    Example:
        >>> import numpy as np
        >>> r_hat_B = np.array([1.2, 1.2, -0.2, np.nan])
        >>> pass_rates(r_hat_B, np.array([0, 0, 1, 2]), n_groups=3)
        array([ 1.,  0., nan])
    """
    x_B = detached(working(r_hat_B))
    xp = namespace(x_B)
    decided_B = ~xp.isnan(x_B)
    both_B2 = xp.stack([xp.where(decided_B, x_B, 0.0), decided_B], -1)
    both_G2 = segment_sum(both_B2, group_B, n_groups)
    share_G = xp.clip(both_G2[:, 0] / xp.clip(both_G2[:, 1], 1, None), 0.0, 1.0)
    return xp.where(both_G2[:, 1] > 0, share_G, float("nan"))


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rewards, with the size and the mean of each row's group.

    Attributes:
        given_B: The rewards as they came, (B,) or (B, C).
        r_B: The same as wide floats, 0 for abstains.
        decided_B: 1 for what is no abstain, else 0.
        group_B: Each row's group; None if all rows are of one.
        n_groups: How many groups there are.
        count_B: How many decided rows a row's group has.
        sum_B: Their sum.
    """

    given_B: Array
    r_B: Array
    decided_B: Array
    group_B: Array | None
    n_groups: int
    count_B: Array
    sum_B: Array

    @classmethod
    def of(cls, given_B: Array, group_B: Array | None, n_groups: int = 1) -> Rows:
        """The rows of rewards of any kind, NaN for abstains."""
        x_B = detached(working(given_B))
        xp = namespace(x_B)
        # NaN outlives a clip, which makes 1 of all else: so rewards and counts are one array.
        both_B2 = xp.stack([x_B, xp.clip(x_B, 1, 1)], -1)
        both_B2 = xp.nan_to_num(both_B2, nan=0.0, posinf=math.inf, neginf=-math.inf)
        sums_B2 = _sums(both_B2, group_B, n_groups)
        return cls(
            given_B, both_B2[..., 0], both_B2[..., 1], group_B, n_groups,
            count_B=sums_B2[..., 1], sum_B=sums_B2[..., 0],
        )  # fmt: skip

    @property
    def n_B(self) -> Array:
        """How many decided rows a row's group has, at least 1."""
        return namespace(self.count_B).clip(self.count_B, 1, None)

    @property
    def others_B(self) -> Array:
        """How many decided rows a row's group has beside it; 1 where there are none."""
        return namespace(self.count_B).clip(self.count_B - 1, 1, None)

    def less(self, x_B: Array, y_B: Array) -> Array:
        """X - y for decided rows, and x for abstains, where it is 0."""
        return less_product(x_B, y_B, self.decided_B)

    def centred_B(self) -> Array:
        """Rewards less their group's mean, 0 for abstains; a row alone is its own mean."""
        return self.less(self.r_B, self.sum_B / self.n_B)

    def settled_B(self) -> Array:
        """Centred twice: what rounding leaves in a unanimous group would be blown up by its std."""
        n_B = self.n_B
        centred_B = self.less(self.r_B, self.sum_B / n_B)
        return self.less(centred_B, _sums(centred_B, self.group_B, self.n_groups) / n_B)

    def std_B(self, settled_B: Array) -> Array:
        """The std of each row's group, over n - 1, from rows less their mean."""
        squares_B = _sums(settled_B**2, self.group_B, self.n_groups)
        return namespace(squares_B).sqrt(squares_B / self.others_B)

    def out(self, advantage_B: Array) -> Array:
        """Advantages as they leave, in the dtype that rewards had."""
        return cast(advantage_B, like=self.given_B)


def _sums(x_B: Array, group_B: Array | None, n_groups: int) -> Array:
    """Each row's sum over its group, (B, ...); over all rows, (1, ...), where there are none."""
    if group_B is None:
        return x_B.sum(0, keepdims=True)
    return take(segment_sum(x_B, group_B, n_groups), group_B)
