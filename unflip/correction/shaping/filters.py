"""Which rows are trained on, and how often: resampling weights and keep masks, no rewards."""

from __future__ import annotations

from typing import Literal

from unflip.correction.arrays import (
    Array,
    check_dims,
    check_number,
    check_range,
    check_same,
    floats,
    place,
)
from unflip.errors import UsageError


def resampling_weights(
    scores_N: Array,
    rule: Literal["pow", "max_min", "max_random"] = "pow",
    *,
    power: float = 2.0,
) -> Array:
    """How often to draw each row again, by where its score stands in the batch (PF-PPO).

    Args:
        scores_N: Scores of the batch; NaN is never drawn.
        rule: "pow": |score| to a power. "max_min": only the highest and the lowest. "max_random":
            the highest at 4 times the weight of the others.
        power: The exponent of "pow", at least 0.

    Returns:
        Probabilities of the same shape that sum to 1, or zeros where no row has a score. Draw with
        replacement, as many as there were.

    Raises:
        UsageError: There is no score, the rule has no such name, or the power is negative.

    Source: Shen and Zhang 2024, PF-PPO, arXiv 2409.06957; verl, compute_pf_ppo_reweight_data
    (with its floor of 1e-8; the division by the sum is ours).

    Under group normalisation: active, and it hangs on the zero of the scores. With "pow", scores of
    1 and -1 are all alike and it is inert; with 1 and 0 only accepted rows are drawn, and if the
    group is normalised after the draw, nothing is left to learn.

    Example:
        >>> resampling_weights([3.0, -1.0, 0.0]).round(3).tolist()
        [0.9, 0.1, 0.0]
        >>> resampling_weights([3.0, -1.0, 0.0], "max_random").round(3).tolist()
        [0.667, 0.167, 0.167]
    """
    check_number("power", power, 0.0)
    xp, scores_N = floats(scores_N)
    check_dims("scores_N", scores_N, 1)
    there_N = ~xp.isnan(scores_N)
    high = xp.amax(xp.where(there_N, scores_N, -float("inf")), axis=-1, keepdims=True)
    low = xp.amin(xp.where(there_N, scores_N, float("inf")), axis=-1, keepdims=True)
    if rule == "pow":
        weights_N = xp.abs(scores_N) ** power
    elif rule == "max_min":
        weights_N = xp.where((scores_N == high) | (scores_N == low), 1.0, 0.0)
    elif rule == "max_random":
        weights_N = xp.where(scores_N == high, 0.4, 0.1)
    else:
        raise UsageError(f"rule is pow, max_min or max_random, not {rule!r}")
    weights_N = xp.where(there_N, weights_N + 1e-8, 0.0)
    return weights_N / weights_N.sum(axis=-1, keepdims=True).clip(1e-30, None)


def consistent_rows(accepted_PG: Array, process_PG: Array, *, keep: int) -> Array:
    """Keeps the accepted rows with the best process and the rejected with the worst (PROF).

    As many of each as `keep` allows to balance: half accepted (one more where `keep` is odd, ours),
    and where one side is too small, more of the other.

    Args:
        accepted_PG: 1 accept, 0 reject, NaN abstain (never kept); the last axis is the group.
        process_PG: Mean process score of each row; a NaN is dropped before its like.
        keep: How many rows of a group to keep, from 1 to its size.

    Returns:
        A boolean mask of the same shape; in each group `keep` rows, or all that are decided.

    Raises:
        UsageError: The shapes differ, a verdict is not in [0, 1], or `keep` is out of range.

    Source: Ye et al. 2025, PROF, arXiv 2509.03403; Chenluye99/PROF, README (counts as described
    there; its code was not at hand).

    Under group normalisation: active; it chooses rows, and the process score enters in no other
    way, so any increasing map of it changes nothing. After it, a group with both sides is balanced
    and its advantages are +1 and -1 at full size, and a group of one side stays silent. A false
    accept with good-looking steps is what it keeps.

    Example:
        >>> consistent_rows([1, 1, 1, 0], [0.9, 0.2, 0.6, 0.5], keep=3).tolist()
        [True, False, True, True]
    """
    xp, accepted_PG, process_PG = floats(accepted_PG, process_PG)
    check_dims("accepted_PG", accepted_PG, 1)
    check_same("process_PG", process_PG, "accepted_PG", accepted_PG)
    check_range("accepted_PG", accepted_PG, 0, 1)
    if not 1 <= keep <= accepted_PG.shape[-1]:
        raise UsageError(f"keep lies in [1, {accepted_PG.shape[-1]}], the group's size, not {keep}")
    right_PG, wrong_PG = accepted_PG == 1, accepted_PG == 0
    n_right = right_PG.sum(axis=-1, keepdims=True)
    n_wrong = wrong_PG.sum(axis=-1, keepdims=True)
    wanted = (keep - n_wrong).clip((keep + 1) // 2, None)
    best = _first(-process_PG, right_PG, wanted)
    taken = xp.where(wanted < n_right, wanted, n_right)
    return best | _first(process_PG, wrong_PG, keep - taken)


def _first(order_PG: Array, of_PG: Array, n: Array) -> Array:
    xp, order_PG = floats(order_PG)
    # A row without a score comes after its like and before the rows of the other side.
    known_PG = xp.nan_to_num(order_PG, nan=3e38)
    return of_PG & (place(xp.where(of_PG, known_PG, float("inf"))) < n)
