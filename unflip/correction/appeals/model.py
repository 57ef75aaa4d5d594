"""The model m of the doubly robust reward: shares of correct rows in cells, fitted across folds."""

from __future__ import annotations

from unflip.correction.arrays import Array, namespace, segment_sum, take, wide, working
from unflip.errors import UsageError

_SEEN = 0.5
"""A second look weighs at least 1; less is what rounding left of a difference."""


def verdict_cells(r_B: Array, stratum_B: Array) -> Array:
    """Each row's cell: 3 s for a reject in stratum s, 3 s + 1 accept, 3 s + 2 abstain.

    Example:
        >>> import numpy as np
        >>> verdict_cells(np.array([0.0, 1.0, np.nan]), np.array([0, 1, 1]))
        array([0, 4, 5])
    """
    r_B, xp = working(r_B), namespace(r_B)
    return 3 * wide(stratum_B) + xp.where(xp.isnan(r_B), 2, 1 * (r_B > 0.5))


def cross_fit(
    second_B: Array,
    taken_B: Array,
    probability_B: Array,
    *,
    cell_B: Array,
    n_cells: int,
    fold_B: Array,
    n_folds: int,
    prior: float = 2.0,
) -> Array:
    """The m of each row: the share of correct rows in its cell in the other folds.

    Rows of one prompt must share a fold (such as the prompt's number modulo 5); then no second look
    has a say in the model of its own prompt, and `doubly_robust` stays unbiased.

    Args:
        second_B: g, where taken; NaN where it came to nothing.
        taken_B: xi.
        probability_B: pi, above 0.
        cell_B: Each row's cell in [0, n_cells), such as `verdict_cells` gives.
        n_cells: How many there are.
        fold_B: Each row's fold in [0, n_folds).
        n_folds: How many there are.
        prior: How many rows the share of all cells together is worth in each, above 0.

    Returns:
        m in [0, 1], (B,); 1/2 where other folds saw nothing.

    Raises:
        UsageError: The prior is not above 0.

    Source: Chernozhukov et al. 2018 (cross-fitting); Hajek 1971 (ratios of weighted sums).

    Example:
        >>> import numpy as np
        >>> cross_fit(
        ...     np.array([1.0, 1.0, 0.0, 1.0]), np.ones(4, dtype=bool), np.ones(4),
        ...     cell_B=np.array([0, 0, 0, 0]), n_cells=1, fold_B=np.array([0, 0, 1, 1]), n_folds=2,
        ... )
        array([0.5, 0.5, 1. , 1. ])
    """
    if not prior > 0:
        raise UsageError(f"a cell that nobody looked at needs a prior above 0, not {prior}")
    both_B2, xp = _weighed(working(second_B), taken_B, probability_B), namespace(second_B)
    in_cell_B2 = _others(both_B2, cell_B, n_cells, fold_B, n_folds)
    everywhere_B2 = _others(both_B2, 0 * cell_B, 1, fold_B, n_folds)
    share_B = xp.where(everywhere_B2[:, 1] > _SEEN, _ratio(everywhere_B2), 0.5)
    fitted_B = (in_cell_B2[:, 0] + prior * share_B) / (in_cell_B2[:, 1] + prior)
    return xp.clip(fitted_B, 0.0, 1.0)


def squared_misses(
    second_B: Array,
    model_B: Array,
    taken_B: Array,
    probability_B: Array,
    *,
    cell_B: Array,
    n_cells: int,
) -> Array:
    """E[(g - m)^2] of each cell, (n_cells,): what `allocate` spends second looks by.

    Cells without a second look count as a chance of one half has it, 1/4.

    Example:
        >>> import numpy as np
        >>> ones, cell_B = np.ones(2), np.array([0, 0])
        >>> squared_misses(np.array([1.0, 0.0]), ones, ones, ones, cell_B=cell_B, n_cells=2)
        array([0.5 , 0.25])
    """
    square_B = (working(second_B) - working(model_B)) ** 2
    sums_C2 = segment_sum(_weighed(square_B, taken_B, probability_B), cell_B, n_cells)
    return namespace(square_B).where(sums_C2[:, 1] > 0, _ratio(sums_C2), 0.25)


def _weighed(value_B: Array, taken_B: Array, probability_B: Array) -> Array:
    """Values and weights of the rows that were looked at; a look that found nothing is none."""
    xp = namespace(value_B)
    found_B = (taken_B > 0) & ~xp.isnan(value_B)
    weight_B = xp.where(found_B, 1 / working(probability_B), 0.0)
    return xp.stack([xp.where(found_B, value_B * weight_B, 0.0), weight_B], -1)


def _others(both_B2: Array, cell_B: Array, n_cells: int, fold_B: Array, n_folds: int) -> Array:
    """Sums over the rows of one's cell that are not in one's fold."""
    own_B = wide(cell_B) * n_folds + wide(fold_B)
    mine = segment_sum(both_B2, own_B, n_cells * n_folds)
    return take(segment_sum(both_B2, cell_B, n_cells), cell_B) - take(mine, own_B)


def _ratio(sums_B2: Array) -> Array:
    empty_B = sums_B2[:, 1] <= 0
    return sums_B2[:, 0] / (sums_B2[:, 1] + empty_B)
