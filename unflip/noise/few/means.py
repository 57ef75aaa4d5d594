"""The share of correct rows in a class of verdicts, from gold labels on some of its rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unflip.errors import UsageError
from unflip.intervals import LEVEL, Proportion
from unflip.noise.few.shares import between, complement, mixture, share
from unflip.noise.survey import Bools, Floats, Ints, Survey

_PRIOR = 2.0
"""Surprises that a judge is charged with before any is seen; chosen by benchmarks/few_labels.py."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mean:
    """A share of correct rows, and what each row contributed to its error.

    Attributes:
        share: The figure with its interval; `n_eff` counts clusters, weights and the judge's help.
        influence_N: Each row's contribution to estimate - truth; they add up to about 0.
        tuning: The weight lambda that the judge got: 0 unused, 1 fully used.
        pooled: How many cells had labels in fewer than two clusters, and were taken together.
    """

    share: Proportion
    influence_N: Floats
    tuning: float = 0.0
    pooled: int = 0

    def mixed(self, other: Mean, weight: Mean) -> Mean:
        """The share of correct rows in two classes together; `weight` is this one's part."""
        part, gap = np.nan_to_num(
            [weight.share.point, self.share.point - other.share.point]
        ).tolist()
        moved_N = gap * weight.influence_N
        return Mean(
            share=mixture(self.share, other.share, weight.share),
            influence_N=part * self.influence_N + (1 - part) * other.influence_N + moved_N,
        )

    @property
    def flipped(self) -> Mean:
        """The share of wrong rows."""
        return replace(self, share=complement(self.share), influence_N=-self.influence_N)

    def or_else(self, assumed: Proportion) -> Mean:
        """What was measured, or where nothing was, what is assumed."""
        return replace(self, share=assumed) if math.isnan(self.share.point) else self


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
    influence_N = np.zeros(len(survey))
    if not survey.labelled_N[class_N].any():
        return Mean(share=between(0.0, 1.0, level=level), influence_N=influence_N)
    rows = survey.where(class_N)
    sample = _Sample.of(rows)
    judge_C = np.zeros(len(rows)) if tuning == 0 else _opinions(rows)
    slope = sample.slope(judge_C) if tuning is None else tuning
    fit = sample.regress(slope * judge_C)
    influence_N[class_N] = fit.influence_C
    return Mean(
        share=sample.figure(fit, level),
        influence_N=influence_N,
        tuning=slope,
        pooled=sample.pooled,
    )


def counted(survey: Survey, hit_N: Bools, class_N: Bools, *, level: float = LEVEL) -> Mean:
    """The share of a class for which something holds that is known of every row."""
    return mean_of(_of_one_verdict(survey, hit_N), class_N, level=level)


def judge_errors(
    survey: Survey, class_N: Bools, *, level: float = LEVEL
) -> tuple[Proportion, Proportion]:
    """The judge's sensitivity and specificity on the labelled rows of a class.

    The judge's vote is its opinion at 1/2 and above; an abstain is no vote for correct.
    """
    seen_N = class_N & survey.labelled_N
    seen = survey.where(seen_N)
    voted = replace(_of_one_verdict(seen, votes(seen)), probability_N=survey.chance_N[seen_N])
    right, wrong = (mean_of(voted, seen.correct_N == truth, level=level) for truth in (1, 0))
    return right.share, wrong.flipped.share


def votes(survey: Survey) -> Bools:
    """Whether the judge calls each row correct.

    Raises:
        UsageError: The survey has no judge.
    """
    if survey.judge_N is None:
        raise UsageError("an assisted estimate needs judge_N: a second opinion on every row")
    return survey.judge_N >= 0.5


