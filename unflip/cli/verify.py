"""`unflip verify`: a verdict for every row, for every reference, or for one pair."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unflip.cli.bill import REPLIES, Bill, asked_of, with_store
from unflip.cli.source import Source, reading, running, where
from unflip.cli.telling import lost
from unflip.cli.verb import Verb, emit, say, verifier
from unflip.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from unflip.audit.references import Doubtful, Refused
    from unflip.types import Sample, Verdict, Verifier


@click.command(cls=Verb, epilog="unflip verify data.jsonl --with math -o verdicts.jsonl")
@click.argument("data", required=False)
@reading
@verifier("spec")
@running
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A file of verdicts, with which a later run goes on; stdout by default.",
)
@click.option(
    "--references",
    is_flag=True,
    help="Only say which references of DATA cannot be checked, and why.",
)
@click.option(
    "--explain",
    nargs=2,
    metavar="ANSWER REFERENCE",
    help="Instead of DATA: how this answer is judged.",
)
def verify(
    spec: str,
    accept_at: float | None,
    out: Path | None,
    references: bool,
    explain: tuple[str, str] | None,
    **given: Any,
) -> None:
    """Give a verdict on every row of DATA."""
    from unflip.plugins import load

    checker = load(spec, accept_at=accept_at)
    if (given["data"] is None) == (explain is None):
        raise UsageError("verify takes DATA, or --explain with an answer and a reference")
    if explain:
        return _explain(checker, *explain)
    keep = given.pop("keep_abstains")
    if keep and (references or out is None):
        raise UsageError("--keep-abstains is about rows that are recorded: name their file with -o")
    how = where(given.pop("workers"), given.pop("deadline"))
    source = Source(**given)
    if out:
        checker = with_store(checker, out.with_name(f"{out.name}.{REPLIES}"))
    with Bill(checker, workers=how["workers"]) as bill:
        if references:
            return _references(checker, source, bill, how)
        return _verify(checker, source, bill, out, how | {"keep_abstains": keep} if out else how)


def _verify(
    checker: Verifier, source: Source, bill: Bill, out: Path | None, how: dict[str, Any]
) -> None:
    from unflip.records import record_all, row_of
    from unflip.run import with_progress
    from unflip.types import Fault

    outcomes: Counter[str] = Counter()
    missed = 0
    if bill or not source.streams:
        bill.announce(lambda _: source.again())
    # What costs is told before it is paid, so standard input is waited for then.
    rows = source.again() if bill else source.once()
    pairs = record_all(checker, rows, out, **how) if out else _pairs(checker, rows, **how)
    told = with_progress(pairs, source.total, description="verifying", beside=bill)
    for sample, verdict in told:
        outcomes[verdict.outcome] += 1
        missed += verdict.fault is Fault.SYSTEM
        if out is None:
            emit(json.dumps(row_of(sample, verdict)))
    source.complain()
    say(", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())))
    if out and (remark := lost(missed)):
        say(remark)


def _pairs(
    checker: Verifier, samples: Iterable[Sample], **how: Any
) -> Iterator[tuple[Sample, Verdict]]:
    from unflip.run import verify_all

    here, there = tee(samples)
    # The verdict first: it is what pulls the sample.
    for verdict in verify_all(checker, there, **how):
        yield next(here), verdict


def _references(checker: Verifier, source: Source, bill: Bill, how: dict[str, Any]) -> None:
    """A line for each reference that is refused as its own answer, or looks hard to check."""
    from unflip.audit.references import check_references
    from unflip.run import verify_all, with_progress

    if bill or not source.streams:
        bill.announce(lambda _: asked_of(checker, source.again()))
    rows = source.again() if bill else source.once()
    told = with_progress(rows, source.total, description="trying the references", beside=bill)
    found = check_references(checker, told, verify=partial(verify_all, **how))
    source.complain()
    for refused in found.refused:
        _name(refused, f"refused: {refused.verdict.reason}")
    for doubtful in found.doubtful:
        _name(doubtful, doubtful.doubt)
    accepted = f"{found.accepted.k:.0f} of {found.accepted.n:.0f}"
    say(f"{accepted} references are accepted as their own answers, {len(found.doubtful)} look odd")


def _name(one: Refused | Doubtful, why: str) -> None:
    emit(json.dumps({"reference": one.reference, "id": one.id, "rows": one.rows, "why": why}))


def _explain(checker: Verifier, answer: str, reference: str) -> None:
    from unflip.cli.explaining import explained
    from unflip.types import Sample

    sample = Sample(answer, reference)
    for line in explained(sample, checker(sample)):
        emit(line)
