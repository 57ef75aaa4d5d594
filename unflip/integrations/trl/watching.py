"""Rates while TRL trains: a second look at a few rows of each batch, chosen by chance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unflip.correction.arrays import Array, host
from unflip.errors import UsageError
from unflip.integrations.trl.hearing import Heard
from unflip.noise.online import Recent
from unflip.noise.survey import Survey
from unflip.run import verify_all
from unflip.types import Verifier


@dataclass(slots=True, eq=False)
class Watch:
    """A second look, and the rates of late by its word.

    Attributes:
        second_look: Whoever stands in for the truth: a slower verifier, or a judge.
        share: The chance of each row to be looked at.
        column: Which of the reward functions gives the verdict.
        recent: The rates of late.
        seed: Of the draws.
        batches: How many batches were looked at.
        unread: Verdicts and labels of all ranks' rows, and the groups' size, since the last log.

    Raises:
        UsageError: The share is no chance.
    """

    second_look: Verifier
    share: float
    column: int
    recent: Recent
    seed: int = 0
    batches: int = 0
    unread: list[tuple[Array, Array, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise UsageError(f"share is a chance in (0, 1], such as 0.05, not {self.share}")

    def look(self, heard: Heard | None, rank: int) -> NDArray[np.float64]:
        """Labels of this rank's rows: 1 correct, 0 wrong, NaN where nobody looked, or could tell.

        Rows are chosen without regard to their verdicts, and anew on each rank and batch.

        Args:
            heard: What the verifier saw.
            rank: Whose rows these are.

        Raises:
            UsageError: The reward is no verifier's.
        """
        if heard is None:
            raise UsageError(
                "a second look needs to know what the verifier saw, and this reward is a function "
                "that unflip does not know: make it by reward_func(verifier)"
            )
        rng = np.random.default_rng([self.seed, self.batches, rank])
        self.batches += 1
        chosen = np.flatnonzero(rng.random(len(heard.samples)) < self.share)
        verdicts = verify_all(self.second_look, (heard.samples[i] for i in chosen.tolist()))
        label_b = np.full(len(heard.samples), np.nan)
        label_b[chosen] = [float(v.accepted) if v.decided else math.nan for v in verdicts]
        return label_b

    def telemetry(self) -> Iterator[tuple[str, float]]:
        """rho0 and rho1 of late, as far as there are labels to tell them by."""
        self.settle()
        if not self.recent.step:
            return
        rates = self.recent.rates()
        for name, rate in (("fp", rates.fp), ("fn", rates.fn), ("accept", rates.accept)):
            if not math.isnan(rate.point):
                yield f"rates/{name}", rate.point

    def settle(self) -> None:
        """Take in what was gathered since the last time; the host waits for the device."""
        for verdicts, labels, size in self.unread:
            verdict_N = host(verdicts)
            survey = Survey(
                accepted_N=verdict_N == 1,
                rejected_N=verdict_N == 0,
                correct_N=host(labels),
                probability_N=np.full(len(verdict_N), self.share),
                cluster_N=np.arange(len(verdict_N)) // size,
                by=self.recent.by,
            )
            self.recent = self.recent.update(survey)
        self.unread.clear()

    def to_json(self) -> dict[str, Any]:
        """What a checkpoint has to keep."""
        self.settle()
        return {"rates": self.recent.to_json(), "batches": self.batches}

    def restore(self, row: Mapping[str, Any]) -> None:
        """Go on from where a checkpoint was made; one without rates starts them anew.

        Args:
            row: What `to_json` gave.

        Raises:
            UsageError: The checkpoint's rates are another verifier's.
        """
        if "rates" not in row:
            return
        recent = Recent.from_json(row["rates"])
        if recent.by != self.recent.by:
            raise UsageError(
                f"the checkpoint's rates are {recent.by!r}'s and the reward {self.recent.by!r}'s: "
                f"resume with that verifier, or start a new run"
            )
        self.recent, self.batches = recent, int(row["batches"])
