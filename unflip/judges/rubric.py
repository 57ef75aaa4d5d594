"""A list of weighted criteria, each asked by itself, and added up in the open."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from unflip.errors import UsageError
from unflip.judges.asking import Request
from unflip.judges.batches import fault_of
from unflip.judges.judge import Judge
from unflip.judges.play import play
from unflip.types import Outcome, Reason, Sample, Trust, Verdict, identify

WEIGHTS: Mapping[str, float] = {
    "essential": 1.0,
    "important": 0.7,
    "optional": 0.3,
    "pitfall": 0.9,
}
"""Weights of Rubrics as Rewards; a pitfall is worded as what the response avoids, so it adds."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that a response may meet or not.

    Attributes:
        text: What it is.
        weight: How much it counts; below 0 for what a response should not do.
    """

    text: str
    weight: float = 1.0


@dataclass(frozen=True)
class Rubric:
    """The weighted share of the criteria that a response meets, and accepts from `accept_at` on.

    The score is the sum of the weights of the criteria that are met over the sum of the positive
    weights. Where the judge abstains on criteria that could tip the scales, the verdict abstains;
    where they could not, it stands, without a score.

    Attributes:
        judge: Asks about one criterion; its template has a field `criterion`.
        criteria: The same for all samples; empty to read them from the sample's `meta`, where
            `rubric` is a list of `{"text": ..., "weight": ...}`, or of `{"text", "level"}` with
            the levels of `WEIGHTS`.
        accept_at: The least score that accepts, in (0, 1].

    Raises:
        UsageError: The template has no field `criterion`, no criterion has a positive weight, or
            a number is out of range.

    Source: Rubrics as Rewards (arXiv 2507.17746), explicit aggregation.

    Example:
        >>> from unflip.judges import Own, template
        >>> brief = Judge(template("rubric"), Own(lambda messages: "YES", name="yes"))
        >>> rubric = Rubric(brief, (Criterion("names a city"), Criterion("is brief", 0.3)))
        >>> rubric(Sample("Oslo", prompt="Capital of Norway?")).score
        1.0
    """

    judge: Judge
    criteria: tuple[Criterion, ...] = ()
    accept_at: float = 1.0

    def __post_init__(self) -> None:
        if "criterion" not in self.judge.template.fields:
            raise UsageError("a rubric needs a template with a field {criterion}, such as 'rubric'")
        if self.criteria and not _add_up_to_something(self.criteria):
            raise UsageError("a rubric needs finite weights, and a criterion with one above 0")
        if not 0 < self.accept_at <= 1:
            raise UsageError(f"accept_at is a score in (0, 1], not {self.accept_at}")

    @cached_property
    def by(self) -> str:
        """Who decides: the judge, the criteria and the least score."""
        options = {
            "judge": self.judge.by,
            "criteria": [[one.text, one.weight] for one in self.criteria],
            "accept_at": self.accept_at,
        }
        return identify("rubric", 1, options)

    @property
    def parallel(self) -> int:
        """How many samples are worth having under way at once."""
        return self.judge.parallel

    def unguarded(self) -> Self:
        """The same of a judge without its guards, for an audit of the judge itself."""
        return replace(self, judge=self.judge.unguarded())

    def requests(self, samples: Iterable[Sample]) -> Iterator[Request]:
        """What will be asked about the samples, for an estimate of what it costs."""
        for sample in samples:
            for one in self._criteria(sample) or ():
                yield from self.judge.requests([_about(sample, one)])

    def __call__(self, sample: Sample) -> Verdict:
        """The verdict on one sample."""
        return self.verify_batch([sample])[0]

    def verify_batch(self, samples: Sequence[Sample]) -> list[Verdict]:
        """The verdicts on several samples; all criteria of all of them are asked together."""
        lists = [self._criteria(sample) for sample in samples]
        scripts = (
            self.judge.script(_about(sample, one))
            for sample, some in zip(samples, lists, strict=True)
            for one in some or ()
        )
        asked = play(self.judge.backend, scripts, self.judge.asking.deadline)
        return [self._add_up(some, asked) for some in lists]

    def _criteria(self, sample: Sample) -> tuple[Criterion, ...] | None:
        return self.criteria or _read(sample.meta.get("rubric"))

    def _add_up(self, criteria: tuple[Criterion, ...] | None, asked: Iterator[Verdict]) -> Verdict:
        if criteria is None:
            return self._verdict(Outcome.ABSTAIN, Reason.NO_REFERENCE, evidence={"lacks": "rubric"})
        verdicts = [next(asked) for _ in criteria]
        ruled = next((one for one in verdicts if one.trust is Trust.RULE), None)
        if ruled is not None:
            # A guard: it is the response that has no content, whatever the criterion.
            return self._verdict(
                Outcome.REJECT, ruled.reason, evidence=dict(ruled.evidence), trust=Trust.RULE
            )
        low, high = _bounds(criteria, verdicts)
        evidence = {"criteria": _told(criteria, verdicts), "low": low, "high": high}
        score = low if low == high else None
        if low >= self.accept_at:
            return self._verdict(Outcome.ACCEPT, Reason.MATCH, score=score, evidence=evidence)
        if high < self.accept_at:
            return self._verdict(Outcome.REJECT, Reason.MISMATCH, score=score, evidence=evidence)
        open_yet = self._verdict(Outcome.ABSTAIN, Reason.UNDECIDED, evidence=evidence)
        return replace(open_yet, fault=fault_of(verdicts))

    def _verdict(
        self,
        outcome: Outcome,
        reason: Reason,
        *,
        score: float | None = None,
        evidence: dict[str, Any],
        trust: Trust = Trust.MODEL,
    ) -> Verdict:
        return Verdict(outcome, reason, score=score, by=self.by, trust=trust, evidence=evidence)


def _about(sample: Sample, criterion: Criterion) -> Sample:
    return Sample(
        sample.completion,
        sample.reference,
        prompt=sample.prompt,
        meta={**sample.meta, "criterion": criterion.text},
    )


def _bounds(criteria: Sequence[Criterion], verdicts: Sequence[Verdict]) -> tuple[float, float]:
    """The least and the highest score, over what the open criteria may turn out to be."""
    met = sum(c.weight for c, v in zip(criteria, verdicts, strict=True) if v.accepted)
    unknown = [c.weight for c, v in zip(criteria, verdicts, strict=True) if not v.decided]
    total = _total(criteria)
    low = (met + sum(weight for weight in unknown if weight < 0)) / total
    high = (met + sum(weight for weight in unknown if weight > 0)) / total
    # Weights such as .7 + .3 need not add up to 1 exactly.
    return round(low, 12), round(high, 12)


def _total(criteria: Sequence[Criterion]) -> float:
    return sum(one.weight for one in criteria if one.weight > 0)


def _told(criteria: Sequence[Criterion], verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    return [
        {"text": one.text, "weight": one.weight, "outcome": str(verdict.outcome)}
        | ({} if verdict.decided else {"reason": str(verdict.reason)})
        for one, verdict in zip(criteria, verdicts, strict=True)
    ]


def _read(given: Any) -> tuple[Criterion, ...] | None:
    """The criteria that a sample carries; None where they are none."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        return None
    try:
        criteria = tuple(_criterion(one) for one in given)
    except (KeyError, TypeError, ValueError):
        return None
    return criteria if _add_up_to_something(criteria) else None


def _add_up_to_something(criteria: Sequence[Criterion]) -> bool:
    return all(math.isfinite(one.weight) for one in criteria) and _total(criteria) > 0


def _criterion(row: Any) -> Criterion:
    if isinstance(row, str):
        return Criterion(row)
    if "level" in row:
        return Criterion(str(row["text"]), WEIGHTS[str(row["level"]).casefold()])
    return Criterion(str(row["text"]), float(row.get("weight", 1.0)))
