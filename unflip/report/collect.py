"""Collects the facts of a run row by row, in memory that does not grow with the run."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter

from unflip.noise.online.trace import Trace
from unflip.rates import NoiseRates
from unflip.report.chances import Chances
from unflip.report.differences import Differences
from unflip.report.excerpt import PROMPT, Excerpt, around, head, tail
from unflip.report.findings import (
    Cost,
    Count,
    Example,
    Findings,
    Refused,
    SelfCheck,
    Spending,
    Truth,
)
from unflip.report.timing import Timing, bin_of
from unflip.types import Message, Outcome, Reason, Sample, Verdict, digest, text_of

EXAMPLES = 8
"""How many examples of each kind a report shows."""
REFUSED = 40
"""How many references that fail the self-check a report shows."""
_EVIDENCE = 200
_NAME = 80

_Cell = tuple[Outcome, Reason, Truth]
_Row = tuple[int, Sample, Verdict]
"""A row's number, counted from 1, and what it holds."""


class Collector:
    r"""Counts every row, and keeps a few to look at: `add` each, then ask for `findings`.

    Memory is bounded by `examples`, but for three numbers for each row with a P(yes). Which rows
    are kept depends on their content and on `seed`, not on the order in which they arrive;
    identical rows are kept once.

    Args:
        examples: How many rows of each kind are kept.
        seed: Another one keeps other examples.

    Example:
        >>> from unflip.noise.gold import estimate
        >>> from unflip.types import Outcome, Reason, Sample, Verdict
        >>> sample = Sample("\\boxed{7 goats}", "7", correct=True)
        >>> verdict = Verdict(Outcome.REJECT, Reason.MISMATCH, "7 goats", by="exact@1+5f2c9a")
        >>> collector = Collector()
        >>> collector.add(sample, verdict)
        >>> found = collector.findings(estimate([verdict], [sample]))
        >>> found.false_rejects[0].answer.text
        '7 goats'
    """

    def __init__(self, *, examples: int = EXAMPLES, seed: int = 0) -> None:
        self._rows = 0
        self._counts: Counter[_Cell] = Counter()
        self._bins: Counter[int] = Counter()
        self._total = 0.0
        self._false_accepts = _Fewest(examples, seed)
        self._false_rejects = _Fewest(examples, seed)
        self._abstained = _Fewest(examples, seed)
        self._slowest = _Slowest(examples)
        self._chances = Chances()

    def add(self, sample: Sample, verdict: Verdict) -> None:
        """Take one row into account."""
        truth = Truth.of(sample.correct)
        self._rows += 1
        self._counts[verdict.outcome, verdict.reason, truth] += 1
        self._chances.add(sample, verdict)
        if verdict.seconds is not None:
            self._bins[bin_of(verdict.seconds)] += 1
            self._total += verdict.seconds
            self._slowest.add(self._rows, sample, verdict)
        match verdict.outcome, truth:
            case Outcome.ACCEPT, Truth.WRONG:
                self._false_accepts.add(self._rows, sample, verdict)
            case Outcome.REJECT, Truth.CORRECT:
                self._false_rejects.add(self._rows, sample, verdict)
            case Outcome.ABSTAIN, _:
                self._abstained.add(self._rows, sample, verdict)

    def findings(
        self,
        rates: NoiseRates,
        *,
        self_check: SelfCheck | None = None,
        about: Mapping[str, str] | None = None,
        costs: Iterable[Cost] = (),
        trace: Trace | None = None,
        spent: Spending | None = None,
        doubt: str = "",
        slices: Differences | None = None,
    ) -> Findings:
        """What was found so far.

        Args:
            rates: The rates of the same rows, from `unflip.noise`.
            self_check: Whether references are accepted, from `check_of`.
            about: How to make the run again: dataset, command, date, versions.
            costs: What each method said after fewer labels.
            trace: The rates over training steps, from `unflip.noise.online`.
            spent: Where the labels of a few-label estimate went.
            doubt: What becomes of the rates if labels are wrong, in a sentence.
            slices: Which slices have rates of their own.
        """
        slowest = self._slowest.examples()
        return Findings(
            rates=rates,
            counts=tuple(
                Count(outcome=outcome, reason=reason, truth=truth, rows=rows)
                for (outcome, reason, truth), rows in sorted(self._counts.items())
            ),
            timing=Timing(
                bins=dict(sorted(self._bins.items())),
                total=self._total,
                longest=slowest[0].seconds or 0.0 if slowest else 0.0,
            ),
            false_accepts=self._false_accepts.examples(),
            false_rejects=self._false_rejects.examples(),
            abstained=self._abstained.examples(),
            slowest=slowest,
            self_check=self_check,
            about=dict(about or {}),
            costs=tuple(costs),
            trace=trace,
            spent=spent,
            doubt=doubt,
            slices=slices,
            # Labels that were chosen by verdict would make P(yes) look better or worse than it is.
            chances=self._chances.found() if spent is None else None,
        )


