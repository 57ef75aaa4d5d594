r"""Mathematical answers: read, typed and compared exactly, with steps for a budget and no clock.

`Math` finds the final answer and compares it with the reference: plain numbers, lists of numbers
and the same text by `comparing`, all else by the engine in `deciding`. The same verdict comes out
in a thread, a process or under load. With `deep`, Math-Verify is asked about what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.util import find_spec
from typing import Any, ClassVar

from unflip.errors import UsageError, missing_extra
from unflip.types import Outcome, Reason, Sample, Trust, Verdict
from unflip.verifiers.base import Rule
from unflip.verifiers.extract import (
    FINAL,
    MARKED,
    REFERENCE,
    Found,
    Policy,
    Step,
    alternatives,
    distinct,
    extract,
    settle,
    state,
    valued,
)
from unflip.verifiers.math import fallback
from unflip.verifiers.math.comparing import By, Comparison, compare
from unflip.verifiers.math.deciding import decide
from unflip.verifiers.math.tolerance import Percent, Tolerance, Units
from unflip.verifiers.statements import is_prose

__all__ = ["Math", "Percent", "Units"]

_MOST_ANSWERS = 16
_GIVEN_UP = (Reason.TIMEOUT, Reason.CRASH, Reason.ERROR)
"""Not to be tried again with the next part: a deadline a sample, not a deadline a part."""
_SHOWN_BY = {Outcome.ACCEPT: True, Outcome.REJECT: False, Outcome.ABSTAIN: None}
_LONGEST_CACHED = 2000
_LONG_REFERENCE = 200


@dataclass(frozen=True)
class Math(Rule):
    r"""Accept an answer that equals the reference as mathematics.

    Args:
        policy: The steps that find the answer; see `extract`.
        percent: What a percent sign on one side only means.
        digits: A decimal of at least so many significant digits equals the fraction that rounds to
            it; None demands equality.
        units: What a unit on one side only means.
        comma: Whether `1,22` may be a decimal, if the other side writes it `1.22`.
        deep: Whether Math-Verify is asked about what the engine cannot tell; without it, such a
            sample is an abstain (undecided).
        deadline: Seconds that Math-Verify may take for one comparison before it is an abstain.

    Raises:
        MissingExtra: `deep` is on and Math-Verify is not installed.
        UsageError: An option means nothing.

    Example:
        >>> verify = Math()
        >>> verify(Sample(r"so it is \boxed{\frac{1}{2}}", "0.5")).reason
        <Reason.MATCH: 'match'>
        >>> verify(Sample(r"it is \boxed{12} or \boxed{15}", "15")).reason
        <Reason.AMBIGUOUS: 'ambiguous'>
    """

    name: ClassVar[str] = "math"
    version: ClassVar[int] = 3

    policy: Policy = FINAL
    percent: Percent = Percent.EITHER
    digits: int | None = 3
    units: Units = Units.EITHER
    comma: bool = True
    deep: bool = False
    deadline: float = 10.0

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "policy", tuple(map(Step, self.policy)))
            object.__setattr__(self, "percent", Percent(self.percent))
            object.__setattr__(self, "units", Units(self.units))
        except ValueError as why:
            raise UsageError(f"Math: {why}") from why
        digits = 1 if self.digits is None else self.digits
        if not self.policy or not self.deadline > 0 or digits < 1:
            raise UsageError("Math wants a step in its policy, a deadline above 0, and digits >= 1")
        if self.deep and find_spec("math_verify") is None:
            raise missing_extra("Math(deep=True)", "math")

    def engines(self) -> dict[str, str]:
        """Versions of Math-Verify and SymPy, where they may decide."""
        return fallback.engines() if self.deep else {}

    def present(self, reference: str) -> str:
        """The reference's answer, stated as the policy wants it."""
        return state(_stated(reference), self.policy)

    def doubts(self, reference: str) -> str | None:
        """Why a reference can hardly be checked, for the self-check; None if it can."""
        from unflip.verifiers.math.auditing import doubted

        return doubted(reference, self)

    def warm_up(self) -> None:
        """Do what is slow the first time; the runner calls this in every worker."""
        if self.deep:
            fallback.warm_up()

    def __call__(self, sample: Sample) -> Verdict:
        """Accept, reject, or abstain if the reference or our machinery is at fault."""
        given = sample.references
        if not given:
            return self.abstain(Reason.NO_REFERENCE)
        references = [_cached(text) for text in given]
        if not all(references):
            return self.abstain(Reason.UNREADABLE_REFERENCE)
        found = extract(sample.text, self.policy)
        if not any(map(is_prose, references)):
            found = valued(found)
        found = distinct(found)
        if not found:
            return self.reject(Reason.NO_ANSWER)
        if len(found) > _MOST_ANSWERS:
            return self.reject(Reason.OVER_LIMIT, answer=found[-1].text)
        return self._weigh(found, references)

    def _weigh(self, found: tuple[Found, ...], references: Sequence[str]) -> Verdict:
        """All answers as one, as the parts of a solution are; if that fails, each on its own."""
        whole = self._compare_any(", ".join(one.text for one in found), references)
        if whole.same or whole.reason in _GIVEN_UP:
            return self._verdict(found, [whole])
        parts = [part for one in found for part in alternatives(one.text)]
        if len(parts) == 1:
            return self._verdict(found, [whole])
        each = []
        for part in parts:
            each.append(self._compare_any(part, references))
            if each[-1].reason in _GIVEN_UP:
                break
        return self._verdict(found, each)

    def _compare_any(self, answer: str, references: Sequence[str]) -> Comparison:
        """The comparison with the first reference that fits, else the most telling one."""
        outcomes = []
        for reference in references:
            comparison = self._compare(answer, reference)
            if comparison.same:
                return comparison
            outcomes.append(comparison)
            if comparison.reason in _GIVEN_UP:
                break
        return next((one for one in outcomes if one.same is None), outcomes[-1])

    @cached_property
    def _tolerance(self) -> Tolerance:
        return Tolerance(self.percent, self.digits, self.units, self.comma)

    def _compare(self, answer: str, reference: str) -> Comparison:
        comparison = compare(answer, reference, self._tolerance)
        if comparison.same is None:
            comparison = decide(answer, reference, self._tolerance)
        if comparison.same is not None or not self.deep:
            return comparison
        return fallback.consult(answer, reference, comparison, deadline=self.deadline)

    def _verdict(self, found: tuple[Found, ...], each: Sequence[Comparison]) -> Verdict:
        outcome, reason = settle([one.same for one in each])
        deciding = next(one for one in each if one.same is _SHOWN_BY[outcome])
        if reason is not Reason.AMBIGUOUS:
            reason = deciding.reason or reason
        evidence: dict[str, Any] = found[-1].evidence | deciding.evidence
        if len(found) > 1:
            evidence["answers"] = [one.text for one in found]
        trust = Trust.HEURISTIC if deciding.by in (By.MATH_VERIFY, By.POINTS) else Trust.RULE
        return Verdict(outcome, reason, found[-1].text, by=self.by, trust=trust, evidence=evidence)


def _stated(reference: str) -> str:
    """The answer of a reference, which may be a worked solution."""
    found = distinct(extract(reference, REFERENCE))
    if len(reference) > _LONG_REFERENCE and len(found) == 1 and found[0].step is Step.WHOLE:
        found = distinct(extract(reference, MARKED)) or found
    return ", ".join(one.text for one in found)


_remembered = lru_cache(maxsize=4096)(_stated)


def _cached(reference: str) -> str:
    """A reference's answer; all completions of a prompt have the same one."""
    return _remembered(reference) if len(reference) <= _LONGEST_CACHED else _stated(reference)
