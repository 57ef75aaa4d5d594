"""The gold labels that a measurement may use, and the rates that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unflip.errors import NotIdentifiable, UsageError
from unflip.intervals import Proportion
from unflip.labelling.book import read_labels
from unflip.measure.estimators import best_of, estimators_of
from unflip.measure.folder import LABELS
from unflip.measure.plan import Plan, spend
from unflip.measure.pool import Pool
from unflip.measure.settings import Settings
from unflip.noise.few.cost import cost_curve
from unflip.noise.few.until import Until
from unflip.noise.gold import Tally, rates_from_arrays
from unflip.noise.sensitivity import Labels, doubt
from unflip.noise.survey import Survey
from unflip.rates import NoiseRates
from unflip.report import Collector
from unflip.report.findings import Cost, Spending

DOUBTED = 0.02
"""The share of labels that may be wrong: careful people differ on a few in a hundred."""
LEAST_FOR_A_CURVE = 20
"""Fewer labels have no history that is worth a picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """The labels in use.

    Attributes:
        survey: Every row's verdict and opinion, and the labels in use.
        tally: The rows as they came, for rates that are counted.
        spent: How many labels were asked for, used, and are missing; None if every row has one.
        assume_ppv: What is assumed where no accepted row is labelled.
        looked: The rates of a plan that may stop early, which hold whenever it does.
    """

    survey: Survey
    tally: Tally
    spent: Spending | None
    assume_ppv: Proportion | None = None
    looked: NoiseRates | None = None

    @classmethod
    def of(cls, pool: Pool, folder: Path, settings: Settings) -> Gold:
        """The labels of the data, or those of the rows that a plan has chosen.

        Raises:
            DataError: The folder's labels cannot be read.
            UsageError: The budget exceeds the rows.
        """
        plan = Plan.of(settings)
        if plan is not None:
            return _bought(plan, pool, folder, settings.assume_ppv)
        survey = pool.survey
        counted = _complete(survey) or not survey.labels
        return cls(
            survey=survey,
            tally=pool.tally,
            spent=None if counted else _spending(survey),
            assume_ppv=settings.assume_ppv,
        )

    def rates(self) -> NoiseRates:
        """The rates: counted where every decided row has a label, else estimated.

        Raises:
            UsageError: A PPV is assumed, and accepted rows are labelled, or nothing is.
        """
        if self.spent is not None and self.survey.labels:
            return self.looked or best_of(self.survey, self.assume_ppv)(self.survey)
        if self.assume_ppv is not None:
            raise UsageError(
                "a PPV is assumed where some rejected rows are labelled, and only they"
            )
        return self.tally.rates() if self.spent is None else _unlabelled(self.survey)

    def doubt(self, rates: NoiseRates) -> str:
        """What the rates become if some labels are wrong, in a sentence.

        Some are `DOUBTED`, but at least one label. Empty where rows of one verdict have none.
        """
        try:
            labels = Labels.of(self.survey, rates)
        except NotIdentifiable:
            return ""
        # Of two labels one may be wrong, and more than half of them no doubt can undo.
        wrong = max(DOUBTED, 1 / max(labels.count, 1))
        return str(doubt(labels, wrong=wrong)) if wrong < 1 / 2 else ""

    def costs(self) -> tuple[Cost, ...]:
        """What each method said when fewer labels had been spent, for a picture."""
        if self.spent is None or self.survey.labels < LEAST_FOR_A_CURVE:
            return ()
        pooled = replace(self.survey, stratum_N=None)
        return tuple(
            Cost(method=at.method, labels=at.labels, fp=at.rates.fp, fn=at.rates.fn)
            for at in cost_curve(pooled, estimators_of(pooled, self.assume_ppv))
        )

    def shown(self, pool: Pool) -> Collector:
        """The rows again, each with the label in use and no other."""
        collector = Collector()
        for (sample, verdict), label in zip(pool.verdicts(), self.survey.correct_N, strict=True):
            correct = None if np.isnan(label) else bool(label)
            collector.add(replace(sample, correct=correct), verdict)
        return collector


def known(
    pool: Pool, labels: Mapping[str, bool | None]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Every label that there is, and the rows that somebody could not tell.

    Args:
        pool: The rows, and the labels of the data.
        labels: What people said, by the key of a row. They are asked where the data say nothing,
            and nowhere else.
    """
    correct_N = pool.survey.correct_N.copy()
    skipped_N = np.zeros(len(correct_N), dtype=bool)
    for row, key in enumerate(pool.keys):
        if key in labels and np.isnan(correct_N[row]):
            label = labels[key]
            correct_N[row] = np.nan if label is None else label
            skipped_N[row] = label is None
    return correct_N, skipped_N


def _bought(plan: Plan, pool: Pool, folder: Path, assume_ppv: Proportion | None) -> Gold:
    """The labels of the rows that a plan has chosen, as far as there are any."""
    chooser = plan.chooser(pool)
    path = folder / LABELS
    correct_N, skipped_N = known(pool, read_labels(path) if path.exists() else {})
    spent_N, told_N, asked = spend(chooser, correct_N, skipped_N)
    survey = replace(chooser.survey(spent_N), stratum_N=pool.survey.stratum_N)
    skipped = int(told_N.sum())
    waiting = plan.budget - survey.labels - skipped if len(asked) else 0
    looked = None
    if isinstance(chooser, Until) and survey.labels:
        # Of these slices, and with this PPV; who stopped the labelling knew neither.
        best = best_of(survey, assume_ppv)
        stopped = replace(chooser, estimator=lambda _, *, level: best(survey, level=level))
        looked = stopped.rates(spent_N)
    return Gold(
        survey=survey,
        tally=pool.tally,
        spent=_spending(survey, budget=plan.budget, skipped=skipped, waiting=waiting),
        assume_ppv=assume_ppv,
        looked=looked,
    )


def _unlabelled(survey: Survey) -> NoiseRates:
    """What verdicts say by themselves: how many rows are accepted and left open."""
    outcome_N = np.where(survey.decided_N, survey.accepted_N, np.nan)
    rates = rates_from_arrays(outcome_N, survey.correct_N, cluster_N=survey.cluster_N)
    return replace(rates, by=survey.by)


def _spending(
    survey: Survey, *, budget: int | None = None, skipped: int = 0, waiting: int = 0
) -> Spending:
    return Spending(
        budget=budget,
        labels=survey.labels,
        accepted=int(survey.labelled_N[survey.accepted_N].sum()),
        rejected=int(survey.labelled_N[survey.rejected_N].sum()),
        skipped=skipped,
        waiting=waiting,
    )


def _complete(survey: Survey) -> bool:
    return bool(survey.labelled_N[survey.decided_N].all())
