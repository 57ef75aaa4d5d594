"""Sums over groups of completions, and every rate that follows from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unflip.errors import UsageError
from unflip.intervals import Proportion
from unflip.noise.few.shares import between, complement, inverse, known, mixture, share
from unflip.noise.survey import Survey
from unflip.rates import NoiseRates, status_of

Floats = NDArray[np.float64]

# The columns of a group: for its rows accepted, rejected and abstained on, four sums each; then 1.
ROWS, CHANCED, CORRECT, LABELS = np.arange(12).reshape(3, 4).T
"""Rows; labels over their chances; correct ones over their chances; labels."""
GROUP = 12
COLUMNS = 13
_ACCEPTED, _REJECTED, _ABSTAINED = range(3)


def totals(survey: Survey) -> Floats:
    """The sums of each group of a survey, a row of columns a group; empty groups are left out."""
    rows = len(survey)
    cluster_N = np.arange(rows) if survey.cluster_N is None else survey.cluster_N
    verdict_N = np.where(survey.accepted_N, _ACCEPTED, _ABSTAINED)
    verdict_N[survey.rejected_N] = _REJECTED
    place_N = cluster_N * COLUMNS + 4 * verdict_N
    seen = np.flatnonzero(survey.labelled_N)
    chance_n = 1.0 if survey.probability_N is None else survey.probability_N[seen]
    weight_n = np.ones(len(seen)) / chance_n
    place_n = place_N[seen]
    groups = int(cluster_N.max(initial=-1)) + 1
    places = np.concatenate([place_N, place_n + 1, place_n + 2, place_n + 3])
    values = (np.ones(rows), weight_n, weight_n * survey.correct_N[seen], np.ones(len(seen)))
    flat = np.bincount(places, np.concatenate(values), minlength=groups * COLUMNS)
    totals_GD: Floats = flat.reshape(groups, COLUMNS).astype(np.float64)
    totals_GD[:, GROUP] = 1
    return totals_GD[totals_GD[:, ROWS].any(1)]


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Weighted sums over groups, and sums of their weighted squares and products."""

    sums_D: Floats
    squares_DD: Floats

    @property
    def groups(self) -> float:
        """How many groups of equal weight these are worth: Kish's effective number."""
        return self._kish(_unit([GROUP]))

    def ratio(self, part: Floats, whole: Floats, counted: Floats, *, level: float) -> _Figure:
        """One sum over another, each a sum of columns, with the clustered error of the ratio.

        `counted` says which columns count the rows that the ratio stands on.
        """
        total, worth = float(whole @ self.sums_D), self._kish(whole)
        if not worth:
            return _Figure(between(0.0, 1.0, level=level), np.zeros(COLUMNS))
        point = float(part @ self.sums_D) / total
        influence_D = (part - point * whole) / total
        rows = float(counted @ self.sums_D) * self.groups / float(self.sums_D[GROUP])
        spread = point * (1 - point)
        events = min(self._kish(part), self._kish(whole - part)) if spread else 0.0
        # One group has no variance, however many rows it holds.
        events = events if worth > 1 + 1e-9 else 0.0
        freedom = worth / (worth - 1) if events else 1.0
        effect = events * self.variance(influence_D) * freedom / spread if events else 0.0
        # With few events the variance is a guess: start from what no event would have to mean
        # (groups all or nothing), and let each group with an event count once.
        n_eff = (events + 1) / (effect + 1 / worth)
        figure = share(point * rows, rows, n_eff=min(rows, n_eff), level=level)
        return _Figure(figure, influence_D)

    def variance(self, influence_D: Floats) -> float:
        """The linearised variance of a figure that moves so much with each column."""
        return max(0.0, float(influence_D @ self.squares_DD @ influence_D))

    def _size(self, influence_D: Floats) -> float:
        """What the variance would be if nothing cancelled: the scale of its rounding."""
        return float(np.abs(influence_D) @ self.squares_DD @ np.abs(influence_D))

    def _kish(self, columns: Floats) -> float:
        """How many groups with equal sums of these columns the groups are worth."""
        square = self.variance(columns)
        return float(columns @ self.sums_D) ** 2 / square if square > 0 else 0.0

    def bayes(self, in_part: _Figure, in_rest: _Figure, part: _Figure) -> _Figure:
        """P(part | correct), its variance inflated as groups make the three move together."""
        figures = in_part.share, in_rest.share, part.share
        a, b, s = (figure.point for figure in figures)
        whole = a * s + b * (1 - s)
        if not whole > 0:
            return _Figure(inverse(*figures), np.zeros(COLUMNS))
        terms = (
            in_part.influence_D * (s / whole * (b * (1 - s) / whole)),
            in_rest.influence_D * (-s / whole * (a * (1 - s) / whole)),
            part.influence_D * (a / whole * (b / whole)),
        )
        share = inverse(*figures, inflation=self._inflation(*terms))
        return _Figure(share, np.sum(terms, axis=0))

    def _inflation(self, *terms_D: Floats) -> float:
        """The variance of a sum over those of its terms; below 1 as far as groups bear it out."""
        apart = sum(self.variance(term_D) for term_D in terms_D)
        # Of a single group nothing but rounding is left.
        if apart <= 1e-12 * sum(self._size(term_D) for term_D in terms_D):
            return 1.0
        ratio = self.variance(np.sum(terms_D, axis=0)) / apart
        return max(ratio, (1 + self.groups * ratio) / (1 + self.groups))

    def correlation(self, one: _Figure, other: _Figure) -> float:
        """Between the errors of two figures, at least 0: fewer than none would narrow J."""
        length = np.sqrt(self.variance(one.influence_D) * self.variance(other.influence_D))
        if length <= 1e-12 * np.sqrt(self._size(one.influence_D) * self._size(other.influence_D)):
            return 0.0
        covariance = float(one.influence_D @ self.squares_DD @ other.influence_D)
        return min(1.0, max(0.0, covariance / float(length)))


