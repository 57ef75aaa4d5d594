"""The sections of the page: each says one thing about a run, or nothing if there is nothing."""

from __future__ import annotations

from collections.abc import Sequence

from unflip.report import figures, progress, svg
from unflip.report.cards import card, excerpt, shown
from unflip.report.differences import HEADS
from unflip.report.findings import Example, Findings, Truth
from unflip.report.numbers import count, duration
from unflip.report.reliability import reliability
from unflip.report.words import OUTCOMES, REASONS, facts
from unflip.types import Outcome

Section = tuple[str, str, str]
"""Its name for links, its title, and its HTML."""
_PER_DECADE = 5


def sections(findings: Findings) -> list[Section]:
    """The sections that have something to say, in the order in which they are read."""
    everything = [
        ("flips", "Where labels flip", figures.flips(findings)),
        ("slices", "Where the rates differ", _slices(findings)),
        ("training", "While training ran", progress.trace(findings)),
        ("verdicts", "Verdict and truth", figures.verdicts(findings)),
        ("chances", "What P(yes) is worth", _chances(findings)),
        ("reasons", "Why it decided so", figures.reasons(findings)),
        ("false-accepts", "Wrong answers it accepted", _false_accepts(findings)),
        ("false-rejects", "Correct answers it rejected", _false_rejects(findings)),
        ("abstained", "Rows it left open", _abstained(findings)),
        ("references", "References it does not accept", _references(findings)),
        ("rates", "Every rate", figures.rates_of(findings)),
        ("labels", "The labels", progress.labels(findings)),
        ("cost", "What labels buy", progress.cost(findings)),
        ("time", "How long it took", _time(findings)),
        ("run", "How to make this again", _run(findings)),
    ]
    return [section for section in everything if section[2]]


def _slices(findings: Findings) -> str:
    found = findings.slices
    if found is None:
        return ""
    lead = f'<p class="lead">{found}</p>'
    if not found.lines():
        return lead
    heads = "".join(f'<th scope="col">{head}</th>' for head in HEADS)
    rows = "".join(
        f'<tr><th scope="row">{shown(where)}</th><td>{"</td><td>".join(told)}</td></tr>'
        for where, *told in found.lines()
    )
    return f"{lead}<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _chances(findings: Findings) -> str:
    found = findings.chances
    if found is None:
        return ""
    lead = "A dot below the diagonal: there the judge was surer than it was right."
    return f'<p class="lead">{lead}</p><div class="wide">{reliability(found)}</div>'


def _false_accepts(findings: Findings) -> str:
    asked = findings.count(truth=Truth.WRONG)
    if not asked:
        return ""
    flips = findings.count(Outcome.ACCEPT, Truth.WRONG)
    why = "Each pays a policy for being wrong, or carries a label that is itself wrong."
    return _examples(findings, findings.false_accepts, among=(flips, asked), why=why)


def _false_rejects(findings: Findings) -> str:
    asked = findings.count(truth=Truth.CORRECT)
    if not asked:
        return ""
    flips = findings.count(Outcome.REJECT, Truth.CORRECT)
    why = "Each punishes a policy for being right, or carries a label that is itself wrong."
    return _examples(findings, findings.false_rejects, among=(flips, asked), why=why)


def _abstained(findings: Findings) -> str:
    rows = findings.count(Outcome.ABSTAIN)
    if not rows:
        return ""
    why = "Neither reward 0 nor reward 1 fits these: nothing was learned about the answer."
    return _examples(findings, findings.abstained, among=(rows, findings.rows), why=why)


def _examples(
    findings: Findings, rows: Sequence[Example], *, among: tuple[int, int], why: str
) -> str:
    found, asked = among
    if not found:
        return f'<p class="lead">None among {count(asked)}.</p>'
    drawn = f" These {count(len(rows))} were drawn at random." if len(rows) < found else ""
    lead = f'<p class="lead">{count(found)} of {count(asked)}. {why}{drawn}</p>'
    return lead + "".join(card(row, by=findings.rates.by) for row in rows)


def _references(findings: Findings) -> str:
    check = findings.self_check
    if check is None:
        return ""
    if not check.failed:
        return f'<p class="lead">None among {count(check.checked)}.</p>'
    rows = "".join(
        f'<tr><th scope="row" dir="auto">{excerpt(one.reference)}</th>'
        f'<td>{REASONS[one.reason]}</td><td class="n">{count(one.rows)}</td></tr>'
        for one in check.refused
    )
    more = check.failed - len(check.refused)
    return (
        f'<p class="lead">{count(check.failed)} of {count(check.checked)} references are not '
        "accepted as their own answer; no completion can earn a fair verdict on their rows."
        f"{f' {count(more)} with fewer rows are left out.' if more else ''}</p>"
        '<table><thead><tr><th scope="col">Reference</th><th scope="col">Why not</th>'
        f'<th scope="col" class="n">Rows</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _time(findings: Findings) -> str:
    timing = findings.timing
    if not timing.n:
        return ""
    told = ", ".join(
        f"{name} {duration(timing.quantile(q))}"
        for name, q in (("median", 0.5), ("90% within", 0.9), ("99% within", 0.99))
    )
    drawn = svg.histogram(timing.coarse(_PER_DECADE), _PER_DECADE, title=f"Time per row: {told}")
    rows = "".join(map(_slow, findings.slowest))
    return (
        f'<p class="lead">Per row: {told}; longest {duration(timing.longest)}; all together '
        f'{duration(timing.total)}.</p><div class="chart">{drawn}</div>'
        '<table><caption>The slowest rows</caption><thead><tr><th scope="col">Row</th>'
        '<th scope="col">Answer</th><th scope="col">Verdict</th>'
        f'<th scope="col" class="n">Time</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _slow(row: Example) -> str:
    answer = excerpt(row.answer) if row.answer else ""
    return (
        f'<tr><th scope="row">{shown(row.name)}</th><td dir="auto">{answer}</td>'
        f"<td>{OUTCOMES[row.outcome]}: {REASONS[row.reason]}</td>"
        f'<td class="n">{duration(row.seconds or 0.0)}</td></tr>'
    )


def _run(findings: Findings) -> str:
    told = (f"<dt>{shown(name)}</dt><dd>{shown(value)}</dd>" for name, value in facts(findings))
    return f'<dl class="facts">{"".join(told)}</dl>'
