"""Noise rates from gold labels: verdicts and the human truth in, a table with intervals out."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unflip.errors import UsageError
from unflip.intervals import LEVEL, Method, Proportion, wilson
from unflip.noise.clusters import clustered, correlation
from unflip.noise.rows import (
    NO_VALUE,
    Prompts,
    alone,
    outcome_of,
    sharing,
    three_valued,
    truth_of,
)
from unflip.noise.survey import Survey
from unflip.rates import NoiseRates, Status, status_of
from unflip.types import Sample, Verdict, look_up

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Per = Callable[[Sample], object] | str
"""What slices the rows: a function of the sample, or the name of a field of it or of its meta."""

_FIELDS = frozenset(field.name for field in fields(Sample))


def estimate(
    verdicts: Iterable[Verdict],
    samples: Iterable[Sample],
    *,
    per: Per = "stratum",
    level: float = LEVEL,
    method: Method = wilson,
) -> NoiseRates:
    """How often a verifier flips a label, from rows whose truth a human knows.

    Args:
        verdicts: One for each sample, in the same order, all by one verifier.
        samples: Rows; those without a label count in the shares of accepts and abstains only.
        per: What slices the rows; rows without a value are a stratum `(none)` if others have one.
        level: Two-sided coverage of each interval, in (0, 1).
        method: Who makes the intervals of rates whose rows all have prompts of their own. Rows
            that share a prompt are clusters, and get `clustered` intervals instead.

    Returns:
        Always a table: too few rows are a `status`, and a line in `assumptions`.

    Raises:
        UsageError: Lengths differ, several verifiers are mixed, or no row has what `per` names.

    Example:
        >>> from unflip.types import Outcome, Reason
        >>> accept = Verdict(Outcome.ACCEPT, Reason.MATCH, by="ours@1+ab12cd")
        >>> reject = Verdict(Outcome.REJECT, Reason.MISMATCH, by="ours@1+ab12cd")
        >>> right, wrong = Sample("4", "4", correct=True), Sample("5", "4", correct=False)
        >>> rates = estimate([accept] * 90 + [reject] * 110, [right] * 100 + [wrong] * 100)
        >>> print(rates.fn)
        0.100 [0.055, 0.174]
        >>> rates.status
        <Status.OK: 'ok'>
    """
    tally = Tally(per=per)
    for sample, verdict in zip_longest(samples, verdicts):
        if sample is None or verdict is None:
            raise UsageError("estimate needs one verdict for each sample, in the same order")
        tally.add(sample, verdict)
    return tally.rates(level=level, method=method)


class Tally:
    """Counts rows as they come, 24 bytes each: `add` every row, then ask for `rates`.

    Args:
        per: What slices the rows, as in `estimate`.

    Example:
        >>> from unflip.types import Outcome, Reason
        >>> tally = Tally()
        >>> tally.add(Sample("5", "4", correct=False), Verdict(Outcome.ACCEPT, Reason.MATCH))
        >>> print(tally.rates().fp)
        1.000 [0.207, 1.000]
    """

    def __init__(self, *, per: Per = "stratum") -> None:
        self._per = per
        self._by: str | None = None
        self._outcomes = array("f")
        self._truths = array("f")
        self._clusters = array("q")
        self._slices = array("q")
        self._names: dict[str, int] = {}
        self._prompts = Prompts()

    def add(self, sample: Sample, verdict: Verdict) -> None:
        """Take one row into account.

        Raises:
            UsageError: The verdict is by another verifier than those before it.
        """
        if not isinstance(verdict, Verdict):
            raise UsageError(f"a tally adds a sample and its verdict, not a {type(verdict)}")
        if self._by is None:
            self._by = verdict.by
        if verdict.by != self._by:
            both = f"{self._by!r} and {verdict.by!r}"
            raise UsageError(f"rates are one verifier's; these verdicts are by {both}")
        self._outcomes.append(outcome_of(verdict))
        self._truths.append(truth_of(sample))
        self._clusters.append(self._prompts.number(sample))
        self._slices.append(self._names.setdefault(self._value(sample), len(self._names)))

    def rates(self, *, level: float = LEVEL, method: Method = wilson) -> NoiseRates:
        """The table of everything added so far, as `estimate` gives it.

        Raises:
            UsageError: No row has what `per` names.
        """
        columns = _Columns(
            np.asarray(self._outcomes, dtype=float),
            np.asarray(self._truths, dtype=float),
            np.asarray(self._clusters, dtype=np.int64),
        )
        pooled = columns.rates(level, method)
        assumptions = (*pooled.assumptions, *alone(self._prompts))
        strata = {name: columns.at(rows).rates(level, method) for name, rows in self._strata()}
        signed = {name: replace(rates, by=self._by or "") for name, rates in strata.items()}
        return replace(pooled, by=self._by or "", strata=signed, assumptions=assumptions)

    def survey(self, *, judge_N: ArrayLike | None = None) -> Survey:
        """The same rows as a survey, for estimates that do with a few labels.

        Args:
            judge_N: A second opinion in [0, 1] on every row; NaN where there is none.

        Raises:
            UsageError: No row has what `per` names.
        """
        outcome_N = np.asarray(self._outcomes, dtype=float)
        names = list(self._names)
        return Survey(
            accepted_N=outcome_N == 1,
            rejected_N=outcome_N == 0,
            correct_N=np.asarray(self._truths, dtype=float),
            judge_N=None if judge_N is None else np.asarray(judge_N, dtype=float),
            cluster_N=np.asarray(self._clusters, dtype=np.int64),
            stratum_N=np.array(names)[self._slices] if self._strata() else None,
            by=self._by or "",
        )

    def _value(self, sample: Sample) -> str:
        if callable(self._per):
            value = self._per(sample)
        elif self._per in _FIELDS:
            value = getattr(sample, self._per)
        else:
            value = look_up(sample.meta, self._per)
        return NO_VALUE if value is None else str(value)

    def _strata(self) -> list[tuple[str, Ints]]:
        """Each stratum's name and rows; none if no row has a value."""
        if set(self._names) <= {NO_VALUE}:
            if self._names and isinstance(self._per, str) and self._per != "stratum":
                raise UsageError(f"no row has a {self._per!r}, neither as a field nor in its meta")
            return []
        slice_N = np.asarray(self._slices, dtype=np.int64)
        order_N = np.argsort(slice_N, kind="stable")
        ends_S = np.cumsum(np.bincount(slice_N))[:-1]
        named = zip(self._names, np.split(order_N, ends_S), strict=True)
        return sorted(named, key=lambda pair: pair[0])


