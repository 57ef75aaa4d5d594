"""Gates: what a verifier's rates were not shown to stay below, and how much it takes to show it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from unflip.errors import UsageError
from unflip.intervals import LEVEL, Proportion, clopper_pearson
from unflip.noise.compare import Comparison
from unflip.noise.pairs import Paired
from unflip.rates import NoiseRates

_ROWS = {
    "fp": ("wrong answer", "none accepted"),
    "fn": ("correct answer", "none rejected"),
    "abstain": ("row", "none abstained on"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A limit that was not shown to be kept.

    Attributes:
        rate: Which rate, by its name in the table.
        limit: What it had to stay below.
        upper: What it was shown to stay below.
        message: Counts, bound, and what would change it, in a sentence for people.
    """

    rate: str
    limit: float
    upper: float
    message: str


def gate(
    rates: NoiseRates,
    *,
    max_fp: float | None = None,
    max_fn: float | None = None,
    max_abstain: float | None = None,
    confidence: float = LEVEL,
) -> tuple[Failure, ...]:
    """Which limits the rates were not *shown* to keep; empty if all were.

    A gate passes on the exact upper bound and not on the point: few rows cannot pass it, however
    clean they are. A verifier whose rate is at the limit passes with probability 1 - confidence at
    most. Rows that share a prompt count as the independent rows that they are worth. Of a rate that
    is only known to lie in a band, the upper bound is the band's upper end. A rate whose interval
    was made for more than 95%, as for several looks, needs as much more here.

    Args:
        rates: What was measured; for a stratum give `rates.at(stratum)`.
        max_fp: Limit of rho0, in (0, 1).
        max_fn: Limit of rho1, in (0, 1).
        max_abstain: Limit of the share of abstains among all rows, in (0, 1).
        confidence: Of each bound by itself, one-sided, in (0.5, 1).

    Raises:
        UsageError: A limit that no number of rows can show, or no confidence.

    Source: Clopper and Pearson 1934, one-sided.

    Example:
        >>> import textwrap
        >>> from unflip.noise.gold import rates_from_arrays
        >>> rates = rates_from_arrays([0] * 200 + [1] * 100, [0] * 200 + [1] * 100)
        >>> for failure in gate(rates, max_fp=0.01, max_fn=0.03):
        ...     print(textwrap.fill(failure.message, 80))
        fp: 0 of 200 = 0%, not shown to be below 1%: the upper bound at 95% confidence
        is 1.49%; 99 more wrong answers, none accepted, would show it
    """
    _check(confidence)
    limits = {"fp": max_fp, "fn": max_fn, "abstain": max_abstain}
    asked = {name: limit for name, limit in limits.items() if limit is not None}
    for name, limit in asked.items():
        if not 0 < limit < 1:
            raise UsageError(f"max_{name} lies in (0, 1), not {limit}: no rows show a rate of 0")
    failures = (
        _judge(name, getattr(rates, name), limit, confidence) for name, limit in asked.items()
    )
    return tuple(failure for failure in failures if failure)


def gate_change(
    comparison: Comparison,
    *,
    max_fp_rise: float | None = None,
    max_fn_rise: float | None = None,
    max_abstain_rise: float | None = None,
    confidence: float = LEVEL,
) -> tuple[Failure, ...]:
    """Which rates B was not *shown* to raise by less than a margin above A's; empty if all were.

    Args:
        comparison: A is what there was, B what shall replace it.
        max_fp_rise: Margin for accepts of wrong answers, in [0, 1).
        max_fn_rise: Margin for correct answers that are not accepted, in [0, 1).
        max_abstain_rise: Margin for abstains among all rows, in [0, 1).
        confidence: Of each bound by itself, one-sided, in (0.5, 1).

    Raises:
        UsageError: A margin or the confidence is out of range.

    Source: Tango 1998, one-sided.

    Example:
        >>> import textwrap
        >>> from unflip.noise.compare import compare_arrays
        >>> found = compare_arrays([1] * 90 + [0] * 10, [1] * 88 + [0] * 12, correct_N=[1] * 100)
        >>> for failure in gate_change(found, max_fn_rise=0.05):
        ...     print(textwrap.fill(failure.message, 80))
        fn_all: 10% with A, 12% with B, not shown to rise by less than 5%: the upper
        bound at 95% confidence is 5.86%
    """
    _check(confidence)
    margins = {"fp_all": max_fp_rise, "fn_all": max_fn_rise, "abstain": max_abstain_rise}
    asked = {name: margin for name, margin in margins.items() if margin is not None}
    for name, margin in asked.items():
        if not 0 <= margin < 1:
            raise UsageError(f"a margin for {name} lies in [0, 1), not {margin}")
    failures = (
        _judge_rise(name, getattr(comparison, name), margin, confidence)
        for name, margin in asked.items()
    )
    return tuple(failure for failure in failures if failure)


