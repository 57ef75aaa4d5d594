"""A sampler that asks for no more labels once a goal is reached."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from unflip.noise.few.partial import begg_greenes
from unflip.noise.few.sampling import Sampler
from unflip.noise.few.stopping import Estimator, Goal, look
from unflip.noise.survey import Ints, Survey
from unflip.rates import NoiseRates


@dataclass(frozen=True, kw_only=True, eq=False)
class Until:
    """Chooses rows as its sampler does, and looks after each whole batch whether to go on.

    Everything follows from the labels: whoever asks again, in another process and with the same
    labels, is told the same.

    Attributes:
        sampler: Who chooses.
        goal: What is wanted.
        estimator: Who makes the rates that are looked at.

    Source: see `look`, whose intervals hold at any of the sampler's batches.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> truth_N = rng.random(4000) < 0.5
        >>> accepted_N = truth_N & (rng.random(4000) < 0.8)
        >>> pool = Survey(accepted_N=accepted_N, rejected_N=~accepted_N,
        ...               correct_N=np.full(4000, np.nan))
        >>> until = Until(sampler=Sampler(pool=pool, budget=800), goal=Goal(fn_below=0.4))
        >>> gold_N = pool.correct_N.copy()
        >>> while len(rows := until.next(gold_N)):
        ...     gold_N[rows] = truth_N[rows]
        >>> until.survey(gold_N).labels
        200
    """

    sampler: Sampler
    goal: Goal
    estimator: Estimator = begg_greenes

    def next(self, correct_N: ArrayLike, *, skipped_N: ArrayLike | None = None) -> Ints:
        """The rows to label now, in order; empty when the goal is reached or the budget spent.

        Args:
            correct_N: The labels so far: 1, 0, and NaN for none.
            skipped_N: Rows that somebody looked at and could not tell.
        """
        correct_N = np.asarray(correct_N, dtype=float)
        spent_N = np.full(len(correct_N), np.nan)
        while len(rows := self.sampler.next(spent_N, skipped_N=skipped_N)):
            missing = rows[np.isnan(correct_N[rows])]
            if len(missing):
                return np.asarray(missing)
            spent_N[rows] = correct_N[rows]
            seen = look(
                self.sampler, spent_N, goal=self.goal, skipped_N=skipped_N, estimator=self.estimator
            )
            if seen.stop:
                break
        return np.array([], dtype=np.int64)

    def survey(self, correct_N: ArrayLike) -> Survey:
        """The labels so far as a survey, with their logged chances; see `rates`."""
        return self.sampler.survey(correct_N)

    def rates(self, correct_N: ArrayLike) -> NoiseRates:
        """The rates so far, with intervals that hold whenever one stops."""
        return look(self.sampler, correct_N, goal=self.goal, estimator=self.estimator).rates
