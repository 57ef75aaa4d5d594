"""Rewards that need the whole group of a prompt: win rates, cross-labels, switched penalties."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from unflip.correction.arrays import (
    Array,
    check_dims,
    check_number,
    check_range,
    check_same,
    floats,
    mean_std,
    place,
    sigmoid,
)
from unflip.errors import UsageError


def win_rate(wins_GG: Array) -> Array:
    """The share of its group that a row beats (Pref-GRPO).

    A judge may prefer the answer that it reads first, may see a tie, may say nothing. So both
    orders of a pair are averaged, a pair judged in one order counts as judged, and one never judged
    is a tie. These three are ours; on consistent wins they change nothing.

    Args:
        wins_GG: [i, j] is 1 where row i beats row j, 0 where it loses, 1/2 for a tie, or a
            probability; NaN where nobody judged. The last two axes are the group.

    Returns:
        Rewards in [0, 1] of shape (..., G); a group's mean is 1/2.

    Raises:
        UsageError: It is no square matrix of two rows or more, or a value is not in [0, 1].

    Source: Wang et al. 2025, Pref-GRPO, arXiv 2508.20751 (read second-hand).

    Under group normalisation: active; only ranks are left of the scores. A strict order gives the
    same advantages whether rows differ much or by noise, and their std is fixed by the group's
    size, so dividing by it is a constant factor.

    Example:
        >>> win_rate([[0, 1, 1], [0, 0, 1], [0, 0, 0]]).tolist()
        [1.0, 0.5, 0.0]
    """
    xp, wins_GG = floats(wins_GG)
    check_dims("wins_GG", wins_GG, 2)
    size = wins_GG.shape[-1]
    if wins_GG.shape[-2] != size or size < 2:
        shape = tuple(wins_GG.shape)
        raise UsageError(f"wins_GG compares each of two rows or more with each, not {shape}")
    check_range("wins_GG", wins_GG, 0, 1)
    one_GG, other_GG = wins_GG, 1 - xp.swapaxes(wins_GG, -1, -2)
    one_GG = xp.where(xp.isnan(one_GG), other_GG, one_GG)
    other_GG = xp.where(xp.isnan(other_GG), one_GG, other_GG)
    both_GG = xp.where(xp.isnan(one_GG), 0.5, (one_GG + other_GG) / 2)
    ones_GG = xp.ones_like(both_GG)
    itself_GG = xp.cumsum(ones_GG, axis=-1) == xp.cumsum(ones_GG, axis=-2)
    return xp.where(itself_GG, 0.0, both_GG).sum(axis=-1) / (size - 1)


def switched_length_penalty(
    accepted_PG: Array, lengths_PG: Array, *, strength: float, share: float = 0.2
) -> Array:
    """Pays short accepted rows more, in the groups of highest accuracy only (GRPO-lambda).

    There an accepted row gets 1 - strength * sigmoid((length - mean) / std), with mean and std over
    the accepted rows of its group; elsewhere, and for rejected rows, the plain 0 or 1.

    Args:
        accepted_PG: 1 accept, 0 reject, NaN abstain; prompts by group.
        lengths_PG: Lengths of the same shape, in tokens.
        strength: In [0, 1); the paper's value is not known to us, so there is no default.
        share: The share of prompts that are penalised (the paper's lambda), rounded up; of equal
            accuracies the earlier prompt goes first (the rounding and the tie are ours).

    Returns:
        Rewards in [0, 1] of the same shape; NaN where the verdict is.

    Raises:
        UsageError: The shapes differ or are no prompts by group, or a setting is out of range.

    Source: Dai et al. 2025, Stable RL for Efficient Reasoning, arXiv 2505.18086 (read second-hand;
    2510.00194 is another GRPO-lambda).

    Under group normalisation: inert outside the chosen groups, active inside. Where all rows are
    accepted, which would have been silent, length is the whole signal at full size, and the
    strength cancels: only 0 turns it off. A short false accept is what it pays most.

    Example:
        >>> accepted, lengths = [[1, 1, 0], [1, 0, 0]], [[10, 30, 5], [10, 20, 30]]
        >>> switched_length_penalty(accepted, lengths, strength=0.5).round(3).tolist()
        [[0.866, 0.634, 0.0], [1.0, 0.0, 0.0]]
    """
    check_number("share", share, 0.0, 1.0)
    if not 0 <= strength < 1:
        raise UsageError(f"strength lies in [0, 1), not {strength}; at 1 an accept may pay nothing")
    xp, accepted_PG, lengths_PG = floats(accepted_PG, lengths_PG)
    check_same("lengths_PG", lengths_PG, "accepted_PG", accepted_PG)
    if len(accepted_PG.shape) != 2:
        raise UsageError(f"accepted_PG is prompts by group, not {tuple(accepted_PG.shape)}")
    check_range("accepted_PG", accepted_PG, 0, 1)
    chosen_P = _most_accurate(accepted_PG, share)
    right_PG = accepted_PG == 1
    mean, std = mean_std(lengths_PG, right_PG)
    length_PG = (lengths_PG - mean) / xp.where(std > 0, std, 1.0)
    paid_PG = right_PG & chosen_P[:, None]
    return accepted_PG - xp.where(paid_PG, strength * sigmoid(length_PG), 0.0)


def cross_labels(
    answers_G: Sequence[Hashable], rephrased_H: Sequence[Hashable]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pays an answer for being the majority's answer to the rephrased question, and vice versa.

    Args:
        answers_G: Answers to the question in one spelling (canonical forms), None where none was
            found: such a row has no vote and gets 0.
        rephrased_H: Answers to the same question in other words.

    Returns:
        Rewards for the first and for the second, 0 or 1; all NaN where the other side has no
        answer at all. Of equal majorities the one that was met first counts (ours).

    Raises:
        UsageError: A side is empty.

    Source: Zhang et al. 2025, Co-rewarding, arXiv 2508.00410 (version I; read second-hand).

    Under group normalisation: active, but its errors are one a prompt: a wrong majority turns the
    whole group around, correct answers lose, and no error rate takes that back. A policy that gives
    one answer to everything is paid 1, and its advantage is 0: it stays there.

    Example:
        >>> one, other = cross_labels(["4", "5", None], ["4", "4", "7"])
        >>> one.tolist(), other.tolist()
        ([1.0, 0.0, 0.0], [1.0, 1.0, 0.0])
    """
    if not len(answers_G) or not len(rephrased_H):
        raise UsageError("cross_labels needs answers to both questions; skip prompts without")
    return _agreement(answers_G, rephrased_H), _agreement(rephrased_H, answers_G)


def _agreement(answers: Sequence[Hashable], voters: Sequence[Hashable]) -> NDArray[np.float64]:
    votes = Counter(answer for answer in voters if answer is not None)
    if not votes:
        return np.full(len(answers), float("nan"))
    ((label, _),) = votes.most_common(1)
    return np.array([float(answer == label) for answer in answers])


def _most_accurate(accepted_PG: Array, share: float) -> Array:
    xp, accepted_PG = floats(accepted_PG)
    accuracy_P = mean_std(accepted_PG, ~xp.isnan(accepted_PG))[0][:, 0]
    # Room for rounding: 0.1 * 30 is a little above 3, and means 3.
    n = math.ceil(share * len(accuracy_P) - 1e-9)
    return place(-xp.where(xp.isnan(accuracy_P), -1.0, accuracy_P)) < n
