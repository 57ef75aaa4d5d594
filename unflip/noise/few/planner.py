"""How many labels it takes, before any is spent."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from unflip.errors import UsageError
from unflip.intervals import LEVEL, wilson
from unflip.noise.few.shares import share
from unflip.noise.gates import rows_to_show


def labels_for_width(
    rate: float, half_width: float, *, level: float = LEVEL, design_effect: float = 1.0
) -> int:
    """Labels *of the rate's own class* for an interval of a wanted half width.

    rho0 needs wrong answers, rho1 correct ones: of labels spent at random, only so many count.

    Args:
        rate: A guess of the rate, in (0, 1); .5 is the most expensive.
        half_width: Wanted distance from middle to end, in (0, .5).
        level: Two-sided coverage in (0, 1).
        design_effect: 1 + (rows a prompt - 1) ICC where rows share prompts; see `design_effect`.

    Raises:
        UsageError: A figure is out of range.

    Source: the interval is `share`'s; for large n this is z^2 p (1 - p) / d^2.

    Example:
        >>> labels_for_width(0.1, 0.03), labels_for_width(0.1, 0.03, design_effect=4.7)
        (385, 1810)
    """
    if not (0 < rate < 1 and 0 < half_width < 0.5 and design_effect >= 1):
        raise UsageError("a plan needs a rate in (0, 1), a half width in (0, .5), an effect >= 1")

    def narrow(n: int) -> bool:
        return share(rate * n, n, level=level).width <= 2 * half_width

    return math.ceil(_least(narrow) * design_effect)


def labels_to_show(
    limit: float, *, errors: int = 0, confidence: float = LEVEL, design_effect: float = 1.0
) -> int:
    """Labels of the rate's own class that show it to be below a limit in spite of some errors.

    Args:
        limit: What the rate is to be shown to stay below, in (0, 1).
        errors: How many errors to expect among them.
        confidence: One-sided, in (.5, 1).
        design_effect: As for `labels_for_width`.

    Raises:
        UsageError: A figure is out of range.

    Source: Clopper and Pearson 1934, one-sided; `gate` decides by the same bound.

    Example:
        >>> labels_to_show(0.01), labels_to_show(0.01, errors=1), labels_to_show(0.001)
        (299, 473, 2995)
    """
    if not (0 < limit < 1 and 0.5 < confidence < 1 and errors >= 0 and design_effect >= 1):
        raise UsageError("a plan needs a limit in (0, 1), a confidence in (.5, 1), an effect >= 1")
    clean = rows_to_show(wilson(errors, errors), limit, confidence=confidence)
    return math.ceil((errors + clean) * design_effect)


def design_effect(rows: float, icc: float) -> float:
    """How many clustered labels are worth one independent one: 1 + (m - 1) ICC.

    Args:
        rows: Labelled rows a prompt; one a prompt costs nothing, whatever the ICC.
        icc: Correlation of errors within a prompt; about .5 was seen for completions of one prompt.

    Source: Kish 1965; the ICC was reported in arXiv 2609.06386.

    Example:
        >>> round(design_effect(8, 0.53), 2)
        4.71
    """
    return 1 + (rows - 1) * icc


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What one expects of a verifier before labels are bought; the accept share costs nothing.

    Attributes:
        accept: Share of decided rows that the verifier accepts, in (0, 1).
        fp: Guess of rho0.
        fn: Guess of rho1.
        judge: Correlation of the judge with the truth within a verdict, in [0, 1); 0 without one.

    Raises:
        UsageError: No share of correct rows would give that accept share.

    Example:
        >>> guess = Guess(accept=0.44, fp=0.05, fn=0.2)
        >>> round(guess.ppv, 3), round(guess.false_omission, 3)
        (0.945, 0.186)
    """

    accept: float
    fp: float
    fn: float
    judge: float = 0.0

    def __post_init__(self) -> None:
        if min(self.fp, self.fn) < 0 or not self.fp < self.accept < 1 - self.fn:
            raise UsageError("with J > 0 the accept share lies between fp and 1 - fn")
        if not 0 <= self.judge < 1:
            raise UsageError(f"a judge's correlation with the truth lies in [0, 1): {self.judge}")

    @property
    def correct(self) -> float:
        """Share of rows that are correct."""
        return (self.accept - self.fp) / (1 - self.fp - self.fn)

    @property
    def ppv(self) -> float:
        """P(correct | accept)."""
        return (1 - self.fn) * self.correct / self.accept

    @property
    def false_omission(self) -> float:
        """P(correct | reject)."""
        return self.fn * self.correct / (1 - self.accept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """How many labels to spend on either verdict."""

    rejected: int
    accepted: int

    @property
    def labels(self) -> int:
        """All of them."""
        return self.rejected + self.accepted


def split_for_width(
    guess: Guess,
    *,
    fp_half_width: float | None = None,
    fn_half_width: float | None = None,
    level: float = LEVEL,
    design_effect: float = 1.0,
) -> Split:
    """The cheapest split of labels over accepts and rejects for the wanted half widths.

    Args:
        guess: What to expect.
        fp_half_width: Wanted for rho0; None if it does not matter.
        fn_half_width: Wanted for rho1; None if it does not matter.
        level: Two-sided coverage in (0, 1).
        design_effect: As for `labels_for_width`.

    Raises:
        UsageError: No width is wanted, or one is out of range.

    Source: the delta method on Begg and Greenes' formulas; a judge of correlation r leaves the
    share 1 - r^2 of the variance. Sampling error of the accept share is left out: it is known from
    all rows.

    Example:
        >>> split_for_width(Guess(accept=0.44, fp=0.05, fn=0.2), fn_half_width=0.05)
        Split(rejected=193, accepted=22)
        >>> split_for_width(Guess(accept=0.44, fp=0.05, fn=0.2, judge=0.8), fn_half_width=0.05)
        Split(rejected=70, accepted=8)
    """
    z = NormalDist().inv_cdf(0.5 + level / 2)
    wanted = [
        (loads, (half / z) ** 2)
        for loads, half in zip(_loads(guess), (fp_half_width, fn_half_width), strict=True)
        if half is not None
    ]
    if not wanted:
        raise UsageError("say what is wanted: fp_half_width, fn_half_width, or both")
    if not all(0 < half < 0.5 for half in (fp_half_width, fn_half_width) if half is not None):
        raise UsageError("a half width lies in (0, .5)")
    part = np.linspace(0.002, 0.998, 499)
    total = np.max([(on_r / part + on_a / (1 - part)) / v for (on_r, on_a), v in wanted], axis=0)
    best = int(total.argmin())
    labels = float(total[best]) * design_effect
    return Split(
        rejected=math.ceil(labels * part[best]), accepted=math.ceil(labels * (1 - part[best]))
    )


def _loads(guess: Guess) -> tuple[tuple[float, float], tuple[float, float]]:
    """Of rho0 and rho1, the variance that one label on a reject, and on an accept, leaves."""
    m, nu, pi = guess.accept, guess.false_omission, guess.ppv
    right, wrong = guess.correct, 1 - guess.correct
    left = 1 - guess.judge**2
    on_reject, on_accept = nu * (1 - nu) * left, pi * (1 - pi) * left
    slope = m * (1 - m)
    fp, fn = slope / wrong**2, slope / right**2
    return (
        (on_reject * (fp * (1 - pi)) ** 2, on_accept * (fp * (1 - nu)) ** 2),
        (on_reject * (fn * pi) ** 2, on_accept * (fn * nu) ** 2),
    )


def split_for_judge(
    labels: int, *, flagged: float, sensitivity: float, specificity: float
) -> tuple[int, int]:
    """How many gold-correct and gold-wrong rows measure a judge best for `rogan_gladen`.

    Args:
        labels: How many labels there are to spend.
        flagged: Share of rows that the judge calls correct, in (0, 1).
        sensitivity: A pilot's, in (0, 1).
        specificity: A pilot's, in (0, 1).

    Returns:
        Labels on correct rows, labels on wrong rows.

    Source: Lee et al. 2025, arXiv 2511.21140, with their allocation.py: m1 = m / (1 +
    (1/p - 1) sqrt(kappa)), kappa = (1 - Sp) / (1 - Se).

    Example:
        >>> split_for_judge(200, flagged=0.4, sensitivity=0.9, specificity=0.8)
        (64, 136)
    """
    if not all(0 < x < 1 for x in (flagged, sensitivity, specificity)):
        raise UsageError("a split needs a flagged share and a pilot's Se and Sp, each in (0, 1)")
    kappa = (1 - specificity) / (1 - sensitivity)
    correct = round(labels / (1 + (1 / flagged - 1) * math.sqrt(kappa)))
    return correct, labels - correct


def _least(enough: Callable[[int], bool]) -> int:
    """The least n that is enough, if every larger one is."""
    most = 1
    while not enough(most):
        most *= 2
    return bisect_left(range(most), True, key=enough)
