"""Samples and verdicts as numbers: outcomes, truths, and which rows share a prompt."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unflip.errors import UsageError
from unflip.types import Outcome, Sample, Verdict, digest

NAN = float("nan")
NO_VALUE = "(none)"
"""The stratum of rows that have no value where others have one."""
_OUTCOMES = {Outcome.ACCEPT: 1.0, Outcome.REJECT: 0.0, Outcome.ABSTAIN: NAN}


def outcome_of(verdict: Verdict) -> float:
    """1 accept, 0 reject, NaN abstain.

    Example:
        >>> from unflip.types import Reason
        >>> outcome_of(Verdict(Outcome.REJECT, Reason.MISMATCH))
        0.0
    """
    return _OUTCOMES[verdict.outcome]


def opinion_of(verdict: Verdict) -> float:
    """What a judge's verdict says of P(correct): its `p` if it has one, else its vote; else NaN.

    Example:
        >>> from unflip.types import Reason
        >>> opinion_of(Verdict(Outcome.ACCEPT, Reason.MATCH, p=0.8))
        0.8
    """
    return verdict.p if verdict.decided and verdict.p is not None else outcome_of(verdict)


def truth_of(sample: Sample) -> float:
    """1 correct, 0 wrong, NaN where nobody knows.

    Example:
        >>> truth_of(Sample("4", "4", correct=True))
        1.0
    """
    return NAN if sample.correct is None else float(bool(sample.correct))


class Prompts:
    """Gives rows with the same prompt the same number, and a row without one its own.

    Example:
        >>> prompts = Prompts()
        >>> one, other = Sample("4", prompt="2 + 2 = ?"), Sample("5", prompt="2 + 2 = ?")
        >>> prompts.number(one) == prompts.number(other)
        True
        >>> prompts.number(Sample("4")) == prompts.number(Sample("4")), prompts.missing
        (False, 2)
    """

    def __init__(self) -> None:
        self.missing = 0
        """How many rows had no prompt."""

    def number(self, sample: Sample) -> int:
        """The number of the sample's prompt; 60 bits of its hash."""
        if not sample.prompt:
            self.missing += 1
            return -self.missing
        return int(digest(sample.prompt)[:15], 16)


def three_valued(values_N: ArrayLike) -> NDArray[np.float64]:
    """An array of 1 (yes), 0 (no) and NaN (neither).

    Raises:
        UsageError: It holds something else.

    Example:
        >>> three_valued([True, False, float("nan")])
        array([ 1.,  0., nan])
    """
    values_N = np.asarray(values_N, dtype=float)
    if values_N.ndim != 1 or not np.isin(values_N[~np.isnan(values_N)], (0, 1)).all():
        raise UsageError("outcomes and truths are one row each of 1, 0, and NaN for neither")
    return values_N


def sharing(cluster_N: ArrayLike) -> tuple[str, ...]:
    """What has to be assumed because rows share prompts; nothing if none does.

    Example:
        >>> sharing([7, 7, 8])
        ('3 rows share 2 prompts: prompts are independent, rows are not',)
    """
    rows, prompts = np.size(cluster_N), len(np.unique(cluster_N))
    if prompts == rows:
        return ()
    return (f"{rows} rows share {prompts} prompts: prompts are independent, rows are not",)


def alone(prompts: Prompts) -> tuple[str, ...]:
    """What has to be assumed of rows that have no prompt; nothing if all have one."""
    if not prompts.missing:
        return ()
    return (f"{prompts.missing} rows have no prompt: each is taken as independent",)