def rows_to_show(rate: Proportion, limit: float, *, confidence: float = LEVEL) -> int:
    """How many more rows of the same kind, all without a hit, show that a rate is below a limit.

    Args:
        rate: What was measured so far; of nothing, `wilson(0, 0)`.
        limit: In (0, 1).
        confidence: One-sided, in (0.5, 1).

    Example:
        >>> from unflip.intervals import wilson
        >>> rows_to_show(wilson(0, 0), 0.01), rows_to_show(wilson(1, 100), 0.01)
        (299, 373)
    """
    hits, rows = _effective(rate)
    if upper_bound(rate, confidence=confidence) <= limit:
        return 0
    most = 1
    while _exact_upper(hits, rows + most, confidence) > limit:
        most *= 2
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        if _exact_upper(hits, rows + middle, confidence) > limit:
            least = middle
        else:
            most = middle
    return math.ceil(most * rate.design_effect)


def upper_bound(rate: Proportion, *, confidence: float = LEVEL) -> float:
    """The exact one-sided upper bound of a rate, on its effective rows; 1 without rows.

    Of a rate that rests on bounds or on an assumption, and so on no rows of its own, it is the
    upper end, as far as that was made for this confidence.

    Example:
        >>> from unflip.intervals import wilson
        >>> round(upper_bound(wilson(0, 299)), 6)
        0.009969
    """
    if rate.n_eff and not math.isnan(rate.point):
        return _exact_upper(*_effective(rate), confidence)
    # One end of a two-sided interval leaves out half as much.
    return rate.high if confidence <= (1 + rate.level) / 2 else 1.0


def _judge(name: str, rate: Proportion, limit: float, confidence: float) -> Failure | None:
    # An interval made for several looks is wider than usual, and so is a bound that outlives them.
    confidence = 1 - (1 - confidence) * min(1.0, (1 - rate.level) / (1 - LEVEL))
    upper = upper_bound(rate, confidence=confidence)
    if upper <= limit:
        return None
    found = _found(name, rate)
    if (rate.low if math.isnan(rate.point) else rate.point) > limit:
        message = f"{name}: {found}, above the limit of {_percent(limit)}"
    else:
        message = (
            f"{name}: {found}, not shown to be below {_percent(limit)}: the upper bound at "
            f"{_percent(confidence)} confidence is {_percent(upper)}; "
            f"{_remedy(name, rate, limit, confidence)}"
        )
    return Failure(rate=name, limit=limit, upper=upper, message=message)


def _found(name: str, rate: Proportion) -> str:
    """What the rows say of a rate."""
    if _banded(rate):
        return f"only known to lie between {_percent(rate.low)} and {_percent(rate.high)}"
    if math.isnan(rate.point):
        return f"no {_ROWS[name][0]} has a label and a verdict"
    if not rate.n_eff:
        return f"{_percent(rate.point)} by assumption"
    if rate.method == "bayes":
        # Composed of other shares: there are no rows that it is a count of.
        worth = f"{rate.n_eff:.0f} labelled {_ROWS[name][0]}s"
        return f"about {_percent(rate.point)}, as sure as {worth} would make it"
    found = f"{rate.k:g} of {rate.n:g} = {_percent(rate.point)}"
    worth = f" (worth {rate.n_eff:.0f} independent rows)" if rate.n_eff < rate.n else ""
    return found + worth


def _remedy(name: str, rate: Proportion, limit: float, confidence: float) -> str:
    """What would change it."""
    if _banded(rate) or (rate.n and not rate.n_eff):
        return "labels on rows of the verdict that has none would narrow that"
    kind, clean = _ROWS[name]
    more = rows_to_show(rate, limit, confidence=confidence)
    return f"{more} more {kind}{'s' * (more > 1)}, {clean}, would show it"


def _banded(rate: Proportion) -> bool:
    """Whether something is known of a rate, but no point."""
    return math.isnan(rate.point) and bool(rate.n or rate.width < 1)


def _judge_rise(name: str, pair: Paired, margin: float, confidence: float) -> Failure | None:
    upper = pair.upper_bound(confidence=confidence)
    if upper <= margin:
        return None
    found = f"{_percent(pair.rate_a)} with A, {_percent(pair.rate_b)} with B"
    message = (
        f"{name}: {found if pair.n else 'no labelled row'}, not shown to rise by less than "
        f"{_percent(margin)}: the upper bound at {_percent(confidence)} confidence is "
        f"{_percent(upper)}"
    )
    return Failure(rate=name, limit=margin, upper=upper, message=message)


def _check(confidence: float) -> None:
    if not 0.5 < confidence < 1:
        raise UsageError(f"a confidence lies in (0.5, 1), such as 0.95, not {confidence}")


def _effective(rate: Proportion) -> tuple[float, float]:
    return (0.0, 0.0) if math.isnan(rate.point) else (rate.point * rate.n_eff, rate.n_eff)


def _exact_upper(hits: float, rows: float, confidence: float) -> float:
    # A one-sided bound is an end of the two-sided interval that leaves out twice as much.
    return clopper_pearson(hits, rows, 2 * confidence - 1).high


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"
