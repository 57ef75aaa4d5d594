"""Expected gradients without chance: every multiset of K rows, with its probability.

A policy chooses among four answers, (stratum, correct); a verifier flips with its stratum's rates.
Advantages do not depend on the order of a group's rows, so multisets stand for all patterns.
"""

from dataclasses import dataclass
from itertools import combinations_with_replacement
from math import factorial

import numpy as np

STRATUM_Y = np.array([0, 0, 1, 1])
TRUTH_Y = np.array([1.0, 0.0, 1.0, 0.0])


@dataclass(frozen=True)
class Groups:
    """All groups of K rows: their chance (G,), and columns of their rows (G * K,)."""

    chance_G: np.ndarray
    answer_B: np.ndarray
    verdict_B: np.ndarray
    taken_B: np.ndarray
    group_B: np.ndarray

    @property
    def stratum_B(self):
        return STRATUM_Y[self.answer_B]

    @property
    def truth_B(self):
        return TRUTH_Y[self.answer_B]

    @property
    def n(self):
        return len(self.chance_G)

    def gradient(self, advantage_B, policy_Y):
        """E[mean over rows of A grad log pi] in the logits of a softmax policy."""
        advantage_GK = advantage_B.reshape(self.n, -1)
        score_BY = np.eye(len(policy_Y))[self.answer_B] - policy_Y
        score_GKY = score_BY.reshape(*advantage_GK.shape, -1)
        return (
            np.einsum("g,gk,gky->y", self.chance_G, advantage_GK, score_GKY, optimize=True)
            / (advantage_GK.shape[1])
        )

    def mean(self, value_B, where_B):
        """E[sum of values over some rows] / E[number of them]."""
        chance_B = np.repeat(self.chance_G, len(value_B) // self.n) * where_B
        return (chance_B * value_B).sum() / chance_B.sum()


def clean_gradient(policy_Y):
    """The gradient of P(correct) in the logits."""
    return policy_Y * (TRUTH_Y - policy_Y @ TRUTH_Y)


def enumerate_groups(policy_Y, rho0_S, rho1_S, *, k, pi_SV=None):
    """Every group of k rows; with pi_SV, second looks are drawn by stratum and verdict too."""
    kinds = [
        (answer, verdict, taken, chance)
        for answer in range(4)
        for verdict in (0, 1)
        for taken in ((0,) if pi_SV is None else (0, 1))
        if (chance := _chance(policy_Y, rho0_S, rho1_S, pi_SV, answer, verdict, taken)) > 0
    ]
    answer_T, verdict_T, taken_T, chance_T = (
        np.array(column) for column in zip(*kinds, strict=True)
    )
    kind_GK = np.array(list(combinations_with_replacement(range(len(kinds)), k)))
    counts_GT = (kind_GK[:, :, None] == np.arange(len(kinds))).sum(1)
    factorial_N = np.array([factorial(n) for n in range(k + 1)], dtype=float)
    ways_G = factorial(k) / factorial_N[counts_GT].prod(1)
    chance_G = ways_G * (chance_T**counts_GT).prod(1)
    kind_B = kind_GK.ravel()
    return Groups(
        chance_G,
        answer_T[kind_B],
        verdict_T[kind_B].astype(float),
        taken_T[kind_B],
        np.repeat(np.arange(len(kind_GK)), k),
    )


def _chance(policy_Y, rho0_S, rho1_S, pi_SV, answer, verdict, taken):
    stratum = STRATUM_Y[answer]
    accept = 1 - rho1_S[stratum] if TRUTH_Y[answer] else rho0_S[stratum]
    chance = policy_Y[answer] * (accept if verdict else 1 - accept)
    if pi_SV is None:
        return chance
    return chance * (pi_SV[stratum, verdict] if taken else 1 - pi_SV[stratum, verdict])
