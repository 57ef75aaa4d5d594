"""How far P(yes) can be believed: reliability table, Brier score, expected calibration error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unflip.errors import UsageError
from unflip.intervals import LEVEL, Interval, Proportion, wilson
from unflip.judges.resampling import redrawn

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Rows with about the same P(yes): what the judge said, and what was true.

    Attributes:
        low: The least P(yes) among them.
        high: The highest.
        said: The mean of P(yes).
        correct: How many are correct, with Wilson's interval.
    """

    low: float
    high: float
    said: float
    correct: Proportion

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Bin:
        """The inverse of `dataclasses.asdict`."""
        return cls(**row | {"correct": Proportion.from_json(row["correct"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What P(yes) is worth on labelled rows.

    Attributes:
        n: Rows.
        base: The share of correct rows.
        bins: Rows by P(yes), as many in each bin as ties allow.
        brier: Mean squared distance of P(yes) from the truth, in [0, 1]; 0 is perfect.
        ece: Mean distance of a bin's P(yes) from its share of correct rows. With few rows in a
            bin it is above 0 for a perfect judge too: `ece_of_luck` says how far.
        ece_of_luck: What `ece` would be on average if P(yes) were exactly right.
        auroc: How often a correct row has a higher P(yes) than a wrong one; ties count half. NaN
            where all rows are correct, or all wrong.
    """

    n: int
    base: float
    bins: tuple[Bin, ...]
    brier: Interval
    ece: Interval
    ece_of_luck: float
    auroc: float

    def to_json(self) -> dict[str, Any]:
        """A JSON object, with the bins for a reliability picture."""
        bins = [asdict(one) | {"correct": one.correct.to_json()} for one in self.bins]
        row = {name: getattr(self, name) for name in ("n", "base", "ece_of_luck", "auroc")}
        plain = {k: None if v != v else v for k, v in row.items()}
        return plain | {"bins": bins, "brier": self.brier.to_json(), "ece": self.ece.to_json()}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Calibration:
        """The inverse of `to_json`."""
        plain = {
            name: math.nan if row[name] is None else row[name] for name in ("auroc", "ece_of_luck")
        }
        intervals = {name: Interval.from_json(row[name]) for name in ("brier", "ece")}
        return cls(**row | plain | intervals | {"bins": tuple(map(Bin.from_json, row["bins"]))})

    def __str__(self) -> str:
        return (
            f"Brier {self.brier}, ECE {self.ece} (luck alone {self.ece_of_luck:.3f}), "
            f"AUROC {self.auroc:.3f}, on {self.n} rows"
        )


def calibration(
    p_n: ArrayLike,
    correct_n: ArrayLike,
    *,
    bins: int = 10,
    group_n: Sequence[Any] | None = None,
    level: float = LEVEL,
    draws: int = 1000,
    seed: int = 0,
) -> Calibration:
    """How well P(yes) fits the labels, with bootstrap intervals that draw whole prompts.

    Args:
        p_n: P(yes) of each labelled row on which the judge gave one.
        correct_n: Whether the answer is correct.
        bins: How many bins of about equal size.
        group_n: Rows with equal values share a prompt; None: no row shares any.
        level: Two-sided coverage of the intervals, in (0, 1).
        draws: How often the rows are drawn again.
        seed: Of these draws.

    Raises:
        UsageError: Lengths or ranges do not fit, or there is no row.

    Source: Brier 1950; Naeini et al. 2015 (ECE); Nguyen and O'Connor 2015 (adaptive bins).

    Example:
        >>> table = calibration([0.9] * 10 + [0.2] * 10, [1] * 9 + [0] + [0] * 8 + [1] * 2)
        >>> [(round(one.said, 2), one.correct.point) for one in table.bins]
        [(0.2, 0.2), (0.9, 0.9)]
    """
    p_n, correct_n = np.asarray(p_n, dtype=float), np.asarray(correct_n, dtype=bool)
    if p_n.ndim != 1 or p_n.shape != correct_n.shape or not p_n.size:
        raise UsageError("calibration needs one P(yes) and one label for each row, and some rows")
    if not ((p_n >= 0) & (p_n <= 1)).all() or bins < 1 or not 0 < level < 1:
        raise UsageError("P(yes) is in [0, 1], bins are at least 1, a level is in (0, 1)")
    bin_n = _bins(p_n, bins)
    rng = np.random.default_rng(seed)
    parts_NK = np.column_stack(
        [np.ones(p_n.size), (p_n - correct_n) ** 2, _gaps(p_n, correct_n, bin_n)]
    )
    totals_DK = redrawn(parts_NK, group_n, draws, rng)
    size_D = totals_DK[:, 0]
    return Calibration(
        n=int(p_n.size),
        base=float(correct_n.mean()),
        bins=tuple(_bin(p_n[bin_n == b], correct_n[bin_n == b], level) for b in np.unique(bin_n)),
        brier=_interval(_brier(p_n, correct_n), totals_DK[:, 1] / size_D, level),
        ece=_interval(
            _ece(p_n, correct_n, bin_n), np.abs(totals_DK[:, 2:]).sum(axis=1) / size_D, level
        ),
        ece_of_luck=_luck(p_n, bin_n, draws, rng),
        auroc=_auroc(p_n, correct_n),
    )


def _bins(p_n: Floats, bins: int) -> Ints:
    """A bin for each row, by rank; equal values share a bin."""
    edges = np.unique(np.quantile(p_n, np.linspace(0, 1, bins + 1)[1:-1], method="lower"))
    return np.searchsorted(edges, p_n, side="left").astype(np.int64)


def _bin(p_n: Floats, correct_n: Bools, level: float) -> Bin:
    share = wilson(float(correct_n.sum()), len(correct_n), level)
    return Bin(low=float(p_n.min()), high=float(p_n.max()), said=float(p_n.mean()), correct=share)


def _brier(p_n: Floats, correct_n: Bools) -> float:
    return float(np.mean((p_n - correct_n) ** 2))


def _ece(p_n: Floats, correct_n: Bools, bin_n: Ints) -> float:
    gap_B = np.bincount(bin_n, p_n - correct_n)
    return float(np.abs(gap_B).sum() / p_n.size)


def _luck(p_n: Floats, bin_n: Ints, draws: int, rng: np.random.Generator) -> float:
    found = [_ece(p_n, rng.random(p_n.size) < p_n, bin_n) for _ in range(min(draws, 200))]
    return float(np.mean(found)) if found else math.nan


def _gaps(p_n: Floats, correct_n: Bools, bin_n: Ints) -> Floats:
    """For each row its distance from the truth, in the column of its bin."""
    gap_NB = np.zeros((p_n.size, int(bin_n.max()) + 1))
    gap_NB[np.arange(p_n.size), bin_n] = p_n - correct_n
    return gap_NB


def _interval(point: float, drawn_D: Floats, level: float) -> Interval:
    """Percentiles of the draws, widened to the point where they leave it out."""
    if not drawn_D.size:
        return Interval(point=point, low=0.0, high=1.0, level=level, method="none")
    low, high = np.quantile(drawn_D, [(1 - level) / 2, (1 + level) / 2])
    return Interval(
        point=point,
        low=min(point, float(low)),
        high=max(point, float(high)),
        level=level,
        method="bootstrap",
    )


def _auroc(p_n: Floats, correct_n: Bools) -> float:
    from scipy.stats import rankdata

    positives = int(correct_n.sum())
    negatives = correct_n.size - positives
    if not positives or not negatives:
        return math.nan
    ranks = float(rankdata(p_n)[correct_n].sum())
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)
