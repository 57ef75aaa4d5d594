"""The sections of an audit's page: families, the heat map, controls, examples, what is missing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from unflip.audit.families import CONTROL, EQUIVALENTS, NEAR_MISSES
from unflip.audit.figures import Findings
from unflip.audit.published import published
from unflip.audit.tried import FamilyFigures, ProbeFigures
from unflip.intervals import Proportion
from unflip.noise.pairs import Paired
from unflip.report import svg
from unflip.report.audit_heat import heat_map, name_in_two
from unflip.report.audit_words import beside, facts, flipped, notes, shown_keys, strata_of
from unflip.report.cards import excerpt, shown
from unflip.report.excerpt import head, tail
from unflip.report.html import doubts
from unflip.report.numbers import count, of, percent, points, span, unknown
from unflip.report.words import REASONS
from unflip.types import Verdict

Section = tuple[str, str, str]
"""Its name for links, its title, and its HTML."""
_ROWS = 30
_CARDS = 12
_REJECTED = 4
"""Cards of right answers that were rejected, at most."""
_LONG = 400


def sections(findings: Findings) -> list[Section]:
    """The sections that have something to say, in the order in which they are read."""
    everything = [
        ("families", "What was tried", _families(findings)),
        ("keys", "Which key works where", _keys(findings)),
        ("worst", "The worst probes", _worst(findings)),
        ("controls", "Controls", _side(findings, {CONTROL})),
        ("rewrites", "The reference rewritten", _side(findings, {EQUIVALENTS, NEAR_MISSES})),
        ("guards", "With and without guards", _guards(findings)),
        ("against", "Beside another verifier", _against(findings)),
        ("mined", "Keys that a search found", _mined(findings)),
        ("failures", "What it could not decide", _failures(findings)),
        ("examples", "Wrongly decided, or left open", _examples(findings)),
        ("published", "For orientation: the published table", _published(findings)),
        ("run", "How to make this again", _run(findings)),
    ]
    return [section for section in everything if section[2]]


def _families(findings: Findings) -> str:
    told = [one.shares.decided for one in findings.families]
    scale = svg.scale_for(max((rate.high for rate in told if not unknown(rate)), default=1.0))
    body = "".join(_family(one, scale) for one in findings.families)
    axis = f'<td><div class="plot">{svg.axis(scale)}</div></td>'
    lines = "".join(f"<li>{shown(line)}</li>" for line in notes(findings))
    return (
        '<p class="lead">Wrong verdicts of those it decided: accepts of what must be rejected, and '
        "in the last row rejects of what must be accepted. Lines are 95% intervals.</p>"
        '<table class="forest families"><thead><tr><th scope="col">Family</th>'
        f'<th scope="col">Decided wrongly</th></tr></thead><tbody>{body}</tbody>'
        f'<tfoot><tr><td></td>{axis}</tr></tfoot></table><ul class="notes">{lines}</ul>'
    )


def _family(one: FamilyFigures, scale: svg.Scale) -> str:
    title = shown(one.family.title)
    many = f"{count(one.probes)} probe{'s' * (one.probes != 1)}" if one.probes else ""
    note = " · ".join(part for part in (many, one.why_not) if part)
    name = f'<th scope="row">{title}<small>{shown(note)}</small></th>'
    rate = one.shares.decided
    if unknown(rate):
        return f'<tr class="few">{name}<td><span class="told why">nothing decided</span></td></tr>'
    drawn = svg.strip(rate, scale, title=f"{one.family.title}: {percent(rate.point)}, {span(rate)}")
    return f'<tr>{name}<td><div class="plot">{drawn}{_share(rate)}</div></td></tr>'


def _share(rate: Proportion) -> str:
    if unknown(rate):
        return '<span class="told soft">nothing decided</span>'
    return (
        f'<span class="told"><b>{shown(percent(rate.point))}</b> '
        f'<span class="soft">{of(rate)}</span>'
        f'<span class="soft block">{shown(span(rate))}</span></span>'
    )


def _keys(findings: Findings) -> str:
    rows = shown_keys(findings, _ROWS)
    drawn = heat_map(rows, strata_of(rows))
    accepted = sum(bool(one.shares.decided.k) for one in findings.attacks)
    left = f" {count(accepted - _ROWS)} more are in the JSON." if accepted > _ROWS else ""
    lead = (
        f"{count(accepted)} of {count(len(findings.attacks))} probes were accepted at least once; "
        f"the ten published keys are shown in any case.{left} Figures are percent of decided ones; "
        "where there are fewer than five, counts."
    )
    return f'<p class="lead">{lead}</p>{drawn}' if drawn else ""


def _worst(findings: Findings) -> str:
    rows = [one for one in findings.attacks if one.shares.decided.k][:15]
    if not rows:
        return '<p class="lead">No probe that must be rejected was accepted.</p>'
    lead = (
        "Wrong: with the interval of this probe alone, and what it has above plain wrong answers "
        f"on the same items, in points. Together: intervals that hold for all at once, by "
        f"{findings.simultaneous}."
    )
    return f'<p class="lead">{shown(lead)}</p>{_table(rows)}'


def _side(findings: Findings, families: set[str]) -> str:
    rows = [one for one in findings.probes if one.probe.family in families]
    return _table(sorted(rows, key=lambda one: not one.probe.accept)) if rows else ""


def _table(rows: Iterable[ProbeFigures]) -> str:
    body = "".join(
        f'<tr><th scope="row">{name_in_two(one)}{"?" if one.probe.contested else ""}'
        f"<small>{_about(one)}</small></th>"
        f'<td class="n">{"accept" if one.probe.accept else "reject"}</td>'
        f'<td class="n {"flip" if one.shares.decided.k else ""}">{of(one.shares.decided) or "–"}'
        f'<small class="block">{_ends(one.shares.decided)}</small>'
        f'<small class="block">{_excess(one)}</small></td>'
        f'<td class="n">{_ends(one.together)}</td>'
        f'<td class="n">{percent(one.shares.open.point)}</td></tr>'
        for one in rows
    )
    return (
        '<table class="worst"><thead><tr><th scope="col">Probe</th><th scope="col" class="n">Must'
        '</th><th scope="col" class="n">Wrong</th><th scope="col" class="n">Together</th>'
        f'<th scope="col" class="n">Open</th></tr></thead><tbody>{body}</tbody></table>'
    )


def _about(one: ProbeFigures) -> str:
    told = ["held out" if one.probe.held_out else "", shown(one.probe.source)]
    if one.skipped:
        told.append(f"not made for {count(one.skipped)} items")
    return " · ".join(filter(None, told))


def _excess(one: ProbeFigures) -> str:
    if one.excess is None or math.isnan(one.excess.point) or not one.shares.decided.k:
        return ""
    point, _, ends = points(one.excess).partition(" ")
    return f'{point} above plain wrong <span class="whole">{ends}</span>'


def _ends(rate: Proportion) -> str:
    if unknown(rate):
        return "–"
    return f'{shown(percent(rate.point))} <span class="whole">({shown(span(rate))})</span>'


def _guards(findings: Findings) -> str:
    guards = findings.guards
    if guards is None:
        return ""
    rows = [
        ("Attacks accepted without guards", guards.raw),
        ("Attacks accepted with guards", guards.guarded),
        ("Attacks stopped by a guard", guards.stopped),
        ("Right answers stopped by a guard", guards.lost),
    ]
    body = "".join(
        f'<tr><th scope="row">{name}</th><td class="n">{of(rate)}</td>'
        f'<td class="n">{_ends(rate)}</td></tr>'
        for name, rate in rows
    )
    return (
        '<p class="lead">What a guard stopped was asked again without guards; everything else was '
        "asked once, and counts for both. A list of known keys in a guard shows in the second row "
        f"and not in the first.</p><table><tbody>{body}</tbody></table>"
    )


def _against(findings: Findings) -> str:
    other = findings.against
    if other is None:
        return ""
    rows = (("Accepts what it must reject", other.accepts_wrong),
            ("Rejects what it must accept", other.rejects_right),
            ("Leaves open", other.left_open))  # fmt: skip
    body = "".join(_paired(name, pair) for name, pair in rows)
    return (
        f'<p class="lead">The same attempts, stated as the audited verifier wants them; B is '
        f"{shown(other.by)}. p-values are McNemar's, exact, with items as clusters.</p>"
        '<table><thead><tr><th></th><th scope="col" class="n">A</th><th scope="col" class="n">B'
        '</th><th scope="col" class="n">B − A, points</th><th scope="col" class="n">p</th></tr>'
        f"</thead><tbody>{body}</tbody></table>"
    )


def _paired(name: str, pair: Paired) -> str:
    return (
        f'<tr><th scope="row">{name}</th><td class="n">{percent(pair.rate_a)}</td>'
        f'<td class="n">{percent(pair.rate_b)}</td><td class="n">{points(pair.difference)}</td>'
        f'<td class="n">{pair.p_value:.3g}</td></tr>'
    )


def _mined(findings: Findings) -> str:
    if findings.mined is None:
        return ""
    body = "".join(
        f'<tr><th scope="row">{shown(repr(one.text))}<small>from {shown(repr(one.start))}</small>'
        f'</th><td class="n">{of(one.fpr)}</td><td class="n">{_ends(one.fpr)}</td></tr>'
        for one in findings.mined
    )
    return (
        '<p class="lead">Rates on items that the search did not see; intervals hold for all keys '
        "at once. What the search saw is not told: it was selected for being high.</p>"
        f"<table><tbody>{body}</tbody></table>"
    )


def _failures(findings: Findings) -> str:
    told = [doubts(shown(flipped(findings)))] if findings.flips is not None else []
    if findings.reasons:
        told.append(f"It left {of(findings.open)} attempts open, {_ends(findings.open)}.")
    names = {reason.value: why for reason, why in REASONS.items()}
    rows = "".join(
        f'<tr><th scope="row">{shown(reason)}<small>{shown(names.get(reason, ""))}</small></th>'
        f'<td class="n">{count(k)}</td></tr>'
        for reason, k in findings.reasons.items()
    )
    table = f"<table><tbody>{rows}</tbody></table>" if rows else ""
    return f'<p class="lead">{" ".join(told)}</p>{table}' if told else ""


def _examples(findings: Findings) -> str:
    told = [one for one in findings.probes if one.example and not one.probe.contested]
    accepted = [one.example for one in told if not one.probe.accept]
    rejected = [one.example for one in told if one.probe.accept]
    left = [findings.left] if findings.left else []
    found = [*accepted[: _CARDS - min(_REJECTED, len(rejected))], *rejected[:_REJECTED], *left]
    cards = "".join(
        f'<article class="card"><header><b>{shown(one.probe)}</b> <span>{shown(one.id)}</span>'
        f'</header><div class="sides"><p class="said completion" dir="auto">'
        f'{excerpt(tail(one.completion, _LONG))}</p><dl class="verdict">'
        f"<dt>reference</dt><dd><b>{excerpt(head(one.reference))}</b></dd>"
        f"<dt>verdict</dt><dd>{one.verdict.outcome}: {REASONS[one.verdict.reason]}</dd>"
        f"{_more(one.verdict)}</dl></div></article>"
        for one in filter(None, found)
    )
    return cards


def _more(verdict: Verdict) -> str:
    told = {"it read": verdict.answer, "error": verdict.evidence.get("error")}
    return "".join(
        f"<dt>{name}</dt><dd>{excerpt(head(str(value)))}</dd>"
        for name, value in told.items()
        if value not in (None, "")
    )


def _published(findings: Findings) -> str:
    note, rows = beside(findings)
    heads = "".join(
        f'<th scope="col" class="n">{shown(name)}</th>' for name in published().benchmarks
    )
    body = "".join(_published_row(name, cells) for name, cells in rows)
    mine = "" if findings.presentable else " Ours is left out: it is not about a real judge."
    return (
        f'<p class="lead">False positives in percent, average | worst over ten master keys, on '
        f'other items than yours.{mine}</p><div class="wide"><table><thead><tr>'
        f'<th scope="col">Judge</th>{heads}<th scope="col" class="n">overall</th></tr></thead>'
        f'<tbody>{body}</tbody></table></div><p class="soft">{shown(note)}</p>'
    )


def _published_row(name: str, cells: Sequence[str]) -> str:
    told = "".join(f'<td class="n">{cell}</td>' for cell in cells)
    return f'<tr><th scope="row">{shown(name)}</th>{told}</tr>'


def _run(findings: Findings) -> str:
    told = (f"<dt>{shown(name)}</dt><dd>{shown(value)}</dd>" for name, value in facts(findings))
    return f'<dl class="facts">{"".join(told)}</dl>'
