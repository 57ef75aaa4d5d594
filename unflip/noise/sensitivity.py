"""Gold labels are not gold: what the rates become if some of the labels are wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unflip.errors import NotIdentifiable, UsageError
from unflip.intervals import Interval, Proportion
from unflip.noise.survey import Bools, Ints, Survey
from unflip.rates import NoiseRates

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labels:
    """The labels on decided rows: for each, how many rows it stands for.

    Attributes:
        accepted_correct_n: Labels "correct" on accepted rows.
        accepted_wrong_n: Labels "wrong" on accepted rows: the false positives seen.
        rejected_correct_n: Labels "correct" on rejected rows: the false negatives seen.
        rejected_wrong_n: Labels "wrong" on rejected rows.
        more_accepted: How many more accepted rows a judge takes for correct than these labels say.
        more_rejected: How many more rejected ones.
    """

    accepted_correct_n: Floats
    accepted_wrong_n: Floats
    rejected_correct_n: Floats
    rejected_wrong_n: Floats
    more_accepted: float = 0.0
    more_rejected: float = 0.0

    @property
    def count(self) -> int:
        """How many labels there are."""
        accepted = len(self.accepted_correct_n) + len(self.accepted_wrong_n)
        return accepted + len(self.rejected_correct_n) + len(self.rejected_wrong_n)

    @classmethod
    def counted(
        cls,
        *,
        accepted_correct: int,
        accepted_wrong: int,
        rejected_correct: int,
        rejected_wrong: int,
        odds: float = 1.0,
    ) -> Labels:
        """So many labels of each kind, alike within a verdict.

        Args:
            accepted_correct: Labels "correct" on accepted rows.
            accepted_wrong: Labels "wrong" on accepted rows.
            rejected_correct: Labels "correct" on rejected rows.
            rejected_wrong: Labels "wrong" on rejected rows.
            odds: How many times more rows a label on a rejected row stands for; 1 where all rows
                are labelled, or equal parts of both verdicts.

        Raises:
            UsageError: A count is below 0, or the odds are none.
        """
        counts = (accepted_correct, accepted_wrong, rejected_correct, rejected_wrong)
        if min(counts) < 0 or not 0 < odds < math.inf:
            raise UsageError(f"labels are counted from 0, and odds lie above 0: {counts}, {odds}")
        return cls(
            accepted_correct_n=np.ones(accepted_correct),
            accepted_wrong_n=np.ones(accepted_wrong),
            rejected_correct_n=np.full(rejected_correct, odds),
            rejected_wrong_n=np.full(rejected_wrong, odds),
        )

    @classmethod
    def of(cls, survey: Survey, rates: NoiseRates | None = None) -> Labels:
        """The labels of a survey, by the chances they had.

        Args:
            survey: Verdicts on all rows, labels on some.
            rates: What an estimator made of it; a judge's part in that stands beside the labels.

        Raises:
            NotIdentifiable: Rows of one verdict have no label at all.
        """
        accepted, rejected = (
            _weights(survey, class_N) for class_N in (survey.accepted_N, survey.rejected_N)
        )
        ppv, omission = (rates.ppv, rates.false_omission) if rates is not None else (None, None)
        return cls(
            accepted_correct_n=accepted[0],
            accepted_wrong_n=accepted[1],
            rejected_correct_n=rejected[0],
            rejected_wrong_n=rejected[1],
            more_accepted=_more(accepted, ppv),
            more_rejected=_more(rejected, omission),
        )


def _weights(survey: Survey, class_N: Bools) -> tuple[Floats, Floats]:
    """Of the labels "correct" and "wrong" in a class, how many of its rows each stands for."""
    seen_N = class_N & survey.labelled_N
    if class_N.any() and not seen_N.any():
        raise NotIdentifiable("a verdict without labels: label some rows of either verdict")
    cell_N = np.zeros(len(survey), dtype=np.int64) if survey.cell_N is None else survey.cell_N
    share_N = np.zeros(len(survey))
    share_N[seen_N] = 1 / survey.chance_N[seen_N]
    size_H = np.bincount(cell_N[class_N], minlength=int(cell_N.max(initial=0)) + 1)
    total_H = np.bincount(cell_N, share_N, minlength=len(size_H))
    each_N = (
        share_N * np.divide(size_H, total_H, where=total_H > 0, out=np.zeros(len(size_H)))[cell_N]
    )
    # Cells that nobody labelled are like the others.
    each_N *= class_N.sum() / max(float(each_N.sum()), 1e-300)
    correct_N = survey.correct_N == 1
    return each_N[seen_N & correct_N], each_N[seen_N & ~correct_N]


def _more(kinds: tuple[Floats, Floats], share: Proportion | None) -> float:
    if share is None or math.isnan(share.point):
        return 0.0
    correct, wrong = (float(kind.sum()) for kind in kinds)
    return share.point * (correct + wrong) - correct


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What wrong labels could make of one rate.

    Attributes:
        range: The rate as labelled, between the least and the most that it can be if `flips` of
            the labels are wrong, whichever they are. Bounds, no confidence interval.
        by_chance: The most likely rate if labels are wrong by chance alone, whatever the verdict;
            0 where chance alone makes at least as many such rows as were seen.
        explained: The share of labels that, wrong by chance, explains every one of them.
    """

    range: Interval
    by_chance: float
    explained: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """Both rates under doubt, if a share `wrong` of the labels (`flips` of `count`) is wrong."""

    wrong: float
    flips: int
    count: int
    fp: Doubt
    fn: Doubt

    def __str__(self) -> str:
        said = f"If {100 * self.wrong:.3g}% of the labels are wrong ({self.flips} of {self.count})"
        fp, fn = (_clause(name, doubt) for name, doubt in (("rho0", self.fp), ("rho1", self.fn)))
        return f"{said}, {fp}, and {fn}."


