"""Strata: which slices of the data have rates of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unflip.errors import UsageError
from unflip.intervals import Interval, Proportion, wilson
from unflip.noise.clusters import clustered
from unflip.noise.slices.shrinkage import shrink

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_DRAWS = 9999
_SIGNS = 2_000_000
"""So many signs are held at once: thousands of prompts times thousands of draws are gigabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One slice of the data beside the rest of it.

    Attributes:
        column: What was sliced by, such as "length".
        label: Which slice, such as "over 2048".
        rate: Its own rate.
        shrunk: Its rate with strength borrowed from the other slices of the column.
        rest: The rate outside of it.
        p_value: How rarely a difference this large comes about by chance; NaN if not tested.
        adjusted: The same after Holm's correction for having looked at every slice.
    """

    column: str
    label: str
    rate: Proportion
    shrunk: Interval
    rest: Proportion
    p_value: float
    adjusted: float


def find(
    hit_N: ArrayLike,
    columns: Mapping[str, Sequence[Any]],
    *,
    group_N: ArrayLike | None = None,
    least: int = 20,
    seed: int = 0,
) -> tuple[Slice, ...]:
    """Every slice of every column, those that differ most surely from the rest first.

    Each slice is tested against the rest by Fisher's exact test; with groups on effective counts,
    and by flipping the signs of whole groups' scores, so that rows of one prompt count as what they
    are. The larger p-value of the two holds: signs alone are too sure of a small slice without a
    hit, where all scores lean the same way.

    The p-values are adjusted by Holm's method and not by Benjamini and Hochberg's: slices of one
    column oppose each other and those of different columns overlap, which Holm allows, and whoever
    corrects with a slice's own rates wants each of them real, not nine in ten.

    Args:
        hit_N: 1 where the event happened, else 0. For rho0 give the rows of wrong answers, and
            hit = accepted; for rho1 the correct ones, and hit = rejected.
        columns: Labels of the rows for each way of slicing; see `columns`.
        group_N: The prompt of each row, if completions share prompts.
        least: Slices with fewer rows (or fewer rows outside) are listed, and not tested.
        seed: Of the sign flips.

    Raises:
        UsageError: Columns and rows do not match, or hits are not 0 or 1.

    Source: Holm 1979; Hemerik, Goeman and Finos 2020 (sign flipping of effective scores).

    Example:
        >>> hit = [1] * 12 + [0] * 28 + [0] * 38 + [1] * 2
        >>> for one in find(hit, {"kind": ["set"] * 40 + ["integer"] * 40}):
        ...     print(one.label, one.rate, "shrunk", one.shrunk, f"p {one.adjusted:.2f}")
        integer 0.050 [0.014, 0.165] shrunk 0.081 [0.015, 0.185] p 0.01
        set 0.300 [0.181, 0.454] shrunk 0.273 [0.151, 0.420] p 0.01
    """
    found = [
        one
        for name, labels in columns.items()
        for one in _slices(name, _code(hit_N, labels, group_N), least=least, seed=seed)
    ]
    adjusted = holm([one.p_value for one in found])
    done = [replace(one, adjusted=p) for one, p in zip(found, adjusted, strict=True)]
    return tuple(sorted(done, key=_surest))


def homogeneity(
    hit_N: ArrayLike,
    stratum_N: Sequence[Any],
    *,
    group_N: ArrayLike | None = None,
    draws: int = _DRAWS,
    seed: int = 0,
) -> float:
    """P-value of "all strata have one rate": Pearson's statistic against chance.

    Without groups, chance deals the hits anew (exact at any count, up to the number of draws).
    With groups it does so with effective counts, and flips the signs of whole groups' scores, which
    leaves correlation inside a group as it is; the larger p-value holds. Below ten groups or so it
    can hardly reject.

    Args:
        hit_N: 1 where the event happened, else 0.
        stratum_N: The stratum of each row.
        group_N: The prompt of each row, if completions share prompts.
        draws: How often chance is drawn; the p-value is at least 1 / (draws + 1).
        seed: Of the draws.

    Raises:
        UsageError: The arrays do not match, or hits are not 0 or 1.

    Source: Freeman and Halton 1951 (exact); Hemerik, Goeman and Finos 2020 (sign flips).

    Example:
        >>> round(homogeneity([1, 1, 1, 1, 0, 0, 0, 0], list("aaaabbbb")), 2)
        0.03
    """
    rows = _code(hit_N, stratum_N, group_N)
    rng = np.random.default_rng(seed)
    if not rows.grouped:
        return _dealt_test(rows.hits_S, rows.sizes_S, draws, rng)
    counts_S2 = _effective([rows.share(inside_N) for inside_N in rows.inside()])
    flipped = _rarity(_pearson(rows, rows.hits_S), _pearson(rows, rows.flipped(draws, rng)))
    return max(flipped, _dealt_test(counts_S2[:, 0], counts_S2.sum(1), draws, rng))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values: below a level only with that chance of any false finding.

    NaN stands for a test that was not made: it is not counted, and stays NaN.

    Source: Holm 1979.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    p_P = np.asarray(p_values, dtype=float)
    made = np.flatnonzero(~np.isnan(p_P))
    order = made[np.argsort(p_P[made], kind="stable")]
    steps = p_P[order] * np.arange(len(order), 0, -1)
    adjusted_P = np.full(len(p_P), np.nan)
    adjusted_P[order] = np.minimum(1, np.maximum.accumulate(steps))
    return [float(p) for p in adjusted_P]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """Rows with their slices and groups as numbers, and the counts of the slices."""

    hit_N: Floats
    stratum_N: Ints
    group_N: Ints
    grouped: bool
    labels: tuple[str, ...]
    hits_S: Floats
    sizes_S: Floats

    @property
    def rate(self) -> float:
        """The pooled rate."""
        return float(self.hit_N.mean())

    def share(self, inside_N: Bools) -> Proportion:
        """The rate of some of the rows."""
        if not self.grouped:
            return wilson(float(self.hit_N[inside_N].sum()), int(inside_N.sum()))
        hits_G = np.bincount(self.group_N, self.hit_N * inside_N)
        return clustered(hits_G, np.bincount(self.group_N, inside_N))

    def inside(self) -> Iterator[Bools]:
        """Each stratum's rows."""
        return (self.stratum_N == code for code in range(len(self.labels)))

    def flipped(self, draws: int, rng: np.random.Generator) -> Floats:
        """Hits of the strata, a row per draw, with each group's effect on them of random sign."""
        score_GS = self._scores()
        at_once = max(1, _SIGNS // len(score_GS))
        blocks = [
            (rng.integers(0, 2, size=(count, len(score_GS)), dtype=np.int8) * 2.0 - 1) @ score_GS
            for count in (min(at_once, draws - done) for done in range(0, draws, at_once))
        ]
        hits_DS: Floats = self.sizes_S * self.rate + np.concatenate(blocks)
        return hits_DS

    def _scores(self) -> Floats:
        """Each group's hits beyond the pooled rate by stratum, less its part in the pooled rate."""
        width = len(self.labels)
        place_N = self.group_N * width + self.stratum_N
        groups = int(self.group_N.max()) + 1
        rest_N = self.hit_N - self.rate
        score_GS = np.bincount(place_N, rest_N, minlength=groups * width).reshape(groups, width)
        effect_GS: Floats = score_GS - score_GS.sum(1, keepdims=True) * self.sizes_S / len(rest_N)
        return effect_GS


def _code(hit_N: ArrayLike, labels_N: Sequence[Any], group_N: ArrayLike | None) -> _Rows:
    hit_N = np.asarray(hit_N, dtype=np.float64)
    groups_N = np.arange(len(hit_N)) if group_N is None else np.asarray(group_N)
    lengths = {len(hit_N), len(labels_N), len(groups_N)}
    if len(lengths) > 1 or hit_N.ndim != 1 or not len(hit_N):
        raise UsageError(f"hits, labels and groups need one entry per row, not {sorted(lengths)}")
    if not np.isin(hit_N, (0, 1)).all():
        raise UsageError("hit_N holds 1 where the event happened and 0 elsewhere")
    names, stratum_N = np.unique([str(label) for label in labels_N], return_inverse=True)
    return _Rows(
        hit_N=hit_N,
        hits_S=np.bincount(stratum_N, hit_N).astype(np.float64),
        sizes_S=np.bincount(stratum_N).astype(np.float64),
        stratum_N=stratum_N.astype(np.int64),
        group_N=np.unique(groups_N, return_inverse=True)[1].astype(np.int64),
        grouped=group_N is not None,
        labels=tuple(names.tolist()),
    )


def _effective(rates: Sequence[Proportion]) -> Floats:
    """Hits and misses that are worth as much if rows were independent, (S, 2) whole numbers."""
    counts = [(one.n_eff * one.point, one.n_eff * (1 - one.point)) for one in rates]
    whole_S2: Floats = np.rint(np.nan_to_num(np.array(counts)))
    return whole_S2


def _dealt_test(hits_S: Floats, sizes_S: Floats, draws: int, rng: np.random.Generator) -> float:
    """How rarely strata differ as much if the same hits fall on rows at random."""
    sizes, hits = sizes_S.astype(np.int64), int(hits_S.sum())
    dealt_DS = rng.multivariate_hypergeometric(sizes, hits, size=draws, method="marginals")
    rate = hits / max(sizes.sum(), 1)
    return _rarity(_squared(hits_S, sizes_S, rate), _squared(dealt_DS, sizes_S, rate))


def _pearson(rows: _Rows, hits_DS: Floats) -> Any:
    return _squared(hits_DS, rows.sizes_S, rows.rate)


def _squared(hits_DS: Any, sizes_S: Floats, rate: float) -> Any:
    """Pearson's chi squared of the strata's hits; 0 where every row or none is a hit."""
    spread_S = np.maximum(sizes_S, 1) * max(rate * (1 - rate), 1e-12)
    return ((hits_DS - sizes_S * rate) ** 2 / spread_S).sum(-1)


def _rarity(seen: float, chance_D: Floats) -> float:
    # Sums taken in another order differ by rounding; a tie must count as a tie.
    return float((1 + (chance_D >= seen - 1e-9 * abs(seen)).sum()) / (1 + len(chance_D)))


def _slices(column: str, rows: _Rows, *, least: int, seed: int) -> list[Slice]:
    rates, rests = ([rows.share(part) for part in parts]
                    for parts in (rows.inside(), (~part for part in rows.inside())))  # fmt: skip
    worth_S = np.array([rate.n_eff for rate in rates])
    shrunk = shrink(worth_S * [rate.point for rate in rates], worth_S).rates
    p_values = _p_values(rows, _effective(rates), _effective(rests), least=least, seed=seed)
    return [
        Slice(
            column=column,
            label=rows.labels[s],
            rate=rates[s],
            shrunk=shrunk[s],
            rest=rests[s],
            p_value=p_values[s],
            adjusted=float("nan"),
        )
        for s in range(len(rows.labels))
    ]


def _p_values(
    rows: _Rows, inside_S2: Floats, outside_S2: Floats, *, least: int, seed: int
) -> list[float]:
    """The p-value of each slice against the rest; NaN below the least size."""
    tested_S = np.minimum(rows.sizes_S, len(rows.hit_N) - rows.sizes_S) >= least
    p_S = _fisher_tests(inside_S2, outside_S2)
    if rows.grouped:
        p_S = np.maximum(p_S, _flip_tests(rows, seed))
    return [float(p) for p in np.where(tested_S, p_S, np.nan)]


def _flip_tests(rows: _Rows, seed: int) -> list[float]:
    expected_S = rows.sizes_S * rows.rate
    beyond_S = np.abs(rows.hits_S - expected_S)
    beyond_DS = np.abs(rows.flipped(_DRAWS, np.random.default_rng(seed)) - expected_S)
    return [_rarity(*pair) for pair in zip(beyond_S.tolist(), beyond_DS.T, strict=True)]


def _fisher_tests(inside_S2: Floats, outside_S2: Floats) -> Floats:
    from scipy.stats import fisher_exact

    table_S22 = np.stack([inside_S2, outside_S2], axis=1).astype(np.int64)
    return np.array([fisher_exact(table).pvalue for table in table_S22])


def _surest(one: Slice) -> tuple[bool, float, float, str, str]:
    if np.isnan(one.p_value):
        return True, 1.0, 1.0, one.column, one.label
    return False, one.adjusted, one.p_value, one.column, one.label
