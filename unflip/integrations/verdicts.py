"""From a verifier to what one row is paid: its verdict, 1 or 0 for it, and that corrected."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from unflip.correction.advantages import Normaliser
from unflip.correction.hook import Hook
from unflip.correction.line import Line
from unflip.errors import UsageError
from unflip.run import verify_all
from unflip.types import Outcome, Sample, Verdict, Verifier, identity

StratumOf: TypeAlias = Callable[[Sample], str | None]
"""Which stratum of the rates a row belongs to; picklable, so no lambda."""
_REWARDS: Mapping[Outcome, float] = {
    Outcome.ACCEPT: 1.0,
    Outcome.REJECT: 0.0,
    Outcome.ABSTAIN: math.nan,
}


def given_stratum(sample: Sample) -> str | None:
    """The stratum that the row came with: the `stratum` of its metadata."""
    found = sample.stratum or sample.meta.get("stratum")
    return None if found is None else str(found)


@dataclass(frozen=True, slots=True)
class Paid:
    """What one row is paid.

    Attributes:
        verdict: What the verifier decided.
        raw: 1 for accept, 0 for reject, NaN for abstain.
        reward: The same corrected; NaN if the row is to weigh nothing.
        stratum: The stratum whose rates corrected it.
    """

    verdict: Verdict
    raw: float
    reward: float
    stratum: str | None = None

    def told(self) -> dict[str, Any]:
        """What a log should say of it."""
        return {
            "outcome": str(self.verdict.outcome),
            "reason": str(self.verdict.reason),
            "by": self.verdict.by,
            "stratum": self.stratum or "",
        }


@dataclass(frozen=True, slots=True)
class Payer:
    """A verifier, and the correction of its verdicts if there is one.

    Attributes:
        verifier: Any verifier.
        hook: The correction, made for the normaliser that the trainer has; None: no correction.
        stratum_of: Which stratum a row belongs to.

    Example:
        >>> from unflip.plugins import load
        >>> paid = Payer(load("exact"))(Sample("4", "4"))
        >>> paid.raw, paid.reward, paid.told()["reason"]
        (1.0, 1.0, 'match')
    """

    verifier: Verifier
    hook: Hook | None = None
    stratum_of: StratumOf = given_stratum

    @property
    def by(self) -> str:
        """Whose verdicts these are: what `RateTable.of` wants to know."""
        return identity(self.verifier)

    def __call__(self, sample: Sample) -> Paid:
        """The verdict on a row, and its pay; whatever the verifier does, this does not raise.

        Raises:
            UsageError: The row's stratum has no rates.
        """
        verdict = decide(self.verifier, sample)
        raw = raw_reward(verdict)
        if self.hook is None:
            return Paid(verdict, raw, raw)
        stratum = self.stratum_of(sample)
        code_B = self.hook.line.codes([stratum])
        return Paid(verdict, raw, float(self.hook.line(np.array([raw]), code_B)[0]), stratum)


def uncorrected(normaliser: Normaliser | str = Normaliser.RLOO) -> Hook:
    """A hook that corrects nothing, and leaves abstains out of the baseline all the same.

    Example:
        >>> hook = uncorrected("rloo")
        >>> hook(np.array([1.0, 0.0, math.nan]), np.zeros(3, int), n_groups=1).advantage_B
        array([ 1., -1.,  0.])
    """
    raw = Line("uncorrected", np.array([[0.0, 1.0]]))
    return Hook.of(raw, normaliser=normaliser, allow_inert=True)


def check_on_abstain(given: float | str, word: str) -> None:
    """Refuse what is neither this word nor a number.

    Raises:
        UsageError: It is neither.
    """
    if given != word and not (isinstance(given, (int, float)) and math.isfinite(given)):
        raise UsageError(f"on_abstain is {word!r} or a number such as 0.5, not {given!r}")


def check_rates(hook: Hook | None, verifier: Verifier) -> None:
    """Refuse a hook whose rates are another verifier's.

    Raises:
        UsageError: They are.

    Example:
        >>> from unflip.correction import RateTable, backward
        >>> from unflip.plugins import load
        >>> exact = load("exact")
        >>> table = RateTable.known([0.1, 0.8], [0.2, 0.1], by=exact.by)
        >>> check_rates(Hook.of(backward(table)), exact)
    """
    if hook is not None:
        hook.line.check_by(identity(verifier))


def check_strata(hook: Hook | None, stratum_of: StratumOf) -> None:
    """Refuse a hook that the strata of the dataset's rows make inert or harmful.

    For hosts that score rows one by one, where no audit of advantages would tell.

    Raises:
        UsageError: They do.
    """
    if hook is not None and stratum_of is given_stratum:
        hook.check_strata_of_prompts()


def decide(verifier: Verifier, sample: Sample) -> Verdict:
    """The verdict on one row; a verifier that raises abstains."""
    return next(iter(verify_all(verifier, [sample])))


def raw_reward(verdict: Verdict) -> float:
    """1 for accept, 0 for reject, NaN for abstain."""
    return _REWARDS[verdict.outcome]


def filled(rewards: list[float]) -> list[float]:
    """The rewards of one group, with what weighs nothing at the mean of the others.

    There its advantage is 0 and the baseline is that of the others, wherever a trainer subtracts
    the group's mean and does not divide by its std. A group in which nothing weighs gets 0.5
    throughout, which is no advantage either.

    Example:
        >>> filled([1.0, math.nan, 0.0, 1.0, 0.0])
        [1.0, 0.5, 0.0, 1.0, 0.0]
    """
    known = [reward for reward in rewards if not math.isnan(reward)]
    mean = sum(known) / len(known) if known else 0.5
    return [mean if math.isnan(reward) else reward for reward in rewards]
