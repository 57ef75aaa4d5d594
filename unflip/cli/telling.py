"""Runs a measurement for a verb, and tells a person what was found."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unflip.cli.verb import show

if TYPE_CHECKING:
    from rich.table import Table

    from unflip.report import Findings
    from unflip.report.differences import Differences
    from unflip.types import Sample, Verifier

_SHOWN = 5
_OUR_FAULT = ("unreachable", "timeout", "crash")


def measured(
    checker: Verifier,
    rows: Callable[[], Iterable[Sample]],
    out: Path,
    *,
    name: str,
    **settings: Any,
) -> Findings:
    """A measurement whose findings say how to make it again."""
    from unflip.measure import Settings, measure

    command = click.get_current_context().command_path
    about = {"dataset": name, "command": f"{command} {shlex.join(sys.argv[2:])}".strip()}
    return measure(checker, rows, out, Settings(population=about, **settings))


def tell(findings: Findings, out: Path) -> None:
    """What was found, for people: the self-check, the table, a sentence, and where to look."""
    from unflip.measure import REPORT
    from unflip.report.terminal import rates_table
    from unflip.report.words import advice, headline, how

    show(f"{findings.rates.by}  ·  {findings.rows} rows", *_checked(findings))
    show(rates_table(findings.rates), headline(findings), advice(findings))
    if findings.slices is not None:
        show(str(findings.slices), *_differing(findings.slices))
    show(*filter(None, [*how(findings), findings.doubt]))
    lost_rows = sum(one.rows for one in findings.counts if one.reason in _OUR_FAULT)
    show(*filter(None, [lost(lost_rows)]))
    show(f"The rest is in {out / REPORT}")


def lost(rows: int) -> str:
    """What to do about rows that a run has lost through no fault of theirs; empty if none."""
    if not rows:
        return ""
    some = "1 row was" if rows == 1 else f"{rows:,} rows were"
    return (
        f"{some} lost to an outage, a spent budget, a deadline or a crash: "
        "the same command tries again"
    )


def _differing(found: Differences) -> list[Table]:
    from unflip.report.terminal import slices_table

    return [slices_table(found)] if found.lines() else []


def _checked(findings: Findings) -> list[str]:
    check = findings.self_check
    if check is None or not check.checked:
        return []
    accepted = f"{check.checked - check.failed} of {check.checked}"
    lines = [f"Self-check: {accepted} references are accepted as their own answers"]
    lines += [
        f"  {one.reference.text!r}: {one.reason} ({one.rows} rows)"
        for one in check.refused[:_SHOWN]
    ]
    return lines
