"""Scores of a reward model, row by row: bounded by references, or bent by a stated confidence."""

from __future__ import annotations

from unflip.correction.arrays import (
    Array,
    check_dims,
    check_number,
    check_range,
    check_same,
    floats,
    log_sigmoid,
    sigmoid,
)
from unflip.errors import UsageError

# The 85th percentile of a standard normal.
_HIGH = 1.0364333894937898


def preference_as_reward(scores_N: Array, references_NM: Array, *, steepness: float = 1.0) -> Array:
    """How probably a row would be preferred to reference answers (PAR), in (0, 1).

    The mean over references of sigmoid(steepness * (score - reference)).

    Args:
        scores_N: Reward-model scores, one a row.
        references_NM: Scores of M reference answers to the same prompt (the paper: 1 to 10).
        steepness: Above 0.

    Returns:
        Rewards of the shape of `scores_N`, rising in the score.

    Raises:
        UsageError: The references are not rows by M, or the steepness is not above 0.

    Source: Fu et al. 2025, arXiv 2502.18770; PorUna-byte/PAR, reward_shaper.py.

    Under group normalisation: active, in the spacing only. The order inside a group stays, rows far
    above the references stop gaining, rows far below stop losing. Inert where a group has only
    two scores, and nearly so where all lie well within 1 / steepness of the references.

    Example:
        >>> preference_as_reward([0.0, 2.0], [[0.0, 0.0], [0.0, 2.0]]).round(3).tolist()
        [0.5, 0.69]
    """
    if not steepness > 0:
        raise UsageError(f"steepness lies above 0, not {steepness}; the paper's is 1")
    xp, scores_N, references_NM = floats(scores_N, references_NM)
    check_dims("references_NM", references_NM, 1)
    if tuple(references_NM.shape[:-1]) != tuple(scores_N.shape):
        wanted = (*scores_N.shape, "M")
        raise UsageError(f"references_NM has shape {tuple(references_NM.shape)}, not {wanted}")
    return xp.mean(sigmoid(steepness * (scores_N[..., None] - references_NM)), axis=-1)


def high_reference(references_NM: Array) -> Array:
    """The 85th percentile of a normal with the references' mean and std, to centre on.

    Args:
        references_NM: Scores of M reference answers; the last axis is the reference.

    Returns:
        One reference a row.

    Raises:
        UsageError: There is no reference.

    Source: PorUna-byte/PAR, reward_shaper.py (LSC: mean + 1.0364 std, population std), after
    Wang et al. 2024, arXiv 2402.00742.

    Under group normalisation: subtracted alone it is inert, as it is one constant a prompt; it
    matters inside `log_sigmoid_sum` and `preference_as_reward`.

    Example:
        >>> high_reference([[-1.0, 1.0]]).round(4).tolist()
        [1.0364]
    """
    xp, references_NM = floats(references_NM)
    check_dims("references_NM", references_NM, 1)
    mean_N = xp.mean(references_NM, axis=-1)
    off_NM = references_NM - mean_N[..., None]
    return mean_N + _HIGH * xp.mean(off_NM * off_NM, axis=-1) ** 0.5


def log_sigmoid_sum(scores_NJ: Array, references_NJ: Array) -> Array:
    """A soft AND of several properties: the sum of log sigmoid(score - reference).

    Args:
        scores_NJ: Scores of J reward models (helpful, harmless, ...); the last axis is the model.
        references_NJ: What is good enough, a score for each; `high_reference` is one choice. Any
            shape that broadcasts to that of `scores_NJ`.

    Returns:
        One utility a row, below 0.

    Raises:
        UsageError: There is no axis of models, or the references do not broadcast.

    Source: Wang et al. 2024, Transforming and Combining Rewards, arXiv 2402.00742.

    Under group normalisation: active; what is already good enough stops paying, so the property
    that falls short decides. It has no floor: one disastrous row sets the group's std and
    squeezes the rest together.

    Example:
        >>> log_sigmoid_sum([[3.0, 3.0], [9.0, -3.0]], [0.0, 0.0]).round(3).tolist()
        [-0.097, -3.049]
    """
    _, scores_NJ, references_NJ = floats(scores_NJ, references_NJ)
    check_dims("scores_NJ", scores_NJ, 1)
    shape, other = tuple(scores_NJ.shape), tuple(references_NJ.shape)
    pairs = zip(reversed(other), reversed(shape), strict=False)
    if len(other) > len(shape) or any(a not in (1, b) for a, b in pairs):
        raise UsageError(f"references_NJ has shape {other}; it must broadcast to {shape}")
    return log_sigmoid(scores_NJ - references_NJ).sum(axis=-1)


def confidence_weighted(
    scores_N: Array, confidence_N: Array, average: float, *, weight: float = 0.5
) -> Array:
    """Pays for confidence above the average score and against it below (PPO-C).

    score + weight * (score - average) * (confidence - 1/2). The released code also has a variant
    that compares and then weighs |score|; this is its `difference`.

    Args:
        scores_N: Reward-model scores of the answers without their stated confidence.
        confidence_N: Stated confidence in [0, 1]; the released code reads 0 to 10, divides by 10
            and takes 1/2 where none is stated.
        average: The running average of all scores; see `running_average`.
        weight: Between 0 and 2, beyond which a rising score would be paid less.

    Returns:
        Rewards of the shape of `scores_N`.

    Raises:
        UsageError: The shapes differ, or a confidence or the weight is out of range.

    Source: Leng et al. 2024, arXiv 2410.09724; SeanLeng1/Reward-Calibration,
    calibrated_experience_maker.py (weight 0.5).

    Under group normalisation: active, unless a whole group states the same confidence. It is linear
    in the confidence and so no proper scoring rule: the best statement is 1 on prompts that score
    above the average and 0 on those below, whatever the answer.

    Example:
        >>> confidence_weighted([2.0, 2.0, -2.0], [1.0, 0.0, 1.0], average=0.0).tolist()
        [2.5, 1.5, -2.5]
    """
    check_number("weight", weight, 0.0, 2.0)
    _, scores_N, confidence_N = floats(scores_N, confidence_N)
    check_same("confidence_N", confidence_N, "scores_N", scores_N)
    check_range("confidence_N", confidence_N, 0, 1)
    return scores_N + weight * (scores_N - average) * (confidence_N - 0.5)


def running_average(before: float, scores_N: Array, *, rate: float = 0.1) -> Array:
    """The average for `confidence_weighted`, moved towards this batch's mean.

    Args:
        before: The average so far; the released code starts from the reward model's mean.
        scores_N: This batch's scores; NaN is left out, and a batch of NaN moves nothing.
        rate: How far it moves, in [0, 1].

    Returns:
        A 0-d array.

    Raises:
        UsageError: The rate is out of range, or there is no score.

    Source: SeanLeng1/Reward-Calibration, calibrated_experience_maker.py (alpha = 0.1).

    Under group normalisation: subtracted alone it is inert; it matters in `confidence_weighted`.

    Example:
        >>> float(running_average(1.0, [3.0, 5.0]))
        1.3
    """
    check_number("rate", rate, 0.0, 1.0)
    xp, scores_N = floats(scores_N)
    check_dims("scores_N", scores_N, 1)
    there_N = ~xp.isnan(scores_N)
    total, n = xp.nansum(scores_N), there_N.sum()
    mean = xp.where(n > 0, total / n.clip(1, None), before)
    return before + rate * (mean - before)
