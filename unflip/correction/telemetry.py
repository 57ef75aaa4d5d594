"""What a correction changed: the difference between two sets of advantages, as telemetry."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from unflip.correction.arrays import Array, detached, host, namespace, shrunk, working

_TINY = 1e-30
_ROUNDING = 5e-6
"""Of the size of advantages, or of 1 where they are smaller: so much may be rounding of 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """How far corrected advantages are from others; numbers, or tensors without dimensions.

    Attributes:
        mean: Mean |difference|.
        most: Largest |difference|.
        cosine: Of the two; 0 if one is 0 throughout.
        signs: Share of rows whose sign changed, from or to 0 included; what rounding leaves of 0,
            as in a group of one mind, is 0.
    """

    mean: Array
    most: Array
    cosine: Array
    signs: Array

    def to_json(self) -> dict[str, float]:
        """A JSON object; waits for the device, so call it when the logger asks."""
        return {name: float(host(value)) for name, value in asdict(self).items()}


def audit(advantage_B: Array, other_B: Array) -> Audit:
    """Compare corrected advantages with those of the raw verdicts.

    A correction that differs nowhere does nothing; one with cosine 1 only rescales.

    Args:
        advantage_B: Corrected advantages, (B,).
        other_B: What they are compared with, (B,).

    Source: the advantage-level audit of Cai et al. 2025, arXiv 2510.00915v4, appendix B.10.

    Example:
        >>> import numpy as np
        >>> changed = audit(np.array([1.0, -1.0, 0.0]), np.array([0.5, -0.5, 0.0]))
        >>> round(changed.to_json()["cosine"], 6)
        1.0
    """
    a_B, b_B = detached(working(advantage_B)), detached(working(other_B))
    return audit_both(namespace(a_B, b_B).stack([a_B, b_B], -1))


def audit_both(both_B2: Array) -> Audit:
    """`audit` of two sets of advantages that lie side by side already, (B, 2)."""
    xp = namespace(both_B2)
    if not len(both_B2):
        nothing = both_B2.sum()
        return Audit(nothing, nothing, nothing, nothing)
    a_B, b_B = both_B2[:, 0], both_B2[:, 1]
    apart_B = abs(a_B - b_B)
    # Sums of products, no matrix product: that may be rounded to TF32 or, under autocast, halves.
    length_2 = xp.linalg.norm(both_B2, 2, 0)
    cosine = (a_B * b_B).sum() / xp.clip(length_2.prod(), _TINY, None)
    one = math.sqrt(len(both_B2))
    sign_B2 = xp.sign(shrunk(both_B2 / xp.clip(length_2, one, None), _ROUNDING / one))
    changed = xp.mean(sign_B2[:, 0] != sign_B2[:, 1], dtype=both_B2.dtype)
    return Audit(apart_B.mean(), apart_B.max(), cosine, changed)
