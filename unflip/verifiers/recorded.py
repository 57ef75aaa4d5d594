"""Verdicts that somebody recorded in a column of the data, taken at their word."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from unflip.errors import NoVerdict, UsageError
from unflip.types import Outcome, Reason, Sample, Trust, Verdict, identify, look_up

_WORDS = {
    **dict.fromkeys(("accept", "accepted", "yes", "true", "correct"), 1.0),
    **dict.fromkeys(("reject", "rejected", "no", "false", "incorrect", "wrong"), 0.0),
    **dict.fromkeys(("abstain", "abstained", ""), None),
}


@dataclass(frozen=True)
class Recorded:
    """The verdict that a column holds: a judge's or a verifier's that ran elsewhere.

    1, true, "yes" and the like accept; 0, false, "no" reject; null and "abstain" abstain, and so
    does a row without the column. A number between 0 and 1 is P(correct): it is kept as the
    verdict's `p`, and accepts from 1/2 on. Of other numbers, scores, `accept_at` says from where
    on they accept.

    Attributes:
        column: Its name; dots lead into nested columns, as in `judges.gpt4`.
        accept_at: The least number that accepts.

    Raises:
        UsageError: No column is named.
        NoVerdict: The column of a row holds something else, which stops a run.

    Example:
        >>> judged = Sample("4", "4", meta={"judges": {"gpt4": "yes", "rm": 0.3}})
        >>> Recorded("judges.gpt4")(judged).outcome.value, Recorded("judges.rm")(judged).p
        ('accept', 0.3)
    """

    column: str
    accept_at: float | None = None

    def __post_init__(self) -> None:
        if not self.column:
            raise UsageError("which column holds the verdicts? Say column:NAME")

    @property
    def by(self) -> str:
        """Whose verdicts these are: the column, since nobody knows more."""
        options = {"column": self.column, "accept_at": self.accept_at}
        return identify(f"column:{self.column}", 1, options)

    def __call__(self, sample: Sample) -> Verdict:
        """The recorded verdict on this sample."""
        value = look_up(sample.meta, self.column)
        number = _number(value, self.column)
        if number is None:
            return self._verdict(Outcome.ABSTAIN, Reason.DECLINED)
        likely = 0 <= number <= 1
        if not likely and self.accept_at is None:
            raise NoVerdict(
                f"column {self.column!r} holds {number:g}: say from where on it accepts"
            )
        bound = 0.5 if self.accept_at is None else self.accept_at
        detail = {"p": number} if likely and number not in (0, 1) else {"score": number}
        if number >= bound:
            return self._verdict(Outcome.ACCEPT, Reason.REWARDED, **detail)
        return self._verdict(Outcome.REJECT, Reason.UNREWARDED, **detail)

    def _verdict(self, outcome: Outcome, reason: Reason, **detail: float) -> Verdict:
        return Verdict(
            outcome, reason, by=self.by, trust=Trust.FOREIGN, evidence={"column": self.column},
            p=detail.get("p"), score=detail.get("score"),
        )  # fmt: skip


def _number(value: Any, column: str) -> float | None:
    """1 for accept, 0 for reject, None for neither, or the number that stands there."""
    if value is None:
        return None
    word = str(value).strip().casefold()
    if not isinstance(value, bool) and word in _WORDS:
        return _WORDS[word]
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        told = f"column {column!r} holds {word[:40]!r}: neither accept, reject nor a number"
        raise NoVerdict(told) from None
    return None if math.isnan(number) else number