def doubt(labels: Labels, *, wrong: float) -> Sensitivity:
    """The rates if a share of the labels is wrong: at worst, and by chance.

    At worst the wrong labels are those that move the rate most: the bounds are sharp, some choice
    of that many labels attains each. By chance every label is wrong with the same probability,
    whatever the verdict: then the share of correct rows among those of one verdict, q as labelled,
    is (q - wrong) / (1 - 2 wrong), held inside [0, 1].

    Args:
        labels: How many labels of each kind there are.
        wrong: The share of labels that are wrong, in [0, 1/2).

    Raises:
        UsageError: The share is out of range.

    Source: the worst case is counting; for chance see Rogan and Gladen 1978.

    Example:
        >>> labels = Labels.counted(
        ...     accepted_correct=180, accepted_wrong=2, rejected_correct=20, rejected_wrong=198
        ... )
        >>> print(doubt(labels, wrong=0.02))
        If 2% of the labels are wrong (8 of 400), rho0 lies in [0.000, 0.048] (0.000 if by \
chance), and rho1 lies in [0.062, 0.135] (0.082 if by chance).
    """
    if not 0 <= wrong < 0.5:
        raise UsageError(f"a share of wrong labels lies in [0, 0.5), not {wrong}")
    # A share times a count may fall just short of the whole number that it means.
    flips = math.floor(wrong * labels.count + 1e-9)
    rejected = (labels.rejected_correct_n, labels.rejected_wrong_n, labels.more_rejected)
    accepted = (labels.accepted_correct_n, labels.accepted_wrong_n, labels.more_accepted)
    lost, kept = _Class.of(*rejected), _Class.of(*accepted)
    passed = _Class.of(accepted[1], accepted[0], -accepted[2])
    caught = _Class.of(rejected[1], rejected[0], -rejected[2])
    return Sensitivity(
        wrong=wrong,
        flips=flips,
        count=labels.count,
        fn=_doubt(lost, kept, wrong, flips),
        fp=_doubt(passed, caught, wrong, flips),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Class:
    """The rows of one verdict: how many have the truth in question, and what flips make of that."""

    hits: float
    size: float
    less_F: Floats
    """How many rows fewer if so many labels are turned away from that truth, weightiest first."""
    more_F: Floats
    """How many rows more if so many labels are turned to it."""

    @classmethod
    def of(cls, hit_n: Floats, miss_n: Floats, more: float) -> _Class:
        return cls(
            hits=float(hit_n.sum()) + more,
            size=float(hit_n.sum() + miss_n.sum()),
            less_F=_piled(hit_n),
            more_F=_piled(miss_n),
        )

    def lowest(self, flips: Ints) -> Floats:
        """The hits after so many flips against them."""
        taken = self.less_F[np.minimum(flips, len(self.less_F) - 1)]
        return np.clip(self.hits - taken, 0, self.size)

    def highest(self, flips: Ints) -> Floats:
        """The hits after so many flips for them."""
        added = self.more_F[np.minimum(flips, len(self.more_F) - 1)]
        return np.clip(self.hits + added, 0, self.size)

    def by_chance(self, wrong: float) -> float:
        """The most likely hits if each label is wrong with probability `wrong`."""
        hits = (self.hits - wrong * self.size) / (1 - 2 * wrong)
        return min(max(hits, 0.0), self.size)


def _piled(weight_n: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(np.sort(weight_n)[::-1])])


def _doubt(hit: _Class, kept: _Class, wrong: float, flips: int) -> Doubt:
    """What becomes of hits / (hits + kept) if labels of either class are wrong."""
    here, there = np.arange(flips + 1), np.arange(flips + 1)[::-1]
    point = _only(_ratio([hit.hits], [kept.hits]))
    low, high = 0.0, 1.0
    if not math.isnan(point):
        low = float(_ratio(hit.lowest(here), kept.highest(there)).min(initial=point))
        high = float(_ratio(hit.highest(here), kept.lowest(there)).max(initial=point))
    return Doubt(
        range=Interval(point=point, low=low, high=high, level=1.0, method="wrong labels"),
        by_chance=_only(_ratio([hit.by_chance(wrong)], [kept.by_chance(wrong)])),
        explained=hit.hits / hit.size if hit.size else math.nan,
    )


def _ratio(hits: ArrayLike, kept: ArrayLike) -> Floats:
    """The rates at these counts; none where both are 0."""
    hits, kept = np.asarray(hits, dtype=float), np.asarray(kept, dtype=float)
    some = hits + kept > 0
    rates: Floats = hits[some] / (hits[some] + kept[some])
    return rates


def _only(rates: Floats) -> float:
    return float(rates[0]) if len(rates) else math.nan


def _clause(name: str, rate: Doubt) -> str:
    if math.isnan(rate.range.point):
        return f"{name} stays unknown"
    within = f"[{rate.range.low:.3f}, {rate.range.high:.3f}]"
    return f"{name} lies in {within} ({rate.by_chance:.3f} if by chance)"
