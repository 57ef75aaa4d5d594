"""The backward correction: a reward whose mean is the truth, whatever the policy."""

from __future__ import annotations

from dataclasses import replace

from unflip.correction.line import Line, inverse, line_of
from unflip.correction.table import RateTable
from unflip.errors import UsageError

CLAMP = 0.05
"""No reward is divided by less than this."""


def backward(table: RateTable, *, clamp: float = CLAMP) -> Line:
    """r_hat = (r - rho0) / J in each stratum, so that E[r_hat | truth] = truth.

    It is unbiased where |J| is at least the clamp, and its variance rho (1 - rho) / J^2 is large
    where J is small. Use it with a baseline and without a std (`rloo`): one line for a whole group
    is removed by a group std, and several lines keep rewarding the stratum that is easy to fool.
    Rates that differ among the rows of a stratum, by what a policy can change, leave a bias.

    Args:
        table: The rates.
        clamp: The least |J| to divide by, in (0, 1]; what it holds back is bias, and noted.

    Raises:
        UsageError: The clamp is no such number.

    Source: Cai et al. 2025, arXiv 2510.00915v4, theorem 3.3 (PGBC) and appendix B.

    Example:
        >>> import numpy as np
        >>> backward(RateTable.known(0.1, 0.2))(np.array([1.0, 0.0])).round(3)
        array([ 1.286, -0.143])
    """
    if not 0 < clamp <= 1:
        raise UsageError(f"a clamp on J lies in (0, 1], such as {CLAMP}, not {clamp}")
    slope_S = inverse(table.j_S, clamp)
    line = line_of("backward", table, -table.rho0_S * slope_S, slope_S)
    return replace(line, notes=(*line.notes, *_held_back(table, clamp)))


def _held_back(table: RateTable, clamp: float) -> tuple[str, ...]:
    return tuple(
        f"stratum {name!r} is paid {abs(j) / clamp:.0%} of the truth: its J of {j:.3f} is clamped"
        for name, j, trusted in zip(table.strata, table.j_S, table.trusted_S, strict=True)
        if trusted and abs(j) < clamp
    )
