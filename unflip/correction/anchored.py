"""The anchored ridge: each stratum is paid its audited pass rate, plus what its verdicts add."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from unflip.correction.line import Line, line_of
from unflip.correction.table import RateTable
from unflip.errors import UsageError


def anchored(table: RateTable, *, ridge: ArrayLike | None = None) -> Line:
    """r_hat = m + b (r - q) with b = J / (J^2 + ridge^2) in each stratum.

    Whatever b is, a stratum's mean reward is m, its audited pass rate, so there is nothing to be
    had from moving to a stratum that is easy to fool; b trades variance for signal. With ridge 0
    and m = (q - rho0) / J it is `backward`. It keeps J's sign, and |b| is at most 1 / (2 ridge).

    Args:
        table: The rates; m and q must be the policy's, see `RateTable.observed`.
        ridge: At least 0, one for all or one for each stratum; None: the standard error of J.

    Raises:
        UsageError: A trusted stratum has no audited pass rate, or a ridge is below 0.

    Source: ridge regression of the truth on the verdict (Hoerl and Kennard 1970), anchored at the
        means; GREG estimators in survey sampling have the same form.

    Example:
        >>> table = RateTable.known(0.1, 0.2, pass_rate=0.5)
        >>> anchored(table)(np.array([1.0, 0.0])).round(3)
        array([ 1.286, -0.143])
        >>> anchored(table, ridge=0.7)(np.array([1.0, 0.0])).round(3)
        array([0.893, 0.179])
    """
    ridge_S = table.se_S if ridge is None else np.asarray(ridge, dtype=float)
    if not (ridge_S >= 0).all():
        raise UsageError("a ridge is a number of at least 0, on the scale of J")
    with_pass_rates(table, "anchored")
    over_S = table.j_S**2 + ridge_S**2
    slope_S = np.divide(table.j_S, over_S, out=np.zeros(len(table)), where=over_S > 0)
    return line_of("anchored", table, table.pass_S - slope_S * table.accept_S, slope_S)


def with_pass_rates(table: RateTable, name: str) -> None:
    """Refuse a table whose pass rates nobody audited."""
    bare = np.isnan(table.pass_S) | np.isnan(table.accept_S)
    if (bare & table.trusted_S).any():
        raise UsageError(
            f"{name} needs the pass rate of every stratum: audit a random few rows, "
            "and give pass_rate to RateTable.known or .observed"
        )
