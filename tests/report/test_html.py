"""The page: well-formed, self-contained, true to its numbers, and closed to whatever rows say."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unflip.intervals import wilson
from unflip.noise.few.shares import between
from unflip.noise.gold import estimate
from unflip.noise.online import Trace
from unflip.rates import Status
from unflip.report import Collector, to_html
from unflip.report.numbers import count, of, percent, span
from unflip.report.words import OUTCOMES, RATES, REASONS, STATUS, STRATA, headline
from unflip.types import Outcome, Reason, Sample, Verdict

VOID = {"meta", "br", "hr", "img", "input", "link"}
# What a page may carry at all: nothing here loads, runs or leads anywhere but into the page.
ATTRIBUTES = {
    "aria-hidden", "aria-label", "charset", "class", "content", "cx", "d", "dir", "dx", "height",
    "href", "http-equiv", "id", "lang", "name", "overflow", "preserveaspectratio", "r", "role",
    "scope", "text-anchor", "viewbox", "width", "x", "x1", "x2", "y", "y1", "y2",
}  # fmt: skip
HOSTILE = [
    "</p></section><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "<img src=x onerror=alert(1)>",
    "<!-- ]]> </title></style>",
    "&lt;b&gt; &amp;amp; &#0;",
    "\x00\x1b[31m\x7f",
    "\u202egnp.exe\u2066 \u200b\u200d\ufeff",
    "\ud800 lone surrogate",
    "$style ${advice} %s {0}",
    "(12.5%) 3.0–4.0%",
    "مرحبا שלום",
]
ANY = settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None)


class Page(HTMLParser):
    """A parsed page: its elements, its texts by section, its table rows; raises if unbalanced."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.attributes, self.ids = [], set(), [], []
        self.text, self.rows = "", []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        assert len(given) == len(attrs), "an attribute is given twice"
        self.attributes += attrs
        self.elements.add((tag, given.get("class")))
        self.ids += [given["id"]] if "id" in given else []
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"} and self.rows:
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.text += data
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def row_of(page, name):
    """The table row whose first cell starts with `name`."""
    return next(row for row in page.rows if row and row[0].startswith(name))


def test_every_element_is_closed(findings):
    """Tags balance, ids are unique, and every link in the page leads somewhere in it."""
    page = Page(to_html(findings))
    links = [value for name, value in page.attributes if name == "href"]
    assert len(set(page.ids)) == len(page.ids)
    assert {link.removeprefix("#") for link in links} == set(page.ids)


def test_every_picture_is_xml(findings):
    """Each inline SVG parses as XML, and all that are not decoration have a title."""
    html, pictures, depth = to_html(findings), [""], 0
    for part in re.split(r"(?=<svg )|(?<=</svg>)", html):
        depth += part.startswith("<svg ")
        pictures[-1] += part if depth else ""
        depth -= part.endswith("</svg>")
        if not depth and pictures[-1]:
            pictures.append("")
    roots = [ET.fromstring(one) for one in pictures[:-1]]
    assert len(roots) > 10
    assert all(root.get("aria-hidden") or root.find("title").text for root in roots)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_comes_from_outside(told, text):
    """The page names no address, loads nothing, and runs nothing."""
    html = to_html(told(text))
    page = Page(html)
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    assert not {tag for tag, _ in page.elements} & {"script", "link", "img", "iframe", "object"}
    assert not re.search(
        r"https?:|//|@import|url\(|src=", files("unflip.report").joinpath("page.css").read_text()
    )
    assert "default-src 'none'" in html
    assert html.isascii() or html.encode("utf-8")


@ANY
@given(
    st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(codec=None), min_size=1, max_size=40))
)
def test_data_is_only_ever_text(told, text):
    """Whatever stands in a row, it adds no element and no attribute, and can be saved as UTF-8."""
    html, calm = to_html(told(text)), Page(to_html(told("it is 7")))
    page = Page(html)
    assert page.elements - calm.elements <= {("i", None), ("span", "doubt"), ("span", "whole")}
    assert len(page.ids) == len(calm.ids)
    assert html.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", html)


def test_hidden_characters_are_told(told):
    """What would reorder or hide text is written as its code point."""
    page = Page(to_html(told("a\u202eb\u200bc\x00d")))
    assert "aU+202EbU+200BcU+0000d" in page.text


def test_the_answer_is_marked(findings):
    """The span that the verifier read is highlighted in the completion."""
    assert "<mark>it is 7</mark> (" in to_html(findings)


def test_the_rates_are_the_rates(findings):
    """Every rate stands in the page as percentage, count and interval, exactly once a row."""
    page = Page(to_html(findings))
    for field, name, _ in RATES:
        rate = getattr(findings.rates, field)
        assert row_of(page, name + _first_word(field))[1:] == [
            percent(rate.point) + of(rate),
            span(rate),
        ]


