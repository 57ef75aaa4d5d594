"""Second looks as others use them, kept to be compared with: both are biased, and it says how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from unflip.correction.arrays import Array, namespace, working
from unflip.errors import UsageError


def repair(r_B: Array, second_B: Array, taken_B: Array) -> Array:
    """r_hat = g where a second look was taken, else r: naive appeals.

    A share pi of the errors is repaired, a share 1 - pi stays: E[r_hat] - truth is 1 - pi times the
    verdict's own bias. It has less variance than `doubly_robust`, and labels repaired are real
    signal under every normaliser. What stays is still there to be hacked.

    Args:
        r_B: 1 accept, 0 reject, NaN abstain.
        second_B: 1 correct, 0 wrong; anything where it was not taken.
        taken_B: Where a second look was taken.

    Example:
        >>> import numpy as np
        >>> repair(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 1.0]), np.array([1, 1, 0]))
        array([0., 1., 0.])
    """
    return namespace(r_B).where(taken_B > 0, working(second_B), working(r_B))


@dataclass(frozen=True, slots=True)
class PaperAppeals:
    """rho1 as the paper estimates it from appeals of rejects; a baseline, not our estimate.

    The flipped rejects over the chance of an appeal, F, are the false rejects; rho1 = (F + a) /
    (F + accepts + a + b), smoothed over steps. It counts every accept as correct, so with rho0 > 0
    it is too low: .082 for a true .100 at rho0 = .5, if seven in ten answers are correct. It takes
    the second look for the truth: at even odds, a judge of sensitivity .9 and specificity .8 makes
    .244 of .100. And smoothing ratios is biased where counts
    are small. `noise` estimates the rates without these errors.

    Attributes:
        chance: q, with which each reject is appealed, in (0, 1].
        decay: What the smoothed rate keeps at each step, in [0, 1).
        rho1: The smoothed rate; None before the first step.

    Raises:
        UsageError: A chance or a decay is out of range.

    Source: Cai et al. 2025, arXiv 2510.00915v4, section 4.3 and appendix A.

    Example:
        >>> PaperAppeals(chance=0.1).update(flipped=3, accepts=70).rho1
        0.300000039999992
    """

    chance: float = 0.1
    decay: float = 0.9
    rho1: float | None = None

    def __post_init__(self) -> None:
        if not (0 < self.chance <= 1 and 0 <= self.decay < 1):
            raise UsageError("a chance lies in (0, 1], a decay in [0, 1)")

    def update(self, *, flipped: float, accepts: float, prior: float = 1e-5) -> PaperAppeals:
        """The state after a step.

        Args:
            flipped: Appealed rejects that the second look calls correct.
            accepts: Rows that the verifier accepted.
            prior: a = b of the paper.
        """
        false_rejects = flipped / self.chance
        now = (false_rejects + prior) / (false_rejects + accepts + 2 * prior)
        before = now if self.rho1 is None else self.rho1
        return replace(self, rho1=self.decay * before + (1 - self.decay) * now)

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> PaperAppeals:
        """The inverse of `to_json`."""
        return cls(**row)
