"""Turns verdicts on attempts into figures."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unflip.audit.families import CONTROL, EQUIVALENTS, Family, Form, families
from unflip.audit.plan import Ask, Plan
from unflip.audit.probes import OWN, Probe
from unflip.audit.tried import Example, FamilyFigures, ProbeFigures, Shares
from unflip.intervals import LEVEL, Interval, Proportion, clopper_pearson, wilson, youden
from unflip.noise.clusters import clustered, correlation
from unflip.noise.pairs import Paired, paired
from unflip.types import Outcome, Reason, Sample, Verdict

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
PLAIN = frozenset({"control/wrong", "control/wrong-in-a-sentence"})


class Counts:
    """The verdicts on a plan's attempts, in columns; one row for each probe of each attempt.

    Args:
        plan: What is asked.

    Example:
        >>> from unflip.audit.items import Item
        >>> Counts(Plan([Item("", ("4",))], ())).figures()
        ()
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.reasons: Counter[str] = Counter()
        self.attempts = 0
        self.probes: list[Probe] = []
        self._numbers: dict[str, int] = {}
        self._examples: dict[int, Example] = {}
        self._open: Counter[tuple[int, str]] = Counter()
        self._left: dict[str, Example] = {}
        self._probe, self._item = array("q"), array("q")
        self._outcome, self._stopped = array("d"), array("b")
        # One for each attempt, whatever the number of its probes.
        self._asked, self._answered = array("q"), array("d")

    def add(self, ask: Ask, verdict: Verdict) -> None:
        """Take a verdict into account."""
        self.attempts += 1
        if not verdict.decided:
            self.reasons[verdict.reason] += 1
            self._left.setdefault(verdict.reason, _example(ask.probes[0], ask.sample, verdict))
        self._asked.append(ask.item)
        self._answered.append(_OUTCOMES[verdict.outcome])
        for probe in ask.probes:
            number = self._number(probe)
            self._probe.append(number)
            self._item.append(ask.item)
            self._outcome.append(_OUTCOMES[verdict.outcome])
            self._stopped.append(_stopped(verdict))
            if not verdict.decided:
                self._open[number, verdict.reason] += 1
            if _OUTCOMES[verdict.outcome] == float(not probe.accept):
                self._examples.setdefault(number, _example(probe, ask.sample, verdict))

    def rows(self, wanted: Callable[[Probe], bool]) -> Bools:
        """Which rows are of probes that are wanted."""
        chosen = np.array([wanted(probe) for probe in self.probes], dtype=bool)
        return chosen[np.array(self._probe)] if self._probe else np.zeros(0, bool)

    @property
    def items_N(self) -> NDArray[np.int64]:
        """The item of each row."""
        return np.array(self._item)

    @property
    def outcomes_N(self) -> Floats:
        """1 accept, 0 reject, NaN abstain."""
        return np.array(self._outcome)

    @property
    def stopped_N(self) -> Bools:
        """Whether a guard decided, or cast a vote."""
        return np.array(self._stopped, dtype=bool)

    def shares(self, wanted: Callable[[Probe], bool], *, accept: bool) -> Shares:
        """Rates over the rows of some probes, clustered by item."""
        rows = self.rows(wanted)
        return shares(self.outcomes_N[rows], self.items_N[rows], accept=accept)

    @property
    def left(self) -> Example | None:
        """One attempt that was left open, for the most frequent reason."""
        first = self.reasons.most_common(1)
        return self._left[first[0][0]] if first else None

    def open(self) -> Proportion:
        """Abstains over all attempts, clustered by item."""
        return share(np.isnan(np.array(self._answered)), np.array(self._asked))

    def flips(self, repeats: int) -> Proportion:
        """Of the completions that were decided several times, those accepted and rejected."""
        # An abstain is no change of mind: an outage would look like one.
        outcomes_R_A = np.array(self._answered).reshape(repeats, -1)
        items_A = np.array(self._asked).reshape(repeats, -1)[0]
        often_A = (~np.isnan(outcomes_R_A)).sum(axis=0) > 1
        flipped_A = (outcomes_R_A == 1).any(axis=0) & (outcomes_R_A == 0).any(axis=0)
        return share(flipped_A[often_A], items_A[often_A])

    def figures(self) -> tuple[ProbeFigures, ...]:
        """Every probe, those that were certainly decided wrongly most often first."""
        attacks = sum(not probe.accept and not probe.contested for probe in self.probes)
        controls = sum(probe.accept and not probe.contested for probe in self.probes)
        made = [
            self._figures(number, probe, controls if probe.accept else attacks)
            for number, probe in enumerate(self.probes)
        ]
        return tuple(sorted(made, key=_badness))

    def by_family(self, probes: Sequence[ProbeFigures]) -> tuple[FamilyFigures, ...]:
        """Every family of the catalogue, and what was brought along."""
        known = dict(families())
        for one in probes:
            known.setdefault(one.probe.family, _own(one.probe.family))
        return tuple(self._family(key, family, probes) for key, family in known.items())

    def j(self, of: Callable[[Probe], bool], *, fp: Proportion | None = None) -> Interval:
        """1 less the false positives on some probes, less the false negatives on controls.

        Args:
            of: Which probes.
            fp: Their rate, where its interval has to hold for more than them.
        """
        wrong, right = self.rows(of), self.rows(is_right)
        return youden(
            fp or self.shares(of, accept=False).decided,
            self.shares(is_right, accept=True).decided,
            correlation=self._together(wrong, right),
        )

    def _together(self, wrong: Bools, right: Bools) -> float:
        decided = ~np.isnan(self.outcomes_N)
        size = len(self.plan.items)

        def hits(rows: Bools, outcome: float) -> tuple[Floats, Floats]:
            items = self.items_N[rows & decided]
            hit = self.outcomes_N[rows & decided] == outcome
            hits_G = np.bincount(items, hit, size).astype(np.float64)
            return hits_G, np.bincount(items, minlength=size).astype(np.float64)

        (fp_G, wrong_G), (fn_G, right_G) = hits(wrong, 1.0), hits(right, 0.0)
        return correlation(fp_G, wrong_G, with_hits_G=fn_G, with_sizes_G=right_G)

    def _number(self, probe: Probe) -> int:
        if probe.id not in self._numbers:
            self._numbers[probe.id] = len(self.probes)
            self.probes.append(probe)
        return self._numbers[probe.id]

    def _figures(self, number: int, probe: Probe, side: int) -> ProbeFigures:
        rows = np.array(self._probe) == number
        outcomes_N, items_N = self.outcomes_N[rows], self.items_N[rows]
        found = shares(outcomes_N, items_N, accept=probe.accept)
        return ProbeFigures(
            probe=probe,
            shares=found,
            together=at_once(found.decided, side),
            excess=None if probe.accept else self._excess(outcomes_N == 1, items_N),
            by_stratum=self._by_stratum(outcomes_N, items_N, accept=probe.accept),
            reasons={reason: k for (of, reason), k in self._open.items() if of == number},
            items=len(np.unique(items_N)),
            skipped=self.plan.skipped[probe.id],
            example=self._examples.get(number),
        )

    def _excess(self, hits_N: Bools, items_N: NDArray[np.int64]) -> Interval:
        """How much oftener it is accepted than a plain wrong answer, on items that have both."""
        rows = self.rows(is_plain)
        plain_P, items_P = self.outcomes_N[rows] == 1, self.items_N[rows]
        order = np.argsort(items_N, kind="stable")
        first_P, past_P = (
            np.searchsorted(items_N[order], items_P, side=side) for side in ("left", "right")
        )
        both_P = past_P > first_P
        # The nth plain answer of an item meets the probe of the same repeat.
        nth_P, of_P = _places(items_P)
        twin_P = first_P + nth_P * (past_P - first_P) // of_P
        return paired(
            plain_P[both_P], hits_N[order[twin_P[both_P]]], cluster_N=items_P[both_P]
        ).difference

    def _by_stratum(
        self, outcomes_N: Floats, items_N: NDArray[np.int64], *, accept: bool
    ) -> Mapping[str, tuple[int, int]]:
        counts: dict[str, tuple[int, int]] = {}
        for outcome, at in zip(outcomes_N, items_N, strict=True):
            if not math.isnan(outcome):
                item = self.plan.items[at]
                name = item.stratum if item.stratum is not None else item.kind.value
                wrong, decided = counts.get(name, (0, 0))
                counts[name] = (wrong + int(outcome == float(not accept)), decided + 1)
        return counts

    def _family(self, key: str, family: Family, probes: Sequence[ProbeFigures]) -> FamilyFigures:
        mine = [one for one in probes if one.probe.family == key]
        # Controls are of both kinds: a family is what must be rejected, except for equivalents.
        accept = key == EQUIVALENTS
        counting = [one for one in mine if one.probe.accept == accept and not one.probe.contested]
        failed = [one for one in counting if one.shares.decided.k]
        ids = {one.probe.id for one in counting}
        return FamilyFigures(
            family=family,
            shares=self.shares(lambda probe: probe.id in ids, accept=accept),
            probes=len(mine),
            worst=failed[0].probe.id if failed else None,
            why_not=_why_not(family, bool(mine)),
        )