def _of_one_verdict(survey: Survey, hit_N: Bools) -> Survey:
    none_N = np.zeros(len(survey), dtype=bool)
    return Survey(
        accepted_N=~none_N,
        rejected_N=none_N,
        correct_N=hit_N.astype(float),
        cluster_N=survey.cluster_N,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sample:
    """The labelled rows `_n` of a class with rows `_C`, in cells `_H` that each hold labels."""

    correct_n: Floats
    weight_n: Floats
    """Each label's share of the estimate: cells by their size, labels within by 1 / chance."""
    labelled_n: Ints
    cell_C: Ints
    cluster_C: Ints
    pooled: int

    @classmethod
    def of(cls, rows: Survey) -> _Sample:
        cluster_C = np.arange(len(rows)) if rows.cluster_N is None else rows.cluster_N
        labelled_n = np.flatnonzero(rows.labelled_N)
        cell_C, pooled = _merge_thin(_cells(rows), labelled_n, cluster_C)
        chance_n = np.ones(len(labelled_n))
        if rows.probability_N is not None:
            chance_n = rows.probability_N[labelled_n]
        cell_n = cell_C[labelled_n]
        total_H = np.bincount(cell_n, 1 / chance_n)
        size_H = np.bincount(cell_C) / len(rows)
        return cls(
            correct_n=rows.correct_N[labelled_n],
            weight_n=(size_H / total_H)[cell_n] / chance_n,
            labelled_n=labelled_n,
            cell_C=cell_C,
            cluster_C=cluster_C,
            pooled=pooled,
        )

    @property
    def cell_n(self) -> Ints:
        return self.cell_C[self.labelled_n]

    @property
    def cluster_n(self) -> Ints:
        return self.cluster_C[self.labelled_n]

    def centred(self, value_n: Floats) -> tuple[Floats, Floats]:
        """Weighted means of the cells, and each value less its cell's mean."""
        weight_H = np.bincount(self.cell_n, self.weight_n)
        mean_H = np.bincount(self.cell_n, self.weight_n * value_n) / weight_H
        return mean_H, value_n - mean_H[self.cell_n]

    def slope(self, judge_C: Floats) -> float:
        """Weighted least squares of truth on judge within cells; 0 if the judge never differs."""
        _, judge_n = self.centred(judge_C[self.labelled_n])
        spread = float(self.weight_n @ judge_n**2)
        return float(self.weight_n @ (judge_n * self.correct_n)) / spread if spread > 1e-12 else 0.0

    def regress(self, fitted_C: Floats) -> _Fit:
        """Mean of what the judge's opinion is worth, plus the labelled rows' mean rest."""
        rows, labels = len(self.cell_C), len(self.correct_n)
        rest_H, rest_n = self.centred(self.correct_n - fitted_C[self.labelled_n])
        whole_C = fitted_C + rest_H[self.cell_C]
        influence_C = (whole_C - whole_C.mean()) / rows
        # Each cell's mean uses up a degree of freedom; that of a plain share is in its interval.
        groups_H = _groups(self.cell_n, self.cluster_n)
        freedom_H = groups_H / np.maximum(groups_H - 1, 1) * (labels - 1) / labels
        influence_C[self.labelled_n] += self.weight_n * rest_n * np.sqrt(freedom_H)[self.cell_n]
        surprise_G = np.asarray(np.bincount(self.cluster_n, self.weight_n * rest_n), dtype=float)
        return _Fit(
            raw=float(whole_C.mean()),
            influence_C=influence_C,
            surprises=_contributors(surprise_G),
        )

    def figure(self, fit: _Fit, level: float) -> Proportion:
        """The share with the effective count that its clustered variance implies."""
        labels, point = len(self.correct_n), fit.point
        groups_G, group_n = np.unique(self.cluster_n, return_inverse=True)
        variance = float((np.bincount(self.cluster_C, fit.influence_C) ** 2).sum())
        plain = point * (1 - point) + _unseen(point, labels, 0.5)
        effect = (variance + self.unseen()) * labels / plain
        # A variance estimated from few surprises is a guess, and from none it is 0. So start from
        # the design's worst (each cluster all or nothing), or from _PRIOR surprises if that is
        # less, and let go of it as surprises come: quickly where rows stand alone, slowly in
        # clusters, where a few flips of one row say little about flips of whole prompts.
        worst = labels * float((np.bincount(group_n, self.weight_n) ** 2).sum())
        spread = point * (1 - point) * labels
        start = worst * min(1.0, _PRIOR * worst / spread) if spread else worst
        seen, doubt = fit.surprises ** (1 + 1 / worst), 2 - 1 / worst
        trust = seen / (seen + doubt)
        effect = max(effect, trust * effect + (1 - trust) * start)
        n_eff = labels / effect * _student(labels, len(groups_G), level)
        figure = share(point * labels, labels, n_eff=n_eff, level=level)
        # Rounding alone is no cut.
        cut = abs(fit.raw - point) > 1e-9
        return replace(figure, method="beta, cut to [0, 1]") if cut else figure

    def unseen(self) -> float:
        """Variance that cells without an event hide: half a pseudo-event, dealt out by weight."""
        weight_H = np.bincount(self.cell_n, self.weight_n)
        square_H = np.bincount(self.cell_n, self.weight_n**2)
        mean_H, _ = self.centred(self.correct_n)
        return float(square_H @ _unseen(mean_H, weight_H**2 / square_H, 0.5 * weight_H))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fit:
    """An estimate, each row's contribution to its error, and on how many clusters that stands."""

    raw: float
    influence_C: Floats
    surprises: float

    @property
    def point(self) -> float:
        """The estimate inside [0, 1], which a judge's scores can push it out of."""
        whole = float(round(self.raw))
        # A sum of weights misses 0 and 1 by a hair, and 1 - 1e-16 is not a share of its own.
        return whole if abs(self.raw - whole) < 1e-12 else min(max(self.raw, 0.0), 1.0)


def _cells(rows: Survey) -> Ints:
    """Cells within strata within verdicts, numbered."""
    verdict_C = rows.accepted_N * 2 + rows.rejected_N
    code_C = np.zeros(len(rows), dtype=np.int64)
    for column in (verdict_C, rows.cell_N, rows.stratum_N):
        if column is not None:
            values, place_C = np.unique(column, return_inverse=True)
            code_C = code_C * len(values) + place_C
    return np.unique(code_C, return_inverse=True)[1].astype(np.int64)


def _merge_thin(cell_C: Ints, labelled_n: Ints, cluster_C: Ints) -> tuple[Ints, int]:
    """Cells with labels in fewer than two clusters become one, or join the best labelled cell."""
    count = int(cell_C.max()) + 1
    groups_H = _groups(cell_C[labelled_n], cluster_C[labelled_n], count)
    thin_H = groups_H < 2
    if count == 1 or not thin_H.any():
        return cell_C, 0
    enough = groups_H[thin_H].sum() >= 2
    host = int(np.flatnonzero(thin_H)[0]) if enough else int(groups_H.argmax())
    merged_C = np.where(thin_H[cell_C], host, cell_C)
    merged_C = np.unique(merged_C, return_inverse=True)[1]
    return merged_C.astype(np.int64), int(thin_H.sum())


def _groups(cell_n: Ints, cluster_n: Ints, cells: int = 0) -> Ints:
    """How many clusters have labels in each cell."""
    width = int(cluster_n.max()) + 1
    pairs = np.unique(cell_n * width + cluster_n)
    return np.bincount(pairs // width, minlength=cells)


def _unseen(mean: Any, labels: Any, half: Any) -> Any:
    """How much p (1 - p) grows if p is smoothed by `half` a hit and `half` a miss."""
    smooth = (mean * labels + half) / (labels + 2 * half)
    return smooth * (1 - smooth) - mean * (1 - mean)


def _contributors(error_G: Floats) -> float:
    """How many clusters a variance stands on: about as many as had a surprise, 0 if none had."""
    square_G = error_G**2
    most = float(square_G.max())
    if most < 1e-24:
        return 0.0
    return float((square_G / most).sum() ** 2 / ((square_G / most) ** 2).sum())


def _opinions(rows: Survey) -> Floats:
    """The judge's opinions; where it abstained, its mean: any filling is valid, this one tame."""
    if rows.judge_N is None:
        raise UsageError("an assisted estimate needs judge_N: a second opinion on every row")
    heard_C = ~np.isnan(rows.judge_N)
    mean = float(rows.judge_N[heard_C].mean()) if heard_C.any() else 0.5
    return np.where(heard_C, rows.judge_N, mean)


def _student(labels: int, groups: int, level: float) -> float:
    """Korn and Graubard's factor for a variance that comes from few clusters; 1 without them."""
    from scipy.special import stdtrit

    if groups == labels or groups < 2:
        return 1.0
    tail = 0.5 + level / 2
    return float((stdtrit(labels - 1, tail) / stdtrit(groups - 1, tail)) ** 2)
