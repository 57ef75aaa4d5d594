"""How many more labels, and of which verdict, would make an imprecise rate precise."""

from __future__ import annotations

from dataclasses import dataclass

from unflip.errors import UsageError
from unflip.intervals import Proportion
from unflip.noise.few.planner import Guess, Split, split_for_width
from unflip.rates import PRECISE, NoiseRates
from unflip.report.findings import Spending

_STEP = 10
"""Counts are rounded up to this: a plan is a guess."""
_MOST = 100_000
"""A plan beyond this is no plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class More:
    """How many more labels to buy on rows of either verdict."""

    accepted: int
    rejected: int


def more_labels(rates: NoiseRates, spent: Spending) -> More | None:
    """Labels that are missing until the wider rate is known to a tenth to either side.

    The rates so far are the guess; where an interval is wide, its middle is a careful one. What a
    label was worth so far (shared prompts, uneven chances, a judge's help) holds for the next.

    Returns:
        None where the rates so far say too little to plan with.

    Example:
        >>> import numpy as np
        >>> from unflip.noise.few.partial import begg_greenes
        >>> from unflip.noise.survey import Survey
        >>> accepted_N, correct_N = np.arange(900) < 400, np.full(900, np.nan)
        >>> correct_N[:20] = 1
        >>> correct_N[400:430] = np.arange(30) < 9
        >>> few = Survey(accepted_N=accepted_N, rejected_N=~accepted_N, correct_N=correct_N)
        >>> spent = Spending(
        ...     budget=None, labels=50, accepted=20, rejected=30, skipped=0, waiting=0
        ... )
        >>> more_labels(begg_greenes(few), spent)
        More(accepted=0, rejected=20)
    """
    needed = _needed(rates)
    if needed is None:
        return None
    more = More(
        accepted=_rounded(needed.accepted - spent.accepted),
        rejected=_rounded(needed.rejected - spent.rejected),
    )
    return more if 0 < more.accepted + more.rejected < _MOST else None


def wider(rates: NoiseRates) -> Proportion:
    """Of rho0 and rho1, the one that is known less well."""
    return max(rates.fp, rates.fn, key=lambda rate: rate.width)


def _needed(rates: NoiseRates) -> Split | None:
    decided = 1 - rates.abstain.point
    try:
        guess = Guess(
            accept=rates.accept.point / decided, fp=_middle(rates.fp), fn=_middle(rates.fn)
        )
        on_fp = wider(rates) is rates.fp
        return split_for_width(
            guess,
            fp_half_width=PRECISE / 2 if on_fp else None,
            fn_half_width=None if on_fp else PRECISE / 2,
            level=rates.fp.level,
            design_effect=max(rates.ppv.design_effect, rates.false_omission.design_effect),
        )
    except (UsageError, ValueError, ZeroDivisionError):
        # These rates fit no verifier that a plan could be made for.
        return None


def _middle(rate: Proportion) -> float:
    return (rate.low + rate.high) / 2


def _rounded(labels: int) -> int:
    return -(-max(0, labels) // _STEP) * _STEP
