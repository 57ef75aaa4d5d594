"""Shares of correct rows in classes of verdicts, and how the errors of several hang together."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from unflip.errors import UsageError
from unflip.intervals import LEVEL, Proportion
from unflip.noise.few.sample import Drawn, Estimate
from unflip.noise.few.shares import between, complement, inverse, mixture, share
from unflip.noise.few.worth import contributors, effective_labels, lean
from unflip.noise.survey import Bools, Floats, Survey


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mean:
    """A share of rows, and what each prompt contributed to its error.

    Attributes:
        share: The figure with its interval; `n_eff` counts clusters, weights and the judge's help.
        influence_G: Contributions to estimate - truth, a figure a prompt (a row, if rows stand
            alone); they add up to about 0, and their squares to the variance.
        tuning: The weight lambda that the judge got: 0 unused, 1 fully used.
        pooled: How many cells had labels in fewer than two clusters, and were taken together.
        apart: Whether rows stand alone; then errors of several figures do not hang together.
    """

    share: Proportion
    influence_G: Floats
    tuning: float = 0.0
    pooled: int = 0
    apart: bool = False

    @classmethod
    def constant(cls, share: Proportion, groups: int) -> Mean:
        """A figure from elsewhere, to which no prompt here contributed."""
        return cls(share=share, influence_G=np.zeros(groups), apart=True)

    @property
    def flipped(self) -> Mean:
        """The share of the other rows."""
        return replace(self, share=complement(self.share), influence_G=-self.influence_G)

    def or_else(self, assumed: Proportion) -> Mean:
        """What was measured, or where nothing was, what is assumed.

        Raises:
            UsageError: The assumed interval is of another level.
        """
        if not math.isnan(self.share.point):
            return self
        bounds = math.isnan(assumed.point) or assumed.low == assumed.high
        if not bounds and assumed.level != self.share.level:
            wanted = self.share.level
            raise UsageError(f"what is assumed has the level {assumed.level:g}, not {wanted:g}")
        return replace(self, share=replace(assumed, level=self.share.level))

    def mixed(self, other: Mean, weight: Mean) -> Mean:
        """The share of correct rows in two classes together; `weight` is this one's part."""
        figures = self.share, other.share, weight.share
        part, gap = np.nan_to_num([figures[2].point, figures[0].point - figures[1].point]).tolist()
        influence_G, inflation = _joined((part, self), (1 - part, other), (gap, weight))
        apart = self.apart and other.apart and weight.apart
        share = mixture(*figures, inflation=inflation)
        return Mean(share=share, influence_G=influence_G, apart=apart)

    def inverted(self, rest: Mean, part: Mean) -> Mean:
        """P(part | correct) by Bayes' rule; this is P(correct | part), `rest` that of the rest."""
        figures = self.share, rest.share, part.share
        a, b, s = (figure.point for figure in figures)
        whole = a * s + b * (1 - s)
        if not whole > 0:
            return Mean.constant(inverse(*figures), len(self.influence_G))
        # The slopes of a s / (a s + b (1 - s)) in its three figures.
        by_self, by_rest = b * (1 - s) / whole * (s / whole), -a * s / whole * ((1 - s) / whole)
        influence_G, inflation = _joined(
            (by_self, self), (by_rest, rest), (a / whole * (b / whole), part)
        )
        apart = self.apart and rest.apart and part.apart
        share = inverse(*figures, inflation=inflation)
        return Mean(share=share, influence_G=influence_G, apart=apart)

    def correlation(self, other: Mean) -> float:
        """Between the errors of two figures that share labels, prompts or the accept share.

        A negative one counts as 0: it would narrow J on the word of few labels.
        """
        one_G, other_G = self.influence_G, other.influence_G
        length = math.sqrt(float(one_G @ one_G) * float(other_G @ other_G))
        return min(1.0, max(0.0, float(one_G @ other_G) / length)) if length else 0.0


def mean_of(
    survey: Survey, class_N: Bools, *, level: float = LEVEL, tuning: float | None = 0.0
) -> Mean:
    """P(correct | class): Hajek weights within cells, cells summed, errors summed by cluster.

    The judge enters as a regression: theta = mean of lambda f over all rows of the class + weighted
    mean of (Y - lambda f) over the labelled ones. With the lambda of least variance this is PPI++
    (whose own lambda is ours times 1 - n/N, since it averages f over the unlabelled rows only); for
    a judge that says just yes or no it is post-stratification by the judge's vote, exactly.

    Args:
        survey: Verdicts, labels, chances, and the judge's opinions.
        class_N: The class, such as `survey.rejected_N`.
        level: Two-sided coverage in (0, 1).
        tuning: lambda; 0 leaves the judge out, None takes the value of least variance.

    Returns:
        The share; NaN between 0 and 1 where no row of the class is labelled.

    Source: Hajek 1971; Sarndal, Swensson and Wretman 1992, equation 6.4.1 (regression estimator);
    Angelopoulos, Duchi and Zrnic 2023, arXiv 2311.01453, section 6 (PPI++); the variance is
    Taylor-linearised, one sum of contributions a cluster.
    """
    if not survey.labelled_N[class_N].any():
        return Mean.constant(between(0.0, 1.0, level=level), survey.groups)
    rows = survey.where(class_N)
    sample = Drawn.of(rows)
    judge_C = np.zeros(len(rows)) if tuning == 0 else _opinions(rows)
    slope, pull_n = sample.slope(judge_C) if tuning is None else (tuning, 0.0)
    estimate = sample.estimate(slope * judge_C, pull_n)
    return replace(
        _mean(survey, class_N, estimate, level=level), tuning=slope, pooled=sample.pooled
    )


