"""The report as Markdown, for a pull request or an issue."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from unflip.intervals import Proportion
from unflip.noise.online.trace import Trace
from unflip.rates import NoiseRates
from unflip.report.differences import HEADS, Differences
from unflip.report.excerpt import Excerpt, plain
from unflip.report.findings import Example, Findings, Truth
from unflip.report.numbers import count, duration, evenly, of, percent, signed, span, unknown
from unflip.report.words import (
    FLIPS,
    OUTCOMES,
    REASONS,
    SIGNAL,
    STATUS,
    advice,
    alarmed,
    explained,
    facts,
    headline,
    how_labelled,
    learned,
    shown_strata,
)
from unflip.types import Outcome

EXAMPLES = 3
"""How many examples of each kind are shown: a pull request is read on the way to something else."""
STEPS = 12
"""How many steps of a trace are shown."""
REFUSED = 10
"""How many references that fail the self-check are shown."""


def to_markdown(findings: Findings) -> str:
    """The report's figures and a few examples as GitHub-flavoured Markdown.

    Args:
        findings: The facts of the run, from `Collector.findings`.

    Returns:
        Text whose data can neither open markup nor notify anybody: it stands in code spans.

    Example:
        >>> from unflip.noise.gold import estimate
        >>> from unflip.report import Collector, to_markdown
        >>> print(to_markdown(Collector().findings(estimate([], []))).splitlines()[2])
        **too few labels.** Check the path of the data set, and what was filtered out of it.
    """
    rates = findings.rates
    parts = [
        f"## {_outside(headline(findings))}",
        f"**{STATUS[rates.status]}.** {advice(findings)}",
        _strata(rates) if findings.rows else "",
        _verdicts(findings),
        _differences(findings.slices),
        _labels(findings),
        _examples("Wrong answers it accepted", findings.false_accepts),
        _examples("Correct answers it rejected", findings.false_rejects),
        _examples("Rows it left open", findings.abstained),
        _references(findings),
        _trace(findings.trace),
        _folded("Rates against labels spent", _costs(findings)) if findings.costs else "",
        _folded("Every rate", _rates(rates)) if findings.rows else "",
        _folded("How to make this again", _run(findings)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def code(text: str) -> str:
    r"""Text from outside as a code span on one line: no markup, no mention, no link comes to life.

    A bar is escaped, as it must be in a table even within code.

    Example:
        >>> print(code("a `b` | @c"))
        `` a `b` \| @c ``
    """
    line = plain(text).replace("\n", " ⏎ ").replace("\t", " ").replace("|", "\\|")
    longest = max(map(len, re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    space = " " if "`" in line or not line.strip() else ""
    return f"{fence}{space}{line}{space}{fence}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    """A table whose last columns, so many, are numbers and stand right."""
    ruler = ["---:" if i >= len(heads) - numbers else "---" for i in range(len(heads))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ruler, *rows))


def _outside(sentence: str) -> str:
    """A sentence that holds a name from outside: what could be markup is escaped."""
    return re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", plain(sentence).replace("\n", " "))


def _strata(rates: NoiseRates) -> str:
    rows = [(code(name), one) for name, one in shown_strata(rates).items()]
    rows.append(("**all rows**", rates))
    heads = ("stratum", "wrong answers accepted", "correct answers rejected", "J", "status")
    told = (
        (
            name,
            _share(one.fp),
            _share(one.fn),
            signed(one.informativeness.point),
            STATUS[one.status],
        )
        for name, one in rows
    )
    left_out = len(rates.strata) - len(rows) + 1
    more = f"\n\n{count(left_out)} small strata are left out." if left_out else ""
    return table(heads, told) + more


def _differences(found: Differences | None) -> str:
    if found is None:
        return ""
    rows = [(code(where), *told) for where, *told in found.lines()]
    told = f"\n\n{table(HEADS, rows, numbers=3)}" if rows else ""
    return f"### Where the rates differ\n\n{found}{told}"


def _share(rate: Proportion) -> str:
    if unknown(rate):
        return "no rows"
    return ", ".join(filter(None, (_figure(rate), of(rate))))


def _verdicts(findings: Findings) -> str:
    truths = [truth for truth in Truth if findings.count(truth=truth)]
    if not truths:
        return ""
    heads = ("rows", *(OUTCOMES[outcome] for outcome in Outcome), "all")
    return table(
        heads,
        (
            (
                truth,
                *(count(findings.count(outcome, truth)) for outcome in Outcome),
                count(findings.count(truth=truth)),
            )
            for truth in truths
        ),
        numbers=4,
    )


def _examples(title: str, rows: Sequence[Example]) -> str:
    if not rows:
        return ""
    told = (
        (
            code(row.name),
            _excerpt(row.answer),
            _excerpt(row.reference),
            f"{OUTCOMES[row.outcome]}: {REASONS[row.reason]}",
        )
        for row in rows[:EXAMPLES]
    )
    return f"### {title}\n\n{table(('row', 'it read', 'reference', 'why'), told)}"


def _excerpt(part: Excerpt | None) -> str:
    if part is None:
        return "nothing"
    return code(part.text) + (f" … {count(part.after)} more" if part.after else "")


def _references(findings: Findings) -> str:
    check = findings.self_check
    if check is None:
        return ""
    if not check.failed:
        return f"All {count(check.checked)} references are accepted as their own answer."
    rows = (
        (_excerpt(one.reference), REASONS[one.reason], count(one.rows))
        for one in check.refused[:REFUSED]
    )
    lead = (
        f"{count(check.failed)} of {count(check.checked)} references are not accepted as their "
        "own answer."
    )
    return f"### References it does not accept\n\n{lead}\n\n" + table(
        ("reference", "why not", "rows"), rows, numbers=1
    )


def _labels(findings: Findings) -> str:
    spent = how_labelled(findings) if findings.spent is not None else ""
    return "\n\n".join(part for part in (spent, findings.doubt) if part)


def _costs(findings: Findings) -> str:
    rows = (
        (code(one.method), count(one.labels), _figure(one.fp), _figure(one.fn))
        for one in findings.costs
    )
    return table(("method", "labels", *(name for _, name in FLIPS)), rows, numbers=3)


def _trace(told: Trace | None) -> str:
    if told is None or not told.points:
        return ""
    parts = ["### While training ran", _alarms(told), _folded("Rates over steps", _steps(told))]
    return "\n\n".join(part for part in parts if part)


def _alarms(told: Trace) -> str:
    if not told.alarms:
        return ""
    rows = (
        (
            code(alarm.what),
            percent(alarm.limit) if alarm.limit is not None else "–",
            f"not watched: {code(alarm.why)}" if alarm.why else alarmed(alarm),
        )
        for alarm in told.alarms
    )
    return f"{table(('watched', 'limit', 'alarm'), rows)}\n\n{learned(told)}"


def _steps(told: Trace) -> str:
    """Some steps of the trace, evenly spread, and the last."""
    rows = (
        (
            f"{one.step:,.10g}",
            *map(_figure, (one.recent_fp, one.running_fp, one.recent_fn, one.running_fn)),
            percent(one.accept),
        )
        for one in (told.points[i] for i in evenly(len(told.points), STEPS))
    )
    heads = ("step", "rho0 of late", "so far", "rho1 of late", "so far", "accepted")
    notes = "".join(f"\n- {code(note)}" for note in told.notes)
    return table(heads, rows, numbers=6) + (f"\n{notes}" if notes else "")


def _figure(rate: Proportion) -> str:
    if unknown(rate):
        return "unknown"
    return span(rate) if math.isnan(rate.point) else f"{percent(rate.point)} ({span(rate)})"


def _rates(rates: NoiseRates) -> str:
    told = [
        (f"{name}: {why}", percent(rate.point), span(rate), of(rate))
        for name, rate, why in explained(rates)
    ]
    j = rates.informativeness
    told.append(
        (f"Signal left, J: {SIGNAL}", signed(j.point), f"{signed(j.low)} to {signed(j.high)}", "")
    )
    return table(("rate", "share", f"{rates.fp.level:.0%} interval", "rows"), told, numbers=3)


def _run(findings: Findings) -> str:
    told = [(name, code(value)) for name, value in facts(findings)]
    if findings.timing.n:
        middle, late = (duration(findings.timing.quantile(q)) for q in (0.5, 0.99))
        told.append(("time per row", f"median {middle}, 99% within {late}"))
    lines = [f"- {code(name)}: {value}" for name, value in told]
    return "\n".join(lines)


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"
