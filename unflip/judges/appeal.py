"""A rule first, and a judge for what the rule did not accept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

from unflip.judges.batches import decide_all, without_guards
from unflip.types import Sample, Verdict, Verifier, identify, identity
from unflip.verifiers.compose import Composite


@dataclass(frozen=True)
class Appeal(Composite):
    """The rule's verdict where it accepts; else the judge's.

    Attributes:
        stands: Whether the rule's reject stands where the judge abstains. If not, the verdict is
            an abstention: an outage of the judge would otherwise move the verdicts to the rule's,
            whose rates are others.
    """

    name: ClassVar[str] = "appeal"

    stands: bool = False

    def unguarded(self) -> Self:
        """The same of judges without their guards, for an audit of the judges themselves."""
        return replace(self, parts=tuple(map(without_guards, self.parts)))

    def __call__(self, sample: Sample) -> Verdict:
        """The verdict on one sample."""
        return self.verify_batch([sample])[0]

    def verify_batch(self, samples: Sequence[Sample]) -> list[Verdict]:
        """The verdicts on several samples; the judge is asked about the appeals together."""
        rule, judge = self.parts
        ruled = decide_all(rule, samples)
        lost = [index for index, verdict in enumerate(ruled) if not verdict.accepted]
        heard = dict(zip(lost, decide_all(judge, [samples[i] for i in lost]), strict=True))
        return [self._settled(first, heard.get(index)) for index, first in enumerate(ruled)]

    @cached_property
    def by(self) -> str:
        """Who decides: rule and judge, and whether a reject stands."""
        options = {"parts": [identity(one) for one in self.parts], "stands": self.stands}
        return identify(self.name, self.version, options)

    @property
    def parallel(self) -> int:
        """How many samples are worth having under way at once."""
        return int(getattr(self.parts[1], "parallel", 1))

    def _settled(self, first: Verdict, appeal: Verdict | None) -> Verdict:
        rule, judge = self.parts
        if appeal is None:
            return self._signed(first, rule)
        said: dict[str, Any] = {"rule": str(first.reason)}
        if self.stands and first.decided and not appeal.decided:
            return self._signed(first, rule, judge=str(appeal.reason))
        return self._signed(appeal, judge, **said)

    def _signed(self, verdict: Verdict, part: Verifier, **more: Any) -> Verdict:
        evidence = {"decided_by": verdict.by or identity(part), **verdict.evidence, **more}
        return replace(verdict, by=self.by, evidence=evidence)


def appeal(rule: Verifier, judge: Verifier, *, stands: bool = False) -> Appeal:
    """A hybrid verifier: the judge sees only what the rule rejected or abstained on.

    Every answer that the rule accepts is accepted, so the rule's false positives remain and the
    judge's are added; what is won are the rule's false negatives. To keep false positives low
    instead, ask for both: `all_of(rule, judge)`, or a panel that has to be unanimous.

    Args:
        rule: Asked first.
        judge: Asked about the rest.
        stands: Whether a reject of the rule stands where the judge abstains.

    Raises:
        UsageError: One of them is no verifier.

    Source: RL-Verifier-Pitfalls (arXiv 2505.22203); TinyV.

    Example:
        >>> from unflip.judges import Judge, Own, template
        >>> from unflip.verifiers.exact import Exact
        >>> yes = Judge(template("tinyv"), Own(lambda messages: "True", name="yes"))
        >>> hybrid = appeal(Exact(), yes)
        >>> verdict = hybrid(Sample("It is 1/2.", "0.5", prompt="Half of 1?"))
        >>> verdict.outcome.value, verdict.evidence["rule"]
        ('accept', 'mismatch')
    """
    return Appeal((rule, judge), stands=stands)