@dataclass(frozen=True, slots=True, eq=False)
class _Figure:
    """A share, and how it moves with each column's sum."""

    share: Proportion
    influence_D: Floats

    @property
    def flipped(self) -> _Figure:
        return _Figure(complement(self.share), -self.influence_D)

    def or_else(self, assumed: Proportion) -> _Figure:
        return replace(self, share=assumed) if np.isnan(self.share.point) else self


def rates_of(
    moments: Moments, *, level: float, assume_ppv: float | None, said: tuple[str, ...]
) -> NoiseRates:
    """Begg and Greenes' rates from sums over groups; `said` are assumptions to begin with.

    Raises:
        UsageError: A PPV is assumed although accepted rows were labelled.
    """
    pi, nu, omega = (_correct(moments, verdict, level) for verdict in range(3))
    if assume_ppv is not None:
        if not np.isnan(pi.share.point):
            raise UsageError("accepted rows were labelled, so the PPV is measured: drop assume_ppv")
        pi = pi.or_else(known(assume_ppv, level=level))
        said = (*said, f"no accepted row was labelled: the PPV is taken to be {assume_ppv:g}")
    elif np.isnan(pi.share.point):
        said = (*said, "no accepted row was labelled: bands over every PPV")
    accept = _among(moments, [_ACCEPTED], range(3), level)
    abstain = _among(moments, [_ABSTAINED], range(3), level)
    passed = _among(moments, [_ACCEPTED], [_ACCEPTED, _REJECTED], level)
    rejected = _among(moments, [_REJECTED], [_REJECTED, _ABSTAINED], level)
    if not abstain.share.k:
        # Nobody abstains: what would be correct there is without consequence.
        omega = omega.or_else(known(0.5, level=level))
    decided, spurned = _mixed(pi, nu, passed), _mixed(nu, omega, rejected)
    fp = moments.bayes(pi.flipped, nu.flipped, passed)
    fn = moments.bayes(nu, pi, passed.flipped)
    correlation = moments.correlation(fp, fn)
    return NoiseRates(
        fp=fp.share,
        fn=fn.share,
        fp_all=moments.bayes(pi.flipped, spurned.flipped, accept).share,
        fn_all=moments.bayes(spurned, pi, accept.flipped).share,
        abstain_wrong=moments.bayes(omega.flipped, decided.flipped, abstain).share,
        abstain_correct=moments.bayes(omega, decided, abstain).share,
        abstain=abstain.share,
        accept=accept.share,
        ppv=pi.share,
        false_omission=nu.share,
        by="",
        status=status_of(fp.share, fn.share, correlation=correlation),
        correlation=correlation,
        method="decayed sums",
        assumptions=said,
    )


def _correct(moments: Moments, verdict: int, level: float) -> _Figure:
    """P(correct) among the rows with one verdict."""
    correct, chanced, labels = (_unit([at[verdict]]) for at in (CORRECT, CHANCED, LABELS))
    return moments.ratio(correct, chanced, labels, level=level)


def _among(moments: Moments, part: list[int], whole: Any, level: float) -> _Figure:
    """The share of rows with some verdicts among those with others."""
    rows = _unit(ROWS[list(whole)])
    return moments.ratio(_unit(ROWS[part]), rows, rows, level=level)


def _mixed(one: _Figure, other: _Figure, weight: _Figure) -> _Figure:
    """The share over two kinds of rows, `weight` being the share of the first kind."""
    w = weight.share.point
    if np.isnan(w):
        return _Figure(between(0.0, 1.0, level=one.share.level), weight.influence_D)
    gap = np.nan_to_num(one.share.point - other.share.point)
    influence_D = w * one.influence_D + (1 - w) * other.influence_D + gap * weight.influence_D
    return _Figure(mixture(one.share, other.share, weight.share), influence_D)


def _unit(places: Any) -> Floats:
    vector = np.zeros(COLUMNS)
    vector[places] = 1
    return vector
