"""The self-check: does a verifier accept a dataset's references as answers to themselves?"""

from __future__ import annotations

import unicodedata
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from unflip.intervals import Proportion, wilson
from unflip.types import Sample, Verdict, Verifier, digest

Present = Callable[[str], str]
"""How a completion states an answer, such as `"\\\\boxed{{{}}}".format`."""
Doubts = Callable[[str], str | None]
"""Why a reference can hardly be checked; None if it can."""
Verify = Callable[[Verifier, Iterable[Sample]], Iterable[Verdict]]
"""What `unflip.run.verify_all` is: one verdict for each sample, in their order."""
_WORDS = frozenset(
    {"none", "null", "nil", "nan", "n/a", "#n/a", "undefined", "unknown", "todo", "tbd"}
)
_MARKS = frozenset({"?", "...", "-", "--", "[]", "{}", "()"})
_GARBLED = frozenset({"Cc", "Cs", "Co"})
"""Unicode's control characters, lone surrogates and private use."""


class Doubt(StrEnum):
    """Why a reference looks as if it were none."""

    BLANK = "blank"
    """Nothing, or nothing but white space."""
    PLACEHOLDER = "placeholder"
    """A word that stands for a missing value."""
    GARBLED = "garbled"
    """Control characters, or characters that a wrong decoding leaves behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A reference that the verifier did not accept: `verdict` says why.

    `id` is that of the first row with this reference, `rows` counts them all.
    """

    reference: str
    id: str | None
    rows: int
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """A reference that looks like garbage, or that its verifier finds hard to check; see `Refused`.

    `doubt` is a `Doubt`, or what the verifier says about it.
    """

    reference: str
    id: str | None
    rows: int
    doubt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceCheck:
    """What came of the self-check.

    Attributes:
        accepted: How many of the distinct references were accepted.
        refused: Those that were not, most rows first.
        doubtful: Those that look like garbage, most rows first.
        skipped: Rows without a reference, or with one that is no text.
    """

    accepted: Proportion
    refused: tuple[Refused, ...]
    doubtful: tuple[Doubtful, ...]
    skipped: int

    def to_json(self) -> dict[str, Any]:
        """A JSON object; verdicts in full."""
        return {
            "accepted": self.accepted.to_json(),
            "refused": [
                {"reference": one.reference, "id": one.id, "rows": one.rows}
                | {"verdict": one.verdict.to_json()}
                for one in self.refused
            ],
            "doubtful": [
                {"reference": one.reference, "id": one.id, "rows": one.rows, "doubt": one.doubt}
                for one in self.doubtful
            ],
            "skipped": self.skipped,
        }


def one_by_one(verifier: Verifier, samples: Iterable[Sample]) -> Iterator[Verdict]:
    """Verdicts without a runner: no deadline, and what the verifier raises is raised."""
    return map(verifier, samples)


def check_references(
    verifier: Verifier,
    samples: Iterable[Sample],
    *,
    present: Present | None = None,
    verify: Verify = one_by_one,
) -> ReferenceCheck:
    r"""Give a verifier each reference as its own completion; it should accept all of them.

    Needs no label and no model. A reference that is refused is a false negative for whoever
    answers in its very words, and rows with it can never be accepted for the right reason.

    Args:
        verifier: Any verifier. One with a method `doubts(reference)` says why it can hardly check a
            reference, or None if it can.
        samples: Rows of the dataset, each alternative reference by itself; taken lazily, and each
            distinct reference (with its meta) once, with the prompt of its first row.
        present: How a completion states an answer; by default the verifier's own method `present`,
            or the bare text if it has none.
        verify: Who runs the verifier, such as `unflip.run.verify_all`, or a `partial` of it.

    Example:
        >>> from unflip.types import Outcome, Reason
        >>> def whole_numbers(sample):
        ...     if sample.text.isdigit() and sample.text == sample.reference:
        ...         return Verdict(Outcome.ACCEPT, Reason.MATCH)
        ...     return Verdict(Outcome.REJECT, Reason.MALFORMED)
        >>> samples = [Sample("", "42"), Sample("", ("7", "seven")), Sample("", "42")]
        >>> check = check_references(whole_numbers, samples)
        >>> print(check.accepted, [(one.reference, one.rows) for one in check.refused])
        0.667 [0.208, 0.939] [('seven', 1)]
    """
    if present is None:
        present = getattr(verifier, "present", str)
    checker = ReferenceChecker(present, getattr(verifier, "doubts", None))
    asked: deque[Sample] = deque()

    def remembered() -> Iterator[Sample]:
        for sample in checker.ask(samples):
            asked.append(sample)
            yield sample

    for verdict in verify(verifier, remembered()):
        checker.add(asked.popleft(), verdict)
    return checker.result()


