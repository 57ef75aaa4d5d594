"""How many independent labels an estimate is worth, whose rows have weights, prompts and a judge.

A variance that is estimated from few surprises is a guess, and from none it is 0. So each variance
starts from what the design makes the worst of it, and lets go of that as surprises come.
"""

from __future__ import annotations

import numpy as np

from unflip.noise.few.sample import Estimate, smoothing
from unflip.noise.survey import Floats

_PRIOR = 2.0
"""Surprises that a judge is charged with before any is seen; chosen by benchmarks/few_labels.py."""


def effective_labels(estimate: Estimate, level: float) -> float:
    """How many independent labels have the estimate's variance: p (1 - p) over it.

    It takes clusters, weights and the judge into account.

    Args:
        estimate: With what each cluster contributed.
        level: The level of the interval that it is for: few clusters call for wider tails.

    Source: Korn and Graubard 1998 (effective counts, and the ratio of t quantiles). How the worst
    case is let go of is ours, chosen by benchmarks/few_labels.py.
    """
    labels, point = estimate.labels, estimate.point
    variance = float(estimate.influence_G @ estimate.influence_G) + estimate.unseen
    plain = point * (1 - point) + smoothing(point, labels, 0.5)
    effect = _tempered(variance * labels / plain, estimate)
    return float(labels / effect * _student(estimate, level))


def _tempered(effect: float, estimate: Estimate) -> float:
    """The design effect, no less than the worst one as far as that is not yet refuted.

    The worst is that each cluster is all or nothing, or _PRIOR surprises if that is less. It goes
    quickly where rows stand alone, slowly in clusters, where a few flips of one row say little
    about flips of whole prompts.
    """
    labels, point = estimate.labels, estimate.point
    worst = labels * float(estimate.weight_G @ estimate.weight_G)
    spread = point * (1 - point) * labels
    start = worst * min(1.0, _PRIOR * worst / spread) if spread else worst
    seen: float = contributors(estimate.surprise_G) ** (1 + 1 / worst)
    trust = seen / (seen + 2 - 1 / worst)
    return max(effect, trust * effect + (1 - trust) * start)


def contributors(error_G: Floats) -> float:
    """How many clusters a variance stands on: about as many as had a surprise, 0 if none had.

    Example:
        >>> contributors(np.array([0.1, -0.1, 0.1, 0.0, 0.0]))
        3.0
    """
    square_G = error_G**2
    most = float(square_G.max())
    if most < 1e-24:
        return 0.0
    share_G = square_G / most
    return float(share_G.sum() ** 2 / (share_G @ share_G))


def _student(estimate: Estimate, level: float) -> float:
    """Korn and Graubard's factor for a variance that comes from few clusters; 1 without them."""
    from scipy.special import stdtrit

    labels, groups = estimate.labels, int(np.count_nonzero(estimate.labels_G))
    if groups == labels or groups < 2:
        return 1.0
    tail = 0.5 + level / 2
    return float((stdtrit(labels - 1, tail) / stdtrit(groups - 1, tail)) ** 2)
