"""Agreement without gold: Dawid and Skene's model, to rank and aggregate, never to certify."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unflip.errors import NotIdentifiable, UsageError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_TINY = 1e-12
_LEAST = 1e-6
"""Rows of a kind that are fewer than this, by the model's count, are none."""
_ROUNDS = 5000
_GAIN = 1e-10
"""EM stops when a round adds less than this to the log likelihood per row."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Agreement:
    """What raters who agree with each other would look like; it certifies no error rate.

    Raters that share a mistake look right to each other, so figures against the consensus are
    not rho0 and rho1, and there is no way from here to `NoiseRates`: gold labels are that way.
    What this may do is aggregate votes, rank raters, and show which of them err together.

    Attributes:
        raters: Their names.
        correct_N: P(correct) of each row, if errors were independent given the truth.
        prevalence: The share of correct rows under the model.
        accept_wrong_J: P(accept) of each rater on rows that the consensus calls wrong; NaN for one
            that voted on none of them.
        reject_correct_J: P(reject) of each rater on rows that the consensus calls correct, or NaN.
        shared_fp_JJ: Correlation of raters' errors on rows called wrong; 0 under independence.
        shared_fn_JJ: The same on rows called correct.
        shared_limit: The largest correlation in size that independent errors produce in 19 of 20
            data sets of this kind, over all pairs; NaN where three raters leave nothing to test.
        loglik: Log likelihood, in nats.
        restarts_agreeing: How many of the starts ended at this likelihood.
        starts: How many there were.
        converged: Whether EM stopped by itself.
    """

    raters: tuple[str, ...]
    correct_N: Floats
    prevalence: float
    accept_wrong_J: Floats
    reject_correct_J: Floats
    shared_fp_JJ: Floats
    shared_fn_JJ: Floats
    shared_limit: float
    loglik: float
    restarts_agreeing: int
    starts: int
    converged: bool

    @property
    def ranking(self) -> tuple[str, ...]:
        """Raters by informativeness against the consensus, best first."""
        informativeness_J = 1 - self.accept_wrong_J - self.reject_correct_J
        return tuple(self.raters[j] for j in np.argsort(-informativeness_J, kind="stable"))

    @property
    def shared(self) -> tuple[tuple[str, str, float], ...]:
        """Pairs that err together (or apart, below 0) beyond chance, and how much, worst first.

        Errors are against the consensus. Where raters who share mistakes are so many that they
        have become the consensus, the pairs named are the honest ones outside of it.
        """
        fp_larger_JJ = np.abs(self.shared_fp_JJ) >= np.abs(self.shared_fn_JJ)
        worst_JJ = np.where(fp_larger_JJ, self.shared_fp_JJ, self.shared_fn_JJ)
        pairs = [
            (self.raters[i], self.raters[j], float(worst_JJ[i, j]))
            for j in range(len(self.raters))
            for i in range(j)
            if abs(worst_JJ[i, j]) > self.shared_limit
        ]
        return tuple(sorted(pairs, key=lambda pair: -abs(pair[2])))

    @property
    def cautions(self) -> tuple[str, ...]:
        """What speaks against even ranking by this fit; empty if nothing was seen."""
        found = []
        if np.isnan(self.shared_limit):
            found.append("three raters fit any table: shared errors cannot be seen")
        if self.shared:
            one, other, size = self.shared[0]
            found.append(
                f"{len(self.shared)} pairs do not err independently, above all {one} and {other} "
                f"({size:+.2f}): figures lean towards whoever errs together"
            )
        if not self.converged:
            found.append("EM did not converge: give more rows, or fewer raters")
        if self.restarts_agreeing < self.starts / 2:
            found.append("most starts ended elsewhere: the likelihood has several tops")
        return tuple(found)

    def __repr__(self) -> str:
        order = " > ".join(self.ranking)
        return (
            f"Agreement({order}; {len(self.correct_N)} rows; "
            f"ranks and aggregates, certifies no rate; {len(self.cautions)} cautions)"
        )


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows that are alike, counted once: votes as accepts and rejects, abstains as neither."""

    accepts_MJ: Floats
    rejects_MJ: Floats
    count_M: Floats


@dataclass(frozen=True, slots=True)
class _Fit:
    prevalence: float
    accept_wrong_J: Floats
    accept_correct_J: Floats
    correct_M: Floats
    loglik: float
    converged: bool


