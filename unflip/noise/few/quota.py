"""Rows to label in fixed numbers of accepted and rejected ones, each drawn evenly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from unflip.errors import UsageError
from unflip.noise.survey import Ints, Survey


@dataclass(frozen=True, kw_only=True, eq=False)
class Quota:
    """Chooses so many accepted and so many rejected rows, all of one verdict with equal chances.

    The audit of accepts that appeals need: without labels on accepted rows rho0 is not identified.
    Unlike `Sampler` it learns nothing on the way, so nothing has to be logged.

    Attributes:
        pool: All rows, labelled or not.
        accepted: How many accepted rows to label.
        rejected: How many rejected rows to label.
        seed: Draws the rows.

    Raises:
        UsageError: There are fewer rows of a verdict than are asked for.

    Example:
        >>> import numpy as np
        >>> accepted_N = np.arange(100) < 60
        >>> pool = Survey(accepted_N=accepted_N, rejected_N=~accepted_N,
        ...               correct_N=np.full(100, np.nan))
        >>> rows = Quota(pool=pool, accepted=5, rejected=15).next(pool.correct_N)
        >>> len(rows), int(accepted_N[rows].sum())
        (20, 5)
    """

    pool: Survey
    accepted: int
    rejected: int
    seed: int = 0

    def __post_init__(self) -> None:
        for name, wanted, class_N in (
            ("accepted", self.accepted, self.pool.accepted_N),
            ("rejected", self.rejected, self.pool.rejected_N),
        ):
            if not 0 <= wanted <= class_N.sum():
                raise UsageError(f"there are {class_N.sum()} {name} rows for {wanted} labels")

    def next(self, correct_N: ArrayLike, *, skipped_N: ArrayLike | None = None) -> Ints:
        """The rows to label now, in the order to label them; empty when all are.

        Args:
            correct_N: The labels so far: 1, 0, and NaN for none.
            skipped_N: Rows that somebody looked at and could not tell; they count as missing at
                random within their verdict.
        """
        done_N = ~np.isnan(np.asarray(correct_N, dtype=float))
        if skipped_N is not None:
            done_N |= np.asarray(skipped_N, dtype=bool)
        return np.asarray(self._chosen_n[~done_N[self._chosen_n]])

    def survey(self, correct_N: ArrayLike) -> Survey:
        """The labels of the chosen rows as a survey, ready for any estimator."""
        gold_N = np.full(len(self.pool), np.nan)
        gold_N[self._chosen_n] = np.asarray(correct_N, dtype=float)[self._chosen_n]
        return replace(self.pool, correct_N=gold_N)

    @cached_property
    def _chosen_n(self) -> Ints:
        rng = np.random.default_rng(self.seed)
        classes = ((self.pool.accepted_N, self.accepted), (self.pool.rejected_N, self.rejected))
        drawn = [rng.permutation(np.flatnonzero(class_N))[:count] for class_N, count in classes]
        return rng.permutation(np.concatenate(drawn))
