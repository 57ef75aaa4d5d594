"""Several scores of one row made one: gates, ensembles of reward models, rubrics."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from unflip.correction.arrays import Array, check_dims, check_number, check_range, floats
from unflip.errors import UsageError

RUBRIC_WEIGHTS = MappingProxyType(
    {"essential": 1.0, "important": 0.7, "optional": 0.3, "pitfall": 0.9}
)
"""What RaR weighs each kind of criterion; a pitfall is phrased so that avoiding it meets it."""


def gated_sum(rewards_NL: Array, thresholds: Sequence[float]) -> Array:
    """Adds a reward of lower priority only where all above it reached their thresholds (G-RA).

    Args:
        rewards_NL: Rewards, the most important first (the outcome); the last axis is the level.
        thresholds: What each level but the last must reach for the next ones to count.

    Returns:
        One reward a row. NaN in a level that counts makes the row NaN.

    Raises:
        UsageError: There are not L - 1 thresholds.

    Source: Stabilizing Long-term Multi-turn Reinforcement Learning with Gated Rewards, 2025,
    arXiv 2508.10548 (read second-hand; more than two levels as its general form is reported).

    Under group normalisation: active, as the gate differs between rows. Where nobody passes, only
    the upper levels speak; where everybody passes, the lower levels are the whole signal, stretched
    to full size however small they are.

    Example:
        >>> gated_sum([[1.0, 0.2], [0.0, 0.9]], thresholds=[1.0]).tolist()
        [1.2, 0.0]
    """
    xp, rewards_NL = floats(rewards_NL)
    check_dims("rewards_NL", rewards_NL, 1)
    levels = rewards_NL.shape[-1]
    if len(thresholds) != levels - 1:
        raise UsageError(
            f"{levels} levels need {levels - 1} thresholds, for all but the last, "
            f"not {len(thresholds)}"
        )
    total_N = rewards_NL[..., 0]
    open_N = total_N == total_N
    for level, threshold in enumerate(thresholds):
        open_N = open_N & (rewards_NL[..., level] >= threshold)
        total_N = total_N + xp.where(open_N, rewards_NL[..., level + 1], 0.0)
    return total_N


def ensemble_mean(scores_NM: Array) -> Array:
    """The mean of an ensemble of reward models.

    Args:
        scores_NM: Scores; the last axis is the member.

    Returns:
        One score a row; NaN of a member makes the row NaN.

    Raises:
        UsageError: There is no member.

    Source: Coste et al. 2023, arXiv 2310.02743.

    Under group normalisation: active, as different members rank rows differently. What one member
    adds to every row cancels; what all members get wrong together stays whole.

    Example:
        >>> ensemble_mean([[1.0, 3.0]]).tolist()
        [2.0]
    """
    xp, scores_NM = floats(scores_NM)
    check_dims("scores_NM", scores_NM, 1)
    return xp.mean(scores_NM, axis=-1)


def worst_case(scores_NM: Array) -> Array:
    """The least score of an ensemble of reward models (WCO).

    Args:
        scores_NM: Scores on one scale; the last axis is the member.

    Returns:
        One score a row; NaN of a member makes the row NaN.

    Raises:
        UsageError: There is no member.

    Source: Coste et al. 2023, arXiv 2310.02743 (worst-case optimisation).

    Under group normalisation: active: a row gains only by what every member sees. A constant that
    one member adds to every row does not cancel here: put members on one scale first, or the
    strictest of them decides alone.

    Example:
        >>> worst_case([[1.0, 3.0]]).tolist()
        [1.0]
    """
    xp, scores_NM = floats(scores_NM)
    check_dims("scores_NM", scores_NM, 1)
    return xp.amin(scores_NM, axis=-1)


def uncertainty_weighted(scores_NM: Array, *, penalty: float) -> Array:
    """The mean of an ensemble less a penalty times its variance (UWO).

    Args:
        scores_NM: Scores; the last axis is the member.
        penalty: The price of variance, at least 0, in 1 / score units; the paper tunes it.

    Returns:
        One score a row; NaN of a member makes the row NaN.

    Raises:
        UsageError: There is no member, or the penalty is negative.

    Source: Coste et al. 2023, arXiv 2310.02743 (uncertainty-weighted optimisation; the variance is
    the population one, some code takes the std).

    Under group normalisation: active, as disagreement differs between rows. Unlike the mean it
    changes when all scores are rescaled: twice the scores is twice the penalty.

    Example:
        >>> uncertainty_weighted([[1.0, 3.0], [2.0, 2.0]], penalty=0.5).tolist()
        [1.5, 2.0]
    """
    check_number("penalty", penalty, 0.0)
    xp, scores_NM = floats(scores_NM)
    check_dims("scores_NM", scores_NM, 1)
    mean_N = xp.mean(scores_NM, axis=-1)
    off_NM = scores_NM - mean_N[..., None]
    return mean_N - penalty * xp.mean(off_NM * off_NM, axis=-1)


def rubric_score(met_NC: Array, weights_C: Sequence[float]) -> Array:
    """The weighted share of a rubric's criteria that a row meets (RaR, explicit form).

    Args:
        met_NC: 1 where a criterion is met, 0 where not, or a share between; the last axis is the
            criterion. A pitfall is phrased so that 1 is good ("does not ...").
        weights_C: A weight for each criterion, none negative; `RUBRIC_WEIGHTS` has the paper's.

    Returns:
        One score in [0, 1] a row; NaN where a criterion is NaN.

    Raises:
        UsageError: The weights do not fit, are negative or sum to 0, or a criterion is not in
            [0, 1].

    Source: Gunjal et al. 2025, Rubrics as Rewards, arXiv 2507.17746.

    Under group normalisation: active in what differs between rows. The division is inert, and so is
    a criterion that all rows meet or all miss, however heavy; the lightest that differs then moves
    the group at full size.

    Example:
        >>> weights = [RUBRIC_WEIGHTS[kind] for kind in ("essential", "optional", "pitfall")]
        >>> rubric_score([[1, 0, 1], [0, 1, 1]], weights).round(3).tolist()
        [0.864, 0.545]
    """
    _, met_NC, weights = floats(met_NC, weights_C)
    check_dims("met_NC", met_NC, 1)
    check_range("met_NC", met_NC, 0, 1)
    if tuple(weights.shape) != tuple(met_NC.shape[-1:]):
        raise UsageError(f"{met_NC.shape[-1]} criteria need as many weights, not {len(weights_C)}")
    if min(weights_C) < 0 or sum(weights_C) <= 0:
        raise UsageError("weights_C must not be negative; phrase a pitfall so that 1 is good")
    return (met_NC * weights).sum(axis=-1) / weights.sum()
