"""`unflip label`: walk a person through the rows whose labels narrow the rates most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from unflip.cli.bill import REPLIES, of_measurement, with_store
from unflip.cli.folders import folder_of
from unflip.cli.gold import audit, judge, spending
from unflip.cli.source import Source, data, running, where
from unflip.cli.telling import measured, tell
from unflip.cli.verb import Verb, folder, say, verifier
from unflip.errors import UsageError


@click.command(cls=Verb, epilog="unflip label data.jsonl --with math --gold-budget 200 --web")
@data
@verifier("spec")
@running
@judge
@click.option(
    "--gold-budget",
    type=click.IntRange(1),
    metavar="N",
    help="Ask for at most N labels; by default 200, or as many as there are decided rows.",
)
@audit
@click.option(
    "--width",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="W",
    help="Stop once both rates are known to an interval this wide.",
)
@click.option(
    "--max-fp",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="RATE",
    help="Stop once rho0 is shown to be below, or above.",
)
@click.option(
    "--max-fn",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="RATE",
    help="Stop once rho1 is shown to be below, or above.",
)
@click.option("--web", is_flag=True, help="Ask on a page of this machine, not in the terminal.")
@folder
def label(spec: str, accept_at: float | None, web: bool, out: Path | None, **given: Any) -> None:
    """Say of some rows whether the answer is correct; their labels make the rates.

    Every row gets a verdict; then you are asked about the rows whose labels narrow the rates most.
    You see neither the verdict nor the judge's opinion. Stop whenever you like: the same command
    goes on, and `unflip estimate` with the same options uses what you said.
    """
    from unflip.labelling.book import Book
    from unflip.labelling.terminal import ask
    from unflip.labelling.web import serve
    from unflip.measure import LABELS, Settings, sitting
    from unflip.measure.folder import made
    from unflip.measure.plan import planned
    from unflip.measure.sitting import BUDGET
    from unflip.plugins import load

    if given["data"] == "-" and not web:
        raise UsageError("standard input gives the answers: keep the data in a file, or use --web")
    how = where(given.pop("workers"), given.pop("deadline")) | spending(given)
    how |= _wanted(given.pop("width"), given.pop("max_fp"), given.pop("max_fn"))
    how["keep_abstains"] = given.pop("keep_abstains")
    checker, source = load(spec, accept_at=accept_at), Source(**given)
    out = made(out or folder_of(source.name, checker))
    checker, how["judge"] = (with_store(one, out / REPLIES) for one in (checker, how["judge"]))
    if how["budget"] is None and (how["audit"] is not None or "goal" in how):
        # These are parts of a budget: of the one that this folder has, or of the usual one.
        how["budget"] = planned(out, Settings()).budget or BUDGET
    with of_measurement(checker, source, how), Book(out / LABELS) as book:
        settings = Settings(total=source.total, **how)
        session = sitting(checker, source.again, out, settings, book=book)
        serve(session, announce=say) if web else ask(session)
        findings = measured(checker, source.again, out, name=source.name, total=source.total, **how)
    source.complain()
    tell(findings, out)


def _wanted(width: float | None, max_fp: float | None, max_fn: float | None) -> dict[str, Any]:
    """What ends the labelling early, as a setting; none if nothing is wanted."""
    from unflip.noise.few import Goal

    if width is max_fp is max_fn is None:
        return {}
    return {"goal": Goal(fp_width=width, fn_width=width, fp_below=max_fp, fn_below=max_fn)}