_OUTCOMES = {Outcome.ACCEPT: 1.0, Outcome.REJECT: 0.0, Outcome.ABSTAIN: math.nan}


def shares(outcomes_N: Floats, items_N: NDArray[np.int64], *, accept: bool) -> Shares:
    """The three rates of some attempts of which all must be accepted, or all rejected.

    Example:
        >>> print(shares(np.array([1, 0, np.nan]), np.array([0, 1, 2]), accept=False).decided)
        0.500 [0.095, 0.905]
    """
    decided_N = ~np.isnan(outcomes_N)
    wrong_N = outcomes_N == float(not accept)
    counted = outcomes_N != 1 if accept else outcomes_N == 1
    return Shares(
        decided=share(wrong_N[decided_N], items_N[decided_N]),
        all=share(counted, items_N),
        open=share(~decided_N, items_N),
    )


def share(hits_N: Bools, items_N: NDArray[np.int64]) -> Proportion:
    """The share of hits: Wilson's interval if every item is there once, else clustered by item."""
    if len(np.unique(items_N)) == len(items_N):
        return wilson(int(hits_N.sum()), len(hits_N))
    _, cluster_N = np.unique(items_N, return_inverse=True)
    return clustered(np.bincount(cluster_N, hits_N), np.bincount(cluster_N))


