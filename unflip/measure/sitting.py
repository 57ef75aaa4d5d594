"""A sitting: the rows that a plan has chosen, one after the other, before a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unflip.labelling.book import Book
from unflip.labelling.session import Session
from unflip.measure.folder import made
from unflip.measure.plan import Chooser, Plan, planned, spend
from unflip.measure.pool import Pool
from unflip.measure.settings import Settings
from unflip.noise.few.until import Until
from unflip.report.words import in_short
from unflip.types import Sample, Verifier

BUDGET = 200
"""Labels to ask for if nobody says how many."""
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def sitting(
    verifier: Verifier,
    rows: Callable[[], Iterable[Sample]],
    folder: Path,
    settings: Settings,
    *,
    book: Book,
) -> Session:
    """Get every row's verdict, choose the rows to label, and make them into questions.

    Args:
        verifier: Whose rates the labels are for.
        rows: Gives the samples from the start, each time it is called.
        folder: Where verdicts and plan are kept.
        settings: As for `measure`; without a budget, that of the folder's plan, or 200, or as many
            as there are decided rows.
        book: Where the answers go.

    Raises:
        DataError: The folder cannot be written, or holds another verifier's run.
        UsageError: The budget exceeds the rows.
    """
    folder = made(folder)
    settings = planned(folder, settings)
    unsaid = settings.budget is None
    settings = replace(settings, budget=settings.budget or BUDGET)
    pool = Pool(verifier, rows, folder, settings)
    if unsaid:
        decided = int(pool.survey.decided_N.sum())
        settings = replace(settings, budget=max(1, min(BUDGET, decided)))
    plan = Plan.of(settings)
    assert plan is not None  # noqa: S101 (there is a budget)
    chooser = plan.chooser(pool)
    plan.keep(folder)
    shelf = _Shelf(rows)
    return Session(
        keys=pool.keys,
        choose=_choosing(chooser, pool.survey.correct_N, shelf),
        fetch=shelf.take,
        book=book,
        budget=plan.budget,
        # Whoever sees an interval stops when it pleases, and then it holds too seldom.
        tell=_telling(chooser, pool.survey.correct_N) if isinstance(chooser, Until) else None,
    )


class _Shelf:
    """The samples that are asked for next, read from the data batch by batch."""

    def __init__(self, rows: Callable[[], Iterable[Sample]]) -> None:
        self._rows = rows
        self._samples: dict[int, Sample] = {}

    def want(self, wanted: Ints) -> None:
        missing = set(wanted.tolist()) - set(self._samples)
        if not missing:
            return
        for row, sample in enumerate(self._rows()):
            if row in missing:
                self._samples[row] = sample
                missing.remove(row)
                if not missing:
                    return

    def take(self, row: int) -> Sample:
        self.want(np.array([row]))
        return self._samples[row]


def _choosing(chooser: Chooser, given_N: Floats, shelf: _Shelf) -> Callable[[Floats, Bools], Ints]:
    """Who is next, of the rows that neither a person nor the data have labelled."""

    def choose(said_N: Floats, skipped_N: Bools) -> Ints:
        known_N = np.where(np.isnan(said_N), given_N, said_N)
        *_, waiting = spend(chooser, known_N, skipped_N)
        shelf.want(waiting)
        return waiting

    return choose


def _telling(chooser: Until, given_N: Floats) -> Callable[[Floats, Bools], Sequence[str]]:
    """What the labels say so far; only to whom a goal allows to stop on it."""

    def tell(said_N: Floats, skipped_N: Bools) -> Sequence[str]:
        known_N = np.where(np.isnan(said_N), given_N, said_N)
        spent_N, *_ = spend(chooser, known_N, skipped_N)
        return in_short(chooser.rates(spent_N)) if not np.isnan(spent_N).all() else ()

    return tell