def _first_word(field):
    return next(why for name, _, why in RATES if name == field)


def test_the_strata_are_the_strata(findings):
    """Every stratum and the pooled row show both rates with counts and ends."""
    page = Page(to_html(findings))
    assert len(findings.rates.strata) == 3
    for name, rates in [*findings.rates.strata.items(), ("All rows", findings.rates)]:
        _, fp, fn = next(row for row in page.rows if row[0] == name)
        for cell, rate in ((fp, rates.fp), (fn, rates.fn)):
            told = f"{percent(rate.point)} {of(rate)}{span(rate)}" if rate.n else "no rows"
            assert cell.endswith(told)


def test_the_confusion_is_the_confusion(findings):
    """The table of verdict and truth holds the counts and their sum."""
    page = Page(to_html(findings))
    assert row_of(page, "Correct answers")[1:] == ["100", "12", "3", "115"]
    assert row_of(page, "Wrong answers")[1:] == ["5", "120", "0", "125"]
    assert row_of(page, "Rows without a label")[1:] == ["0", "4", "2", "6"]


def test_the_headline_can_be_acted_on(findings):
    """The first sentence says how many wrong answers are accepted and correct ones rejected."""
    assert headline(findings) == (
        "toy accepts 5 of 125 wrong answers (4.0%, likely 1.7–9.0%) and rejects 12 of 112 correct "
        "answers (10.7%, likely 6.2–17.8%). It left 5 of 246 rows open (2.0%)."
    ).replace("toy", "it is 7")


def test_an_empty_run_renders():
    """A run without rows says so, and what to look at."""
    page = Page(to_html(Collector().findings(estimate([], []))))
    assert "This run has no rows" in page.text


def test_a_run_without_labels_renders(row, found):
    """Without labels nothing is known about flips, and the page says what to do."""
    page = Page(to_html(found(row(Outcome.ACCEPT, None, None, n) for n in range(5))))
    assert "No row carries a label" in page.text
    assert "accepts an unknown share of wrong answers" in page.text


def test_rates_between_bounds_render(findings):
    """Rates without a point, as from partial verification, show their bounds."""
    rates = replace(findings.rates, fp=replace(between(0.01, 0.3), n=20), fn=between(0.1, 0.2))
    text = Page(to_html(replace(findings, rates=rates))).text
    assert "accepts 1.0–30.0% of wrong answers" in text
    assert "rejects an unknown share" not in text
    assert "10.0–20.0% of correct answers" in text


@pytest.mark.parametrize("status", Status)
def test_each_status_says_what_to_do(findings, status):
    """A badge is followed by advice of its own."""
    text = Page(to_html(replace(findings, rates=replace(findings.rates, status=status)))).text
    others = {STATUS[other] for other in Status if other is not status}
    assert STATUS[status] in text
    assert not others & set(text.split("\n"))


def test_no_word_is_missing():
    """Every outcome, reason and status that there is can be put in words."""
    assert (set(OUTCOMES), set(REASONS), set(STATUS)) == (set(Outcome), set(Reason), set(Status))


def section(html, key):
    """The section of a page with this id; empty if there is none."""
    found = re.search(rf'<section id="{key}">.*?</section>', html, re.DOTALL)
    return found[0] if found else ""


def test_each_method_has_a_line_in_both_panels(findings):
    """The picture of labels names every method, and draws its dots where something is known."""
    drawn = section(to_html(findings), "cost")
    assert Page(drawn).text.count("it is 7, judge") >= 1
    assert drawn.count("<figure>") == 2
    # Of the first method rho0 is bounds at first, and rho1 unknown: neither has a dot there.
    assert drawn.count('<svg class="spot c1"') == 1 + 2
    assert drawn.count('<svg class="spot c2"') == 1 + 4
    assert "rho0" in drawn
    assert "rho1" in drawn


def test_alarms_are_marked_and_told(findings):
    """An alarm that went off stands in all panels; every alarm is told in the table."""
    drawn = section(to_html(findings), "training")
    assert drawn.count('class="alarm"') == 3 + 1  # and one in the legend
    page = Page(drawn)
    assert row_of(page, "it is 7")[1:] == ["10.0%", "went off at step 12"]
    assert row_of(page, "short completions")[1:] == ["20.0%", "silent"]
    assert row_of(page, "judge")[1:] == ["–", "not watched: it is 7"]


def test_sections_without_content_are_left_out(findings):
    """No costs, no steps, and nothing known of the labels: none of these is told."""
    bare = to_html(replace(findings, costs=(), trace=None))
    empty = to_html(replace(findings, costs=(), trace=Trace()))
    for html in (bare, empty):
        assert not section(html, "cost")
        assert not section(html, "training")
        assert not section(html, "labels")


