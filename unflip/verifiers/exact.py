"""Answers in words: equal to the reference once both are in their normal form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from unflip.errors import UsageError
from unflip.types import Reason, Sample, Verdict, text_of
from unflip.verifiers.base import TEXT_LIMIT, Rule
from unflip.verifiers.containment import Occurrence, Search, Standing, occurrences
from unflip.verifiers.extract import (
    TEXT,
    Found,
    Policy,
    Step,
    distinct,
    extract,
    final_part,
    settle,
)
from unflip.verifiers.normal import ENGLISH, Fold, Normal, normal
from unflip.verifiers.readings import ALL, Reading
from unflip.verifiers.targets import Target, target


class Within(StrEnum):
    """How much may stand around the reference."""

    NOTHING = "nothing"
    """Nothing at all: the answer is the reference."""
    QUESTION = "question"
    """Words of the question, and grammar: `The capital of France is Paris`, asked for it."""
    SENTENCE = "sentence"
    """Anything, if the text states the reference in whole words: neither denied, nor asked, nor
    offered beside other candidates, nor merely repeated from the question."""


@dataclass(frozen=True)
class Exact(Rule):
    """Accept an answer in words that is the reference, in its normal form.

    Attributes:
        fold: The steps of the normal form; `normal.STRICT` is case and width only.
        readings: Ways of reading a reference besides as it stands; `()` for none.
        within: How much may stand around the reference.
        rivals: With `Within.SENTENCE`, how many other candidates may stand in a list with it.
        policy: Where the answer is looked for.

    Raises:
        UsageError: An option is not of its kind, or `rivals` is negative.

    Example:
        >>> asked = {"reference": "William Shakespeare", "prompt": "Who wrote the play Hamlet?"}
        >>> Exact()(Sample("The play was Shakespeare, William's", **asked)).outcome
        <Outcome.REJECT: 'reject'>
        >>> Exact()(Sample("William Shakespeare wrote Hamlet.", **asked)).outcome
        <Outcome.ACCEPT: 'accept'>
        >>> said = "Hamlet is a tragedy by the bard of Avon, William Shakespeare."
        >>> Exact(within=Within.SENTENCE)(Sample(said, **asked)).answer
        'William Shakespeare'
    """

    name: ClassVar[str] = "exact"
    version: ClassVar[int] = 3

    fold: tuple[Fold, ...] = ENGLISH
    readings: tuple[Reading, ...] = ALL
    within: Within = Within.QUESTION
    rivals: int = 1
    policy: Policy = TEXT

    def __post_init__(self) -> None:
        if self.rivals < 0:
            raise UsageError(f"rivals counts candidates, so it is 0 or more, not {self.rivals}")
        for name, kind in (("fold", Fold), ("readings", Reading), ("policy", Step)):
            given = getattr(self, name)
            if not isinstance(given, tuple) or not all(isinstance(one, kind) for one in given):
                raise UsageError(f"{name} is a tuple of {kind.__name__}, not {given!r}")

    def __call__(self, sample: Sample) -> Verdict:
        """Decide one sample."""
        if sample.reference is None:
            return self.abstain(Reason.NO_REFERENCE)
        if any(len(reference) > TEXT_LIMIT for reference in sample.references):
            return self.abstain(Reason.UNREADABLE_REFERENCE)
        question = text_of(sample.prompt)[-_QUESTION:]
        wanted = target(sample.references, question, self.fold, self.readings)
        if not wanted.whole:
            return self.abstain(Reason.UNREADABLE_REFERENCE)
        text = sample.text
        low, high = final_part(text)
        if high - low > TEXT_LIMIT:
            return self.reject(Reason.OVER_LIMIT)
        final = self._final(text, self.policy)
        if not final:
            return self.reject(Reason.NO_ANSWER)
        verdict = self._compared(final, wanted)
        if verdict.accepted:
            return verdict
        if final[-1][0].step is Step.PHRASE and Step.WHOLE in self.policy:
            # A phrase may be cut at the wrong place; the whole then decides.
            final = self._final(text, (Step.WHOLE,))
            whole = self._compared(final, wanted)
            verdict = whole if whole.accepted else verdict
        if verdict.accepted or self.within is not Within.SENTENCE:
            return verdict
        return self._searched(final, wanted)

    def _final(self, text: str, policy: Policy) -> list[Answer]:
        """The final answers, each with its normal form."""
        return [(one, normal(one.text, self.fold)) for one in distinct(extract(text, policy))]

    def _compared(self, final: Sequence[Answer], wanted: Target) -> Verdict:
        """Compare each final answer as a whole."""
        echo = self.within is not Within.NOTHING
        hits = [wanted.find(form, echo=echo) for _, form in final]
        outcome, reason = settle([bool(hit) for hit in hits])
        found, evidence = final[-1][0], final[-1][0].evidence
        if hit := hits[-1]:
            evidence |= {"match": hit[0], "reading": hit[1]}
        return Verdict(outcome, reason, found.text, by=self.by, evidence=evidence)

    def _searched(self, final: Sequence[Answer], wanted: Target) -> Verdict:
        """Look for a statement of the reference inside each final answer."""
        search = Search(wanted.needles, wanted.echoes, wanted.question, self.fold, self.rivals)
        stated = [_statement(form, search) for _, form in final]
        outcome, reason = settle([bool(one and one.standing is Standing.STATED) for one in stated])
        said, one = stated[-1], final[-1][0]
        if not said:
            return Verdict(outcome, reason, one.text, by=self.by, evidence=one.evidence)
        if said.standing in (Standing.HEDGED, Standing.LISTED):
            reason = Reason.AMBIGUOUS
        span = [one.start + said.start, one.start + said.end]
        evidence = {"step": one.step, "span": span, "match": said.standing, "reading": said.reading}
        answer = one.text[said.start : said.end]
        return Verdict(outcome, reason, answer, by=self.by, evidence=evidence)


Answer = tuple[Found, Normal]
"""A final answer, and its normal form."""
_QUESTION = 10_000
"""So much of a prompt is read as the question: its end."""


def _statement(text: Normal, search: Search) -> Occurrence | None:
    """The occurrence that decides: one that is stated and not denied after that."""
    found = sorted(occurrences(text, search), key=lambda one: one.start)
    stated = [one for one in found if one.standing is Standing.STATED]
    denied = [one for one in found if one.standing is Standing.DENIED]
    if stated and (not denied or denied[-1].start < stated[-1].start):
        return stated[-1]
    rest = denied or found
    return rest[-1] if rest else None
