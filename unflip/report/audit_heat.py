"""The heat map of an audit: how often each key is accepted in each stratum, as strips of SVG."""

from __future__ import annotations

from collections.abc import Sequence

from unflip.audit.families import EQUIVALENTS, NEAR_MISSES
from unflip.audit.tried import ProbeFigures
from unflip.report.audit_words import most_in
from unflip.report.cards import shown
from unflip.report.numbers import count, percent
from unflip.report.svg import picture, text

_HEIGHT = 26
_CHARS = 60
_FEW = 5
"""Attempts below which a cell shows counts, and no colour."""
_MOST = 12
"""Strata that are shown: cells have to stay wide enough for a phone."""


def heat_map(probes: Sequence[ProbeFigures], strata: Sequence[str], *, name: str = "Probe") -> str:
    """A table with a strip of cells for each probe; numbers above stand for the strata below.

    Example:
        >>> heat_map([], [])
        ''
    """
    if not probes or not strata:
        return ""
    columns = list(strata[:_MOST])
    heads = "".join(
        text(str(n + 1), f"{100 * (n + 0.5) / len(columns):.2f}%", 14, "middle")
        for n in range(len(columns))
    )
    body = "".join(_row(one, columns) for one in probes)
    legend = "".join(
        f"<li><b>{n}</b> {shown(s)}, {_attempts(most_in(probes, s))}</li>"
        for n, s in enumerate(columns, start=1)
    )
    more = f"<li>{len(strata) - _MOST} smaller strata are left out</li>" if strata[_MOST:] else ""
    return (
        f'<table class="heat"><thead><tr><th scope="col">{name}</th><td>'
        f'<svg aria-hidden="true" width="100%" height="18">{heads}</svg></td>'
        f'<th scope="col" class="n">all</th></tr></thead><tbody>{body}</tbody></table>'
        f'<ul class="legend">{legend}{more}</ul>'
    )


def name_in_two(one: ProbeFigures) -> str:
    """The probe's name as HTML that a narrow page may break behind its family."""
    return shown(one.probe.id).replace("/", "/<wbr>", 1)


def _attempts(many: int) -> str:
    return f"{count(many)} attempt{'s' * (many != 1)}"


def _row(one: ProbeFigures, columns: Sequence[str]) -> str:
    rate = one.shares.decided
    text = _said(one)
    said = f"<small>{shown(repr(text[:_CHARS]))}{'…' * (len(text) > _CHARS)}</small>"
    return (
        f'<tr><th scope="row">{name_in_two(one)}{said}</th><td>{_strip(one, columns)}</td>'
        f'<td class="n">{percent(rate.point)}</td></tr>'
    )


def _said(one: ProbeFigures) -> str:
    """What the completions say, or one of them where they differ."""
    made = one.probe.constant and one.probe.family not in (NEAR_MISSES, EQUIVALENTS)
    return one.probe.text if made or one.example is None else one.example.completion


def _strip(one: ProbeFigures, columns: Sequence[str]) -> str:
    width = 100 / len(columns)
    cells, told = [], []
    for n, stratum in enumerate(columns):
        wrong, decided = one.by_stratum.get(stratum, (0, 0))
        said = f"{stratum}: {wrong} of {decided}" if decided else f"{stratum}: not decided"
        told.append(said)
        cells.append(_cell(n * width, width, wrong, decided, said))
    return picture("".join(cells), _HEIGHT, title=one.probe.id, told="; ".join(told))


def _cell(x: float, width: float, wrong: int, decided: int, said: str) -> str:
    share = wrong / decided if decided else 0.0
    place = f'x="{x:.2f}%" y="0" width="{width:.2f}%" height="{_HEIGHT}"'
    hint = f"<title>{shown(said)}</title>"
    if not decided:
        return f'<rect class="cold none" {place}>{hint}</rect>'
    ground = f'<rect class="cold" {place}/>'
    # The square root, so that a few accepts can be told from none.
    drawn = f'<rect class="hot" fill-opacity="{share**0.5:.2f}" {place}>{hint}</rect>'
    kind = "on-flip" if share > 0.4 else "on-bare"
    middle = f"{x + width / 2:.2f}%"
    if decided < _FEW:
        # A percentage of so few would look like a finding.
        few = f'<rect class="none" {place}>{hint}</rect>'
        return few + (text(f"{wrong}/{decided}", middle, 18, "middle") if wrong else "")
    figure = text(f"{100 * share:.0f}", middle, 18, "middle", kind) if wrong else ""
    return ground + drawn + figure
