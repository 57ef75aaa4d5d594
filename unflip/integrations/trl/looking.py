"""Second looks at rows of one rank: drawn by chance, decided, and told to all ranks as codes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unflip.errors import UsageError
from unflip.integrations.trl.deciding import Standing
from unflip.integrations.trl.hearing import Ear, Heard
from unflip.run import Workers, serial
from unflip.types import Verdict, Verifier

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_SERIAL = serial()
NOT_TAKEN, UNDECIDED, WRONG, CORRECT = -2, -1, 0, 1
"""What became of a second look at a row."""
_PATIENCE = 20
"""How many second looks may come to nothing before somebody should know."""


@dataclass(frozen=True, slots=True)
class Looking:
    """How second looks are taken.

    Attributes:
        decay: What a batch's weight in the rates is multiplied by at each later one; 0.9 looks back
            some 19 batches.
        floor: The least chance of a row where chances differ; None: a quarter of the share.
        seed: Of the draws.
        workers: Where the second look runs, and `deadline`, how long: as for `reward_func`.
        deadline: Seconds for each row.

    Raises:
        UsageError: The seed is below 0.
    """

    decay: float = 0.9
    floor: float | None = None
    seed: int = 0
    workers: Workers = _SERIAL
    deadline: float | None = None

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UsageError(f"a seed is a whole number of at least 0, not {self.seed}")


@dataclass(slots=True, eq=False)
class Looks:
    """Whoever looks again, and what was drawn so far.

    Attributes:
        standing: Whoever stands in for the truth: a slower verifier, or a judge.
        name: The reward function whose verdicts are looked at.
        seed: Of the draws.
        batches: How many batches were drawn from.
        vain: Looks since the start of which none came to a decision; -1 once one has.

    Example:
        >>> from unflip.types import Sample
        >>> from unflip.verifiers.exact import Exact
        >>> looks, rows = Looks(Standing(Exact()), "math"), [Sample("4", "4"), Sample("5", "4")]
        >>> looks.take(Heard(rows, []), np.ones(2), rank=0)
        array([1, 0])
    """

    standing: Standing
    name: str
    seed: int = 0
    batches: int = 0
    vain: int = 0

    @classmethod
    def of(cls, second_look: Verifier, name: str, looking: Looking) -> Looks:
        """Second looks at a reward function's verdicts."""
        standing = Standing(second_look, looking.workers, looking.deadline)
        return cls(standing, name, looking.seed)

    def heard(self, ear: Ear) -> Heard:
        """What the verifier saw and decided.

        Raises:
            UsageError: The reward is no verifier's.
        """
        heard = ear.of(self.name)
        if heard is None:
            raise UsageError(
                "a second look needs to know what the verifier saw, and this reward is a function "
                "that unflip does not know: make it by reward_func(verifier)"
            )
        return heard

    def take(self, heard: Heard, chance_b: Floats, *, rank: int) -> Ints:
        """What came of each of this rank's rows, anew on each rank and batch.

        Args:
            heard: What the verifier saw.
            chance_b: With what chance each row is looked at.
            rank: Whose rows these are.
        """
        rng = np.random.default_rng([self.seed, self.batches, rank])
        self.batches += 1
        chosen = np.flatnonzero(rng.random(len(chance_b)) < chance_b)
        verdicts = self.standing([heard.samples[i] for i in chosen.tolist()])
        seen_b = np.full(len(chance_b), NOT_TAKEN, dtype=np.int64)
        seen_b[chosen] = [_code(verdict) for verdict in verdicts]
        self._despair(verdicts)
        return seen_b

    def to_json(self) -> dict[str, Any]:
        """What a checkpoint has to keep."""
        return {"batches": self.batches}

    def restore(self, row: Mapping[str, Any]) -> None:
        """Go on drawing from where a checkpoint was made."""
        self.batches = int(row["batches"])

    def _despair(self, verdicts: Sequence[Verdict]) -> None:
        """Warn if a second look decides nothing at all, as one that cannot reach its server."""
        if self.vain < 0 or any(verdict.decided for verdict in verdicts):
            self.vain = -1
            return
        before, self.vain = self.vain, self.vain + len(verdicts)
        if before < _PATIENCE <= self.vain:
            why = verdicts[-1].evidence.get("error", verdicts[-1].reason)
            warnings.warn(
                f"none of {self.vain} second looks came to a decision; the last one said: {why}",
                UserWarning,
                stacklevel=2,
            )


def labels(seen_B: Ints) -> Floats:
    """1 correct, 0 wrong, NaN where nobody looked, or could tell.

    Example:
        >>> labels(np.array([CORRECT, WRONG, UNDECIDED, NOT_TAKEN]))
        array([ 1.,  0., nan, nan])
    """
    return np.where(seen_B >= WRONG, seen_B, np.nan)


def check_share(share: float) -> None:
    """Refuse a share that is no chance.

    Raises:
        UsageError: It is none.
    """
    if not 0 < share <= 1:
        raise UsageError(f"share is a chance in (0, 1], such as 0.05, not {share}")


def _code(verdict: Verdict) -> int:
    if not verdict.decided:
        return UNDECIDED
    return CORRECT if verdict.accepted else WRONG
