"""The labelled rows of a class: what each label stands for, and the estimate that they make."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from unflip.noise.survey import Bools, Floats, Ints, Survey


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """The labelled rows `_n` of a class with rows `_C`, in cells `_H` that each hold labels.

    Attributes:
        correct_n: The labels.
        weight_n: Each label's part of the estimate: cells by their size, labels within a cell by
            1 / chance (Hajek); they add up to 1.
        labelled_n: Where the labelled rows are among those of the class.
        cell_C: The cell of each row, numbered.
        cluster_C: The prompt of each row, numbered.
        pooled: How many cells had labels in fewer than two clusters, and were taken together.
    """

    correct_n: Floats
    weight_n: Floats
    labelled_n: Ints
    cell_C: Ints
    cluster_C: Ints
    pooled: int

    @classmethod
    def of(cls, rows: Survey) -> Drawn:
        """The sample that the labels of these rows are; at least one row is labelled."""
        cluster_C, labelled_n = rows.group_N, np.flatnonzero(rows.labelled_N)
        cell_C, pooled = _merge_thin(_cells(rows), labelled_n, cluster_C)
        chance_n = np.ones(len(labelled_n))
        if rows.probability_N is not None:
            chance_n = rows.probability_N[labelled_n]
        cell_n = cell_C[labelled_n]
        total_H = np.bincount(cell_n, 1 / chance_n)
        size_H = np.bincount(cell_C) / len(rows)
        return cls(
            correct_n=rows.correct_N[labelled_n],
            weight_n=(size_H / total_H)[cell_n] / chance_n,
            labelled_n=labelled_n,
            cell_C=cell_C,
            cluster_C=cluster_C,
            pooled=pooled,
        )

    @property
    def cell_n(self) -> Ints:
        """The cell of each labelled row."""
        return self.cell_C[self.labelled_n]

    @property
    def cluster_n(self) -> Ints:
        """The prompt of each labelled row."""
        return self.cluster_C[self.labelled_n]

    def centred(self, value_n: Floats) -> tuple[Floats, Floats]:
        """Weighted means of the cells, and each value less its cell's mean."""
        weight_H = np.bincount(self.cell_n, self.weight_n)
        mean_H = np.bincount(self.cell_n, self.weight_n * value_n) / weight_H
        return mean_H, value_n - mean_H[self.cell_n]

    def slope(self, judge_C: Floats) -> tuple[float, Floats]:
        """Weighted least squares of truth on judge within cells, and each label's pull on it.

        The pulls add up to 1; slope and pulls are 0 if the judge never differs.
        """
        _, judge_n = self.centred(judge_C[self.labelled_n])
        pull_n = self.weight_n * judge_n**2
        spread = float(pull_n.sum())
        if spread <= 1e-12:
            return 0.0, np.zeros(len(judge_n))
        return float(self.weight_n @ (judge_n * self.correct_n)) / spread, pull_n / spread

    def estimate(self, fitted_C: Floats, pull_n: Floats | float = 0.0) -> Estimate:
        """Mean of what the judge's opinion is worth, plus the labelled rows' mean rest.

        Args:
            fitted_C: What the judge's opinion on each row is worth.
            pull_n: Of each label on that worth, if it was learnt here.
        """
        rows, labels = len(self.cell_C), len(self.correct_n)
        rest_H, rest_n = self.centred(self.correct_n - fitted_C[self.labelled_n])
        surprise_n = self.weight_n * rest_n
        whole_C = fitted_C + rest_H[self.cell_C]
        influence_C = (whole_C - whole_C.mean()) / rows
        # A label pulls its cell's mean and the slope towards itself, and leaves too small a rest
        # (HC2); that of a plain share is in its interval.
        pull_n = pull_n + 1 / _groups(self.cell_n, self.cluster_n)[self.cell_n]
        loss_n = np.where(pull_n < 0.9, 1 - pull_n, 1.0)
        influence_C[self.labelled_n] += surprise_n * np.sqrt((1 - 1 / labels) / loss_n)
        return Estimate(
            raw=float(whole_C.mean()),
            labels=labels,
            labels_G=np.bincount(self.cluster_n),
            weight_G=_sums(self.cluster_n, self.weight_n),
            influence_G=_sums(self.cluster_C, influence_C),
            surprise_G=_sums(self.cluster_n, surprise_n),
            unseen=self._unseen(),
        )

    def _unseen(self) -> float:
        weight_H = np.bincount(self.cell_n, self.weight_n)
        square_H = np.bincount(self.cell_n, self.weight_n**2)
        mean_H, _ = self.centred(self.correct_n)
        return float(square_H @ smoothing(mean_H, weight_H**2 / square_H, 0.5 * weight_H))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimate:
    """An estimate, and what each cluster contributed to its error.

    Attributes:
        raw: The estimate as it came out, perhaps a little outside of [0, 1].
        labels: How many labels it stands on.
        labels_G: The same by cluster.
        weight_G: The sum of the labels' weights in each cluster.
        influence_G: Each cluster's contribution to estimate - truth.
        surprise_G: The part of it that is not explained by cell and judge.
        unseen: Variance that cells without an event hide: half a pseudo-event, by weight.
    """

    raw: float
    labels: int
    labels_G: Ints
    weight_G: Floats
    influence_G: Floats
    surprise_G: Floats
    unseen: float

    @classmethod
    def of_all(cls, hit_n: Bools, cluster_n: Ints) -> Estimate:
        """The share of hits among rows that are all known: `Drawn.estimate` in short."""
        rows, share = len(hit_n), float(hit_n.mean())
        labels_G = np.bincount(cluster_n)
        surprise_G: Floats = (np.bincount(cluster_n, hit_n) - share * labels_G) / rows
        weight_G: Floats = labels_G / rows
        groups = int(np.count_nonzero(labels_G))
        freedom = groups / max(groups - 1, 1) * (rows - 1) / rows
        return cls(
            raw=share,
            labels=rows,
            labels_G=labels_G,
            weight_G=weight_G,
            influence_G=surprise_G * math.sqrt(freedom),
            surprise_G=surprise_G,
            unseen=float(smoothing(share, rows, 0.5)) / rows,
        )

    @property
    def point(self) -> float:
        """The estimate inside [0, 1], which a judge's scores can push it out of."""
        whole = float(round(self.raw))
        # A sum of weights misses 0 and 1 by a hair, and 1 - 1e-16 is not a share of its own.
        return whole if abs(self.raw - whole) < 1e-12 else min(max(self.raw, 0.0), 1.0)

    @property
    def cut(self) -> bool:
        """Whether that moved it by more than rounding."""
        return abs(self.raw - self.point) > 1e-9


