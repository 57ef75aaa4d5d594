"""Masking: the verdicts of a stratum that is known to be bad count as abstains."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from unflip.correction.line import Line, line_of
from unflip.correction.table import RateTable


def masking(table: RateTable, bad: Collection[str] = ()) -> Line:
    """r_hat = r, but NaN in bad strata: out of the baseline, and with advantage 0.

    Nothing pulls the policy into such a stratum, and nothing pushes it out. It is not
    missing-at-random: what the policy does there is no longer trained.

    Args:
        table: The rates; strata that are not trusted are masked as well.
        bad: Names of the other strata to mask.

    Raises:
        UsageError: There is no such stratum, or none would be left.

    Example:
        >>> table = RateTable.known([0.1, 0.8], [0.2, 0.1], strata=["plain", "hacked"])
        >>> masking(table, ["hacked"])(np.array([1.0, 1.0]), np.array([0, 1]))
        array([ 1., nan])
    """
    return line_of("masking", table.masked(bad), np.zeros(len(table)), np.ones(len(table)))