def check_of(checked: int, refused: Iterable[tuple[str, Reason, int]]) -> SelfCheck:
    """The self-check of references in the form that a report shows.

    Args:
        checked: How many distinct references were tried.
        refused: Reference, reason, and number of rows, for each that was not accepted.

    Example:
        >>> check_of(300, [("3 to 4", Reason.UNREADABLE_REFERENCE, 2)]).failed
        1
    """
    worst = sorted(refused, key=itemgetter(2), reverse=True)
    shown = (
        Refused(reference=head(reference), reason=reason, rows=rows)
        for reference, reason, rows in worst[:REFUSED]
    )
    return SelfCheck(checked=checked, failed=len(worst), refused=tuple(shown))


class _Fewest:
    """Keeps the rows whose salted keys are least: a random sample that no order of rows changes."""

    def __init__(self, limit: int, seed: int) -> None:
        self._limit = limit
        self._seed = seed
        self._kept: dict[str, _Row] = {}

    def add(self, number: int, sample: Sample, verdict: Verdict) -> None:
        key = digest([self._seed, sample.key])
        if len(self._kept) < self._limit or key < max(self._kept, default=""):
            self._kept.setdefault(key, (number, sample, verdict))
        if len(self._kept) > self._limit:
            del self._kept[max(self._kept)]

    def examples(self) -> tuple[Example, ...]:
        return tuple(map(_example, sorted(self._kept.values(), key=itemgetter(0))))


class _Slowest:
    """Keeps the rows that took longest; of equal ones, the first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._heap: list[tuple[float, int, _Row]] = []

    def add(self, number: int, sample: Sample, verdict: Verdict) -> None:
        row = (verdict.seconds or 0.0, -number, (number, sample, verdict))
        if len(self._heap) < self._limit:
            heapq.heappush(self._heap, row)
        elif self._heap:
            heapq.heappushpop(self._heap, row)

    def examples(self) -> tuple[Example, ...]:
        return tuple(_example(row) for _, _, row in sorted(self._heap, reverse=True))


def _example(row: _Row) -> Example:
    number, sample, verdict = row
    return Example(
        name=(sample.id or f"row {number}")[:_NAME],
        stratum=sample.stratum[:_NAME] if sample.stratum is not None else None,
        prompt=tail(_question(sample.prompt), PROMPT),
        completion=around(sample.text, verdict.evidence.get("span")),
        reference=_reference(sample),
        answer=head(verdict.answer) if verdict.answer is not None else None,
        truth=Truth.of(sample.correct),
        outcome=verdict.outcome,
        reason=verdict.reason,
        by=verdict.by,
        seconds=verdict.seconds,
        evidence=_evidence(verdict)[:_EVIDENCE],
    )


def _evidence(verdict: Verdict) -> str:
    """How the decision came about, in words; the span is shown where it is."""
    return ", ".join(
        f"{name} {value if isinstance(value, str) else json.dumps(value, default=str)}"
        for name, value in verdict.evidence.items()
        if name != "span"
    )


def _reference(sample: Sample) -> Excerpt | None:
    if sample.reference is None:
        return None
    stated = sample.references or [json.dumps(sample.reference, default=str)]
    return head(" or ".join(stated))


def _question(prompt: str | Sequence[Message]) -> str:
    """The prompt as text: of a chat, the last message of the user."""
    if isinstance(prompt, str):
        return prompt
    asked = [message for message in prompt if message.get("role") == "user"]
    return text_of(asked[-1:] or prompt)
