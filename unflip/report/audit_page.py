"""The report of an audit as one HTML page that needs no script, no network and no other file."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from string import Template

from unflip.audit.figures import Findings
from unflip.intervals import Proportion
from unflip.report.audit_sections import sections
from unflip.report.audit_words import advice, asked, badge, banner, headline, name_of
from unflip.report.cards import shown
from unflip.report.excerpt import plain
from unflip.report.html import doubts
from unflip.report.numbers import count, of, percent, span, unknown


def to_html(findings: Findings) -> str:
    """The whole report as one self-contained page.

    Args:
        findings: What `audit` has found.

    Returns:
        A document; write it as UTF-8. Of a tiny model or a stub its headline says that
        nothing in it is about a real judge.
    """
    here = files("unflip.report")
    told = sections(findings)
    style, word = badge(findings)
    style_sheets = ("page.css", "audit.css")
    return Template((here / "page.html").read_text("utf-8")).substitute(
        title=escape(plain(f"{name_of(findings)}: audit")),
        style="".join((here / name).read_text("utf-8") for name in style_sheets),
        eyebrow=_eyebrow(findings),
        headline=doubts(shown(banner(findings) or headline(findings))),
        advice=doubts(shown(_below(findings))),
        status=style,
        badge=word,
        tiles=_tiles(findings),
        contents="".join(f'<a href="#{key}">{key.replace("-", " ")}</a>' for key, *_ in told),
        sections="".join(_section(*one) for one in told),
        footnote="Characters that a page would hide are written as <i>U+200B</i>.",
    )


def _section(key: str, title: str, body: str) -> str:
    return f'<section id="{key}"><h2>{title}</h2>{body}</section>'


def _below(findings: Findings) -> str:
    """What stands below the headline; figures that are no finding stand here, too."""
    return f"{headline(findings)} {advice(findings)}" if banner(findings) else advice(findings)


def _eyebrow(findings: Findings) -> str:
    told = [findings.by, *(findings.about.get(key, "") for key in ("dataset", "date"))]
    told += [f"{count(findings.items)} items", asked(findings)]
    return " · ".join(shown(part) for part in told if part)


def _tiles(findings: Findings) -> str:
    worst = findings.worst
    told = [
        ("Held-out attacks accepted", findings.held_out.decided),
        ("Worst probe accepted", worst.together if worst else None),
        ("Right answers rejected", findings.fnr.decided),
        ("Attempts left open", findings.open),
    ]
    tiles = (
        f'<div><dt>{name}</dt><dd class="figure">{percent(rate.point) if rate else "–"}</dd>'
        f'<dd class="soft">{_doubt(rate)}</dd></div>'
        for name, rate in told
    )
    return f'<dl class="tiles">{"".join(tiles)}</dl>'


def _doubt(rate: Proportion | None) -> str:
    if rate is None or unknown(rate):
        return "nothing decided"
    return f'{of(rate)}, likely <span class="whole">{shown(span(rate))}</span>'