def _sums(place: Ints, value: Floats) -> Floats:
    return np.asarray(np.bincount(place, value), dtype=np.float64)


def smoothing(mean: Any, labels: Any, half: Any) -> Any:
    """How much p (1 - p) grows if p is smoothed by `half` a hit and `half` a miss."""
    smooth = (mean * labels + half) / (labels + 2 * half)
    return smooth * (1 - smooth) - mean * (1 - mean)


def _cells(rows: Survey) -> Ints:
    """Cells within strata within verdicts, numbered."""
    return crossed(rows.verdict_N, rows.cell_N, rows.slice_N)


def crossed(*codes: Ints | None) -> Ints:
    """Each combination of numbers as one number, without gaps, in their order.

    Example:
        >>> crossed(np.array([7, 7, 2, 2]), None, np.array([1, 0, 1, 1]))
        array([2, 1, 0, 0])
    """
    given = [code_N for code_N in codes if code_N is not None]
    cell_N = _dense(given[0])
    for code_N in given[1:]:
        cell_N = _dense(cell_N * (int(code_N.max(initial=0)) + 1) + code_N)
    return cell_N


def _dense(code_C: Ints) -> Ints:
    """The same numbers without gaps."""
    if code_C.max(initial=0) > 4 * len(code_C) + 8:
        return np.unique(code_C, return_inverse=True)[1].astype(np.int64)
    used = np.bincount(code_C) > 0
    return np.asarray((np.cumsum(used) - 1)[code_C], dtype=np.int64)


def _merge_thin(cell_C: Ints, labelled_n: Ints, cluster_C: Ints) -> tuple[Ints, int]:
    """Cells with labels in fewer than two clusters become one, or join the best labelled cell."""
    count = int(cell_C.max()) + 1
    if count == 1:
        return cell_C, 0
    groups_H = _groups(cell_C[labelled_n], cluster_C[labelled_n], count)
    thin_H = groups_H < 2
    if not thin_H.any():
        return cell_C, 0
    enough = groups_H[thin_H].sum() >= 2
    host = int(np.flatnonzero(thin_H)[0]) if enough else int(groups_H.argmax())
    return _dense(np.where(thin_H[cell_C], host, cell_C)), int(thin_H.sum())


def _groups(cell_n: Ints, cluster_n: Ints, cells: int = 0) -> Ints:
    """How many clusters have labels in each cell."""
    width = int(cluster_n.max()) + 1
    if not cell_n.any():
        in_first = np.count_nonzero(np.bincount(cluster_n))
        return np.bincount([0], [in_first], minlength=cells).astype(np.int64)
    pairs = np.unique(cell_n * width + cluster_n)
    return np.bincount(pairs // width, minlength=cells)
