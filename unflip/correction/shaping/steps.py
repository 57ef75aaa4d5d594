"""Scores of a process reward model, step by step: clipped, telescoped, or credited to the worst.

Rows are padded with NaN behind their last step; NaN in is NaN out.
"""

from __future__ import annotations

from unflip.correction.arrays import Array, check_dims, check_number, floats, on_cpu
from unflip.errors import UsageError


def clip_steps(steps_NT: Array, threshold: float) -> Array:
    """Pays no step for being good: min(score - threshold, 0).

    Args:
        steps_NT: Process scores; the last axis is the step, NaN behind the last.
        threshold: The score from which a step is free, in the score's units.

    Returns:
        Step rewards of the same shape, all at most 0.

    Raises:
        UsageError: There is no step axis.

    Source: Gao et al. 2024, arXiv 2410.15115 (Clip).

    Under group normalisation: active. Summed over a row it takes away what steps could gain, so
    a longer answer never gains by its length; but an answer of one bland step loses nothing, and
    where no step falls below the threshold the term is gone.

    Example:
        >>> clip_steps([[0.9, 0.2, 0.6]], threshold=0.5).tolist()
        [[0.0, -0.3, 0.0]]
    """
    xp, steps_NT = floats(steps_NT)
    check_dims("steps_NT", steps_NT, 1)
    return xp.clip(steps_NT - threshold, None, 0)


def delta_steps(steps_NT: Array) -> Array:
    """Pays a step what the score falls to the next one, so that returns telescope.

    With K steps: score_k - score_{k+1} for k < K - 1, score_{K-1} at K - 1, and 0 at K, which the
    outcome pays (`add_outcome`). The return from step k on is then score_k, however many follow.

    Args:
        steps_NT: Process scores; the last axis is the step, NaN behind the last.

    Returns:
        Step rewards of the same shape; a row of two steps or more sums to its first score.

    Raises:
        UsageError: There is no step axis, or a NaN stands before a step.

    Source: Gao et al. 2024, arXiv 2410.15115 (Delta).

    Under group normalisation: active only where returns are taken step by step. A trainer that
    sums a row's rewards before it normalises is left with the first step's score, which a policy
    can raise by opening well.

    Example:
        >>> delta_steps([[0.9, 0.4, 0.6]]).tolist()
        [[0.5, 0.4, 0.0]]
    """
    xp, steps_NT = _steps(steps_NT)
    next_NT = _ahead(steps_NT, 1)
    penultimate_NT = xp.isnan(_ahead(steps_NT, 2))
    falls_NT = steps_NT - xp.where(penultimate_NT, 0.0, next_NT)
    ended_NT = xp.isnan(next_NT) & ~xp.isnan(steps_NT)
    return xp.where(ended_NT, 0.0, falls_NT)


def add_outcome(steps_NT: Array, outcome_N: Array, *, weight: float) -> Array:
    """Weighted step rewards, plus the outcome at each row's last step.

    Args:
        steps_NT: Step rewards; the last axis is the step, NaN behind the last.
        outcome_N: The outcome reward of each row; NaN (an abstain) makes the last step NaN.
        weight: What a step reward counts beside the outcome (the paper's alpha), at least 0.

    Returns:
        Step rewards of the same shape.

    Raises:
        UsageError: The shapes do not fit, the weight is negative, or a NaN stands before a step.

    Source: Gao et al. 2024, arXiv 2410.15115 (alpha * process + success).

    Under group normalisation: active. Summed over a row, the weight matters only where outcomes
    differ: in a group all accepted or all rejected, any above 0 gives the same advantages.

    Example:
        >>> add_outcome([[0.5, 0.4, 0.0]], [1.0], weight=0.1).round(2).tolist()
        [[0.05, 0.04, 1.0]]
    """
    check_number("weight", weight, 0.0)
    xp, steps_NT, outcome_N = floats(steps_NT, outcome_N)
    steps_NT = _steps(steps_NT)[1]
    if tuple(outcome_N.shape) != tuple(steps_NT.shape[:-1]):
        rows = tuple(steps_NT.shape[:-1])
        raise UsageError(f"outcome_N needs one value a row, {rows}, not {tuple(outcome_N.shape)}")
    last_NT = xp.isnan(_ahead(steps_NT, 1)) & ~xp.isnan(steps_NT)
    return weight * steps_NT + xp.where(last_NT, outcome_N[..., None], 0.0)


def min_form(steps_NT: Array, *, temperature: float = 0.1) -> Array:
    """Gives the credit of a row to its worst steps: softmax(-score / temperature) * score.

    Args:
        steps_NT: Process scores, in the paper p(right) - p(wrong) in [-1, 1]; the last axis is
            the step, NaN behind the last.
        temperature: Above 0; the smaller, the closer is a row's sum to its least score.

    Returns:
        Step rewards of the same shape. A row sums to its least score, and at most
        temperature * log(steps) more.

    Raises:
        UsageError: There is no step axis, a NaN stands before a step, or the temperature is not
            above 0.

    Source: Cheng et al. 2025, PURE, arXiv 2504.15275 (w_t = softmax(-r_t / T), T = 0.1).

    Under group normalisation: active; summed over a row it ranks by the worst step and not by the
    mean, so praise for more steps gains at most temperature * log(steps). It does not stop a policy
    that writes fewer and safer steps: alone it was hacked within 200 updates.

    Example:
        >>> min_form([[0.9, -0.8, 0.7]]).round(3).tolist()
        [[0.0, -0.8, 0.0]]
    """
    if not temperature > 0:
        raise UsageError(f"temperature lies above 0, not {temperature}; the paper's is 0.1")
    xp, steps_NT = _steps(steps_NT)
    there_NT = ~xp.isnan(steps_NT)
    cost_NT = xp.where(there_NT, -steps_NT / temperature, -float("inf"))
    top_N = xp.amax(cost_NT, axis=-1, keepdims=True)
    odds_NT = xp.exp(cost_NT - xp.where(xp.isinf(top_N), 0.0, top_N))
    return odds_NT / odds_NT.sum(axis=-1, keepdims=True).clip(1e-30, None) * steps_NT


def _steps(steps_NT: Array) -> tuple[Array, Array]:
    xp, steps_NT = floats(steps_NT)
    check_dims("steps_NT", steps_NT, 1)
    gap_NT = xp.isnan(steps_NT[..., :-1]) & ~xp.isnan(steps_NT[..., 1:])
    if on_cpu(gap_NT) and bool(gap_NT.any()):
        raise UsageError("steps_NT has NaN before a step; pad only behind a row's last step")
    return xp, steps_NT


def _ahead(steps_NT: Array, by: int) -> Array:
    xp, steps_NT = floats(steps_NT)
    behind_NT = xp.full_like(steps_NT[..., :by], float("nan"))
    return xp.concatenate([steps_NT[..., by:], behind_NT], axis=-1)
