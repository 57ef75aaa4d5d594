"""Second looks: who takes them at which rows, and what was seen of late."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from unflip.noise.inject import Iid, Rows

WINDOW = 50
"""Looks older than so many steps say little of the policy, and are forgotten."""


@dataclass
class Looks:
    """The second looks of a run.

    Attributes:
        fp: How often a wrong answer passes the second look.
        fn: How often a correct one fails it.
        taken: How many there were in all.
        recent: Truth by the second look, verdict and stratum, of each step of the window.
    """

    fp: float = 0.0
    fn: float = 0.0
    taken: int = 0
    recent: deque = field(default_factory=lambda: deque(maxlen=WINDOW))

    def look(self, batch, taken_B, stratum_B):
        """What a second look says of each row; NaN where none was taken."""
        says_B = Iid(fp=self.fp, fn=self.fn, seed=batch.step)(Rows(outcome_N=batch.truth_B))
        self.taken += int(taken_B.sum())
        self.recent.append((says_B[taken_B], batch.verdict_B[taken_B], stratum_B[taken_B]))
        return np.where(taken_B, says_B, np.nan)

    def columns(self):
        """Truth, verdict and stratum of all looks in the window."""
        nothing = (np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64))
        return tuple(np.concatenate(column) for column in zip(nothing, *self.recent, strict=True))