def counted(survey: Survey, hit_N: Bools, class_N: Bools, *, level: float = LEVEL) -> Mean:
    """The share of a class for which something holds that is known of every row."""
    if not class_N.any():
        return Mean.constant(between(0.0, 1.0, level=level), survey.groups)
    cluster_n = np.arange(class_N.sum())
    if survey.cluster_N is not None:
        cluster_n = survey.cluster_N[class_N]
    return _mean(survey, class_N, Estimate.of_all(hit_N[class_N], cluster_n), level=level)


def _mean(survey: Survey, class_N: Bools, estimate: Estimate, *, level: float) -> Mean:
    labels, point, apart = estimate.labels, estimate.point, survey.cluster_N is None
    n_eff = effective_labels(estimate, level)
    leaning = lean(estimate, n_eff, level)
    figure = share(point * labels, labels, n_eff=n_eff, lean=leaning, level=level)
    influence_G = np.zeros(survey.groups)
    influence_G[class_N if apart else slice(len(estimate.influence_G))] = estimate.influence_G
    return Mean(
        share=replace(figure, method="beta, cut to [0, 1]") if estimate.cut else figure,
        influence_G=influence_G,
        apart=apart,
    )


def judge_errors(
    survey: Survey, class_N: Bools, *, level: float = LEVEL
) -> tuple[Proportion, Proportion]:
    """The judge's sensitivity and specificity on the labelled rows of a class.

    The judge's vote is its opinion at 1/2 and above; an abstain is no vote for correct.
    """
    sensitivity, specificity = judged(survey, class_N, level=level)
    return sensitivity.share, specificity.share


def judged(survey: Survey, class_N: Bools, *, level: float = LEVEL) -> tuple[Mean, Mean]:
    """As `judge_errors`, with what each prompt contributed."""
    told = Survey(
        accepted_N=np.ones(len(survey), dtype=bool),
        rejected_N=np.zeros(len(survey), dtype=bool),
        correct_N=np.where(survey.labelled_N, votes(survey), np.nan),
        probability_N=survey.chance_N,
        cluster_N=survey.cluster_N,
    )
    right, wrong = (
        mean_of(told, class_N & (survey.correct_N == truth), level=level) for truth in (1, 0)
    )
    return right, wrong.flipped


def votes(survey: Survey) -> Bools:
    """Whether the judge calls each row correct.

    Raises:
        UsageError: The survey has no judge.
    """
    if survey.judge_N is None:
        raise UsageError("an assisted estimate needs judge_N: a second opinion on every row")
    return survey.judge_N >= 0.5


def _opinions(rows: Survey) -> Floats:
    """The judge's opinions; where it abstained, its mean: any filling is valid, this one tame."""
    if rows.judge_N is None:
        raise UsageError("an assisted estimate needs judge_N: a second opinion on every row")
    heard_C = ~np.isnan(rows.judge_N)
    mean = float(rows.judge_N[heard_C].mean()) if heard_C.any() else 0.5
    return np.where(heard_C, rows.judge_N, mean)


def _joined(*terms: tuple[float, Mean]) -> tuple[Floats, float]:
    """Contributions to a sum of figures, and its variance over those of its terms.

    That ratio is 1 where rows stand alone. Below 1 it narrows, and is believed as far as it stands
    on many prompts: of c of them it gets the weight c, and 1 the weight of one.
    """
    terms_TG = [factor * figure.influence_G for factor, figure in terms]
    together_G = np.add.reduce(terms_TG)
    if all(figure.apart for _, figure in terms):
        return together_G, 1.0
    apart_G = np.add.reduce(np.square(terms_TG))
    apart = float(apart_G.sum())
    # Where all labels lie in one prompt, nothing but rounding is left.
    if apart < 1e-24:
        return together_G, 1.0
    ratio, seen = float(together_G @ together_G) / apart, contributors(np.sqrt(apart_G))
    return together_G, max(ratio, (1 + seen * ratio) / (1 + seen))
