"""A bootstrap of whole prompts: other ends for the rates of any estimator, as a second opinion."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from statistics import NormalDist
from typing import Any

import numpy as np

from unflip.errors import UsageError
from unflip.intervals import Proportion
from unflip.noise.few.partial import begg_greenes
from unflip.noise.few.sample import crossed
from unflip.noise.survey import Floats, Ints, Survey
from unflip.rates import NoiseRates, status_of


def prompt_bootstrap(
    survey: Survey,
    estimator: Callable[[Survey], NoiseRates] = begg_greenes,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> NoiseRates:
    """An estimator's rates, with the ends that prompts drawn with replacement give them (BCa).

    Prompts with labels and prompts without are drawn apart, each with all its rows and their logged
    chances; rows that stand alone are prompts of one row. A rate that no draw changes, such as one
    without a hit, keeps the estimator's own ends, since the bootstrap has none for it.

    It is not the default: where hits are few the draws know no more of them than the labels do. On
    whole prompts at a rate of 1% its high end holds in .85 with 500 effective labels and in .93
    with 1,000, percentile ends in .81 and .90, that of `begg_greenes` in .97 and more
    (benchmarks/few_labels.py). With many hits they agree; then it is a check.

    Args:
        survey: As for the estimator.
        estimator: `begg_greenes`, `prediction_powered`, or one of them with a level of its own.
        draws: How often prompts are drawn; each calls the estimator once.
        seed: Of the draws.

    Raises:
        NotIdentifiable: No row is labelled.
        UsageError: There are fewer than 100 draws.

    Source: Efron 1987 (BCa), the acceleration taken from the skewness of the draws; Davison and
    Hinkley 1997, section 3.8 (whole clusters drawn with replacement).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> prompt_N = np.arange(800) // 8
        >>> truth_N = rng.random(800) < rng.random(100)[prompt_N]
        >>> accepted_N = truth_N & (rng.random(800) < 0.8)
        >>> survey = Survey(accepted_N=accepted_N, rejected_N=~accepted_N, cluster_N=prompt_N,
        ...                 correct_N=np.where(prompt_N < 50, truth_N, np.nan))
        >>> print(begg_greenes(survey).fn, prompt_bootstrap(survey).fn)
        0.155 [0.107, 0.215] 0.155 [0.109, 0.211]
    """
    if draws < 100:
        raise UsageError(f"ends need 100 draws or more, better 1000, not {draws}")
    strata = {
        name: prompt_bootstrap(part, estimator, draws=draws, seed=seed)
        for name, part in survey.slices().items()
        if part.labels
    }
    pooled = _pooled(survey)
    rates = replace(estimator(pooled), strata=strata)
    drawn = [estimator(part) for part in _redrawn(pooled, draws, np.random.default_rng(seed))]
    return _with_ends(rates, drawn)


def _pooled(survey: Survey) -> Survey:
    """The same survey with slices as cells, so that no draw estimates every slice, too."""
    if survey.slice_N is None:
        return survey
    cell_N = crossed(survey.slice_N, survey.cell_N)
    return replace(survey, cell_N=cell_N, stratum_N=None)


def _redrawn(survey: Survey, draws: int, rng: np.random.Generator) -> Iterator[Survey]:
    """The survey with other prompts, as often as wanted."""
    group_N = survey.group_N
    rows_N, size_G = np.argsort(group_N, kind="stable"), np.bincount(group_N)
    start_G = np.cumsum(size_G) - size_G
    seen_G = np.bincount(group_N, survey.labelled_N) > 0
    parts = [np.flatnonzero(seen_G), np.flatnonzero(~seen_G & (size_G > 0))]
    for _ in range(draws):
        drawn_G = np.concatenate([rng.choice(part, len(part)) for part in parts if len(part)])
        yield survey.where(rows_N[_runs(start_G[drawn_G], size_G[drawn_G])])


def _runs(start_G: Ints, size_G: Ints) -> Ints:
    """Of each start the so many numbers from there on, one after the other."""
    before_G = np.cumsum(size_G) - size_G
    run_N: Ints = np.arange(size_G.sum()) + np.repeat(start_G - before_G, size_G)
    return run_N


def _with_ends(rates: NoiseRates, drawn: list[NoiseRates]) -> NoiseRates:
    shares: dict[str, Any] = {}
    for name in (field.name for field in fields(rates)):
        figure = getattr(rates, name)
        if isinstance(figure, Proportion):
            point_D = np.array([getattr(one, name).point for one in drawn])
            shares[name] = bca(figure, point_D[~np.isnan(point_D)])
    status = status_of(shares["fp"], shares["fn"], correlation=rates.correlation)
    method = f"{rates.method}, prompts drawn"
    return replace(rates, **shares, status=status, method=method)


def bca(figure: Proportion, point_D: Floats) -> Proportion:
    """The figure with bias-corrected and accelerated ends; its own where no draw differs.

    Args:
        figure: The share as estimated.
        point_D: The same of each draw.
    """
    spread = float(point_D.std()) if len(point_D) else 0.0
    if np.isnan(figure.point) or spread < 1e-12:
        return figure
    normal = NormalDist()
    # A tie but for rounding is a tie: half of it lies below.
    ties = (figure.point - 1e-12, figure.point + 1e-12)
    below = float(np.mean([np.mean(point_D < tie) for tie in ties]))
    bias = normal.inv_cdf(min(max(below, 0.01), 0.99))
    speed = float(np.mean((point_D - point_D.mean()) ** 3)) / spread**3 / 6
    half = figure.level / 2
    moved = [bias + normal.inv_cdf(tail) for tail in (0.5 - half, 0.5 + half)]
    tails = [normal.cdf(bias + z / max(1 - speed * z, 0.1)) for z in moved]
    low, high = np.quantile(point_D, tails).tolist()
    return replace(
        figure,
        low=min(low, figure.point),
        high=max(high, figure.point),
        method="bootstrap of prompts",
    )
