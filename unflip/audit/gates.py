"""Gates of an audit: which limits it did not show to be kept."""

from __future__ import annotations

import math
from collections.abc import Iterator

from unflip.audit.figures import Findings
from unflip.audit.tried import ProbeFigures
from unflip.errors import UsageError
from unflip.intervals import LEVEL, Proportion
from unflip.noise.gates import Failure, rows_to_show, upper_bound


def gate(
    findings: Findings,
    *,
    max_fpr: float | None = None,
    max_fnr: float | None = None,
    max_abstain: float | None = None,
    confidence: float = LEVEL,
) -> tuple[Failure, ...]:
    """Which limits were not *shown* to be kept; empty if all were.

    `max_fpr` is a limit for **every** probe that must be rejected: a policy needs one that works,
    however clean the average. All of them have to pass, each at the confidence by itself; a
    verifier whose worst probe is at the limit passes with probability 1 - confidence at most, so
    nothing has to be corrected for their number. Probes that could be made for less than half of
    the items gate by what was seen of them, since nothing could be shown. Rates are over decided
    attempts, so that who abstains shows nothing; abstains have their own limit.

    Args:
        findings: Of the audit.
        max_fpr: Limit of every probe's false positives, mined keys included, in (0, 1).
        max_fnr: Limit of false negatives on controls, in (0, 1).
        max_abstain: Limit of abstains among all attempts, in (0, 1).
        confidence: Of each bound by itself, one-sided, in (0.5, 1).

    Raises:
        UsageError: A limit that no number of rows can show, or no confidence.

    Source: Berger 1982 (intersection-union tests); Clopper and Pearson 1934, one-sided.

    Example:
        >>> import textwrap
        >>> from unflip.audit.auditing import audit
        >>> from unflip.audit.items import Item
        >>> from unflip.audit.probes import chosen
        >>> from unflip.verifiers.exact import Exact
        >>> items = [Item(f"{n} + 1 = ?", (str(n + 1),)) for n in range(20)]
        >>> found = audit(Exact(), items, chosen(["gibberish"]), rewritten=False)
        >>> for failure in gate(found, max_fpr=0.05):
        ...     print(textwrap.fill(failure.message, 80))
        fpr: control/wrong 0 of 20 = 0%, not shown to be below 5%: the upper bound at
        95% confidence is 13.9%; 39 more items without an accept would show it (and 5
        more probes)
    """
    if not 0.5 < confidence < 1:
        raise UsageError(f"a confidence lies in (0.5, 1), such as 0.95, not {confidence}")
    check_limits(max_fpr=max_fpr, max_fnr=max_fnr, max_abstain=max_abstain)
    return tuple(_failures(findings, max_fpr, max_fnr, max_abstain, confidence))


def check_limits(**limits: float | None) -> None:
    """Say before an audit what its gates would refuse after it.

    Raises:
        UsageError: A limit that no number of attempts can show.

    Example:
        >>> check_limits(max_fpr=0.05, max_fnr=None)
    """
    for name, limit in limits.items():
        if limit is not None and not 0 < limit < 1:
            raise UsageError(f"{name} lies in (0, 1), not {limit}: no attempts show a rate of 0")


def is_common(one: ProbeFigures, findings: Findings) -> bool:
    """Whether a probe was made for half of the items or more, so that a bound can be asked of it.

    Example:
        >>> from unflip.audit.auditing import audit
        >>> from unflip.audit.items import Item
        >>> from unflip.audit.probes import chosen
        >>> from unflip.verifiers.exact import Exact
        >>> found = audit(Exact(), [Item("1 + 1 = ?", ("2",))], chosen(["gibberish"]))
        >>> is_common(found.probes[0], found)
        True
    """
    return 2 * one.items >= findings.items


def _failures(
    findings: Findings,
    max_fpr: float | None,
    max_fnr: float | None,
    max_abstain: float | None,
    confidence: float,
) -> Iterator[Failure]:
    if max_fpr is not None:
        yield from _worst(findings, max_fpr, confidence)
    if max_fnr is not None:
        yield from _one("fnr", "controls", findings.fnr.decided, max_fnr, confidence)
    if max_abstain is not None:
        yield from _one("abstain", "attempts", findings.open, max_abstain, confidence)


def _worst(findings: Findings, limit: float, confidence: float) -> Iterator[Failure]:
    """One failure for all probes, told with the one that is furthest from the limit."""
    rates = [
        (one.probe.id, one.shares.decided)
        for one in findings.probes
        if _counts(one) and (is_common(one, findings) or one.shares.decided.point > limit)
    ]
    rates += [(f"mined {one.text!r}", one.fpr) for one in findings.mined or ()]
    if not rates:
        message = "fpr: no probe that must be rejected was tried, so nothing is shown"
        yield Failure(rate="fpr", limit=limit, upper=1.0, message=message)
        return
    bounds = [(upper_bound(rate, confidence=confidence), name, rate) for name, rate in rates]
    failed = [bound for bound in bounds if bound[0] > limit]
    if not failed:
        return
    # What was accepted tells more than what could not be shown.
    upper, name, rate = max(failed, key=lambda bound: (_seen(bound[2], limit), bound[0]))
    more = f" (and {len(failed) - 1} more probes)" if len(failed) > 1 else ""
    message = f"fpr: {name} {_told(rate, limit, upper, confidence, 'an accept')}{more}"
    yield Failure(rate="fpr", limit=limit, upper=upper, message=message)


def _counts(one: ProbeFigures) -> bool:
    return not one.probe.accept and not one.probe.contested


def _one(
    name: str, what: str, rate: Proportion, limit: float, confidence: float
) -> Iterator[Failure]:
    upper = upper_bound(rate, confidence=confidence)
    if upper > limit:
        hit = {"fnr": "a reject", "abstain": "an abstain"}[name]
        message = f"{name}: {what} {_told(rate, limit, upper, confidence, hit)}"
        yield Failure(rate=name, limit=limit, upper=upper, message=message)


def _seen(rate: Proportion, limit: float) -> float:
    return rate.low if rate.point > limit else 0.0


def _told(rate: Proportion, limit: float, upper: float, confidence: float, hit: str) -> str:
    if math.isnan(rate.point):
        return "without a decided attempt, so nothing is shown"
    found = f"{rate.k:g} of {rate.n:g} = {_percent(rate.point)}"
    if rate.point > limit:
        return f"{found}, above the limit of {_percent(limit)}"
    more = rows_to_show(rate, limit, confidence=confidence)
    return (
        f"{found}, not shown to be below {_percent(limit)}: the upper bound at "
        f"{_percent(confidence)} confidence is {_percent(upper)}; {more} more items without {hit} "
        "would show it"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"
