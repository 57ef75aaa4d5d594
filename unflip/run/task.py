"""A verifier made safe: whatever it does becomes a verdict, timed and signed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unflip.errors import MissingExtra, NoVerdict, SandboxUnavailable, Unjudged
from unflip.types import Outcome, Reason, Sample, Verdict, Verifier
from unflip.workers import describe

MISUSE = (MissingExtra, NoVerdict, SandboxUnavailable, Unjudged)
"""What no verdict may stand for: every sample would meet with it, or the user wants it raised."""


@dataclass(frozen=True, slots=True)
class Task:
    """A verifier, and who it is.

    Raises:
        NoVerdict: From `decide`, if the verifier returns anything but verdicts.
        MissingExtra: From `decide`, if the verifier does.
        SandboxUnavailable: From `decide`, if the verifier does.
        Unjudged: From `decide`, if the verifier is a judge that is to raise.
    """

    verifier: Verifier
    by: str

    @property
    def together(self) -> Callable[[Sequence[Sample]], list[Verdict]] | None:
        """The verifier's way to decide several samples at once, if it has one."""
        return getattr(self.verifier, "verify_batch", None)

    @property
    def parallel(self) -> int:
        """How many samples a verifier that waits can have under way; 0 of one that computes."""
        return int(getattr(self.verifier, "parallel", 0))

    def decide(self, samples: Sequence[Sample]) -> list[Verdict]:
        """One verdict for each sample; a batch that fails is taken apart."""
        if self.together is not None and len(samples) > 1:
            said, seconds = _attempt(self.together, samples)
            if not isinstance(said, _Raised):
                return self._sign_all(said, len(samples), seconds / len(samples))
        return [self.decide_one(sample) for sample in samples]

    def decide_one(self, sample: Sample) -> Verdict:
        """The verdict on one sample."""
        said, seconds = _attempt(self.verifier, sample)
        if isinstance(said, _Raised):
            return self.abstain(Reason.ERROR, said.text, seconds)
        return self._sign(said, seconds)

    def abstain(self, reason: Reason, error: str, seconds: float | None) -> Verdict:
        """The verdict in place of one that the verifier failed to give."""
        evidence = {"error": error}
        return Verdict(Outcome.ABSTAIN, reason, by=self.by, seconds=seconds, evidence=evidence)

    def _sign_all(self, said: Any, owed: int, seconds: float) -> list[Verdict]:
        if not isinstance(said, (list, tuple)) or len(said) != owed:
            raise NoVerdict(
                f"verify_batch of {self.by} owes a list of {owed} verdicts: {said!r:.80}"
            )
        return [self._sign(verdict, seconds) for verdict in said]

    def _sign(self, said: Any, seconds: float) -> Verdict:
        if not isinstance(said, Verdict):
            raise NoVerdict(f"{self.by} returned {said!r:.80}, which is no Verdict")
        try:
            json.dumps(said.to_json(), allow_nan=False)
        except (TypeError, ValueError, RecursionError) as why:
            raise NoVerdict(f"{self.by} returned {said!r:.80}, which is no JSON: {why}") from why
        taken = seconds if said.seconds is None else said.seconds
        if said.by == self.by:
            return replace(said, seconds=taken)
        evidence = {**said.evidence, "decided_by": said.by} if said.by else said.evidence
        return replace(said, by=self.by, seconds=taken, evidence=evidence)


@dataclass(frozen=True, slots=True)
class _Raised:
    """An exception of the verifier, as text."""

    text: str


def _attempt(call: Callable[[Any], Any], argument: Any) -> tuple[Any, float]:
    """What the call returned or raised, and the seconds that it took."""
    began = time.perf_counter()
    try:
        said = call(argument)
    except MISUSE:
        raise
    except Exception as why:
        said = _Raised(describe(why))
    return said, time.perf_counter() - began
