"""Group advantages as trainers compute them, with abstains left out.

All take rewards r of shape (B,), or (B, C) for C kinds of reward side by side, each row's group as
an integer in [0, n_groups), and give advantages of the same shape. NaN is an abstain: it is out of
the baseline and its advantage is 0. A group with fewer than two decided rows gets 0 throughout.
Groups may differ in size and their rows lie anywhere. Advantages have no gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from unflip.correction.arrays import Array, cast, detached, namespace, working
from unflip.correction.clean_std import clean_std
from unflip.correction.groups import Rows

EPS = 1e-4
"""What TRL adds to a std; verl adds 1e-6."""


class Normaliser(StrEnum):
    """How a trainer makes advantages of rewards."""

    GRPO = "grpo"
    DR_GRPO = "dr_grpo"
    RLOO = "rloo"
    BATCH = "batch"
    BATCH_CENTRED = "batch_centred"
    MAXRL = "maxrl"
    DIRECT = "direct"
    CLEAN_STD = "clean_std"


def grpo(r_B: Array, group_B: Array, *, n_groups: int, eps: float = EPS) -> Array:
    """A = (r - mean) / (std + eps) within each group, with std over n - 1.

    Source: Shao et al. 2024, arXiv 2402.03300, section 4.1.2.

    Example:
        >>> import numpy as np
        >>> r_B, group_B = np.array([1.0, 0.0, np.nan, 1.0]), np.array([0, 0, 0, 1])
        >>> grpo(r_B, group_B, n_groups=2).round(3)
        array([ 0.707, -0.707,  0.   ,  0.   ])
    """
    return _standardised(Rows.of(r_B, group_B, n_groups), eps)


def dr_grpo(r_B: Array, group_B: Array, *, n_groups: int) -> Array:
    """A = r - mean within each group.

    Its expected gradient is the clean one times 1 - 1/n, since each row is in its own mean.

    Source: Liu et al. 2025, arXiv 2503.20783 (Dr. GRPO).

    Example:
        >>> import numpy as np
        >>> dr_grpo(np.array([1.0, 0.0, 0.0, 0.0]), np.zeros(4, dtype=int), n_groups=1)
        array([ 0.75, -0.25, -0.25, -0.25])
    """
    rows = Rows.of(r_B, group_B, n_groups)
    return rows.out(rows.centred_B())


def rloo(r_B: Array, group_B: Array, *, n_groups: int) -> Array:
    """A = r - mean of the group's other rows, which is `dr_grpo` times n / (n - 1).

    Source: Kool et al. 2019; Ahmadian et al. 2024, arXiv 2402.14740.

    Example:
        >>> import numpy as np
        >>> rloo(np.array([1.0, 0.0, 0.0]), np.zeros(3, dtype=int), n_groups=1)
        array([ 1. , -0.5, -0.5])
    """
    rows = Rows.of(r_B, group_B, n_groups)
    # r n - sum is n times the centred reward, and saves a launch.
    return rows.out(rows.less(rows.r_B * rows.count_B, rows.sum_B) / rows.others_B)


def batch(r_B: Array, group_B: Array, *, n_groups: int, eps: float = EPS) -> Array:
    """A = (r - mean of the batch) / (std of the batch + eps): whitening, as in REINFORCE++.

    Groups play no part; a batch with fewer than two decided rows gets 0.

    Source: Hu et al. 2025, arXiv 2501.03262.

    Example:
        >>> import numpy as np
        >>> batch(np.array([1.0, 0.0, 0.0, 1.0]), np.array([0, 0, 1, 1]), n_groups=2).round(3)
        array([ 0.866, -0.866, -0.866,  0.866])
    """
    return _standardised(Rows.of(r_B, None), eps)


def batch_centred(r_B: Array, group_B: Array, *, n_groups: int, eps: float = EPS) -> Array:
    """A = (r - mean of the group) / (std of the batch + eps).

    Source: TRL's scale_rewards="batch"; Liu et al. 2025, arXiv 2508.08221 (Lite PPO).

    Example:
        >>> import numpy as np
        >>> r_B, group_B = np.array([1.0, 0.0, 0.0, 0.0]), np.array([0, 0, 1, 1])
        >>> batch_centred(r_B, group_B, n_groups=2).round(3)
        array([ 1., -1.,  0.,  0.])
    """
    rows = Rows.of(r_B, group_B, n_groups)
    whole = Rows.of(r_B, None)
    return rows.out(rows.settled_B() / (whole.std_B(whole.settled_B()) + eps))


def maxrl(r_B: Array, group_B: Array, *, n_groups: int, floor: float | None = None) -> Array:
    """A = (r - mean) / max(mean, floor) within each group.

    A group's mean weighs prompts by 1 / pass rate. A corrected mean can be 0 or less; the floor
    keeps the sign and bounds the weight, and changes nothing for clean verdicts, whose mean is 0
    or at least 1/n.

    Args:
        r_B: Rewards; NaN abstains.
        group_B: Each row's group.
        n_groups: How many groups there are.
        floor: The least mean to divide by, above 0; None: 1/n for n decided rows.

    Source: the max_rl algorithm of prime-rl 0.8 (orchestrator/algo/max_rl.py).

    Example:
        >>> import numpy as np
        >>> maxrl(np.array([1.0, 0.0, 0.0, 0.0]), np.zeros(4, dtype=int), n_groups=1)
        array([ 3., -1., -1., -1.])
    """
    rows = Rows.of(r_B, group_B, n_groups)
    xp, n_B = namespace(rows.r_B), rows.n_B
    mean_B, least_B = rows.sum_B / n_B, 1 / n_B if floor is None else 0 * n_B + floor
    return rows.out(rows.less(rows.r_B, mean_B) / xp.maximum(mean_B, least_B))


def direct(r_B: Array, group_B: Array, *, n_groups: int) -> Array:
    """A = r: no baseline, for rewards that carry their own, such as forward weights.

    A row without a neighbour counts here too. For an abstain, 0 is no neutral advantage: forward
    weights are below 0 on average, so where abstains are common, the policy learns to cause them.

    Source: Cai et al. 2025, arXiv 2510.00915v4, appendix B.

    Example:
        >>> import numpy as np
        >>> direct(np.array([0.2, np.nan]), np.array([0, 0]), n_groups=1)
        array([0.2, 0. ])
    """
    xp = namespace(r_B)
    x_B = detached(working(r_B))
    return cast(xp.where(xp.isnan(x_B), 0.0, x_B), like=r_B)


def _standardised(rows: Rows, eps: float) -> Array:
    settled_B = rows.settled_B()
    return rows.out(settled_B / (rows.std_B(settled_B) + eps))


ADVANTAGES: Mapping[str, Callable[..., Array]] = {
    Normaliser.GRPO: grpo,
    Normaliser.DR_GRPO: dr_grpo,
    Normaliser.RLOO: rloo,
    Normaliser.BATCH: batch,
    Normaliser.BATCH_CENTRED: batch_centred,
    Normaliser.MAXRL: maxrl,
    Normaliser.DIRECT: direct,
    Normaliser.CLEAN_STD: clean_std,
}
"""What computes each of them: `(r_B, group_B, *, n_groups) -> advantages`."""
