"""Rates that know how sure they are: k of n with honest ends, and what follows from two of them.

Wilson is the default, Clopper-Pearson the one for gates (never below its nominal coverage), MOVER
the one for differences and sums of two rates. Only the standard library is imported here; scipy
comes in inside the functions that need a beta quantile.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

from unflip.errors import UsageError

LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure between two ends.

    `low <= point <= high`, all in the figure's own unit; `point` is NaN where there is no data.
    `level` is the nominal two-sided coverage in (0, 1), `method` who computed the ends.
    """

    point: float
    low: float
    high: float
    level: float = LEVEL
    method: str = ""

    @property
    def width(self) -> float:
        """`high - low`."""
        return self.high - self.low

    def to_json(self) -> dict[str, Any]:
        """A JSON object; NaN becomes null, since JSON has no NaN."""
        return {k: None if v != v else v for k, v in asdict(self).items()}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Interval:
        """The inverse of `to_json`."""
        return cls(**row | {"point": math.nan if row["point"] is None else row["point"]})

    def __str__(self) -> str:
        if math.isnan(self.point):
            return "no data"
        return f"{self.point:z.3f} [{self.low:z.3f}, {self.high:z.3f}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportion(Interval):
    """k of n, with its interval in [0, 1].

    `k` and `n` are counts of rows. `n_eff` is how many independent rows they are worth: below `n`
    when rows share a prompt, and `n / n_eff` is the design effect.
    """

    k: float
    n: float
    n_eff: float

    @property
    def design_effect(self) -> float:
        """`n / n_eff`: how much wider the variance is than that of independent rows; 1 if none."""
        return self.n / self.n_eff if self.n_eff else 1.0

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Proportion:
        """The inverse of `to_json`."""
        return cls(**row | {"point": math.nan if row["point"] is None else row["point"]})


Method = Callable[[float, float, float], Proportion]
"""What `wilson` and `clopper_pearson` are: `(k, n, level) -> Proportion`."""


def wilson(k: float, n: float, level: float = LEVEL) -> Proportion:
    """Wilson's score interval for k of n.

    Its coverage averaged over the true rate is about nominal; at single rates close to 0 or 1 it
    dips below (use `clopper_pearson` where a guarantee is wanted).

    Args:
        k: Hits, 0 <= k <= n.
        n: Rows; 0 gives the interval [0, 1] around NaN.
        level: Two-sided coverage in (0, 1).

    Raises:
        UsageError: The counts or the level are out of range.

    Source: Wilson 1927; Brown, Cai and DasGupta 2001, equation 4.

    Example:
        >>> print(wilson(5, 100))
        0.050 [0.022, 0.112]
    """
    _check(k, n, level)
    if n == 0:
        return _nothing("wilson", level)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    centre = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(k * (n - k) / n + z * z / 4)
    # At the ends the formula gives 0 or 1 up to rounding; say exactly that.
    low = 0.0 if k == 0 else max(0.0, centre - half)
    high = 1.0 if k == n else min(1.0, centre + half)
    return Proportion(
        point=k / n, low=low, high=high, level=level, method="wilson", k=k, n=n, n_eff=n
    )


def clopper_pearson(k: float, n: float, level: float = LEVEL) -> Proportion:
    """Clopper and Pearson's exact interval for k of n: coverage never below `level`.

    Args:
        k: Hits, 0 <= k <= n.
        n: Rows; 0 gives the interval [0, 1] around NaN.
        level: Two-sided coverage in (0, 1).

    Raises:
        UsageError: The counts or the level are out of range.

    Source: Clopper and Pearson 1934, in its beta-quantile form.

    Example:
        >>> print(clopper_pearson(0, 300))
        0.000 [0.000, 0.012]
    """
    from scipy.special import betaincinv

    _check(k, n, level)
    if n == 0:
        return _nothing("clopper-pearson", level)
    tail = (1 - level) / 2
    return Proportion(
        point=k / n,
        low=0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail)),
        high=1.0 if k == n else float(betaincinv(k + 1, n - k, 1 - tail)),
        level=level,
        method="clopper-pearson",
        k=k,
        n=n,
        n_eff=n,
    )


def mover(point: float, *parts: tuple[float, Interval], correlation: float = 0.0) -> Interval:
    """An interval for a weighted sum of figures from the intervals of its parts.

    Args:
        point: The sum's own value, constants included.
        *parts: `(weight, interval)` for each figure in the sum.
        correlation: Between any two of the figures, in [-1, 1]; 0 if they are independent.

    Returns:
        The interval; with a part that has no data, NaN between the widest ends the parts allow.

    Source: Zou and Donner 2008 (MOVER); with weights 1 and -1 on two independent Wilson
    intervals it is Newcombe's hybrid score interval (1998, method 10).

    Example:
        >>> fp, fn = wilson(2, 100), wilson(20, 100)
        >>> print(mover(1 - fp.point - fn.point, (-1, fp), (-1, fn)))
        0.780 [0.678, 0.848]
    """
    level = min((part.level for _, part in parts), default=LEVEL)
    if any(math.isnan(part.point) for _, part in parts):
        return Interval(point=math.nan, low=-1.0, high=1.0, level=level, method="mover")
    downs, ups = [], []
    for weight, part in parts:
        to_low, to_high = weight * (part.point - part.low), weight * (part.high - part.point)
        downs.append(to_low if weight > 0 else to_high)
        ups.append(to_high if weight > 0 else to_low)
    low, high = point - _length(downs, correlation), point + _length(ups, correlation)
    return Interval(point=point, low=low, high=high, level=level, method="mover")


def youden(fp: Interval, fn: Interval, *, correlation: float = 0.0) -> Interval:
    """J = 1 - rho0 - rho1 with its MOVER interval: how much signal a verdict carries, in [-1, 1].

    Where of a rate only bounds are known (its point is NaN), J has bounds too, and no point.

    Args:
        fp: rho0.
        fn: rho1.
        correlation: Of the two, in [-1, 1]: above 0 where some prompts have both too high.

    Source: Youden 1950; the interval is Newcombe's for the difference of TPR and FPR.

    Example:
        >>> print(youden(wilson(0, 50), wilson(0, 50)))
        1.000 [0.899, 1.000]
    """
    point = 1 - fp.point - fn.point
    if math.isnan(point):
        ends = {"low": 1 - fp.high - fn.high, "high": 1 - fp.low - fn.low}
        return Interval(point=point, **ends, level=fp.level, method="bounds")
    j = mover(point, (-1, fp), (-1, fn), correlation=correlation)
    return Interval(
        point=j.point, low=max(-1.0, j.low), high=min(1.0, j.high), level=j.level, method="mover"
    )


def _length(moves: list[float], correlation: float) -> float:
    """Of a sum of correlated moves, each in its own direction."""
    apart, together = sum(move**2 for move in moves), sum(moves) ** 2
    return math.sqrt(max(0.0, (1 - correlation) * apart + correlation * together))


def _nothing(method: str, level: float) -> Proportion:
    return Proportion(
        point=math.nan, low=0.0, high=1.0, level=level, method=method, k=0, n=0, n_eff=0
    )


def _check(k: float, n: float, level: float) -> None:
    if not 0 <= k <= n:
        raise UsageError(f"k of n needs 0 <= k <= n, not k={k}, n={n}")
    if not 0 < level < 1:
        raise UsageError(f"a level is a coverage between 0 and 1, such as 0.95, not {level}")
