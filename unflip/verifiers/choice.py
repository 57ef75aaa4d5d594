"""Multiple choice: which options a completion settles on, by letter, number or text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from unflip.types import Outcome, Reason, Sample, Verdict
from unflip.verifiers.base import TEXT_LIMIT, Rule
from unflip.verifiers.cues import Cue
from unflip.verifiers.extract import Policy, Step, extract, final_part
from unflip.verifiers.options import DIGITS, LETTERS, ROMAN, Options, fold, options_of
from unflip.verifiers.stance import Statement, Weight, settled

_MARKS: Policy = (Step.TAG, Step.BOXED, Step.HASHES)
"""Marks that are an answer whatever stands around them."""


@dataclass(frozen=True)
class Choice(Rule):
    r"""Accept a completion that settles on exactly the options that the reference names.

    The options come from `meta["options"]` (or `"choices"`), else from the prompt's list, else they
    are the letters A to J. A reference names one option (`B`, `(B) Oslo`, `Oslo`) or several
    (`A, C`); alternatives go into a tuple.

    Example:
        >>> Choice()(Sample("It isn't A or B, so C.", "C")).outcome
        <Outcome.ACCEPT: 'accept'>
        >>> Choice()(Sample("The answer is A or C.", "C")).reason
        <Reason.AMBIGUOUS: 'ambiguous'>
    """

    name: ClassVar[str] = "choice"
    version: ClassVar[int] = 3

    def __call__(self, sample: Sample) -> Verdict:
        """Decide one sample."""
        if sample.reference is None:
            return self.abstain(Reason.NO_REFERENCE)
        options = options_of(sample) or _guessed(sample.references)
        wanted = [named(reference, options) for reference in sample.references]
        if not wanted or not all(wanted):
            return self.abstain(Reason.UNREADABLE_REFERENCE)
        text = sample.text
        low, high = final_part(text)
        if high - low > TEXT_LIMIT:
            return self.reject(Reason.OVER_LIMIT)
        final = stated(text, options)
        if not final:
            return self.reject(Reason.NO_ANSWER)
        outcome, reason = _compared(final, wanted)
        last = final[-1]
        span = [last.start, last.end]
        step = last.mark or last.weight.name.lower()
        evidence = {"step": step, "span": span, "options": sorted(last.labels)}
        return Verdict(outcome, reason, text[slice(*span)], by=self.by, evidence=evidence)


def _compared(
    final: Sequence[Statement], wanted: Sequence[frozenset[str]]
) -> tuple[Outcome, Reason]:
    """What several statements, or options that are too many, mean together."""
    last = final[-1]
    if len({one.labels for one in final}) > 1 or last.apart:
        return Outcome.REJECT, Reason.AMBIGUOUS
    if last.labels in wanted:
        return Outcome.ACCEPT, Reason.MATCH
    stuffed = any(last.labels > one for one in wanted)
    return Outcome.REJECT, Reason.AMBIGUOUS if stuffed else Reason.MISMATCH


def stated(completion: str, options: Options) -> list[Statement]:
    r"""What a completion settles on; several statements if it contradicts itself, none if nothing.

    Tags, boxes and `####` count first, then what the words say. A plain claim that follows a mark
    contradicts it, unless the words between take the mark back.

    Example:
        >>> options = dict.fromkeys("ABCD", "")
        >>> [sorted(one.labels) for one in stated(r"A? \boxed{B}. Wait, the answer is C.", options)]
        [['C']]
        >>> [sorted(one.labels) for one in stated(r"\boxed{B}. The answer is C.", options)]
        [['B'], ['C']]
    """
    low, high = final_part(completion)
    marked = extract(completion, _MARKS)
    final = [
        replace(said, mark=str(one.step))
        for one in marked
        for said in _read(one.text, one.start, options)
    ]
    if not final:
        return _read(completion[low:high], low, options)
    end = marked[-1].end
    for said in _read(completion[end:high], end, options):
        if said.weight >= Weight.ALONE:
            final = [said] if said.before & Cue.TAKE_BACK else [*final, said]
    return final


def named(reference: str, options: Options) -> frozenset[str]:
    """The options that a reference names; none if it cannot be read.

    Example:
        >>> options = {"A": "Rome", "B": "Oslo", "C": "Bern"}
        >>> [sorted(named(r, options)) for r in ("(B)", "b", "B. Oslo", "Oslo", "A, C", "AC", "?")]
        [['B'], ['B'], ['B'], ['B'], ['A', 'C'], ['A', 'C'], []]
    """
    folded = fold(reference).strip()
    for label, text in options.items():
        if text and _plain(folded) == _plain(fold(text)):
            return frozenset({label})
    if labels := _only_labels(folded, options):
        return labels
    opening = _OPENING.match(folded)
    if opening and opening[1] in options:
        return frozenset({opening[1]})
    final = settled(folded, options)
    return final[-1].labels if len(final) == 1 and not final[0].apart else frozenset()


_OPENING = re.compile(r"[\s(\[*]*([A-Za-z]+|\d+)[)\].:*]*(?:\s|\Z)")
_SEPARATORS = re.compile(
    r"[\s,;/&+()\[\].*`$\"'{}]+|\\(?:text\w*|boxed|math\w+)|\b(?:and|et|und|y|e)\b"
)


def _plain(text: str) -> str:
    return text.strip(" .").lower()


def _only_labels(text: str, options: Options) -> frozenset[str]:
    """The labels that a text is made of, with separators or as capitals in rising order."""
    names = {label.lower(): label for label in options}
    parts = [part.lower() for part in _SEPARATORS.split(text) if part]
    if len(parts) == 1 and text.isupper() and parts[0] not in names:
        rising = sorted(set(parts[0]))
        parts = rising if rising == list(parts[0]) else parts
    if not all(part in names for part in parts):
        return frozenset()
    return frozenset(names[part] for part in parts)


def _read(text: str, offset: int, options: Options) -> list[Statement]:
    """What a stretch of a completion settles on, with its places in the completion."""
    folded = fold(text)
    if len(folded) < 4 * len(options) and (labels := _only_labels(folded, options)):
        return [Statement(labels, offset, offset + len(text), Weight.ALONE)]
    return [
        replace(said, start=said.start + offset, end=said.end + offset)
        for said in settled(folded, options)
    ]


def _guessed(references: Sequence[str]) -> Options:
    """Labels of the kind that the references are, for want of any options."""
    for reference in references:
        if re.match(r"\W*\d", reference):
            return dict.fromkeys(DIGITS, "")
        if re.match(r"\W*[ivx]+\W*\Z", reference):
            return dict.fromkeys(ROMAN, "")
    return dict.fromkeys(LETTERS, "")
