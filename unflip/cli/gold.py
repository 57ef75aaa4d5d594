"""The options that say where truth comes from: a judge, and gold labels on some rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from unflip.cli.verb import options
from unflip.errors import UsageError

if TYPE_CHECKING:
    from unflip.intervals import Proportion

judge = click.option(
    "--judge",
    metavar="VERIFIER",
    help="A second opinion on every row: a verifier, or column:NAME for recorded verdicts.",
)
audit = click.option(
    "--audit-positives",
    type=click.IntRange(0),
    metavar="N",
    help="Labels of the budget for accepted rows, at random; by default as many as pay best.",
)
gold = options(
    judge,
    click.option(
        "--gold-budget",
        type=click.IntRange(1),
        metavar="N",
        help="Use at most N labels, on rows chosen for them; `unflip label` asks for them.",
    ),
    audit,
    click.option(
        "--assume-ppv",
        metavar="P|LOW:HIGH",
        help="P(correct | accept), where no accepted row is labelled.",
    ),
)


def spending(given: dict[str, Any]) -> dict[str, Any]:
    """Takes these options out of those given, and returns the measurement's settings for them."""
    from unflip.plugins import load

    spec = given.pop("judge")
    return {
        "judge": load(spec) if spec else None,
        "budget": given.pop("gold_budget"),
        "audit": given.pop("audit_positives"),
        "assume_ppv": _share(given.pop("assume_ppv", None)),
    }


def _share(given: str | None) -> Proportion | None:
    from unflip.noise.few import between, known

    if given is None:
        return None
    low, colon, high = given.partition(":")
    try:
        return between(float(low), float(high)) if colon else known(float(low))
    except ValueError:
        raise UsageError(f"--assume-ppv takes 0.98 or 0.9:1, not {given!r}") from None
