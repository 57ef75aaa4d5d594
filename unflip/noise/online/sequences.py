"""Confidence sequences: intervals for a running mean that hold at every look, however many."""

from __future__ import annotations

from typing import Any

import numpy as np

from unflip.errors import UsageError
from unflip.intervals import LEVEL, Proportion

# Odds multipliers exp(shift) = u / (1 - u) with u uniform on (1/2, 1), on 64 points: wide enough
# for one draw and for ten million. Any fixed mixture is valid; this one is close to the narrowest.
_SHIFTS = np.geomspace(1e-4, 12, 64)
_LOG_WEIGHTS = np.log(_SHIFTS) - _SHIFTS - 2 * np.log1p(np.exp(-_SHIFTS))
_LOG_WEIGHTS -= np.log(np.exp(_LOG_WEIGHTS).sum())


def evidence(k: Any, n: Any, rate: Any) -> Any:
    """Log evidence that the mean rate of the draws so far is above `rate`.

    For one shift s > 0 the log is s k - n log(1 - rate + rate e^s); this is the log of a fixed
    mixture of such factors. If draw i has, given everything before it, mean r_i, then
    exp(s k) / prod(1 - r_i + r_i e^s) is a martingale, and by concavity of the logarithm the
    product is at most (1 - mean + mean e^s)^n. So for `rate` equal to the true mean of the r_i, or
    above it, the evidence exceeds log(1 / a) at any time with probability at most a (Ville). The
    r_i may change, and depend on the past: nothing asks for a steady rate.

    Args:
        k: Sum of the draws; each draw is 0 or 1, or a share in [0, 1].
        n: How many draws. Arrays broadcast.
        rate: The mean rate in doubt, in [0, 1].

    Returns:
        Logs of e-values, in nats; 0 without data.

    Source: Hoeffding 1963, proof of theorem 1 (the concavity step); Robbins 1970 (mixtures);
    Howard, Ramdas, McAuliffe and Sekhon 2021 (confidence sequences).

    Example:
        >>> bool(evidence(12, 100, 0.03) > np.log(1 / 0.05))
        True
    """
    k, n, rate = (np.asarray(part, dtype=float)[..., None] for part in (k, n, rate))
    drift = np.log1p(rate * np.expm1(_SHIFTS))
    logs = _LOG_WEIGHTS + k * _SHIFTS - n * drift
    top = logs.max(-1, keepdims=True)
    return (top + np.log(np.exp(logs - top).sum(-1, keepdims=True)))[..., 0]


def running(k: float, n: float, *, level: float = LEVEL) -> Proportion:
    """The interval for the mean rate of the draws so far: right at all times at once.

    With probability `level`, the mean of the rates at which the first n draws were made lies
    inside at every n; look as often as you like, stop when you like. The rate may drift, and may
    depend on what came before. What the draws must not do is share luck: take one draw per group,
    or a group's own share as one draw. Each end alone holds at (1 + level) / 2.

    Args:
        k: Sum of the draws; each draw is 0 or 1, or a share in [0, 1].
        n: How many draws; 0 gives [0, 1] around NaN.
        level: Coverage at all times together, in (0, 1).

    Raises:
        UsageError: The counts or the level are out of range.

    Source: see `evidence`.

    Example:
        >>> print(running(5, 100))
        0.050 [0.008, 0.144]
    """
    if not 0 <= k <= n:
        raise UsageError(f"k of n needs 0 <= k <= n, not k={k}, n={n}")
    if not 0 < level < 1:
        raise UsageError(f"a level is a coverage between 0 and 1, such as 0.95, not {level}")
    return Proportion(
        point=k / n if n else float("nan"),
        low=_floor(k, n, level),
        high=1 - _floor(n - k, n, level),
        level=level,
        method="confidence sequence",
        k=k,
        n=n,
        n_eff=n,
    )


def _floor(k: float, n: float, level: float) -> float:
    """The rate at which the evidence for a higher one falls to log(2 / (1 - level))."""
    from scipy.optimize import brentq

    def excess(rate: float) -> float:
        return float(evidence(k, n, rate) - np.log(2 / (1 - level)))

    if excess(0.0) <= 0:
        return 0.0
    return float(brentq(excess, 0.0, k / n, xtol=1e-12))