class ReferenceChecker:
    """The self-check in pieces: `ask` for samples, `add` their verdicts, take the `result`.

    Args:
        present: How a completion states an answer; `str` leaves the reference as it is.
        doubts: Why a verifier can hardly check a reference; None for those that it can.

    Example:
        >>> checker = ReferenceChecker("The answer is {}.".format)
        >>> [sample.text for sample in checker.ask([Sample("", "4"), Sample("", "4")])]
        ['The answer is 4.']
    """

    def __init__(self, present: Present = str, doubts: Doubts | None = None) -> None:
        self._present = present
        self._doubts = doubts or (lambda _: None)
        self._rows: Counter[int] = Counter()
        self._skipped = 0
        self._accepted = 0
        self._checked = 0
        self._refused: list[tuple[int, Refused]] = []
        self._doubtful: list[tuple[int, Doubtful]] = []

    def ask(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        """Each distinct reference as a completion, judged against itself, as the rows come."""
        for sample in samples:
            references = sample.references
            self._skipped += not references
            for reference in dict.fromkeys(references):
                single = replace(sample, completion="", reference=reference, correct=None)
                key = _key(single)
                self._rows[key] += 1
                if self._rows[key] == 1:
                    yield replace(single, completion=self._present(reference))

    def add(self, sample: Sample, verdict: Verdict) -> None:
        """Take the verdict on one of the samples into account."""
        key, reference = _key(sample), sample.references[0]
        self._checked += 1
        self._accepted += verdict.accepted
        about: dict[str, Any] = {"reference": reference, "id": sample.id, "rows": 1}
        if not verdict.accepted:
            self._refused.append((key, Refused(**about, verdict=verdict)))
        if doubt := doubt_of(reference) or self._doubts(reference):
            self._doubtful.append((key, Doubtful(**about, doubt=doubt)))

    def result(self) -> ReferenceCheck:
        """What came of it, once every verdict is in."""
        refused = [replace(one, rows=self._rows[key]) for key, one in self._refused]
        doubtful = [replace(one, rows=self._rows[key]) for key, one in self._doubtful]
        return ReferenceCheck(
            accepted=wilson(self._accepted, self._checked),
            refused=tuple(sorted(refused, key=lambda one: -one.rows)),
            doubtful=tuple(sorted(doubtful, key=lambda one: -one.rows)),
            skipped=self._skipped,
        )


def doubt_of(reference: str) -> Doubt | None:
    r"""Why a reference looks as if it were none; None if it looks like an answer.

    It is a question, not a verdict: "None" may well be an answer.

    Example:
        >>> doubt_of(" N/A "), doubt_of("caf\ufffd"), doubt_of("4")
        (<Doubt.PLACEHOLDER: 'placeholder'>, <Doubt.GARBLED: 'garbled'>, None)
    """
    text = reference.strip()
    if not text:
        return Doubt.BLANK
    if text.casefold() in _WORDS | _MARKS:
        return Doubt.PLACEHOLDER
    # A reference may be a megabyte; if it is garbled, its beginning shows it.
    seen = text[:1000].translate({ord("\n"): None, ord("\r"): None, ord("\t"): None})
    if any(char == "\ufffd" or unicodedata.category(char) in _GARBLED for char in seen):
        return Doubt.GARBLED
    return None


def _key(sample: Sample) -> int:
    return int(digest([sample.reference, sample.meta])[:15], 16)
