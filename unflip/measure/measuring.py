"""One measurement of a verifier: the self-check, a verdict for every row, rates, and a report.

A folder holds what comes of it: `verdicts.jsonl` and `references.jsonl`, from which an interrupted
measurement goes on; `labels.jsonl`, what people said; `rates.json`, for corrections and gates;
`findings.json` and `report.html`, for people.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from unflip.audit.references import check_references
from unflip.measure.folder import REFERENCES, made, write
from unflip.measure.gold import Gold
from unflip.measure.plan import planned
from unflip.measure.pool import Pool
from unflip.measure.settings import Settings
from unflip.measure.slicing import differences
from unflip.noise.online.trace import trace
from unflip.records import record_all
from unflip.report import Collector, Findings, check_of
from unflip.report.findings import SelfCheck
from unflip.run import with_progress
from unflip.types import Sample, Verdict, Verifier
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
        ['findings.json', 'rates.json', 'references.jsonl', 'report.html', 'verdicts.jsonl']
    """
    folder = made(folder)
    how = planned(folder, settings or Settings())
    # A recorded verdict says nothing of the reference as an answer.
    trying = how.self_check and not isinstance(verifier, Recorded)
    check = check_itself(verifier, rows(), how, folder) if trying else None
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


def check_itself(
    verifier: Verifier, samples: Iterable[Sample], how: Settings, folder: Path
) -> SelfCheck:
    """Whether the verifier accepts the samples' references as their own answers.

    Their verdicts are kept in the folder, so that a judge is paid for them once.

    Example:
        >>> import tempfile
        >>> from unflip.verifiers.exact import Exact
        >>> rows = [Sample("", "Paris"), Sample("", " ")]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     check_itself(Exact(), rows, Settings(), Path(folder)).failed
        1
    """

    def run(verifier: Verifier, asked: Iterable[Sample]) -> Iterator[Verdict]:
        pairs = record_all(
            verifier,
            asked,
            folder / REFERENCES,
            workers=how.workers,
            deadline=how.deadline,
            keep_abstains=how.keep_abstains,
        )
        return (verdict for _, verdict in pairs)

    tried = with_progress(
        samples, how.total, description="trying the references", beside=how.beside
    )
    found = check_references(verifier, tried, verify=run)
    refused = ((one.reference, one.verdict.reason, one.rows) for one in found.refused)
    return check_of(int(found.accepted.n), refused)


def _versions() -> dict[str, str]:
    return {"unflip": version("unflip"), "python": platform.python_version()}
