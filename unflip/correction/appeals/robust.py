"""The doubly robust reward: a model's guess for every row, repaired where somebody looked again."""

from __future__ import annotations

import math

from unflip.correction.arrays import Array, is_torch, namespace, working
from unflip.errors import UsageError

FLOOR = 0.01
"""The least chance of a second look that a row may have had."""


def doubly_robust(
    model_B: Array, second_B: Array, taken_B: Array, probability_B: Array, *, floor: float = FLOOR
) -> Array:
    """r_hat = m + (xi / pi) (g - m): unbiased whatever the verifier's errors are.

    E[r_hat] = E[g] for each single row, if pi is the chance that xi was drawn with and m does not
    depend on that draw. So errors by prompt, by trigger or by length are all repaired in the mean;
    a good m only makes the variance (1 - pi) / pi E[(g - m)^2] small. What it rests on:

    - the second look g is right in the mean; its own errors stay (see `remaining_bias`);
    - every row had a chance, **accepted ones too**: rows that never could be looked at keep m's
      error, and false accepts are among them;
    - m is cross-fitted by prompts (`cross_fit`), or from earlier steps;
    - no clipping and no group std comes after it (`rloo`).

    `remaining_bias` has the bias of each that does not hold, but for the std's.

    Args:
        model_B: m in [0, 1], such as a `posterior` line of the verdict; NaN abstains.
        second_B: g, 1 correct, 0 wrong, or a chance; anything where it was not taken. NaN where it
            was taken makes the row an abstain, which leaves a bias if that depends on the truth.
        taken_B: xi, true where a second look was taken.
        probability_B: pi, the logged chance that it would be, known before the draw.
        floor: The least pi, in (0, 1].

    Returns:
        Rewards, (B,), float32 or wider; NaN for abstains.

    Raises:
        UsageError: A logged chance is below the floor or above 1. On torch nobody looks, and such
            rows become abstains.

    Source: Robins, Rotnitzky and Zhao 1994 (augmented inverse probability weighting); Dudik,
        Langford and Li 2011.

    Example:
        >>> import numpy as np
        >>> doubly_robust(
        ...     np.array([0.9, 0.9, 0.2]), np.array([0.0, np.nan, 1.0]),
        ...     np.array([True, False, True]), np.array([0.1, 0.1, 0.5]),
        ... )
        array([-8.1,  0.9,  1.8])
    """
    if not 0 < floor <= 1:
        raise UsageError(f"the floor of a chance lies in (0, 1], such as {FLOOR}, not {floor}")
    m_B, g_B, pi_B = working(model_B), working(second_B), working(probability_B)
    xp = namespace(m_B, g_B)
    # A chance that was logged in float32 may come back as float64, just below the floor.
    logged_B = (pi_B >= floor * (1 - 1e-6)) & (pi_B <= 1)
    if not is_torch(m_B, g_B) and not logged_B.all():
        raise UsageError(
            f"every row needs a logged chance of a second look in [{floor:g}, 1], accepted rows "
            "too: without one its false accepts cannot be repaired"
        )
    step_B = xp.where(taken_B > 0, (g_B - m_B) / xp.where(logged_B, pi_B, 1.0), 0.0)
    return xp.where(logged_B, m_B + step_B, float("nan"))


def remaining_bias(
    model_B: Array,
    truth_B: Array,
    second_B: Array,
    probability_B: Array,
    logged_B: Array | None = None,
    *,
    own_B: Array | None = None,
    clip: tuple[float, float] = (-math.inf, math.inf),
) -> Array:
    """E[r_hat] - truth of each row, where what `doubly_robust` rests on does not hold.

    Each of its conditions is an argument: a second look that is not right in the mean, a chance
    that was not the logged one, a model that heard of the row's own second look, and rewards that
    are clipped. A std after it acts on whole groups: that one, `explain` warns of.

    Args:
        model_B: m, where nobody looked at the row again.
        truth_B: 1 correct, 0 wrong.
        second_B: E[g], the chance that a second look says correct.
        probability_B: pi, with which second looks were really taken; 0 for rows never looked at.
        logged_B: The chance that was logged; None: the same.
        own_B: m where somebody looked, of a model that is not cross-fitted; None: the same.
        clip: Between what rewards are clipped.

    Example:
        >>> import numpy as np
        >>> accepted_though_wrong = (np.array([0.9]), np.array([0.0]), np.array([0.0]))
        >>> remaining_bias(*accepted_though_wrong, np.array([0.1])).round(9)
        array([0.])
        >>> never_looked_at, logged = np.array([0.0]), np.array([0.1])
        >>> remaining_bias(*accepted_though_wrong, never_looked_at, logged)
        array([0.9])
        >>> remaining_bias(*accepted_though_wrong, np.array([0.1]), clip=(-1, 1)).round(2)
        array([0.71])
    """
    m_B, g_B, pi_B = working(model_B), working(second_B), working(probability_B)
    xp = namespace(m_B, g_B)
    own_B, logged_B = m_B if own_B is None else own_B, pi_B if logged_B is None else logged_B
    step_B = xp.where(logged_B > 0, 1 / (logged_B + (logged_B == 0)), 0.0)
    wrong_B, correct_B = (xp.clip(own_B + (said - own_B) * step_B, *clip) for said in (0, 1))
    looked_B = g_B * correct_B + (1 - g_B) * wrong_B
    return pi_B * looked_B + (1 - pi_B) * xp.clip(m_B, *clip) - working(truth_B)
