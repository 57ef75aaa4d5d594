"""The sections of the page that tell rates and counts: flips, verdicts, reasons, every rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from unflip.intervals import Proportion
from unflip.rates import NoiseRates, Status
from unflip.report import svg
from unflip.report.cards import excerpt
from unflip.report.excerpt import head
from unflip.report.findings import Count, Findings, Truth
from unflip.report.numbers import count, of, percent, signed, span, unknown
from unflip.report.words import OUTCOMES, REASONS, SIGNAL, explained, shown_strata
from unflip.types import Outcome

_TRUTHS: Mapping[Truth, str] = {
    Truth.CORRECT: "Correct answers",
    Truth.WRONG: "Wrong answers",
    Truth.UNLABELLED: "Rows without a label",
}
_SOURCES = {"bayes": "estimated", "mover": "estimated", "band": "bounds"}
"""Where a share comes from that is not k of n, by the method of its interval."""


def flips(findings: Findings) -> str:
    """Both rates of every stratum and of all rows, as a forest plot."""
    if not findings.rows:
        return ""
    rates = findings.rates
    strata = shown_strata(rates)
    told = [rate for row in (rates, *strata.values()) for rate in (row.fp, row.fn)]
    scale = svg.scale_for(max((rate.high for rate in told if not unknown(rate)), default=1.0))
    body = "".join(_stratum(excerpt(head(name)), row, scale) for name, row in strata.items())
    pooled = _stratum("All rows", rates, scale, pooled=True)
    axis = f'<td><div class="plot">{svg.axis(scale)}</div></td>'
    left_out = len(rates.strata) - len(strata)
    whose = "labelled rows" if findings.spent is None else "all rows, estimated,"
    lead = f"Shares of {whose} that it decided on; lines are {rates.fp.level:.0%} intervals."
    lead += " Hollow dots rest on too few labels." if any(map(_is_few, strata.values())) else ""
    lead += f" {count(left_out)} small strata are left out." if left_out else ""
    return (
        f'<p class="lead">{lead}</p><table class="forest"><thead><tr><th scope="col">Stratum</th>'
        '<th scope="col">Wrong answers accepted</th><th scope="col">Correct answers rejected</th>'
        f"</tr></thead><tbody>{body}{pooled}</tbody>"
        f"<tfoot><tr><td></td>{axis}{axis}</tr></tfoot></table>"
    )


def _stratum(name: str, rates: NoiseRates, scale: svg.Scale, *, pooled: bool = False) -> str:
    few = ", too few labels" if _is_few(rates) else ""
    cells = "".join(
        f'<td><div class="plot">'
        f"{svg.strip(rate, scale, title=f'{what}: {_told(rate)}{few}', pooled=pooled)}"
        f'<span class="told">{_share(rate)}</span></div></td>'
        for what, rate in (("wrong, accepted", rates.fp), ("correct, rejected", rates.fn))
    )
    kind = "pooled" if pooled else "few" if _is_few(rates) else "enough"
    return f'<tr class="{kind}"><th scope="row">{name}</th>{cells}</tr>'


def _is_few(rates: NoiseRates) -> bool:
    return rates.status is Status.IMPRECISE


def _told(rate: Proportion) -> str:
    return ", ".join(filter(None, (percent(rate.point), of(rate), span(rate))))


def _share(rate: Proportion) -> str:
    if unknown(rate):
        return '<span class="soft">no rows</span>'
    return (
        f'<b>{percent(rate.point)}</b> <span class="soft">{of(rate)}</span>'
        f'<span class="soft block">{span(rate)}</span>'
    )


def verdicts(findings: Findings) -> str:
    """What became of correct, wrong and unlabelled answers, as bars and in numbers."""
    if not findings.rows:
        return ""
    truths = [truth for truth in Truth if findings.count(truth=truth)]
    bars = "".join(
        f"<div><p>{_TRUTHS[truth]} <span class='soft'>{count(findings.count(truth=truth))}</span>"
        f"</p>{_verdict_bar(findings, truth)}</div>"
        for truth in truths
    )
    heads = "".join(f'<th scope="col" class="n">{OUTCOMES[outcome]}</th>' for outcome in Outcome)
    body = "".join(_verdict_row(findings, truth) for truth in truths)
    return (
        f'{_legend(findings)}<div class="bars">{bars}</div>'
        '<table class="counts"><caption>The same in numbers of rows; flips are bold.</caption>'
        f'<thead><tr><th></th>{heads}<th scope="col" class="n">all</th></tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _kind(outcome: Outcome, truth: Truth) -> str:
    """The colour of a cell: what the label says about the verdict."""
    if outcome is Outcome.ABSTAIN:
        return "open"
    if truth is Truth.UNLABELLED:
        return "bare"
    return "agree" if (outcome is Outcome.ACCEPT) == (truth is Truth.CORRECT) else "flip"


def _legend(findings: Findings) -> str:
    names = {
        "agree": "the label agrees",
        "flip": "a flip: the label disagrees",
        "open": "left open",
        "bare": "no label to compare with",
    }
    used = {_kind(cell.outcome, cell.truth) for cell in findings.counts}
    told = (
        f'<li><span class="key {kind}"></span>{names[kind]}</li>' for kind in names if kind in used
    )
    return f'<ul class="legend">{"".join(told)}</ul>'


def _verdict_bar(findings: Findings, truth: Truth) -> str:
    parts = [
        svg.Part(findings.count(outcome, truth), _kind(outcome, truth), OUTCOMES[outcome])
        for outcome in Outcome
    ]
    return svg.bar(parts, findings.count(truth=truth), title=_TRUTHS[truth])


def _verdict_row(findings: Findings, truth: Truth) -> str:
    cells = "".join(
        f'<td class="n {_kind(outcome, truth)}">{count(findings.count(outcome, truth))}</td>'
        for outcome in Outcome
    )
    total = f'<td class="n">{count(findings.count(truth=truth))}</td>'
    return f'<tr><th scope="row">{_TRUTHS[truth]}</th>{cells}{total}</tr>'


def rates_of(findings: Findings) -> str:
    """Every rate with its meaning, its counts and its ends."""
    if not findings.rows:
        return ""
    rates = findings.rates
    rows = "".join(_rate(*told) for told in explained(rates))
    j = rates.informativeness
    rows += _rate_row(
        "Signal left, J", signed(j.point), f"{signed(j.low)} to {signed(j.high)}", SIGNAL
    )
    return (
        '<table><thead><tr><th scope="col">Rate</th><th scope="col" class="n">Share</th>'
        f'<th scope="col" class="n">{rates.fp.level:.0%} interval</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _rate(name: str, rate: Proportion, why: str) -> str:
    counts = of(rate) or ("no rows" if unknown(rate) else _SOURCES.get(rate.method, rate.method))
    told = f'{percent(rate.point)}<span class="soft block">{counts}</span>'
    return _rate_row(name, told, span(rate), why)


def _rate_row(name: str, figure: str, ends: str, why: str) -> str:
    return (
        f'<tr><th scope="row">{name}<small>{why}</small></th>'
        f'<td class="n">{figure}</td><td class="n">{ends}</td></tr>'
    )


def reasons(findings: Findings) -> str:
    """Why it decided so, split by truth."""
    if not findings.rows:
        return ""
    truths = [truth for truth in Truth if findings.count(truth=truth)]
    rows: dict[tuple[Outcome, str], dict[Truth, Count]] = {}
    for cell in findings.counts:
        rows.setdefault((cell.outcome, cell.reason), {})[cell.truth] = cell
    groups = [list(row.values()) for row in rows.values()]
    longest = max(_total(cells) for cells in groups)
    heads = "".join(f'<th scope="col" class="n">{truth}</th>' for truth in truths)
    body = "".join(
        _reason(cells, truths, longest)
        for outcome in Outcome
        for cells in sorted(groups, key=_total, reverse=True)
        if cells[0].outcome is outcome
    )
    return (
        f'{_legend(findings)}<table><thead><tr><th scope="col">Verdict and reason</th>{heads}'
        f"</tr></thead><tbody>{body}</tbody></table>"
    )


def _total(cells: Iterable[Count]) -> int:
    return sum(cell.rows for cell in cells)


def _reason(cells: Sequence[Count], truths: Sequence[Truth], longest: int) -> str:
    one = cells[0]
    rows = {cell.truth: cell.rows for cell in cells}
    parts = [svg.Part(rows.get(truth, 0), _kind(one.outcome, truth), truth) for truth in truths]
    drawn = svg.bar(parts, longest, title=f"{one.reason} by truth", height=8)
    figures = "".join(
        f'<td class="n {_kind(one.outcome, truth) if rows.get(truth) else "soft"}">'
        f"{count(rows.get(truth, 0))}</td>"
        for truth in truths
    )
    return (
        f'<tr><th scope="row" class="slim">{OUTCOMES[one.outcome]} '
        f"<code>{one.reason}</code><small>{REASONS[one.reason]}</small>{drawn}</th>{figures}</tr>"
    )
