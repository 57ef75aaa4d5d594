"""A survey: every row's verdict, gold labels on some rows, and how those rows were chosen."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unflip.errors import UsageError
from unflip.noise.rows import NO_VALUE, Prompts, opinion_of, outcome_of, truth_of
from unflip.types import Sample, Verdict

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Survey:
    """Verdicts on all rows, gold labels on some, and the chance each row had to get one.

    Attributes:
        accepted_N: Whether the verifier accepted.
        rejected_N: Whether it rejected; a row that is neither is an abstain.
        correct_N: The human truth: 1 correct, 0 wrong, NaN where nobody looked.
        probability_N: The chance in (0, 1] with which the row was chosen for labelling, as logged
            by whoever chose; only ratios matter. None: rows of one verdict and one cell had equal
            chances.
        judge_N: A second opinion in [0, 1] on every row, such as a judge's vote or P(yes); NaN
            where the judge abstained.
        cluster_N: Which rows share a prompt; None: every row stands alone.
        cell_N: What else a label's chance depended on, or what goes with correctness (a judge's
            bins, an answer type): estimates are made in each cell and summed.
        stratum_N: The slices that get rates of their own, by name.
        slice_N: The same, numbered in the order of their names.
        by: Whose verdicts these are.

    Raises:
        UsageError: The columns do not fit together.

    Example:
        >>> survey = Survey(
        ...     accepted_N=[1, 1, 0, 0, 0], rejected_N=[0, 0, 1, 1, 1],
        ...     correct_N=[1, float("nan"), 1, 0, float("nan")],
        ... )
        >>> survey.labels
        3
    """

    accepted_N: Bools
    rejected_N: Bools
    correct_N: Floats
    probability_N: Floats | None = None
    judge_N: Floats | None = None
    cluster_N: Ints | None = None
    cell_N: Ints | None = None
    stratum_N: NDArray[Any] | None = None
    by: str = ""
    slice_N: Ints | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        for name in ("accepted_N", "rejected_N"):
            object.__setattr__(self, name, _yes_or_no(getattr(self, name), name))
        for name in ("correct_N", "probability_N", "judge_N"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=float))
        for name in ("cluster_N", "cell_N"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _codes(getattr(self, name)))
        if self.stratum_N is not None:
            object.__setattr__(self, "stratum_N", np.asarray(self.stratum_N))
            object.__setattr__(self, "slice_N", _numbered(self.stratum_N))
        self._check()

    def _check(self) -> None:
        shapes = {column.shape for column in self._columns().values()}
        if shapes != {(len(self),)}:
            raise UsageError(f"every column needs one entry per row, not shapes {sorted(shapes)}")
        if (self.accepted_N & self.rejected_N).any():
            raise UsageError("a row is accepted, rejected or neither, never both")
        if not np.isin(self.correct_N[self.labelled_N], (0, 1)).all():
            raise UsageError("correct_N holds 1, 0, and NaN where nobody looked")
        if self.judge_N is not None and ((self.judge_N < 0) | (self.judge_N > 1)).any():
            raise UsageError("judge_N is a vote or probability in [0, 1], or NaN")
        if self.probability_N is not None:
            chance_n = self.probability_N[self.labelled_N]
            if not ((chance_n > 0) & (chance_n <= 1)).all():
                raise UsageError("a labelled row had a chance in (0, 1] to be chosen: log it")

    def _columns(self) -> dict[str, NDArray[Any]]:
        every = {name: getattr(self, name) for name in self.__slots__ if name != "by"}
        return {name: column for name, column in every.items() if column is not None}

    @classmethod
    def of(
        cls,
        samples: Sequence[Sample],
        verdicts: Sequence[Verdict],
        *,
        judge: Sequence[Verdict] | None = None,
        probability_N: ArrayLike | None = None,
    ) -> Survey:
        """A survey from samples and their verdicts; rows with `correct=None` are unlabelled.

        Rows with the same prompt are a cluster, rows without one stand alone, and strata are the
        samples' own (set `stratum_N` for others). A judge's opinion is its `p` where it gave one,
        else its vote; where it abstained there is none.

        Raises:
            UsageError: Lengths differ, or the verdicts are by several verifiers.
        """
        if not len(samples) == len(verdicts) == len(judge if judge is not None else verdicts):
            raise UsageError("one verdict (and one judge's verdict) a sample, in the same order")
        by = {verdict.by for verdict in verdicts}
        if len(by) > 1:
            raise UsageError(f"rates are one verifier's; these verdicts are by {sorted(by)}")
        prompts = Prompts()
        outcome_N = np.array([outcome_of(verdict) for verdict in verdicts], dtype=float)
        strata = [sample.stratum for sample in samples]
        return cls(
            accepted_N=outcome_N == 1,
            rejected_N=outcome_N == 0,
            correct_N=np.array([truth_of(sample) for sample in samples], dtype=float),
            probability_N=None if probability_N is None else np.asarray(probability_N, dtype=float),
            judge_N=None if judge is None else np.array([opinion_of(v) for v in judge]),
            cluster_N=np.array([prompts.number(sample) for sample in samples], dtype=np.int64),
            stratum_N=np.array([s or NO_VALUE for s in strata]) if any(strata) else None,
            by=by.pop() if by else "",
        )

    def __len__(self) -> int:
        return len(self.accepted_N)

    @property
    def labelled_N(self) -> Bools:
        """Which rows have a gold label."""
        return ~np.isnan(self.correct_N)

    @property
    def labels(self) -> int:
        """How many gold labels were spent."""
        return int(self.labelled_N.sum())

    @property
    def decided_N(self) -> Bools:
        """Where the verifier accepted or rejected."""
        return self.accepted_N | self.rejected_N

    @property
    def verdict_N(self) -> Ints:
        """2 accepted, 1 rejected, 0 neither."""
        return np.asarray(self.accepted_N * 2 + self.rejected_N, dtype=np.int64)

    @property
    def reaches_all(self) -> bool:
        """Whether every verdict that occurs has a label."""
        classes = (self.accepted_N, self.rejected_N, ~self.decided_N)
        return all((class_N & self.labelled_N).any() for class_N in classes if class_N.any())

    @property
    def group_N(self) -> Ints:
        """The prompt of each row, numbered; rows stand alone where nobody said."""
        return np.arange(len(self)) if self.cluster_N is None else self.cluster_N

    @property
    def groups(self) -> int:
        """How many numbers `group_N` counts through."""
        return len(self) if self.cluster_N is None else int(self.cluster_N.max(initial=-1)) + 1

    @property
    def chance_N(self) -> Floats:
        """The logged chances, or the shares of labelled rows in each verdict and cell."""
        if self.probability_N is not None:
            return self.probability_N
        cell_N = self.verdict_N if self.cell_N is None else self.cell_N * 4 + self.verdict_N
        _, cell_N = np.unique(cell_N, return_inverse=True)
        share_H = np.bincount(cell_N, self.labelled_N) / np.bincount(cell_N)
        return np.asarray(share_H[cell_N], dtype=float)

    def where(self, mask_N: Bools | Ints) -> Survey:
        """The rows under a mask (or at given places) as a survey of their own."""
        part = copy(self)  # not replace(): what was checked once stays checked
        for name, column in self._columns().items():
            object.__setattr__(part, name, column[mask_N])
        return part

    def without_labels(self, mask_N: Bools) -> Survey:
        """The same survey, had the rows under the mask not been labelled."""
        return replace(self, correct_N=np.where(mask_N, np.nan, self.correct_N))

    def slices(self) -> dict[str, Survey]:
        """One survey a stratum; empty if there are no strata."""
        if self.stratum_N is None:
            return {}
        slice_N = np.asarray(self.slice_N)
        order_N = np.argsort(slice_N, kind="stable")
        rows = np.split(order_N, np.cumsum(np.bincount(slice_N))[:-1])
        return {str(self.stratum_N[part[0]]): self._slice(part) for part in rows if len(part)}

    def _slice(self, rows_n: Ints) -> Survey:
        part = self.where(rows_n)
        object.__setattr__(part, "stratum_N", None)
        object.__setattr__(part, "slice_N", None)
        if part.cluster_N is not None:
            object.__setattr__(part, "cluster_N", _codes(part.cluster_N))
        return part


def _yes_or_no(values: ArrayLike, name: str) -> Bools:
    values = np.asarray(values)
    if values.dtype != bool and not np.isin(values, (0, 1)).all():
        raise UsageError(f"{name} holds 1 or 0 on every row; on an abstain both columns are 0")
    return values.astype(bool)


def _numbered(names: NDArray[Any]) -> Ints:
    every = [str(name) for name in names.tolist()]
    places = {name: place for place, name in enumerate(sorted(set(every)))}
    return np.fromiter((places[name] for name in every), dtype=np.int64, count=len(every))


def _codes(values: ArrayLike | Sequence[Any]) -> Ints:
    return np.unique(np.asarray(values), return_inverse=True)[1].astype(np.int64)
