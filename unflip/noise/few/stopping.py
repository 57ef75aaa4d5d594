"""When to stop labelling: a goal, and intervals that hold although one looks after each batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from numpy.typing import ArrayLike

from unflip.errors import UsageError
from unflip.intervals import LEVEL
from unflip.noise.few.partial import begg_greenes
from unflip.noise.few.sampling import Sampler
from unflip.noise.survey import Survey
from unflip.rates import NoiseRates


class Estimator(Protocol):
    """What `begg_greenes` and `prediction_powered` are."""

    def __call__(self, survey: Survey, *, level: float) -> NoiseRates:
        """The rates of a survey, with intervals of the level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is wanted of the rates; `None` for what does not matter.

    Attributes:
        fp_width: Widest interval of rho0 that will do.
        fn_width: Widest interval of rho1 that will do.
        fp_below: Limit that rho0 shall be shown to stay below, or not to.
        fn_below: Limit that rho1 shall be shown to stay below, or not to.

    Raises:
        UsageError: A figure is out of range.

    Example:
        >>> goal = Goal(fn_width=0.1, fp_below=0.05)
    """

    fp_width: float | None = None
    fn_width: float | None = None
    fp_below: float | None = None
    fn_below: float | None = None

    def __post_init__(self) -> None:
        wanted = (self.fp_width, self.fn_width, self.fp_below, self.fn_below)
        if not all(0 < figure <= 1 for figure in wanted if figure is not None):
            raise UsageError("widths and limits of a goal lie in (0, 1]")

    def open(self, rates: NoiseRates) -> tuple[str, ...]:
        """What is not yet settled, in words; empty once everything is."""
        left = []
        for name, rate, width, limit in (
            ("rho0", rates.fp, self.fp_width, self.fp_below),
            ("rho1", rates.fn, self.fn_width, self.fn_below),
        ):
            if width is not None and rate.width > width:
                left.append(f"{name} is known to {rate.width:.3f}, wanted to {width:g}")
            if limit is not None and rate.low <= limit <= rate.high:
                left.append(f"{name} lies in [{rate.low:.3f}, {rate.high:.3f}], around {limit:g}")
        return tuple(left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look at the labels so far said.

    Attributes:
        stop: Whether the goal is reached, or the budget spent.
        left: What is not settled.
        labels: How many labels were spent.
        rates: The rates, with intervals that hold whenever one stops.
    """

    stop: bool
    left: tuple[str, ...]
    labels: int
    rates: NoiseRates


def look(
    sampler: Sampler,
    correct_N: ArrayLike,
    *,
    goal: Goal,
    skipped_N: ArrayLike | None = None,
    level: float = LEVEL,
    estimator: Estimator = begg_greenes,
) -> Look:
    """Whether to go on after a batch.

    Stopping when an interval looks good breaks its coverage: of several looks one picks a lucky
    one. So each of the sampler's looks gets an interval of level 1 - (1 - level) / batches; then
    all of them hold together with probability `level`, and so does the one at which one stops,
    whatever made one stop. The price is width: with 4 batches z is 2.50 and not 1.96. So look after
    whole batches, once each; more looks than there are batches void the promise. To look once,
    after the whole budget, ask the estimator itself.

    Args:
        sampler: Whose batches.
        correct_N: The labels so far.
        goal: What is wanted.
        skipped_N: Rows that somebody looked at and could not tell; see `Sampler.next`.
        level: Coverage of the interval at which one stops, in (0, 1).
        estimator: Who makes the rates.

    Source: Bonferroni's inequality; it needs no assumption on how the looks depend on each other.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> truth_N = rng.random(4000) < 0.5
        >>> accepted_N = truth_N & (rng.random(4000) < 0.8)
        >>> pool = Survey(accepted_N=accepted_N, rejected_N=~accepted_N,
        ...               correct_N=np.full(4000, np.nan))
        >>> sampler, gold_N = Sampler(pool=pool, budget=800, batches=4), pool.correct_N
        >>> goal, stop = Goal(fn_below=0.4), False
        >>> while not stop:
        ...     rows, gold_N = sampler.next(gold_N), gold_N.copy()
        ...     gold_N[rows] = truth_N[rows]
        ...     seen = look(sampler, gold_N, goal=goal)
        ...     stop = seen.stop
        >>> seen.labels, seen.left
        (200, ())
    """
    survey = sampler.survey(correct_N)
    rates = estimator(survey, level=1 - (1 - level) / sampler.batches)
    said = f"{sampler.batches} looks were planned: every interval holds at any of them"
    rates = replace(rates, assumptions=(*rates.assumptions, said))
    left = goal.open(rates)
    spent = not len(sampler.next(correct_N, skipped_N=skipped_N))
    return Look(stop=not left or spent, left=left, labels=survey.labels, rates=rates)
