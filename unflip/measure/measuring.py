"""One measurement of a verifier: the self-check, a verdict for every row, rates, and a report.

A folder holds what comes of it: `verdicts.jsonl`, from which an interrupted measurement goes on;
`labels.jsonl`, what people said; `rates.json`, for corrections and gates; `findings.json` and
`report.html`, for people.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

from unflip.audit.references import check_references
from unflip.measure.folder import made, write
from unflip.measure.gold import Gold
from unflip.measure.plan import planned
from unflip.measure.pool import Pool
from unflip.measure.settings import Settings
from unflip.measure.slicing import differences
from unflip.noise.online.trace import trace
from unflip.report import Collector, Findings, check_of
from unflip.report.findings import SelfCheck
from unflip.run import verify_all, with_progress
from unflip.types import Sample, Verifier
from unflip.verifiers.recorded import Recorded


def measure(
    verifier: Verifier,
    rows: Callable[[], Iterable[Sample]],
    folder: Path,
    settings: Settings | None = None,
) -> Findings:
    """Measure a verifier on rows of which some or all have labels, and keep what was found.

    Where every decided row has a label, rates are counted. Where some have, they are estimated
    within either verdict (Begg and Greenes), with a judge's help if there is one. With a budget,
    rows are chosen for labelling; their labels come from the data, or from what people said in
    `unflip label`, and all others stay unused.

    Args:
        verifier: Any verifier.
        rows: Gives the samples from the start, each time it is called.
        folder: Where the files go; a run that stopped goes on in the same folder.
        settings: How it is done.

    Raises:
        DataError: The folder holds another verifier's run, or cannot be written.
        UsageError: As for `verify_all`; a column is missing; a PPV is assumed and measured.

    Example:
        >>> import tempfile
        >>> from unflip import demo
        >>> from unflip.verifiers.exact import Exact
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     findings = measure(Exact(), demo.samples, Path(folder))
        ...     sorted(path.name for path in Path(folder).iterdir())
        ['findings.json', 'rates.json', 'report.html', 'verdicts.jsonl']
    """
    folder = made(folder)
    how = planned(folder, settings or Settings())
    # A recorded verdict says nothing of the reference as an answer.
    trying = how.self_check and not isinstance(verifier, Recorded)
    check = check_itself(verifier, rows(), how) if trying else None
    collector = Collector()
    pool = Pool(verifier, rows, folder, how, watch=collector.add)
    gold = Gold.of(pool, folder, how)
    if how.budget is not None:
        collector = gold.shown(pool)
    population = {**how.population, "date": datetime.now(UTC).date().isoformat()}
    rates = replace(gold.rates(), population=population)
    findings = collector.findings(
        rates,
        self_check=check,
        about=population | _versions(),
        costs=gold.costs(),
        spent=gold.spent,
        doubt=gold.doubt(rates),
        slices=differences(pool, gold) if how.slices else None,
        trace=trace(gold.survey, **pool.log) if how.over is not None else None,
    )
    write(folder, findings)
    return findings


def check_itself(verifier: Verifier, samples: Iterable[Sample], how: Settings) -> SelfCheck:
    """Whether the verifier accepts the samples' references as their own answers.

    Example:
        >>> from unflip.verifiers.exact import Exact
        >>> check_itself(Exact(), [Sample("", "Paris"), Sample("", " ")], Settings()).failed
        1
    """
    run = partial(verify_all, workers=how.workers, deadline=how.deadline)
    tried = with_progress(samples, total=how.total, description="trying the references")
    found = check_references(verifier, tried, verify=run)
    refused = ((one.reference, one.verdict.reason, one.rows) for one in found.refused)
    return check_of(int(found.accepted.n), refused)


def _versions() -> dict[str, str]:
    return {"unflip": version("unflip"), "python": platform.python_version()}