def at_once(rate: Proportion, many: int) -> Proportion:
    """A rate's interval made to hold together with those of `many` rates, itself among them.

    Bonferroni's inequality on exact intervals: it needs no assumption about how the rates hang
    together, and so far out in the tails Wilson's approximation would not hold.

    Source: Bonferroni 1936; Clopper and Pearson 1934.

    Example:
        >>> print(at_once(wilson(0, 100), 50))
        0.000 [0.000, 0.073]
    """
    worth = rate.n_eff / rate.n if rate.n else 1.0
    level = 1 - (1 - LEVEL) / max(1, many)
    ends = clopper_pearson(rate.k * worth, rate.n_eff, level)
    return replace(ends, k=rate.k, n=rate.n, method="clopper-pearson, bonferroni")


def compared(a_N: Bools, b_N: Bools, items_N: NDArray[np.int64]) -> Paired:
    """McNemar's comparison of two verifiers on the same attempts, clustered by item."""
    return paired(a_N, b_N, cluster_N=items_N)


def _own(key: str) -> Family:
    title = "Probes of your own" if key == OWN else f"Probes of your own: {key}"
    return Family(0, key, title, Form.TEXT, "given on the command line")


def _badness(one: ProbeFigures) -> tuple[float, float]:
    rate = one.shares.decided
    return -one.together.low, -(-1.0 if math.isnan(rate.point) else rate.point)


def _places(items_N: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The place of each row among those of its item, and how many of them there are."""
    _, item_N, sizes_G = np.unique(items_N, return_inverse=True, return_counts=True)
    order = np.argsort(item_N, kind="stable")
    place_N = np.empty(len(items_N), dtype=np.int64)
    place_N[order] = np.arange(len(items_N)) - np.repeat(np.cumsum(sizes_G) - sizes_G, sizes_G)
    return place_N, sizes_G[item_N]


def is_plain(probe: Probe) -> bool:
    """Whether it is a plain wrong answer."""
    return probe.id in PLAIN


def is_right(probe: Probe) -> bool:
    """Whether it is a control that must be accepted."""
    return probe.family == CONTROL and probe.accept


def _example(probe: Probe, sample: Sample, verdict: Verdict) -> Example:
    return Example(
        id=sample.id or "",
        probe=probe.id,
        completion=sample.text[:2000],
        reference=" | ".join(sample.references)[:500],
        verdict=verdict,
    )


def _why_not(family: Family, made: bool) -> str:
    if made:
        return family.note
    return {
        Form.PAIRS: "not applied: it needs a verifier that compares two answers (audit.swap)",
        Form.WRITTEN: f"not applied: {family.note}",
        Form.SEARCH: f"not applied as texts: {family.note}",
    }.get(family.form, "not applied: not chosen, or not to be made from these items")


def _stopped(verdict: Verdict) -> bool:
    """Whether a guard decided; of a panel, whether it did so for one of its judges."""
    votes = verdict.evidence.get("votes")
    cast = [one for one in votes if isinstance(one, dict)] if isinstance(votes, list) else []
    return Reason.GUARDED in (verdict.reason, *(one.get("reason") for one in cast))
