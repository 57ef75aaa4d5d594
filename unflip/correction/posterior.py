"""The posterior reward: how likely an answer is correct, given all that is seen of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unflip.correction.anchored import with_pass_rates
from unflip.correction.arrays import (
    Array,
    cast,
    in_range,
    namespace,
    on_device,
    take,
    wide,
    working,
)
from unflip.correction.line import Line, line_of
from unflip.correction.table import Floats, RateTable
from unflip.errors import UsageError

Scope = Literal["response", "prompt"]
STARVES = (
    "a posterior over prompts' strata starves hard prompts, whose accepts it calls unlikely: "
    "use backward, or anchored"
)


def posterior(table: RateTable, *, strata: Scope = "response") -> Line:
    """r_hat = P(correct | verdict, stratum), by Bayes from the pass rate and the rates.

    Of all rewards that a verdict allows it has the least mean squared error, and a stratum's mean
    is its pass rate: it is `anchored` with b = J m (1 - m) / (q (1 - q)). It shrinks: where m is
    near 0, an accept means little.

    Args:
        table: The rates, with audited pass rates.
        strata: Whether a row's stratum depends on its response, or on its prompt alone.

    Raises:
        UsageError: Strata are prompts', where shrinking starves the hard ones (the policy never
            learns what it seldom gets right); or a pass rate is missing.

    Example:
        >>> posterior(RateTable.known(0.1, 0.2, pass_rate=0.5))(np.array([1.0, 0.0])).round(3)
        array([0.889, 0.182])
    """
    _refuse_prompts(strata)
    with_pass_rates(table, "posterior")
    m_S = table.pass_S
    on_accept_S = _share(m_S * (1 - table.rho1_S), (1 - m_S) * table.rho0_S, m_S)
    on_reject_S = _share(m_S * table.rho1_S, (1 - m_S) * (1 - table.rho0_S), m_S)
    return line_of("posterior", table, on_reject_S, on_accept_S - on_reject_S)


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """P(correct | verdict, stratum, judge score), a table of cells fitted on a random audit.

    Attributes:
        chance_C: The chance of each cell; cells are (stratum, verdict, band of the score).
        edge_E: Ascending limits between bands of the score.
        labels_C: How many labels each cell had.

    Example:
        >>> rng = np.random.default_rng(1)
        >>> correct_n, score_n = rng.random(400) < 0.5, rng.random(400)
        >>> r_n, stratum_n = correct_n ^ (rng.random(400) < 0.2), np.zeros(400, dtype=int)
        >>> fitted = Posterior.fit(correct_n, r_n, stratum_n, n_strata=1, score_n=score_n)
        >>> fitted(np.array([1.0, 0.0]), np.array([0, 0]), np.array([0.9, 0.9])).round(1)
        array([0.8, 0.2])
    """

    chance_C: Array
    edge_E: Array
    labels_C: NDArray[np.float64]

    @classmethod
    def fit(
        cls,
        correct_n: ArrayLike,
        r_n: ArrayLike,
        stratum_n: ArrayLike,
        *,
        n_strata: int,
        score_n: ArrayLike | None = None,
        bands: int = 4,
        prior: float = 4.0,
        strata: Scope = "response",
    ) -> Posterior:
        """Fit it on n labelled rows, drawn at random from the policy's own.

        Each cell's share of correct rows is shrunk to that of its verdict.

        Args:
            correct_n: The truth, 0 or 1.
            r_n: 1 accept, 0 reject; no abstains.
            stratum_n: Codes of strata.
            n_strata: How many there are.
            score_n: A judge's score, any number; None: there is none.
            bands: How many bands of equal size the scores are cut into.
            prior: How many labels the verdict's own share is worth in each cell, above 0.
            strata: Whether a row's stratum depends on its response, or on its prompt alone.

        Raises:
            UsageError: Strata are prompts', columns differ in length, a value is missing, a truth
                or a verdict is not 0 or 1, a code is none of the strata, or the prior is not above
                0.
        """
        _refuse_prompts(strata)
        edge_E = _edges(score_n, bands)
        columns = [np.asarray(one, dtype=float) for one in (correct_n, r_n, stratum_n)]
        columns.append(np.zeros(len(columns[0])) if score_n is None else np.asarray(score_n, float))
        _check_audit(columns)
        in_range(stratum_n, n_strata)
        if not prior > 0:
            raise UsageError(f"a cell without a label needs a prior above 0, not {prior}")
        correct, r, stratum, score = columns
        verdict = r.astype(np.int64)
        cell_n = _cells(verdict, stratum.astype(np.int64), np.searchsorted(edge_E, score), edge_E)
        n_cells = n_strata * 2 * (len(edge_E) + 1)
        labels_C = np.bincount(cell_n, minlength=n_cells).astype(float)
        hits_C = np.bincount(cell_n, correct, n_cells)
        overall_V = _shrunk(
            np.bincount(verdict, correct, 2), np.bincount(verdict, minlength=2), 0.5, 1.0
        )
        verdict_C = np.arange(n_cells) // (len(edge_E) + 1) % 2
        return cls(_shrunk(hits_C, labels_C, overall_V[verdict_C], prior), edge_E, labels_C)

    @property
    def n_strata(self) -> int:
        """How many strata it was fitted on."""
        return len(self.chance_C) // (2 * (len(self.edge_E) + 1))

    def __call__(self, r_B: Array, stratum_B: Array, score_B: Array | None = None) -> Array:
        """The chance that each row is correct, (B,); NaN for abstains, the judge's included.

        Args:
            r_B: 1 accept, 0 reject, NaN abstain.
            stratum_B: Codes of strata.
            score_B: The judge's scores, if it was fitted with scores; NaN: it gave none.

        Raises:
            UsageError: It was fitted with scores, and there are none.
        """
        r_B, xp = working(r_B), namespace(r_B)
        if score_B is None and len(self.edge_E):
            raise UsageError("this posterior was fitted with scores: give each row's score")
        band_B = 0 if score_B is None else xp.searchsorted(self.edge_E, cast(score_B, self.edge_E))
        cell_B = _cells(1 * (r_B > 0.5), wide(stratum_B), band_B, self.edge_E)
        unknown_B = xp.isnan(r_B) if score_B is None else xp.isnan(r_B) | xp.isnan(score_B)
        return xp.where(unknown_B, float("nan"), take(self.chance_C, cell_B))

    def to(self, device: Any, dtype: Any = None) -> Posterior:
        """The same on a torch device."""
        chance_C, edge_E = (on_device(one, device, dtype) for one in (self.chance_C, self.edge_E))
        return replace(self, chance_C=chance_C, edge_E=edge_E)


def _refuse_prompts(strata: Scope) -> None:
    if strata == "prompt":
        raise UsageError(f"{STARVES}, with these strata")


def _check_audit(columns: Sequence[Floats]) -> None:
    if len({len(one) for one in columns}) > 1 or any(np.isnan(one).any() for one in columns):
        raise UsageError("an audit needs truth, verdict, stratum and score of each of its rows")
    if not all(np.isin(one, (0, 1)).all() for one in columns[:2]):
        raise UsageError("an audit's truth and verdict are 0 or 1: map -1 to 0 first")


def _cells(verdict: Array, stratum: Array, band: Array, edge_E: Array) -> Array:
    return (stratum * 2 + verdict) * (len(edge_E) + 1) + band


def _edges(score_n: ArrayLike | None, bands: int) -> Floats:
    if score_n is None:
        return np.zeros(0)
    return np.unique(np.quantile(np.asarray(score_n, float), np.arange(1, bands) / bands))


def _shrunk(hits: Any, labels: Any, towards: Any, prior: float) -> Floats:
    return np.asarray((hits + prior * towards) / (labels + prior))


def _share(part: Floats, rest: Floats, otherwise: Floats) -> Floats:
    """Part / (part + rest); a verdict that never occurs says nothing."""
    whole = part + rest
    return np.divide(part, whole, out=otherwise.copy(), where=whole > 0)
