"""What a ruling, a chance or a failure means: accept, reject or abstain, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from unflip.errors import UsageError
from unflip.judges.asking import Finish, Silence
from unflip.judges.chances import Chance
from unflip.judges.grammar import INVALID, NO, YES
from unflip.types import Outcome, Reason


class OnError(StrEnum):
    """What an outage, a refusal or a reply without a verdict becomes; never a number."""

    ABSTAIN = "abstain"
    RAISE = "raise"


@dataclass(frozen=True)
class Policy:
    """From what the judge said to a verdict.

    Attributes:
        accept_at: By probability, the least P(yes) that accepts, in (0, 1].
        reject_below: P(yes) under which it rejects; between the two it abstains. None: `accept_at`.
        least_mass: The least probability that the verdict's words must have together; with less
            the model was about to say something else, and the judge abstains. Of samples, the
            least share that can be read.
        invalid: What becomes of an answer that the judge calls invalid (cut off, repetitive, a
            refusal). That is the completion's own doing, so it rejects, or a policy would learn
            to be invalid instead of wrong.
        on_error: Whether failures abstain or raise.

    Raises:
        UsageError: The thresholds are out of order or range.

    Example:
        >>> Policy(accept_at=0.9, reject_below=0.5).by_chance(Chance(0.7, 1.0))
        (<Outcome.ABSTAIN: 'abstain'>, <Reason.UNDECIDED: 'undecided'>)
    """

    accept_at: float = 0.5
    reject_below: float | None = None
    least_mass: float = 0.5
    invalid: Outcome = Outcome.REJECT
    on_error: OnError = OnError.ABSTAIN

    def __post_init__(self) -> None:
        below = self.accept_at if self.reject_below is None else self.reject_below
        if not 0 <= below <= self.accept_at <= 1 or self.accept_at <= 0:
            raise UsageError(
                f"0 <= reject_below <= accept_at <= 1, and accept_at > 0, not {self!r}"
            )
        if not 0 < self.least_mass <= 1:
            raise UsageError(f"least_mass is a share in (0, 1], not {self.least_mass}")
        if self.invalid is Outcome.ACCEPT:
            raise UsageError("an invalid answer is rejected, or abstained on")

    def by_label(self, label: str) -> tuple[Outcome, Reason]:
        """What a label means."""
        if label == INVALID:
            rejects = self.invalid is Outcome.REJECT
            return self.invalid, Reason.NO_ANSWER if rejects else Reason.UNDECIDED
        return _MEANS[label]

    def by_chance(self, chance: Chance) -> tuple[Outcome, Reason]:
        """What a chance means."""
        if chance.mass < self.least_mass:
            return Outcome.ABSTAIN, Reason.UNREADABLE_REPLY
        if chance.n is not None and chance.p == self.accept_at == _TIE:
            return Outcome.ABSTAIN, Reason.UNDECIDED
        if chance.p >= self.accept_at:
            return Outcome.ACCEPT, Reason.MATCH
        if max(chance.shares, key=chance.shares.__getitem__, default=NO) == INVALID:
            return self.by_label(INVALID)
        below = self.accept_at if self.reject_below is None else self.reject_below
        if chance.p < below:
            return Outcome.REJECT, Reason.MISMATCH
        return Outcome.ABSTAIN, Reason.UNDECIDED


DEFAULT = Policy()
_TIE = 0.5
"""As many samples say yes as no, which tells nothing; a probability is hardly ever just this."""
_MEANS: Mapping[str, tuple[Outcome, Reason]] = {
    YES: (Outcome.ACCEPT, Reason.MATCH),
    NO: (Outcome.REJECT, Reason.MISMATCH),
}
SILENT: Mapping[Silence, Reason] = {
    Silence.UNREACHABLE: Reason.UNREACHABLE,
    Silence.TIMEOUT: Reason.TIMEOUT,
    Silence.THROTTLED: Reason.UNREACHABLE,
    Silence.REFUSED: Reason.REFUSED,
    Silence.GARBLED: Reason.UNREACHABLE,
    Silence.CANCELLED: Reason.UNREACHABLE,
    Silence.UNRECORDED: Reason.UNREACHABLE,
}
"""Why a judge abstains that got no reply."""
CUT: Mapping[Finish, Reason] = {
    Finish.LENGTH: Reason.TRUNCATED,
    Finish.REFUSED: Reason.REFUSED,
    Finish.OTHER: Reason.UNREADABLE_REPLY,
}
"""Why it abstains on a reply that did not end by itself; what is left of it is not read."""
