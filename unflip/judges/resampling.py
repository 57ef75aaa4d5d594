"""The bootstrap of figures that are made of sums, over rows that come in groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_CELLS = 4_000_000
"""How many counts are drawn at once, which bounds the memory."""


def redrawn(
    parts_NK: ArrayLike, group_n: Sequence[Any] | None, draws: int, rng: np.random.Generator
) -> Floats:
    """Totals of each column in each draw of as many groups as there are, with replacement.

    Args:
        parts_NK: What each row adds to each sum.
        group_n: Rows with equal values are drawn together; None: each by itself.
        draws: How many draws.
        rng: Where they come from.

    Returns:
        An array of shape (draws, columns).

    Example:
        >>> redrawn([[1.0], [1.0]], None, 3, np.random.default_rng(0)).ravel().tolist()
        [2.0, 2.0, 2.0]
    """
    parts_NK = np.asarray(parts_NK, dtype=float)
    sums_GK = parts_NK if group_n is None else _summed(parts_NK, group_n)
    groups = len(sums_GK)
    if not groups:
        return np.zeros((draws, parts_NK.shape[1]))
    at_once = max(1, _CELLS // groups)
    chunks = [min(at_once, draws - start) for start in range(0, draws, at_once)]
    chance_G = np.full(groups, 1 / groups)
    totals = [rng.multinomial(groups, chance_G, size=size) @ sums_GK for size in chunks]
    return np.concatenate(totals) if totals else np.zeros((0, parts_NK.shape[1]))


def _summed(parts_NK: Floats, group_n: Sequence[Any]) -> Floats:
    places: dict[Any, int] = {}
    index_N = np.array([places.setdefault(name, len(places)) for name in group_n], dtype=np.int64)
    sums_GK = np.zeros((len(places), parts_NK.shape[1]))
    np.add.at(sums_GK, index_N, parts_NK)
    return sums_GK
