"""What each label bought: the same rows estimated from more and more of their labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unflip.errors import UsageError
from unflip.noise.survey import Floats, Survey
from unflip.rates import NoiseRates


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one method said when so many labels had been spent."""

    method: str
    labels: int
    rates: NoiseRates


def cost_curve(
    survey: Survey,
    estimators: Mapping[str, Callable[[Survey], NoiseRates]],
    *,
    budgets: Sequence[int] | None = None,
    seed: int = 0,
) -> list[Spent]:
    """Rates against labels spent, for each method, from one survey.

    Labels are taken back at random, evenly from accepts and rejects, so that each smaller budget is
    a part of every larger one. It shows what fewer labels would have said, not what other ones
    would: the curves of one survey wander together.

    Args:
        survey: With all the labels there are.
        estimators: Methods by the name they get in a picture, such as `begg_greenes`.
        budgets: Labels to spend, each at least 2; by default 8 steps from 20, evenly in the log.
        seed: In which order labels are given back.

    Raises:
        UsageError: A budget is below 2 or above what the survey holds, or that is below 2.

    Example:
        >>> import numpy as np
        >>> from unflip.noise.few.partial import begg_greenes
        >>> truth_N = np.arange(1000) % 2 == 0
        >>> accepted_N = truth_N & (np.arange(1000) % 10 > 0)           # rho1 = .2
        >>> survey = Survey(accepted_N=accepted_N, rejected_N=~accepted_N, correct_N=truth_N)
        >>> for spent in cost_curve(survey, {"labels alone": begg_greenes}, budgets=[50, 1000]):
        ...     print(spent.method, spent.labels, spent.rates.fn)
        labels alone 50 0.130 [0.038, 0.280]
        labels alone 1000 0.200 [0.167, 0.237]
    """
    if survey.labels < 2:
        raise UsageError("a curve of costs needs a survey with two labels or more")
    if budgets is None:
        steps = np.geomspace(min(20, survey.labels), survey.labels, 8)
        budgets = sorted({round(step) for step in steps})
    if not all(2 <= budget <= survey.labels for budget in budgets):
        raise UsageError(f"budgets lie between 2 and the {survey.labels} labels of this survey")
    turn_N = _turns(survey, np.random.default_rng(seed))
    return [
        Spent(method=name, labels=budget, rates=estimator(survey.without_labels(turn_N >= budget)))
        for name, estimator in estimators.items()
        for budget in budgets
    ]


def _turns(survey: Survey, rng: np.random.Generator) -> Floats:
    """When each label is spent, 0 for the first; verdicts take turns by how many they have."""
    share_N = np.full(len(survey), np.inf)
    for class_N in (survey.accepted_N, survey.rejected_N, ~survey.decided_N):
        rows_n = np.flatnonzero(class_N & survey.labelled_N)
        share_N[rows_n] = (rng.permutation(len(rows_n)) + rng.random()) / max(len(rows_n), 1)
    turn_N = np.empty(len(survey))
    turn_N[np.argsort(share_N, kind="stable")] = np.arange(len(survey))
    return turn_N