def agree(
    votes_NJ: ArrayLike,
    *,
    raters: tuple[str, ...] = (),
    starts: int = 10,
    draws: int = 99,
    seed: int = 0,
) -> Agreement:
    """Fit Dawid and Skene's model to accepts and rejects: who agrees with whom, and on what.

    Assumes that raters err independently given the truth, which judges do not: the fit says by
    how much (`shared`), and what it says about rates stays uncertified either way. Of the two
    mirrored solutions it takes the one where raters are better than chance on average.

    Args:
        votes_NJ: 1 accept, 0 reject, -1 abstain; a row per completion, a column per rater.
            Abstains count as missing at random.
        raters: Names of the columns; numbered if not given.
        starts: EM runs, the first from the majority vote, the others from random posteriors.
        draws: Simulated data sets with independent errors, for the limit on shared errors.
        seed: Of starts and draws.

    Raises:
        NotIdentifiable: Fewer than three raters vote both ways, or no row has three votes.
        UsageError: The votes are no such table, or there is no start or draw.

    Source: Dawid and Skene 1979, equations 2.1 to 2.5; Qu, Tan and Kutner 1996 (residual
    correlations as the check of conditional independence).

    Example:
        >>> votes = [[1, 1, 1], [1, 1, 0], [0, 0, 0], [0, 1, 0], [1, 1, 1], [0, 0, 0]]
        >>> agree(votes, raters=("rule", "a", "b"))
        Agreement(rule > a > b; 6 rows; ranks and aggregates, certifies no rate; 1 cautions)
    """
    if starts < 1 or draws < 1:
        raise UsageError(f"agreement needs a start and a draw or more, not {starts} and {draws}")
    votes_NJ = _checked(votes_NJ)
    raters = raters or tuple(str(j + 1) for j in range(votes_NJ.shape[1]))
    if len(raters) != votes_NJ.shape[1]:
        raise UsageError(f"{votes_NJ.shape[1]} columns of votes need as many names: {raters}")
    table, row_N = _collapse(votes_NJ)
    rng = np.random.default_rng(seed)
    fits = [_em(table, start_M) for start_M in _starts(table, starts, rng)]
    best = max(fits, key=lambda fit: fit.loglik)
    shared_fp_JJ, shared_fn_JJ = _shared(table, best)
    close = 1e-6 * len(votes_NJ)
    on_wrong_J, on_correct_J = _heard(table, best)
    return Agreement(
        raters=raters,
        correct_N=best.correct_M[row_N],
        prevalence=best.prevalence,
        accept_wrong_J=np.where(on_wrong_J, best.accept_wrong_J, np.nan),
        reject_correct_J=np.where(on_correct_J, 1 - best.accept_correct_J, np.nan),
        shared_fp_JJ=shared_fp_JJ,
        shared_fn_JJ=shared_fn_JJ,
        shared_limit=_limit(votes_NJ, best, draws=draws, rng=rng),
        loglik=best.loglik,
        restarts_agreeing=sum(fit.loglik > best.loglik - close for fit in fits),
        starts=starts,
        converged=best.converged,
    )


def _checked(votes_NJ: ArrayLike) -> Ints:
    votes_NJ = np.asarray(votes_NJ)
    if votes_NJ.ndim != 2 or not np.isin(votes_NJ, (-1, 0, 1)).all():
        raise UsageError("votes are a table of 1 (accept), 0 (reject) and -1 (abstain)")
    both_ways = _both_ways(votes_NJ)
    if both_ways < 3:
        raise NotIdentifiable(
            f"{both_ways} raters vote both ways, and agreement says nothing below three: "
            "add raters that err differently, or label some rows"
        )
    if ((votes_NJ >= 0).sum(1) < 3).all():
        raise NotIdentifiable("no row has three votes: let three raters vote on the same rows")
    return votes_NJ.astype(np.int64)


def _both_ways(votes_NJ: Ints) -> int:
    """How many raters say anything: who never rejects, or never accepts, tells no rows apart."""
    return int(((votes_NJ == 1).any(0) & (votes_NJ == 0).any(0)).sum())


def _collapse(votes_NJ: Ints) -> tuple[_Table, Ints]:
    _, first_M, row_N, count_M = np.unique(
        _codes(votes_NJ), return_index=True, return_inverse=True, return_counts=True
    )
    votes_MJ = votes_NJ[first_M]
    table = _Table(
        (votes_MJ == 1).astype(float), (votes_MJ == 0).astype(float), count_M.astype(np.float64)
    )
    return table, row_N


def _codes(votes_NJ: Ints) -> Ints:
    """A number for each kind of row: numbers sort a hundred times faster than rows do."""
    code_N = np.zeros(len(votes_NJ), dtype=np.int64)
    for vote_N in votes_NJ.T:
        code_N = code_N * 3 + vote_N + 1
        if code_N.max(initial=0) > 3**37:
            code_N = np.unique(code_N, return_inverse=True)[1]
    return code_N


def _starts(table: _Table, starts: int, rng: np.random.Generator) -> list[Floats]:
    voted_M = (table.accepts_MJ + table.rejects_MJ).sum(1)
    majority_M = (table.accepts_MJ.sum(1) + 0.5) / (voted_M + 1)
    return [majority_M, *rng.random((starts - 1, len(majority_M)))]


