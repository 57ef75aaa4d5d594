"""A verdict and one thing more about its row: a flawed solution, a stated confidence."""

from __future__ import annotations

from unflip.correction.arrays import (
    Array,
    check_number,
    check_range,
    check_same,
    floats,
)


def flawed_positive(accepted_N: Array, flawed_N: Array, *, penalty: float = 1.0) -> Array:
    """+1 for an accepted row, -1 for a rejected one, less a penalty for a flawed accept (FAPO).

    Args:
        accepted_N: 1 accept, 0 reject, NaN abstain.
        flawed_N: 1 where a judge found the solution's way flawed; only accepted rows are asked.
        penalty: At least 0; with the paper's 1 a flawed accept scores 0, with 2 as a reject.

    Returns:
        Rewards of the same shape; NaN where the verdict is, or where flawed_N is for an accept.

    Raises:
        UsageError: The shapes differ, a value is not in [0, 1], or the penalty is negative.

    Source: Ding et al. 2025, FAPO, arXiv 2510.22543; verl, recipe/fapo.

    Under group normalisation: active, and it switches by itself: with the default a flawed accept
    is encouraged while rejected rows outnumber flawless accepts in its group, and discouraged after
    that. The judge's own false alarms become a penalty that a policy can learn to dodge.

    Example:
        >>> flawed_positive([1, 1, 0], [0, 1, 1]).tolist()
        [1.0, 0.0, -1.0]
    """
    check_number("penalty", penalty, 0.0)
    xp, accepted_N, flawed_N = floats(accepted_N, flawed_N)
    check_same("flawed_N", flawed_N, "accepted_N", accepted_N)
    check_range("accepted_N", accepted_N, 0, 1)
    check_range("flawed_N", flawed_N, 0, 1)
    flaw_N = xp.where(accepted_N == 0, 0.0, accepted_N * flawed_N)
    return 2 * accepted_N - 1 - penalty * flaw_N


def brier_reward(accepted_N: Array, confidence_N: Array) -> Array:
    """The verdict less the Brier score of the stated confidence (RLCR).

    Args:
        accepted_N: 1 accept, 0 reject, NaN abstain.
        confidence_N: Stated confidence in [0, 1].

    Returns:
        Rewards in [-1, 1] of the same shape. The best statement is P(accept): under a noisy
        verifier that is rho0 + J * P(correct), not P(correct).

    Raises:
        UsageError: The shapes differ, or a value is not in [0, 1].

    Source: Damani et al. 2025, RLCR, arXiv 2507.16806 (any bounded proper scoring rule would do,
    log loss is unbounded and would not).

    Under group normalisation: active; where all rows are accepted or all rejected, confidence is
    the whole signal. Centring keeps the honest statement best; dividing by the group's std does
    not: at eight rows it pays to say .25 where .3 is honest and .95 where .9 is.

    Example:
        >>> brier_reward([1, 1, 0, 0], [1.0, 0.5, 0.5, 1.0]).tolist()
        [1.0, 0.75, -0.25, -1.0]
    """
    _, accepted_N, confidence_N = floats(accepted_N, confidence_N)
    check_same("confidence_N", confidence_N, "accepted_N", accepted_N)
    check_range("accepted_N", accepted_N, 0, 1)
    check_range("confidence_N", confidence_N, 0, 1)
    return accepted_N - (confidence_N - accepted_N) ** 2
