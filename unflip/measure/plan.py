"""Which rows get gold labels: chosen by chance alone, whoever was asked about which before."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unflip.errors import DataError, UsageError
from unflip.measure.estimators import best_of
from unflip.measure.folder import PLAN, explained
from unflip.measure.pool import Pool
from unflip.measure.settings import Settings
from unflip.noise.few.quota import Quota
from unflip.noise.few.sampling import Sampler
from unflip.noise.few.stopping import Goal
from unflip.noise.few.until import Until
from unflip.noise.survey import Survey

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BATCHES = 4
"""How often the chances of rows may change with what was learned."""


class Chooser(Protocol):
    """Says which rows to label next, and makes a survey of the labels: `Sampler` and its like."""

    def next(self, correct_N: ArrayLike, *, skipped_N: ArrayLike | None = None) -> Ints:
        """The rows to label now, in the order to label them; empty when the budget is spent."""

    def survey(self, correct_N: ArrayLike) -> Survey:
        """The labels so far, ready for any estimator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How rows are chosen for gold labels; the same plan on the same rows chooses the same ones.

    No choice looks at which rows have a label already. So whatever people said serves every plan
    whose turn comes to the row, and a larger budget goes on from a smaller one's labels.

    Attributes:
        budget: How many labels at most.
        audit: How many of them on accepted rows; None: where they pay best.
        goal: What ends the labelling before that, by name and figure; None: nothing does.
    """

    budget: int
    audit: int | None
    goal: dict[str, float] | None

    @classmethod
    def of(cls, settings: Settings) -> Plan | None:
        """The plan that the settings ask for; None if all labels are to be used."""
        if settings.budget is None:
            return None
        wanted = asdict(settings.goal) if settings.goal else {}
        return cls(
            budget=settings.budget,
            audit=settings.audit,
            goal={name: figure for name, figure in wanted.items() if figure} or None,
        )

    def chooser(self, pool: Pool) -> Chooser:
        """Who chooses the rows of a pool.

        Raises:
            UsageError: The pool has fewer rows than the budget.
        """
        blank = pool.choice
        if self.audit is not None:
            return Quota(pool=blank, accepted=self.audit, rejected=self.budget - self.audit)
        sampler = Sampler(pool=blank, budget=self.budget, batches=min(BATCHES, self.budget))
        if self.goal is None:
            return sampler
        return Until(sampler=sampler, goal=Goal(**self.goal), estimator=best_of(blank))

    def keep(self, folder: Path) -> None:
        """Let later runs in this folder go by the plan without being told.

        Raises:
            DataError: It cannot be written.
        """
        with explained(folder / PLAN):
            (folder / PLAN).write_text(json.dumps(asdict(self)), encoding="utf-8")


def planned(folder: Path, settings: Settings) -> Settings:
    """The settings, completed by the folder's plan unless they name another budget."""
    row = _read(folder)
    if row is None or settings.budget not in (None, row.get("budget")):
        return settings
    try:
        goal = Goal(**row["goal"]) if row["goal"] else None
        return replace(
            settings,
            budget=row["budget"],
            audit=row["audit"] if settings.audit is None else settings.audit,
            goal=settings.goal or goal,
        )
    except (KeyError, TypeError, UsageError) as why:
        raise DataError(f"{folder / PLAN} holds no plan: {why!r}") from why


def spend(chooser: Chooser, known_N: Floats, skipped_N: Bools) -> tuple[Floats, Bools, Ints]:
    """Look up the labels of chosen rows, until one is missing.

    Args:
        chooser: Who says which row is next.
        known_N: Every label that there is; what was not asked for stays unused.
        skipped_N: Rows that somebody looked at and could not tell.

    Returns:
        The labels of the rows that were chosen, NaN elsewhere; which of them could not be told;
        and the rows that wait for a label.
    """
    spent_N, told_N = np.full(len(known_N), np.nan), np.zeros(len(known_N), dtype=bool)
    done_N = ~np.isnan(known_N) | skipped_N
    while len(rows := chooser.next(spent_N, skipped_N=told_N)):
        missing = np.flatnonzero(~done_N[rows])
        # Later rows of the batch were not asked for yet: its order is what keeps it a random draw.
        seen = rows[: missing[0]] if len(missing) else rows
        told_N[seen] = skipped_N[seen]
        spent_N[seen] = np.where(skipped_N[seen], np.nan, known_N[seen])
        if len(missing):
            return spent_N, told_N, rows[~done_N[rows]]
    return spent_N, told_N, np.array([], dtype=np.int64)


def _read(folder: Path) -> dict[str, Any] | None:
    path = folder / PLAN
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as why:
        raise DataError(f"{path} cannot be read: {why}") from why
    if not isinstance(row, dict):
        raise DataError(f"{path} holds no plan")
    return row
