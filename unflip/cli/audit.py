"""`unflip audit`: who can fool a verifier, and what it refuses that it must accept."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING, Any

import click

from unflip.cli.bill import REPLIES, Bill, with_store
from unflip.cli.folders import folder_of
from unflip.cli.keeping import VERDICTS, Recorder, kept, other_of, put
from unflip.cli.source import complain, running, where
from unflip.cli.verb import Verb, as_json, emit, fail, folder, gates, options, say, show
from unflip.errors import UsageError

if TYPE_CHECKING:
    from unflip.audit.figures import Findings, Mined
    from unflip.audit.items import Item
    from unflip.audit.plan import Plan
    from unflip.data import Rows
    from unflip.noise.gates import Failure
    from unflip.types import Verifier

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
        metavar="VERIFIER|RUN",
        help="Another verifier, or an audit that was kept, on the same attempts: McNemar's test.",
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
    from unflip.audit.gates import check_limits, gate
    from unflip.audit.items import items_of
    from unflip.audit.kept import Kept
    from unflip.audit.probes import chosen
    from unflip.plugins import load

    limits = {name: given.pop(name) for name in ("max_fpr", "max_fnr", "max_abstain")}
    check_limits(**limits)
    accept_at = given.pop("accept_at")
    checker = load(given.pop("spec"), accept_at=accept_at)
    rows = _rows(given)
    items = items_of(rows, n=given.pop("n"), seed=given["seed"])
    complain(rows)
    probes = chosen(given.pop("probes"))
    rewritten = not given.pop("no_rewrites")
    plan = plan_for(checker, items, probes, rewritten=rewritten, seed=given["seed"])
    out = out or folder_of(f"audit-{given['name']}", checker)
    other = other_of(given["against"], accept_at)
    if given["repeats"] == 1:
        checker = with_store(checker, out / REPLIES)
        other = with_store(other, out / REPLIES)
    how = where(given.pop("workers"), given.pop("deadline"))
    how["keep_abstains"] = given.pop("keep_abstains")
    bill = Bill(unguarded(checker) or checker, other, workers=how["workers"])
    _announce(plan, bill, given, both=other is not None and not isinstance(other, Kept))
    if dry_run:
        return
    record = Recorder(checker, out, how, bill)
    with bill:
        try:
            findings = _run(checker, plan, record, other=other, **given)
        except KeyboardInterrupt:
            _tell_so_far(checker, plan, record, given)
            raise
    failures = gate(findings, **limits)
    _write(findings, failures, out, limits["max_fpr"])
    if as_json:
        emit(json.dumps(findings.to_json(), indent=1))
    else:
        _tell(findings, out)
    fail(failures)


def _rows(given: dict[str, Any]) -> Rows:
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


def _announce(plan: Plan, bill: Bill, given: dict[str, Any], *, both: bool) -> None:
    """The price, before anything is paid."""
    asked = plan.calls * given["repeats"]
    mining = f", and at most {given['mine']:,} to mine" if given["mine"] else ""
    each = " of each verifier" if both else ""
    say(
        f"{len(plan.probes)} probes and rewrites for {len(plan.items)} items: "
        f"{asked:,} verdicts{each}{mining}"
    )
    bill.announce(lambda _: (ask.sample for _ in range(given["repeats"]) for ask in plan.asks()))


def _run(
    checker: Verifier, plan: Plan, record: Recorder, *, other: Verifier | None, **given: Any
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


def _tell_so_far(checker: Verifier, plan: Plan, record: Recorder, given: dict[str, Any]) -> None:
    """What the verdicts that are on file already say, when the rest will not be waited for."""
    from unflip.audit.auditing import audit as audited
    from unflip.types import identity

    if not (record.out / VERDICTS).exists():
        return
    known = kept(record.out, identity(checker))
    how = {name: given[name] for name in ("repeats", "seed")}
    try:
        findings = audited(checker, plan.items, plan.probes, rewritten=plan.rewritten,
                           verify=known.so_far, **how)  # fmt: skip
    except UsageError:
        return  # Nothing was answered yet.
    _tell(findings)


def _mine(
    checker: Verifier, items: Iterable[Item], record: Recorder, given: dict[str, Any]
) -> tuple[Mined, ...]:
    from unflip.audit.mining import Mining, as_probes, mine
    from unflip.types import identity

    how = Mining(given["mine"], seed=given["seed"])
    found = mine(checker, tuple(items), how, verify=partial(record, name="mining.jsonl"))
    rows = (json.dumps(probe.to_json()) for probe in as_probes(found, identity(checker)))
    put(record.out / "mined.jsonl", "".join(f"{row}\n" for row in rows))
    return found


def _write(
    findings: Findings, failures: tuple[Failure, ...], out: Path, limit: float | None
) -> None:
    from unflip.report.audit_junit import to_junit
    from unflip.report.audit_markdown import to_markdown
    from unflip.report.audit_page import to_html

    put(out / "audit.json", json.dumps(findings.to_json(), indent=1))
    put(out / "report.html", to_html(findings))
    put(out / "report.md", to_markdown(findings))
    put(out / "junit.xml", to_junit(findings, failures, limit=limit))


def _versions() -> dict[str, str]:
    import platform
    from importlib.metadata import version

    return {"unflip": version("unflip"), "python": platform.python_version()}


def _tell(findings: Findings, out: Path | None = None) -> None:
    from rich import box
    from rich.table import Table

    from unflip.report import audit_words as words
    from unflip.report.numbers import of, percent, span

    table = Table("worst probes", "accepted", "", "all at once", box=box.SIMPLE_HEAD)
    for one in [one for one in findings.attacks if one.shares.decided.k][:_SHOWN]:
        rate = one.shares.decided
        table.add_row(one.probe.id, percent(rate.point), of(rate), span(one.together))
    show(f"{findings.by}  ·  {findings.items} items  ·  {words.asked(findings)}")
    told = (words.banner, words.headline, words.advice, words.left_open, words.flipped,
            words.guarded, words.beaten)  # fmt: skip
    show(*filter(None, (sentence(findings) for sentence in told)))
    if table.row_count:
        show(table)
    if out is not None:
        show(f"The rest is in {out / 'report.html'}")
