"""Which slices of a measurement's rows have rates of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from unflip.measure.gold import Gold
from unflip.measure.pool import Pool
from unflip.noise.slices import Slice, columns, find
from unflip.noise.survey import Survey
from unflip.report.differences import Differences

Bools = NDArray[np.bool_]


def differences(pool: Pool, gold: Gold) -> Differences:
    """The slices that differ, by every column that can be read off rows, verdicts and opinions.

    Rows that people looked at because of their verdict are no sample of a slice's answers, so
    nothing is compared unless every decided row has a label. All rows are held in memory.
    """
    if gold.spent is not None:
        return Differences(complete=False)
    rows = list(pool.verdicts())
    told = columns([s for s, _ in rows], [v for _, v in rows], judge=pool.opinions())
    # The verifier's own score is how it decided: slices of it say the verdict again.
    told.pop("score", None)
    survey = gold.survey
    return Differences.of(
        _found(survey, told, survey.correct_N == 0, survey.accepted_N),
        _found(survey, told, survey.correct_N == 1, survey.rejected_N),
    )


def _found(
    survey: Survey, told: Mapping[str, Sequence[str]], of_N: Bools, hit_N: Bools
) -> tuple[Slice, ...]:
    """The slices of the decided rows of one truth, compared by how many of them are hits."""
    if not of_N.any():
        return ()
    among = np.flatnonzero(of_N & survey.decided_N)
    sliced = {name: [labels[row] for row in among.tolist()] for name, labels in told.items()}
    varied = {name: labels for name, labels in sliced.items() if len(set(labels)) > 1}
    group_n = survey.group_N[among]
    shared = len(np.unique(group_n)) < len(group_n)
    return find(hit_N[among], varied, group_N=group_n if shared else None)
