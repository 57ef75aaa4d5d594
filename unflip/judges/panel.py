"""Several judges, and how many of them it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self

from unflip.errors import UsageError
from unflip.judges.batches import decide_all, fault_of, without_guards
from unflip.types import (
    Outcome,
    Reason,
    Sample,
    Trust,
    Verdict,
    Verifier,
    identify,
    identity,
)
from unflip.verifiers.compose import Composite

_TRUST = tuple(Trust)


@dataclass(frozen=True)
class Panel(Composite):
    """Accepts where at least `quorum` of its parts accept, rejects where no more can come of it.

    Abstentions are votes that may still go either way: where they could tip the scales, the panel
    abstains. So a judge that is out of reach never decides anything.

    Attributes:
        quorum: How many have to accept.
    """

    name: ClassVar[str] = "panel"

    quorum: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.quorum <= len(self.parts):
            raise UsageError(f"of {len(self.parts)} judges {self.quorum} can never accept")

    @cached_property
    def by(self) -> str:
        """Who decides: the judges, and how many of them have to accept."""
        options = {"parts": [identity(one) for one in self.parts], "quorum": self.quorum}
        return identify(self.name, self.version, options)

    @property
    def parallel(self) -> int:
        """How many samples are worth having under way at once."""
        return max(int(getattr(part, "parallel", 1)) for part in self.parts)

    def unguarded(self) -> Self:
        """The same of judges without their guards, for an audit of the judges themselves."""
        return replace(self, parts=tuple(map(without_guards, self.parts)))

    def __call__(self, sample: Sample) -> Verdict:
        """The verdict on one sample."""
        return self.verify_batch([sample])[0]

    def verify_batch(self, samples: Sequence[Sample]) -> list[Verdict]:
        """The verdicts on several samples; every judge votes on all of them."""
        ballots = [decide_all(part, samples) for part in self.parts]
        return [self._count(votes) for votes in zip(*ballots, strict=True)]

    def _count(self, votes: Sequence[Verdict]) -> Verdict:
        counts = Counter(vote.outcome for vote in votes)
        accepting, unknown = counts[Outcome.ACCEPT], counts[Outcome.ABSTAIN]
        if accepting >= self.quorum:
            return self._verdict(Outcome.ACCEPT, Reason.MATCH, votes)
        if accepting + unknown < self.quorum:
            return self._verdict(Outcome.REJECT, Reason.MISMATCH, votes)
        return replace(
            self._verdict(Outcome.ABSTAIN, Reason.UNDECIDED, votes), fault=fault_of(votes)
        )

    def _verdict(self, outcome: Outcome, reason: Reason, votes: Sequence[Verdict]) -> Verdict:
        said = [
            {
                "by": vote.by or identity(part),
                "outcome": str(vote.outcome),
                "reason": str(vote.reason),
            }
            | ({} if vote.p is None else {"p": vote.p})
            for part, vote in zip(self.parts, votes, strict=True)
        ]
        trust = max((vote.trust for vote in votes), key=_TRUST.index)
        return Verdict(outcome, reason, by=self.by, trust=trust, evidence={"votes": said})


def majority(*judges: Verifier) -> Panel:
    """Accepts where more than half of the judges do.

    Judges make the same mistakes, so a majority need not accept fewer wrong answers than its best
    member; `shared_errors` says how much they share. Against false positives, `unanimous` helps.

    Raises:
        UsageError: There is none, or one is no verifier.

    Example:
        >>> from unflip.verifiers.exact import Exact
        >>> majority(Exact(), Exact(), Exact()).quorum
        2
    """
    return Panel(judges, quorum=len(judges) // 2 + 1)


def unanimous(*judges: Verifier) -> Panel:
    """Accepts where all of the judges do.

    Raises:
        UsageError: There is none, or one is no verifier.

    Example:
        >>> from unflip.verifiers.exact import Exact
        >>> unanimous(Exact(), Exact())(Sample("4", "4")).accepted
        True
    """
    return Panel(judges, quorum=len(judges))


def quorum(least: int, *judges: Verifier) -> Panel:
    """Accepts where at least `least` of the judges do.

    Raises:
        UsageError: There is none, one is no verifier, or there are fewer than `least`.

    Example:
        >>> from unflip.verifiers.exact import Exact
        >>> quorum(1, Exact(), Exact())(Sample("5", "4")).accepted
        False
    """
    return Panel(judges, quorum=least)