def rates_from_arrays(
    outcome_N: ArrayLike,
    correct_N: ArrayLike,
    *,
    cluster_N: ArrayLike | None = None,
    level: float = LEVEL,
    method: Method = wilson,
) -> NoiseRates:
    """The table of one population from plain arrays, one entry for each row.

    Args:
        outcome_N: 1 accept, 0 reject, NaN abstain.
        correct_N: 1 correct, 0 wrong, NaN where nobody knows.
        cluster_N: Rows with equal values share a prompt; None: no row shares any.
        level: Two-sided coverage of each interval, in (0, 1).
        method: Who makes the intervals of independent rows.

    Raises:
        UsageError: The arrays differ in length, or hold something else.

    Example:
        >>> rates = rates_from_arrays([1, 0, 0, float("nan")], [1, 1, 0, 0])
        >>> rates.fn.point, rates.abstain_wrong.point
        (0.5, 0.5)
    """
    outcome_N, correct_N = three_valued(outcome_N), three_valued(correct_N)
    cluster_N = np.arange(len(outcome_N)) if cluster_N is None else np.asarray(cluster_N)
    if not outcome_N.shape == correct_N.shape == cluster_N.shape:
        raise UsageError("outcomes, truths and clusters need one entry for each row")
    return _Columns(outcome_N, correct_N, cluster_N).rates(level, method)


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """The rows of one population; see `rates_from_arrays`."""

    outcome_N: NDArray[np.float64]
    correct_N: NDArray[np.float64]
    cluster_N: NDArray[Any]

    def at(self, rows: Ints) -> _Columns:
        return _Columns(self.outcome_N[rows], self.correct_N[rows], self.cluster_N[rows])

    def rates(self, level: float, method: Method) -> NoiseRates:
        events = self._events()
        _, cluster_N = np.unique(self.cluster_N, return_inverse=True)
        shares: dict[str, Any] = {
            name: _share(event_N[among_N], cluster_N[among_N], level, method)
            for name, (event_N, among_N) in events.items()
        }
        together = _together(events["fp"], events["fn"], cluster_N)
        status = status_of(shares["fp"], shares["fn"], correlation=together)
        return NoiseRates(
            **shares,
            by="",
            status=status,
            method="gold",
            assumptions=_assumptions(~np.isnan(self.correct_N), cluster_N, shares, status),
            correlation=together,
        )

    def _events(self) -> dict[str, tuple[Bools, Bools]]:
        """For each rate, the rows that are hits and the rows that it is a share of."""
        accept_N, reject_N = self.outcome_N == 1, self.outcome_N == 0
        correct_N, wrong_N = self.correct_N == 1, self.correct_N == 0
        decided_N, known_N = accept_N | reject_N, correct_N | wrong_N
        every_N = np.ones(len(accept_N), dtype=bool)
        return {
            "fp": (accept_N, wrong_N & decided_N),
            "fn": (reject_N, correct_N & decided_N),
            "fp_all": (accept_N, wrong_N),
            "fn_all": (~accept_N, correct_N),
            "abstain_wrong": (~decided_N, wrong_N),
            "abstain_correct": (~decided_N, correct_N),
            "abstain": (~decided_N, every_N),
            "accept": (accept_N, every_N),
            "ppv": (correct_N, accept_N & known_N),
            "false_omission": (correct_N, reject_N & known_N),
        }


def _together(one: tuple[Bools, Bools], other: tuple[Bools, Bools], cluster_N: Ints) -> float:
    """The correlation of two rates, each given as events and the rows that they are among."""
    (hits_G, sizes_G), (with_hits_G, with_sizes_G) = (
        (np.bincount(cluster_N, event_N & among_N), np.bincount(cluster_N, among_N))
        for event_N, among_N in (one, other)
    )
    return correlation(hits_G, sizes_G, with_hits_G=with_hits_G, with_sizes_G=with_sizes_G)


def _share(event_n: Bools, cluster_n: Ints, level: float, method: Method) -> Proportion:
    sizes_G = np.bincount(cluster_n)
    if not event_n.size or sizes_G.max() == 1:
        return method(int(event_n.sum()), event_n.size, level)
    return clustered(np.bincount(cluster_n, event_n), sizes_G, level=level)


def _assumptions(
    known_N: Bools, cluster_N: Ints, shares: Mapping[str, Proportion], status: Status
) -> tuple[str, ...]:
    """What has to hold for the rates to be right, and what is not known about them."""
    said = ["the labels are right", "the labelled rows are a random draw from the population"]
    if not known_N.all():
        said.append(f"{np.sum(~known_N)} of {len(known_N)} rows have no label: no rate counts them")
    said += sharing(cluster_N)
    if status is Status.IMPRECISE:
        few = f"{shares['fp'].n:g} wrong and {shares['fn'].n:g} correct"
        said.append(f"too few labelled rows: {few} answers were decided")
    return tuple(said)
