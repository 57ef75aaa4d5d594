"""`unflip compare`: two verifiers on the same rows."""

from __future__ import annotations

import json
from collections import deque
from itertools import tee
from typing import TYPE_CHECKING, Any

import click

from unflip.cli.bill import REPLIES, Bill, with_store
from unflip.cli.folders import folder_of
from unflip.cli.source import Source, data, running, where
from unflip.cli.verb import Verb, as_json, emit, fail, gates, show, verifier
from unflip.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unflip.noise.compare import Comparison
    from unflip.noise.pairs import Paired
    from unflip.types import Sample, Verdict, Verifier

    Pairs = Iterator[tuple[Sample, Verdict]]

FIGURES = {
    "accepts wrong": "fp_all",
    "does not accept correct": "fn_all",
    "decides rightly": "right",
    "accepts": "accept",
    "abstains": "abstain",
}
_SHOWN = 10


@click.command(cls=Verb, epilog="unflip compare data.jsonl --with math --with file.py:mine")
@data
@verifier("specs", multiple=True)
@running
@gates(
    max_fp_rise="the rise of false positives",
    max_fn_rise="the rise of false negatives",
    max_abstain_rise="the rise of abstains",
)
@as_json
def compare(specs: tuple[str, ...], accept_at: float | None, as_json: bool, **given: Any) -> None:
    """Compare two verifiers, A and then B, on the rows of DATA.

    Rates are over all rows, abstains included; p-values are exact. A gate passes only if the rows
    show, at 95% confidence, that B raises the rate by less than the limit.
    """
    from unflip.noise.compare import compare as compared
    from unflip.noise.gates import gate_change
    from unflip.plugins import load
    from unflip.run import with_progress
    from unflip.types import identity

    if len(specs) != 2:
        raise UsageError("compare takes two verifiers: --with A --with B")
    limits = {name: given.pop(name) for name in list(given) if name.startswith("max_")}
    keep, how = given.pop("keep_abstains"), where(given.pop("workers"), given.pop("deadline"))
    source = Source(**given)
    loaded = [load(spec, accept_at=accept_at) for spec in specs]
    checkers = [with_store(one, folder_of(source.name, one) / REPLIES) for one in loaded]
    if identity(checkers[0]) == identity(checkers[1]):
        raise UsageError("A and B are the same verifier: every verdict would agree")
    with Bill(*checkers, workers=how["workers"]) as bill:
        bill.announce(lambda _: source.again())
        for checker in checkers:
            pairs = _run(checker, source, how, keep_abstains=keep)
            told = with_progress(pairs, source.total, description="verifying", beside=bill)
            deque(told, maxlen=0)
    # Both are on file now: this reads them side by side, and verifies nothing.
    of_a, of_b = (_run(checker, source, how, keep_abstains=True) for checker in checkers)
    here, there = tee(of_a)
    found = compared(
        (verdict for _, verdict in here),
        (verdict for _, verdict in of_b),
        samples=(sample for sample, _ in there),
    )
    source.complain()
    if as_json:
        emit(json.dumps(found.to_json(), indent=1))
    else:
        _tell(found)
    fail(gate_change(found, **limits))


def _run(checker: Verifier, source: Source, how: dict[str, Any], *, keep_abstains: bool) -> Pairs:
    from unflip.measure import VERDICTS
    from unflip.records import record_all

    folder = folder_of(source.name, checker)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / VERDICTS
    return record_all(checker, source.again(), path, keep_abstains=keep_abstains, **how)


def _tell(found: Comparison) -> None:
    from rich import box
    from rich.table import Table

    from unflip.report.numbers import count, percent, points

    table = Table("", "A", "B", "B − A", "only A", "only B", "p", box=box.SIMPLE_HEAD)
    for name, figure in FIGURES.items():
        one: Paired = getattr(found, figure)
        table.add_row(
            name,
            percent(one.rate_a),
            percent(one.rate_b),
            f"{points(one.difference)}",
            count(one.only_a),
            count(one.only_b),
            f"{one.p_value:.3g}",
        )
    show(f"A: {found.by_a}", f"B: {found.by_b}", table, *found.assumptions)
    show(f"{len(found.disagreements)} rows are treated differently:")
    for row in found.disagreements[:_SHOWN]:
        show(f"  {row.id or row.row}  {_truth(row.correct)}  A {_said(row.a)}  B {_said(row.b)}")


def _truth(correct: bool | None) -> str:
    return {True: "correct", False: "wrong", None: "unlabelled"}[correct]


def _said(verdict: Verdict) -> str:
    return f"{verdict.outcome}: {verdict.reason}"
