"""The report as one HTML page that needs no script, no network and no other file."""

from __future__ import annotations

import math
import re
from html import escape
from importlib.resources import files
from string import Template

from unflip.intervals import Proportion
from unflip.rates import NoiseRates
from unflip.report.cards import shown
from unflip.report.excerpt import plain
from unflip.report.findings import Findings
from unflip.report.numbers import count, of, percent, signed, span, unknown
from unflip.report.sections import sections
from unflip.report.words import STATUS, advice, headline, name_of


def to_html(findings: Findings) -> str:
    """The whole report as one self-contained page, below 2 MB whatever the rows say.

    Args:
        findings: The facts of the run, from `Collector.findings`.

    Returns:
        A document; write it as UTF-8.

    Example:
        >>> from unflip.noise.gold import estimate
        >>> from unflip.report import Collector, to_html
        >>> to_html(Collector().findings(estimate([], []))).splitlines()[0]
        '<!doctype html>'
    """
    here = files("unflip.report")
    told = sections(findings)
    return Template((here / "page.html").read_text("utf-8")).substitute(
        title=escape(plain(f"{name_of(findings.rates)}: verifier report")),
        style=(here / "page.css").read_text("utf-8"),
        eyebrow=_eyebrow(findings),
        headline=doubts(shown(headline(findings))),
        advice=doubts(shown(advice(findings))),
        status=findings.rates.status,
        badge=STATUS[findings.rates.status],
        tiles=_tiles(findings.rates),
        contents="".join(f'<a href="#{key}">{key.replace("-", " ")}</a>' for key, *_ in told),
        sections="".join(
            f'<section id="{key}"><h2>{title}</h2>{body}</section>' for key, title, body in told
        ),
        footnote="Characters that a page would hide are written as <i>U+200B</i>.",
    )


def _eyebrow(findings: Findings) -> str:
    told = [findings.rates.by, *(findings.about.get(key, "") for key in ("dataset", "date"))]
    told.append(f"{count(findings.rows)} rows")
    return " · ".join(shown(part) for part in told if part)


def doubts(sentence: str) -> str:
    """Sets figures in brackets off, and keeps the ends of an interval on one line.

    Example:
        >>> doubts("5% (1–9%)")
        '5% <span class="doubt">(<span class="whole">1–9%</span>)</span>'
    """
    calm = re.sub(r"\([^()]*%\)", r'<span class="doubt">\g<0></span>', sentence)
    return re.sub(r"[\d.]+–[\d.]+%", r'<span class="whole">\g<0></span>', calm)


def _tiles(rates: NoiseRates) -> str:
    j = rates.informativeness
    told = [
        ("Wrong answers accepted", percent(rates.fp.point), _doubt(rates.fp)),
        ("Correct answers rejected", percent(rates.fn.point), _doubt(rates.fn)),
        ("Rows left open", percent(rates.abstain.point), of(rates.abstain)),
        (
            "Signal left, J",
            signed(j.point),
            "unknown" if unknown(j) else f"likely {signed(j.low)} to {signed(j.high)}",
        ),
    ]
    tiles = (
        f'<div><dt>{name}</dt><dd class="figure">{figure}</dd><dd class="soft">{note}</dd></div>'
        for name, figure, note in told
    )
    return f'<dl class="tiles">{"".join(tiles)}</dl>'


def _doubt(rate: Proportion) -> str:
    if unknown(rate):
        return "no rows"
    if math.isnan(rate.point):
        return doubts(f"between bounds: {span(rate)}")
    return doubts(", ".join(filter(None, (of(rate), f"likely {span(rate)}"))))
