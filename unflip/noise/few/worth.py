"""How many independent labels an estimate is worth, whose rows have weights, prompts and a judge.

A variance that is estimated from few surprises is a guess, and from none it is 0. So each variance
starts from what the design makes the worst of it, and lets go of that as surprises come. Its skew
is that of a count to begin with, and becomes the one seen.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from unflip.noise.few.sample import Estimate, smoothing
from unflip.noise.survey import Floats

_PRIOR = 2.0
"""Surprises of whole clusters, and as many of single labels, that are charged before any is seen.

Chosen by benchmarks/few_labels.py.
"""


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


def lean(estimate: Estimate, n_eff: float, level: float) -> float:
    """How many hits to move both ends by, where the error is not as skewed as that of a count.

    With a judge it is not: of 5% hits it takes away most of the surprise, what is left is less
    lopsided, and the low end of a count would be too close. A shift costs no width. It is 0 for a
    plain share, is believed as far as surprises were seen, and less the nearer the share is to one
    half, where nothing is lopsided and a measured skew is noise. It is left out where labels share
    prompts: those are too few to tell, by benchmarks/few_labels.py.

    Args:
        estimate: With what each cluster contributed.
        n_eff: How many independent labels it is worth.
        level: Two-sided coverage of the ends.

    Source: Johnson 1978; Hall 1992: a studentised mean's quantiles are off by its skewness times
    (2 z^2 + 1) / 6. The ends for a count allow for a count's; this is what is missing.
    """
    influence_G, point = estimate.influence_G, estimate.point
    variance = float(influence_G @ influence_G)
    if variance < 1e-24 or not _apart(estimate):
        return 0.0
    third = float(influence_G**2 @ influence_G)
    counts = 1 - 2 * point
    skew = third / variance**1.5 * math.sqrt(n_eff * point * (1 - point)) - counts
    z, seen = NormalDist().inv_cdf(0.5 + level / 2), contributors(estimate.surprise_G)
    shift = (2 * z * z + 1) / 6 * skew * abs(counts) * seen / (seen + 2 * _PRIOR)
    most = n_eff * min(point, 1 - point) / 2
    return float(min(max(shift, -most), most))


def _tempered(effect: float, estimate: Estimate) -> float:
    """The design effect, no less than the worst one as far as that is not yet refuted.

    The worst is that each cluster is all or nothing, or a few surprises if that is less. It goes
    quickly where rows stand alone, slowly in clusters, where a few flips of one row say little
    about flips of whole prompts.
    """
    labels, point = estimate.labels, estimate.point
    worst = labels * float(estimate.weight_G @ estimate.weight_G)
    spread = point * (1 - point) * labels
    start = min(worst, _PRIOR * (worst**2 + 1) / spread) if spread else worst
    seen: float = contributors(estimate.surprise_G) ** (1 + 1 / worst)
    trust = seen / (seen + 2 * _PRIOR - 1 / worst)
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
    if _apart(estimate) or groups < 2:
        return 1.0
    tail = 0.5 + level / 2
    return float((stdtrit(labels - 1, tail) / stdtrit(groups - 1, tail)) ** 2)


def _apart(estimate: Estimate) -> bool:
    """Whether no two labels are of one cluster."""
    return int(estimate.labels_G.max()) == 1
