"""Advantages over the std that a group of clean verdicts would have, estimated from noisy ones."""

from __future__ import annotations

from unflip.correction.arrays import Array, namespace
from unflip.correction.groups import Rows


def clean_std(r_hat_B: Array, group_B: Array, *, n_groups: int) -> Array:
    """A = (r_hat - mean) / sd, with the sd that a group of clean verdicts would have.

    For trainers that insist on a std: the pass rate p is the group's mean corrected reward, and
    sd = sqrt(p (1 - p) n / (n - 1)), with p kept in [1/n, 1 - 1/n]. As n grows the advantages go to
    those of clean verdicts under `grpo`. At n = 8 they do not: p is noisy, and updates are as long
    as clean ones times .92 at a pass rate of .05, and times 1.05 at .5 (rho0 = .1, rho1 = .2). That
    weighs prompts by difficulty in another way, which may help or harm; it is no denoising.

    Args:
        r_hat_B: Rewards corrected by `backward`, (B,); NaN abstains.
        group_B: Each row's group.
        n_groups: How many groups there are.

    Source: El Mansouri et al. 2025, arXiv 2510.18924v3 (the plug-in for the oracle's sd).

    Example:
        >>> import numpy as np
        >>> r_hat_B, group_B = np.array([1.3, -0.1, -0.1, -0.1]), np.zeros(4, dtype=int)
        >>> clean_std(r_hat_B, group_B, n_groups=1).round(2)
        array([ 2.1, -0.7, -0.7, -0.7])
    """
    rows = Rows.of(r_hat_B, group_B, n_groups)
    xp, n_B = namespace(rows.r_B), rows.n_B
    mean_B, least_B = rows.sum_B / n_B, 1 / n_B
    p_B = xp.minimum(xp.maximum(mean_B, least_B), 1 - least_B)
    variance_B = p_B * (1 - p_B) * n_B / rows.others_B
    # A row without a neighbour has no variance here, and no advantage either.
    return rows.out(rows.less(rows.r_B, mean_B) / xp.sqrt(variance_B + (variance_B == 0)))
