"""Whether the verdicts of the last batches still come from the population of the rates."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unflip.correction import strayed
from unflip.correction.arrays import Array, host
from unflip.rates import NoiseRates

_BATCHES = 20
"""How many batches are looked at together."""


@dataclass(slots=True, eq=False)
class Drift:
    """Compares shares of accepts and abstains with those that the rates were measured among.

    Attributes:
        rates: What the correction goes by.
        names: The strata, in the order of their codes.
        last: Rejects, accepts and abstains of each stratum, and of rows of no stratum, by batch.
        told: Whether somebody was warned.
        unread: Verdicts and codes of all ranks that were not yet counted.

    Example:
        >>> from unflip.noise.gold import rates_from_arrays
        >>> rates = rates_from_arrays(np.tile([1, 0, 0, 1], 100), np.tile([1, 0, 0, 0], 100))
        >>> drift = Drift(rates, ("",))
        >>> drift.take(np.tile([1.0, 0.0], 500), np.zeros(1000, dtype=int))
        >>> dict(drift.telemetry())
        {'correction/strayed': 0.0}
    """

    rates: NoiseRates
    names: tuple[str, ...]
    last: deque[list[list[int]]] = field(default_factory=lambda: deque(maxlen=_BATCHES))
    told: bool = False
    unread: list[tuple[Array, Array]] = field(default_factory=list)

    def take(self, verdict_B: Array, code_B: Array) -> None:
        """Keep a batch for later; nobody waits for its device here.

        Args:
            verdict_B: 1 accept, 0 reject, NaN abstain.
            code_B: Codes of strata; below 0 where there is none.
        """
        self.unread.append((verdict_B, code_B))

    def telemetry(self) -> Iterator[tuple[str, float]]:
        """How many shares have left their interval; the first time, with a warning that says which.

        Warns:
            UserWarning: A share has left its interval.
        """
        self._settle()
        if not self.last:
            return
        count_S3 = np.sum(self.last, axis=0)
        r_N = np.repeat(np.tile([0.0, 1.0, np.nan], len(count_S3)), count_S3.ravel())
        named = self.names != ("",)
        name_N = np.repeat([*self.names, ""], count_S3.sum(1)).tolist() if named else None
        found = strayed(self.rates, r_N, name_N)
        yield "correction/strayed", float(len(found))
        if found and not self.told:
            self.told = True
            warnings.warn(f"the policy has moved: {'; '.join(found)}", UserWarning, stacklevel=2)

    def to_json(self) -> dict[str, Any]:
        """What a checkpoint has to keep."""
        self._settle()
        return {"last": list(self.last), "told": self.told}

    def restore(self, row: Mapping[str, Any]) -> None:
        """Go on from where a checkpoint was made."""
        self.last = deque(row["last"], maxlen=_BATCHES)
        self.told = bool(row["told"])

    def _settle(self) -> None:
        for verdict_B, code_B in self.unread:
            outcome_B = np.nan_to_num(host(verdict_B), nan=2.0).astype(np.int64)
            stratum_B = host(code_B).astype(np.int64) % (len(self.names) + 1)
            counts = np.bincount(3 * stratum_B + outcome_B, minlength=3 * (len(self.names) + 1))
            self.last.append(counts.reshape(-1, 3).tolist())
        self.unread.clear()