def _em(table: _Table, correct_M: Floats) -> _Fit:
    n, last = table.count_M.sum(), -np.inf
    for _ in range(_ROUNDS):
        prevalence, wrong_J, right_J = _maximise(table, correct_M)
        correct_M, loglik = _expect(table, prevalence, wrong_J, right_J)
        converged = loglik - last < _GAIN * n
        if converged:
            break
        last = loglik
    fit = _Fit(prevalence, wrong_J, right_J, correct_M, loglik, bool(converged))
    return fit if (right_J - wrong_J).sum() >= 0 else _mirrored(fit)


def _mirrored(fit: _Fit) -> _Fit:
    return _Fit(
        1 - fit.prevalence,
        fit.accept_correct_J,
        fit.accept_wrong_J,
        1 - fit.correct_M,
        fit.loglik,
        fit.converged,
    )


def _maximise(table: _Table, correct_M: Floats) -> tuple[float, Floats, Floats]:
    """M step: share of correct rows, and P(accept) on wrong and on correct rows."""
    right_M = table.count_M * correct_M
    wrong_M = table.count_M - right_M
    voted_MJ = table.accepts_MJ + table.rejects_MJ
    return (
        float(right_M.sum() / table.count_M.sum()),
        (wrong_M @ table.accepts_MJ) / np.maximum(wrong_M @ voted_MJ, _TINY),
        (right_M @ table.accepts_MJ) / np.maximum(right_M @ voted_MJ, _TINY),
    )


def _expect(
    table: _Table, prevalence: float, wrong_J: Floats, right_J: Floats
) -> tuple[Floats, float]:
    """E step: P(correct) of each kind of row, and the log likelihood."""
    right_M = (
        _log(prevalence) + table.accepts_MJ @ _log(right_J) + table.rejects_MJ @ _log(1 - right_J)
    )
    wrong_M = (
        _log(1 - prevalence)
        + table.accepts_MJ @ _log(wrong_J)
        + table.rejects_MJ @ _log(1 - wrong_J)
    )
    both_M = np.logaddexp(right_M, wrong_M)
    return np.exp(right_M - both_M), float(table.count_M @ both_M)


def _heard(table: _Table, fit: _Fit) -> tuple[Bools, Bools]:
    """Which raters voted on rows called wrong, and on rows called correct."""
    voted_MJ = table.accepts_MJ + table.rejects_MJ
    right_M = table.count_M * fit.correct_M
    wrong_J, right_J = (table.count_M - right_M) @ voted_MJ, right_M @ voted_MJ
    return wrong_J > _LEAST, right_J > _LEAST


def _log(p: Any) -> Any:
    return np.log(np.maximum(p, _TINY))


def _shared(table: _Table, fit: _Fit) -> tuple[Floats, Floats]:
    """Correlations of errors on rows called wrong, and on rows called correct."""
    right_M = table.count_M * fit.correct_M
    wrong_M = table.count_M - right_M
    return (
        _correlation(table, wrong_M, fit.accept_wrong_J),
        _correlation(table, right_M, fit.accept_correct_J),
    )


def _correlation(table: _Table, weight_M: Floats, accept_J: Floats) -> Floats:
    voted_MJ = table.accepts_MJ + table.rejects_MJ
    error_MJ = (table.accepts_MJ - accept_J) * voted_MJ
    both_JJ = np.maximum(voted_MJ.T @ (weight_M[:, None] * voted_MJ), _TINY)
    covariance_JJ = error_MJ.T @ (weight_M[:, None] * error_MJ) / both_JJ
    spread_J = np.sqrt(accept_J * (1 - accept_J))
    scale_JJ = np.outer(spread_J, spread_J)
    correlation_JJ = np.where(scale_JJ > 1e-6, covariance_JJ / np.maximum(scale_JJ, 1e-6), 0.0)
    np.fill_diagonal(correlation_JJ, 0.0)
    return correlation_JJ


def _limit(votes_NJ: Ints, fit: _Fit, *, draws: int, rng: np.random.Generator) -> float:
    """The 95th percentile of the largest correlation in data sets drawn from the fit."""
    if _both_ways(votes_NJ) == 3:
        return float("nan")
    largest = []
    for _ in range(draws):
        table, _ = _collapse(_draw(votes_NJ, fit, rng))
        again = _em(
            table, _expect(table, fit.prevalence, fit.accept_wrong_J, fit.accept_correct_J)[0]
        )
        largest.append(max(np.abs(part_JJ).max() for part_JJ in _shared(table, again)))
    return float(np.quantile(largest, 0.95))


def _draw(votes_NJ: Ints, fit: _Fit, rng: np.random.Generator) -> Ints:
    """Votes on as many rows, abstains where they were, with errors independent given the truth."""
    correct_N = rng.random(len(votes_NJ)) < fit.prevalence
    accept_NJ = np.where(correct_N[:, None], fit.accept_correct_J, fit.accept_wrong_J)
    drawn_NJ = (rng.random(votes_NJ.shape) < accept_NJ).astype(np.int64)
    return np.where(votes_NJ < 0, -1, drawn_NJ)