def test_a_trace_of_one_step_is_drawn(findings):
    """A single step is a dot, and a rate that nobody knows is nothing."""
    one = replace(findings.trace, points=findings.trace.points[5:6], alarms=())
    drawn = section(to_html(replace(findings, trace=one)), "training")
    assert drawn.count('<svg class="spot') == 4  # rho0 of late and so far, rho1 of late, accepts
    assert 'class="alarm"' not in drawn
    nothing = replace(one.points[0], recent_fp=wilson(0, 0), running_fp=wilson(0, 0))
    blind = replace(findings, trace=replace(one, points=(nothing,)))
    assert section(to_html(blind), "training").count('<svg class="spot') == 2


def test_a_log_without_labels_draws_accepts_alone(findings):
    """Where no rate is known there is no panel for it, and alarms are named in the one left."""
    names = ("recent_fp", "recent_fn", "running_fp", "running_fn")
    nothing = dict.fromkeys(names, wilson(0, 0))
    points = tuple(replace(point, **nothing) for point in findings.trace.points)
    blind = replace(findings, trace=replace(findings.trace, points=points))
    drawn = section(to_html(blind), "training")
    assert drawn.count("<figure>") == 1
    assert drawn.count('class="words"') == 1
    assert "so far" not in drawn


def test_a_long_trace_stays_small(findings):
    """Ten thousand steps are thinned to what a screen can show."""
    points = [replace(findings.trace.points[9], step=step) for step in range(10_000)]
    long = replace(findings, trace=replace(findings.trace, points=tuple(points)))
    drawn = section(to_html(long), "training")
    assert len(drawn) < 60_000
    assert ">9,999</text>" in drawn


def test_a_megabyte_is_cut_with_a_note():
    """A completion of a million characters is shown around its answer; the rest is counted."""
    text = "x" * 1_000_000 + "42"
    verdict = Verdict(Outcome.ACCEPT, Reason.MATCH, "42", evidence={"span": [1_000_000, 1_000_002]})
    collector = Collector()
    collector.add(Sample(text, "7" * 1_000_000, prompt=text, correct=False), verdict)
    html = to_html(collector.findings(estimate([], [])))
    assert "… 999,500 characters before" in html
    assert "<mark>42</mark>" in html
    assert len(html) < 50_000


def test_a_large_hostile_run_stays_small():
    """A hundred thousand rows, all invisible characters, in many strata: still below 2 MB."""
    collector = Collector()
    text = "\u200b" * 800
    kinds = [
        (Outcome.ABSTAIN, Reason.TIMEOUT, None),
        (Outcome.ACCEPT, Reason.MATCH, False),
        (Outcome.REJECT, Reason.MISMATCH, True),
        (Outcome.ACCEPT, Reason.MATCH, True),
    ]
    for number in range(100_000):
        # Rows that are never shown may be short; those that may be are as bad as can be.
        kind = min(number % 50, 3)
        outcome, reason, correct = kinds[kind]
        said = "7" if kind == 3 else text
        sample = Sample(said + str(number), said, prompt=said, correct=correct, id=said)
        evidence = {"span": [0, len(said)], "step": said}
        collector.add(sample, Verdict(outcome, reason, said, seconds=3 - kind, evidence=evidence))
    one = estimate([Verdict(Outcome.ACCEPT, Reason.MATCH)], [Sample("4", "4", correct=True)])
    rates = replace(one, strata={f"{text}{number}": one for number in range(500)})
    html = to_html(collector.findings(rates))
    assert len(html.encode()) < 2_000_000
    assert count(500 - STRATA) + " small strata are left out" in html


def _colours(scheme):
    css = files("unflip.report").joinpath("page.css").read_text()
    light, dark = (re.search(r":root \{(.*?)\}", part, re.DOTALL)[1] for part in _schemes(css))
    named = dict(re.findall(r"--([\w-]+): (#\w+)", light))
    return named if scheme == "light" else named | dict(re.findall(r"--([\w-]+): (#\w+)", dark))


def _schemes(css):
    at = css.index("@media (prefers-color-scheme: dark)")
    return css[:at], css[at:]


def _luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        ("ink", "paper", 7),
        ("ink", "card", 7),
        ("ink", "mark", 7),
        ("soft", "paper", 4.5),
        ("soft", "card", 4.5),
        ("flip", "paper", 4.5),
        ("on-agree", "agree", 4.5),
        ("on-flip", "flip", 4.5),
        ("on-open", "open", 4.5),
        ("on-bare", "bare", 4.5),
        ("agree", "paper", 3),
        ("open", "paper", 3),
        ("time", "paper", 3),
        ("c3", "paper", 3),
        ("c4", "paper", 3),
    ],
)
def test_colours_contrast(scheme, front, back, least):
    """Text and graphics reach the contrast of WCAG 2.2 (1.4.3, 1.4.11) in both colour schemes."""
    colours = _colours(scheme)
    dark, light = sorted((_luminance(colours[front]), _luminance(colours[back])))
    assert (light + 0.05) / (dark + 0.05) >= least
