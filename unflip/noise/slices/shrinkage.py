"""Shrinkage: rates of many small slices that borrow strength from one another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unflip.errors import UsageError
from unflip.intervals import LEVEL, Interval

Floats = NDArray[np.float64]

_COARSE, _FINE = 40, 16
_NEGLIGIBLE = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrunk:
    """Rates of slices that are draws from one beta distribution, and that distribution.

    Attributes:
        rates: One interval a slice, in the order given.
        mean: Mean of the slices' rates, in (0, 1).
        spread: Standard deviation of the slices' rates; near 0 the slices are alike.
    """

    rates: tuple[Interval, ...]
    mean: float
    spread: float


def shrink(hits_S: ArrayLike, sizes_S: ArrayLike, *, level: float = LEVEL) -> Shrunk:
    """Beta-binomial rates: each slice's counts, and a common beta learnt from all of them.

    A slice of n rows keeps the share n / (n + concentration) of its own rate and takes the rest
    from the common mean. The concentration is not plugged in at its maximum, where intervals are
    too short, but averaged over its marginal likelihood on a grid, under a prior on the share
    borrowed that leans a little towards less. Over slices drawn as assumed the intervals cover as
    they say; the one slice that is unlike all others is pulled towards them, and covered less:
    that is what borrowing costs.

    Args:
        hits_S: Hits of each slice; of clustered rows, effective hits.
        sizes_S: Rows of each slice, 0 allowed; of clustered rows, effective rows.
        level: Coverage averaged over slices, in (0, 1).

    Raises:
        UsageError: The counts are out of range, or there are none.

    Source: Griffin and Krutchkoff 1971 (beta-binomial empirical Bayes); Christiansen and Morris
    1997 (priors on the share borrowed); Morris 1983 (why plug-in intervals are too short).

    Example:
        >>> few, many = shrink([2, 30], [4, 300]).rates
        >>> print(few, "|", many)
        0.351 [0.076, 0.785] | 0.103 [0.071, 0.140]
    """
    hits_S, sizes_S = np.asarray(hits_S, dtype=float), np.asarray(sizes_S, dtype=float)
    if hits_S.shape != sizes_S.shape or hits_S.ndim != 1 or not sizes_S.sum() > 0:
        raise UsageError("shrinking needs one list of hits and one of sizes, and some rows")
    if not ((hits_S >= 0) & (hits_S <= sizes_S)).all():
        raise UsageError("hits of a slice lie between 0 and its size")
    if not 0 < level < 1:
        raise UsageError(f"a level is a coverage between 0 and 1, such as 0.95, not {level}")
    mean_K, concentration_K, weight_K = _posterior(hits_S, sizes_S)
    a_SK = mean_K * concentration_K + hits_S[:, None]
    b_SK = (1 - mean_K) * concentration_K + (sizes_S - hits_S)[:, None]
    point_S = (a_SK / (a_SK + b_SK)) @ weight_K
    low_S = _quantiles(a_SK, b_SK, weight_K, (1 - level) / 2)
    high_S = _quantiles(a_SK, b_SK, weight_K, (1 + level) / 2)
    mean = float(mean_K @ weight_K)
    variance_K = mean_K * (1 - mean_K) / (concentration_K + 1)
    return Shrunk(
        rates=tuple(
            Interval(point=p, low=min(lo, p), high=max(hi, p), level=level, method="beta-binomial")
            for p, lo, hi in zip(point_S.tolist(), low_S.tolist(), high_S.tolist(), strict=True)
        ),
        mean=mean,
        spread=float(np.sqrt(variance_K @ weight_K)),
    )


def _posterior(hits_S: Floats, sizes_S: Floats) -> tuple[Floats, Floats, Floats]:
    """Means, concentrations and their weights where the marginal likelihood is not negligible."""
    means, pulls = np.linspace(-9, 9, _COARSE), np.linspace(-9, 9, _COARSE)
    for _ in range(2):
        weight_MP = _weights(means, pulls, hits_S, sizes_S)
        kept_MP = weight_MP > _NEGLIGIBLE * weight_MP.max()
        means = _zoom(means, kept_MP.any(1), _FINE)
        pulls = _zoom(pulls, kept_MP.any(0), _FINE)
    weight_MP = _weights(means, pulls, hits_S, sizes_S)
    kept_MP = weight_MP > _NEGLIGIBLE * weight_MP.max()
    mean_MP, pull_MP = np.meshgrid(means, pulls, indexing="ij")
    concentration_MP = _typical(sizes_S) * np.exp(pull_MP)
    weight_K = weight_MP[kept_MP]
    return _expit(mean_MP[kept_MP]), concentration_MP[kept_MP], weight_K / weight_K.sum()


def _weights(means: Floats, pulls: Floats, hits_S: Floats, sizes_S: Floats) -> Floats:
    """Marginal likelihood times prior at logits of the mean and of the share that is borrowed."""
    from scipy.special import betaln

    mean_MP1 = _expit(means)[:, None, None]
    concentration_P1 = _typical(sizes_S) * np.exp(pulls)[:, None]
    a_MP1, b_MP1 = mean_MP1 * concentration_P1, (1 - mean_MP1) * concentration_P1
    terms_MPS = betaln(a_MP1 + hits_S, b_MP1 + sizes_S - hits_S) - betaln(a_MP1, b_MP1)
    # In logits: the share that a typical slice borrows is Beta(1/2, 1), the mean Beta(1/2, 1/2).
    prior_P = -0.5 * np.logaddexp(0, -pulls) - np.logaddexp(0, pulls)
    prior_MP = prior_P - np.log(np.cosh(means / 2))[:, None]
    log_MP = terms_MPS.sum(-1) + prior_MP
    weight_MP: Floats = np.exp(log_MP - log_MP.max())
    return weight_MP


def _zoom(grid: Floats, kept: NDArray[np.bool_], count: int) -> Floats:
    """A grid over the kept part of another, one step wider on either side."""
    first, last = np.flatnonzero(kept)[[0, -1]]
    step = grid[1] - grid[0]
    return np.linspace(grid[first] - step, grid[last] + step, count)


def _typical(sizes_S: Floats) -> float:
    """The harmonic mean of the sizes that are not 0: the scale of the concentration."""
    sizes = sizes_S[sizes_S > 0]
    return float(len(sizes) / (1 / sizes).sum())


def _quantiles(a_SK: Floats, b_SK: Floats, weight_K: Floats, p: float) -> Floats:
    """The p-quantile of each slice's mixture of betas, by bisection."""
    from scipy.special import betainc

    low_S, high_S = np.zeros(len(a_SK)), np.ones(len(a_SK))
    for _ in range(40):
        middle_S = (low_S + high_S) / 2
        below_S = betainc(a_SK, b_SK, middle_S[:, None]) @ weight_K < p
        low_S, high_S = np.where(below_S, middle_S, low_S), np.where(below_S, high_S, middle_S)
    return high_S


def _expit(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))
