"""`unflip audit`: who can fool a verifier, and what it refuses that it must accept."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING, Any

import click

from unflip.cli.bill import Bill
from unflip.cli.folders import folder_of
from unflip.cli.source import running, where
from unflip.cli.verb import Verb, as_json, emit, fail, folder, gates, options, say, show
from unflip.errors import DataError, UsageError

if TYPE_CHECKING:
    from unflip.audit.figures import Findings, Mined
    from unflip.audit.items import Item
    from unflip.audit.plan import Plan
    from unflip.noise.gates import Failure
    from unflip.types import Sample, Verdict, Verifier

_SHOWN = 12
_asking = options(
    click.option(
        "--with",
        "--judge",
        "spec",
        required=True,
        metavar="VERIFIER",
        help="A verifier, judge or reward function: a name, module:attr, file.py:attr, judge.toml.",
    ),
    click.option(
        "--items",
        "data",
        required=True,
        metavar="DATA",
        help="Questions with references; completions are not needed, and not read.",
    ),
    click.option(
        "--map",
        "mapping",
        multiple=True,
        metavar="FIELD=COLUMN",
        help="Where a field is read from, if its column has a name of its own.",
    ),
    click.option("--split", help="Which split of a Hugging Face dataset."),
    click.option("--config", help="Which configuration of a Hugging Face dataset."),
    click.option(
        "--accept-at",
        type=float,
        metavar="REWARD",
        help="The least reward that accepts, for reward functions.",
    ),
)
_trying = options(
    click.option(
        "--probes",
        multiple=True,
        metavar="NAME|FILE",
        help="A family, a set (keys, attacks) or a file of your own; all of ours by default.",
    ),
    click.option("--no-rewrites", is_flag=True, help="Leave rewrites of references out."),
    click.option(
        "--n",
        type=click.IntRange(1),
        default=100,
        show_default=True,
        metavar="ITEMS",
        help="How many items, drawn by the seed.",
    ),
    click.option(
        "--repeats",
        type=click.IntRange(1),
        default=1,
        metavar="TIMES",
        help="Ask everything so often, to see whether verdicts flip.",
    ),
    click.option("--seed", type=int, default=0, help="Of what is drawn."),
    click.option(
        "--against",
        metavar="VERIFIER",
        help="Another verifier on the same attempts, compared by McNemar's test.",
    ),
    click.option(
        "--mine",
        type=click.IntRange(200),
        metavar="CALLS",
        help="Search for keys of its own with so many verdicts, and measure them on other items.",
    ),
    click.option("--dry-run", is_flag=True, help="Say how much would be asked, and ask nothing."),
)


@click.command(cls=Verb, epilog="unflip audit --with math --items data.jsonl --max-fpr 0.05")
@_asking
@_trying
@running
@gates(
    max_fpr="the false-positive rate of every probe",
    max_fnr="the false-negative rate on controls",
    max_abstain="the share of abstains",
)
@as_json
@folder
def audit(as_json: bool, out: Path | None, dry_run: bool, **given: Any) -> None:
    """Try on a verifier what must be rejected, and what must be accepted.

    Keys without content, attacks and near misses are made for every item, and beside them controls
    that an honest verifier accepts. A gate passes only if the attempts show, at 95% confidence,
    that the rate lies below the limit; that of false positives holds for every probe by itself.
    """
    from unflip.audit.auditing import plan_for
    from unflip.audit.backend import unguarded
    from unflip.audit.gates import gate
    from unflip.audit.items import items_of
    from unflip.audit.probes import chosen
    from unflip.plugins import load

    limits = {name: given.pop(name) for name in ("max_fpr", "max_fnr", "max_abstain")}
    checker = load(given.pop("spec"), accept_at=given.pop("accept_at"))
    items = items_of(_rows(given), n=given.pop("n"), seed=given["seed"])
    probes = chosen(given.pop("probes"))
    rewritten = not given.pop("no_rewrites")
    plan = plan_for(checker, items, probes, rewritten=rewritten, seed=given["seed"])
    other = load(given["against"]) if given["against"] else None
    how = where(given.pop("workers"), given.pop("deadline"))
    bill = Bill(unguarded(checker) or checker, other, workers=how["workers"])
    _announce(plan, bill, given)
    if dry_run:
        return
    out = out or folder_of(f"audit-{given['name']}", checker)
    with bill:
        findings = _run(checker, plan, _Recorder(checker, out, how, bill), other=other, **given)
    failures = gate(findings, **limits)
    _write(findings, failures, out, limits["max_fpr"])
    if as_json:
        emit(json.dumps(findings.to_json(), indent=1))
    else:
        _tell(findings, out)
    fail(failures)


def _rows(given: dict[str, Any]) -> Iterable[Sample]:
    """The rows of DATA; those without a completion, too."""
    from unflip.data import BadRow
    from unflip.data.rows import Rows
    from unflip.data.sources import items_of

    data = given.pop("data")
    given["name"] = "stdin" if data == "-" else Path(data).name.partition(".")[0]
    pairs = [one.partition("=") for one in given.pop("mapping")]
    if not all(equals for _, equals, _ in pairs):
        raise UsageError("--map takes FIELD=COLUMN, such as reference=answer")
    how = {"split": given.pop("split"), "config": given.pop("config")}
    found = (
        one if isinstance(one, BadRow) else (one[0], {"completion": "", **one[1]})
        for one in items_of(data, **how)
    )
    return Rows(found, source=data, mapping={field: column for field, _, column in pairs})


def _announce(plan: Plan, bill: Bill, given: dict[str, Any]) -> None:
    """The price, before anything is paid."""
    asked = plan.calls * given["repeats"]
    mining = f", and at most {given['mine']:,} to mine" if given["mine"] else ""
    both = " of each verifier" if given["against"] else ""
    say(
        f"{len(plan.probes)} probes and rewrites for {len(plan.items)} items: "
        f"{asked:,} verdicts{both}{mining}"
    )
    bill.announce(lambda _: (ask.sample for _ in range(given["repeats"]) for ask in plan.asks()))


def _run(
    checker: Verifier, plan: Plan, record: _Recorder, *, other: Verifier | None, **given: Any
) -> Findings:
    from unflip.audit.auditing import audit as audited

    mined = _mine(checker, plan.items, record, given) if given["mine"] else None
    about = {"dataset": given["name"], "command": f"unflip {join(sys.argv[1:])}"}
    return audited(
        checker,
        plan.items,
        plan.probes,
        rewritten=plan.rewritten,
        repeats=given["repeats"],
        seed=given["seed"],
        verify=partial(record, total=plan.calls * given["repeats"]),
        against=other,
        mined=mined,
        about=about | _versions(),
    )


def _mine(
    checker: Verifier, items: Iterable[Item], record: _Recorder, given: dict[str, Any]
) -> tuple[Mined, ...]:
    from unflip.audit.mining import Mining, as_probes, mine
    from unflip.types import identity

    how = Mining(given["mine"], seed=given["seed"])
    found = mine(checker, tuple(items), how, verify=partial(record, name="mining.jsonl"))
    rows = (json.dumps(probe.to_json()) for probe in as_probes(found, identity(checker)))
    _put(record.out / "mined.jsonl", "".join(f"{row}\n" for row in rows))
    return found


class _Recorder:
    """Runs a verifier into a file of its own, from which an interrupted audit goes on."""

    def __init__(self, main: Verifier, out: Path, how: dict[str, Any], bill: Bill) -> None:
        self.out = out
        self._main, self._how, self._bill = main, how, bill

    def __call__(
        self,
        verifier: Verifier,
        samples: Iterable[Sample],
        *,
        total: int | None = None,
        name: str = "verdicts.jsonl",
    ) -> Iterator[Verdict]:
        from unflip.records import record_all
        from unflip.run import with_progress
        from unflip.types import identity

        ours = identity(verifier) == identity(self._main)
        name = name if ours else f"{identity(verifier)}.jsonl".replace("/", "_")
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as why:
            raise DataError(f"{self.out} cannot be made: {why.strerror}") from why
        pairs = record_all(verifier, samples, self.out / name, **self._how)
        if total is None:
            return (verdict for _, verdict in pairs)
        told = with_progress(pairs, total, description="auditing", beside=self._bill)
        return (verdict for _, verdict in told)


def _write(
    findings: Findings, failures: tuple[Failure, ...], out: Path, limit: float | None
) -> None:
    from unflip.report.audit_junit import to_junit
    from unflip.report.audit_markdown import to_markdown
    from unflip.report.audit_page import to_html

    _put(out / "audit.json", json.dumps(findings.to_json(), indent=1))
    _put(out / "report.html", to_html(findings))
    _put(out / "report.md", to_markdown(findings))
    _put(out / "junit.xml", to_junit(findings, failures, limit=limit))


def _put(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as why:
        raise DataError(f"{path} cannot be written: {why.strerror}") from why


def _versions() -> dict[str, str]:
    import platform
    from importlib.metadata import version

    return {"unflip": version("unflip"), "python": platform.python_version()}


def _tell(findings: Findings, out: Path) -> None:
    from rich import box
    from rich.table import Table

    from unflip.report.audit_words import advice, banner, headline
    from unflip.report.numbers import of, percent, span

    table = Table("worst probes", "accepted", "", "all at once", box=box.SIMPLE_HEAD)
    for one in [one for one in findings.attacks if one.shares.decided.k][:_SHOWN]:
        rate = one.shares.decided
        table.add_row(one.probe.id, percent(rate.point), of(rate), span(one.together))
    said = banner(findings)
    show(f"{findings.by}  ·  {findings.items} items  ·  {findings.attempts} attempts")
    show(*([said] if said else []), headline(findings), advice(findings))
    if table.row_count:
        show(table)
    show(f"The rest is in {out / 'report.html'}")
