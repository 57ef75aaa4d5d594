"""Fits measured rates to logged rollouts: whose they are, and of which strata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unflip.correction.table import NO_STRATUM, RateTable
from unflip.errors import UsageError
from unflip.rates import NoiseRates
from unflip.rollouts.log import Rollouts

_SHOWN = 5


def table_for(
    rollouts: Rollouts,
    rates: NoiseRates,
    *,
    by: str | None = None,
    pooled: bool = False,
    allow_inverted: bool = False,
) -> RateTable:
    """The rates of just those strata that occur in the rollouts.

    Args:
        rollouts: What was logged.
        rates: What was measured.
        by: Whose verdicts were logged; None: the log's own word, or whoever the rates are of.
        pooled: Take the rates of all rows together where a stratum has none, or no column tells it.
        allow_inverted: As in `RateTable.of`.

    Raises:
        UsageError: The verdicts are another verifier's or several ones', rates are by stratum and
            rows have none, a stratum has no rates, or J is not to be told from 0.
    """
    if rates.strata and not rollouts.strata and not pooled:
        known = ", ".join(map(repr, sorted(rates.strata)))
        raise UsageError(
            f"these rates are by stratum ({known}), and no column tells a row's stratum: "
            "name it by --stratum, or say --pooled"
        )
    if not rollouts.strata:
        rates = replace(rates, strata={})
    return RateTable.of(
        rates,
        by=by or _logged_by(rollouts, rates),
        strata=_occurring(rollouts, rates) if rates.strata else None,
        missing="pooled" if pooled else "refuse",
        allow_inverted=allow_inverted,
    )


def _logged_by(rollouts: Rollouts, rates: NoiseRates) -> str:
    if len(rollouts.by) > 1:
        names = ", ".join(map(repr, rollouts.by[:_SHOWN]))
        raise UsageError(f"several verifiers gave these verdicts ({names}): log them apart")
    if rollouts.by and rollouts.by[0] != rates.by:
        raise UsageError(
            f"these rates are {rates.by!r}'s and the log's verdicts {rollouts.by[0]!r}'s: measure "
            f"that one, or say --by {rates.by!r} if the two are the same"
        )
    return rates.by


def _occurring(rollouts: Rollouts, rates: NoiseRates) -> Sequence[str]:
    unnamed = NO_STRATUM if NO_STRATUM in rates.strata else ""
    return sorted({name or unnamed for name in rollouts.strata})
