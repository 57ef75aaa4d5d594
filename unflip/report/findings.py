"""What a report tells: the facts of one run, small enough for a page, and to JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from unflip.errors import UsageError
from unflip.intervals import Proportion
from unflip.noise.online.trace import Trace
from unflip.rates import NoiseRates
from unflip.report.differences import Differences
from unflip.report.excerpt import Excerpt
from unflip.report.timing import Timing
from unflip.types import Outcome, Reason

if TYPE_CHECKING:
    from unflip.judges.calibration import Calibration

SCHEMA = 2
"""The version of a findings file."""


class Truth(StrEnum):
    """What a human says about an answer."""

    CORRECT = "correct"
    WRONG = "wrong"
    UNLABELLED = "unlabelled"

    @classmethod
    def of(cls, correct: bool | None) -> Truth:
        """The truth of a sample's `correct` field."""
        if correct is None:
            return cls.UNLABELLED
        return cls.CORRECT if correct else cls.WRONG


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many rows got this verdict for this reason, among those of one truth."""

    outcome: Outcome
    reason: Reason
    truth: Truth
    rows: int

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Count:
        """The inverse of `dataclasses.asdict`."""
        return cls(
            outcome=Outcome(row["outcome"]),
            reason=Reason(row["reason"]),
            truth=Truth(row["truth"]),
            rows=row["rows"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One row and its verdict, cut to what fits on a page.

    Attributes:
        name: The row's id, or its number in the run.
        stratum: The slice it belongs to.
        prompt: The start of the question.
        completion: The answer in the completion and its neighbourhood, or the completion's end.
        reference: The start of the dataset's answer; several are joined by "or".
        answer: The start of the answer that the verifier found.
        truth: What a human says.
        outcome: What the verifier did.
        reason: Why.
        by: Who decided.
        seconds: How long it took.
        evidence: How the decision came about.
    """

    name: str
    stratum: str | None
    prompt: Excerpt
    completion: Excerpt
    reference: Excerpt | None
    answer: Excerpt | None
    truth: Truth
    outcome: Outcome
    reason: Reason
    by: str
    seconds: float | None
    evidence: str

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Example:
        """The inverse of `dataclasses.asdict`."""
        cut = ("prompt", "completion", "reference", "answer")
        typed = {name: Excerpt.from_json(row[name]) if row[name] else None for name in cut}
        enums = {
            "truth": Truth(row["truth"]),
            "outcome": Outcome(row["outcome"]),
            "reason": Reason(row["reason"]),
        }
        return cls(**{**row, **typed, **enums})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A reference that the verifier does not accept as its own answer, and its rows."""

    reference: Excerpt
    reason: Reason
    rows: int

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Refused:
        """The inverse of `dataclasses.asdict`."""
        return cls(
            reference=Excerpt.from_json(row["reference"]),
            reason=Reason(row["reason"]),
            rows=row["rows"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfCheck:
    """Whether the verifier accepts references as their own answers.

    Attributes:
        checked: How many distinct references were tried.
        failed: How many of them were not accepted.
        refused: The worst of those, by rows.
    """

    checked: int
    failed: int
    refused: tuple[Refused, ...] = ()

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> SelfCheck:
        """The inverse of `dataclasses.asdict`."""
        return cls(**{**row, "refused": tuple(map(Refused.from_json, row["refused"]))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one method said of the rates when so many labels had been spent."""

    method: str
    labels: int
    fp: Proportion
    fn: Proportion

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        row = {"method": self.method, "labels": self.labels}
        return row | {"fp": self.fp.to_json(), "fn": self.fn.to_json()}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Cost:
        """The inverse of `to_json`."""
        rates = {name: Proportion.from_json(row[name]) for name in ("fp", "fn")}
        return cls(**{**row, **rates})


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Where gold labels went.

    Attributes:
        budget: How many were asked for at most; None: all there are.
        labels: How many were used.
        accepted: Of these, how many on accepted rows.
        rejected: Of these, how many on rejected rows.
        skipped: How many rows somebody looked at and could not tell.
        waiting: How many rows still wait for somebody to look at them.
    """

    budget: int | None
    labels: int
    accepted: int
    rejected: int
    skipped: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What one run found out about one verifier; made by `Collector.findings`.

    Attributes:
        rates: How often it flips a label.
        counts: Rows by outcome, reason and truth; only cells that have any.
        timing: How long verdicts took.
        false_accepts: Some wrong answers that it accepted.
        false_rejects: Some correct answers that it rejected.
        abstained: Some rows that it could not decide.
        slowest: The rows that took longest, slowest first.
        self_check: Whether it accepts the references themselves; None if nobody looked.
        about: How to make the run again: dataset, command, date, versions.
        costs: What each method said after fewer labels.
        trace: The rates over training steps; None if the rows have no steps.
        spent: Where the labels of a few-label estimate went; None if all there are were used.
        doubt: What the rates become if some labels are wrong, in a sentence; see
            `unflip.noise.sensitivity`.
        slices: Which slices have rates of their own; None if nobody looked.
        chances: What P(yes) is worth; None if verdicts have none, or not every row has a label.

    Example:
        >>> import json
        >>> from unflip.noise.gold import estimate
        >>> from unflip.report import Collector, Findings
        >>> found = Collector().findings(estimate([], []))
        >>> Findings.from_json(json.loads(json.dumps(found.to_json()))).rows
        0
    """

    rates: NoiseRates
    counts: tuple[Count, ...] = ()
    timing: Timing = field(default_factory=Timing)
    false_accepts: tuple[Example, ...] = ()
    false_rejects: tuple[Example, ...] = ()
    abstained: tuple[Example, ...] = ()
    slowest: tuple[Example, ...] = ()
    self_check: SelfCheck | None = None
    about: Mapping[str, str] = field(default_factory=dict, hash=False)
    costs: tuple[Cost, ...] = ()
    trace: Trace | None = None
    spent: Spending | None = None
    doubt: str = ""
    slices: Differences | None = None
    chances: Calibration | None = None

    @property
    def rows(self) -> int:
        """How many rows the run had."""
        return sum(count.rows for count in self.counts)

    def count(self, outcome: Outcome | None = None, truth: Truth | None = None) -> int:
        """How many rows have this outcome and this truth; None stands for any."""
        return sum(
            cell.rows
            for cell in self.counts
            if outcome in (None, cell.outcome) and truth in (None, cell.truth)
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON object, schema version first."""
        plain = {name: _plain(getattr(self, name)) for name in self.__slots__}
        return {"schema": SCHEMA} | plain

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Findings:
        """The inverse of `to_json`.

        Raises:
            UsageError: The file has another schema, or holds no findings.
        """
        if row.get("schema") != SCHEMA:
            raise UsageError(f"findings have schema {row.get('schema')!r}; this reads {SCHEMA}")
        try:
            check, trace, spent = row["self_check"], row["trace"], row["spent"]
            # Absent from findings of earlier versions.
            slices, chances = row.get("slices"), row.get("chances")
            examples = ("false_accepts", "false_rejects", "abstained", "slowest")
            return cls(
                rates=NoiseRates.from_json(row["rates"]),
                counts=tuple(map(Count.from_json, row["counts"])),
                timing=Timing.from_json(row["timing"]),
                self_check=SelfCheck.from_json(check) if check else None,
                about=row["about"],
                costs=tuple(map(Cost.from_json, row["costs"])),
                trace=Trace.from_json(trace) if trace else None,
                spent=Spending(**spent) if spent else None,
                doubt=row["doubt"],
                slices=Differences.from_json(slices) if slices else None,
                chances=_calibration(chances) if chances else None,
                **{name: tuple(map(Example.from_json, row[name])) for name in examples},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as why:
            raise UsageError(f"this file holds no findings: {why!r}") from why


def _calibration(row: dict[str, Any]) -> Calibration:
    from unflip.judges.calibration import Calibration

    return Calibration.from_json(row)


def _plain(value: Any) -> Any:
    """A field as JSON: by its own rules if it has any."""
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, Mapping):
        return dict(value)
    return value if value is None or isinstance(value, str) else asdict(value)
