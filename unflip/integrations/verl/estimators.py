"""Advantage estimators for verl that leave rows with a NaN score out of their group's baseline."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unflip.correction.advantages import ADVANTAGES, Normaliser
from unflip.correction.arrays import Array, is_torch, namespace
from unflip.errors import UsageError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Estimator:
    """What `verl.trainer.ppo.core_algos.register_adv_est` takes.

    The score is corrected already where a `Score` has a hook; here it becomes an advantage. A row
    with a NaN score leaves its baseline, and so does one without a token, with which verl fills
    batches up. In the loss, the tokens of a masked row still count in the mean over tokens, with
    advantage 0. Each batch is a line in the log, at INFO; verl keeps raw verdicts from estimators,
    so what a correction changed is not in it.

    Attributes:
        normaliser: How advantages are made of scores.

    Example:
        >>> scores_BT = np.array([[0.0, 1.0], [0.0, 0.0], [0.0, np.nan]])
        >>> index_B = np.array(["a", "a", "a"], dtype=object)
        >>> Estimator(Normaliser.RLOO)(scores_BT, np.ones((3, 2)), index_B)[0]
        array([[ 1.,  1.],
               [-1., -1.],
               [ 0.,  0.]])
    """

    normaliser: Normaliser

    def __call__(
        self,
        token_level_rewards: Array,
        response_mask: Array,
        index: Any = None,
        config: Any = None,
        **_: Any,
    ) -> tuple[Array, Array]:
        """Advantages and returns of tokens, which are the same.

        Raises:
            UsageError: verl gave no groups.
        """
        if index is None:
            raise UsageError("verl gave no uid: these estimators compare the rows of a prompt")
        r_B, xp = token_level_rewards.sum(-1), namespace(token_level_rewards)
        real_B = response_mask.sum(-1) > 0
        r_B = xp.where(real_B, r_B, math.nan)
        groups, code_B = np.unique(np.asarray(index), return_inverse=True)
        # Whole numbers below 2^24 are exact in float32, and no batch has as many groups.
        group_B = r_B.new_tensor(code_B).long() if is_torch(r_B) else code_B
        advantage_B = ADVANTAGES[self.normaliser](r_B, group_B, n_groups=len(groups))
        _tell(r_B, advantage_B, real_B)
        advantage_BT = advantage_B[:, None] * response_mask
        return advantage_BT, advantage_BT


def _tell(r_B: Array, advantage_B: Array, real_B: Array) -> None:
    """Log how many rows weigh nothing; where nobody reads it, wait for no device."""
    if not _log.isEnabledFor(logging.INFO):
        return
    rows = int(real_B.sum())
    nothing = (namespace(r_B).isnan(r_B), advantage_B == 0)
    masked, idle = (float((one_B & real_B).sum()) / max(rows, 1) for one_B in nothing)
    _log.info("unflip: %d rows, masked %.4f, without advantage %.4f", rows, masked, idle)


ESTIMATORS: Mapping[str, Estimator] = {f"unflip_{one}": Estimator(one) for one in Normaliser}
"""Their names for `algorithm.adv_estimator`, such as `unflip_rloo`."""
