"""The doubly robust reward: a model's guess for every row, repaired where somebody looked again."""

from __future__ import annotations

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
) -> Array:
    """E[r_hat] - truth of each row, where what `doubly_robust` rests on does not hold.

    (1 - pi / logged) (m - g) for chances that were not the logged ones, and g - truth for a second
    look that is not right in the mean.

    Args:
        model_B: m.
        truth_B: 1 correct, 0 wrong.
        second_B: E[g], the chance that a second look says correct.
        probability_B: pi, with which second looks were really taken; 0 for rows never looked at.
        logged_B: The chance that was logged; None: the same.

    Example:
        >>> import numpy as np
        >>> accepted_though_wrong = (np.array([0.9]), np.array([0.0]), np.array([0.0]))
        >>> remaining_bias(*accepted_though_wrong, np.array([0.1]))
        array([0.])
        >>> never_looked_at, logged = np.array([0.0]), np.array([0.1])
        >>> remaining_bias(*accepted_though_wrong, never_looked_at, logged)
        array([0.9])
    """
    kept_B = 0 if logged_B is None else 1 - working(probability_B) / working(logged_B)
    return kept_B * (working(model_B) - working(second_B)) + working(second_B) - working(truth_B)
