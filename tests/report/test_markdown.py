"""The Markdown report: tables that hold together, and data that stays in code."""

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unflip.noise.gold import estimate
from unflip.rates import Status
from unflip.report import Collector, to_markdown
from unflip.report.markdown import code, table
from unflip.report.numbers import of, percent, span
from unflip.report.words import STATUS, explained
from unflip.types import Outcome

ANY_TEXT = st.text(st.characters(codec=None), max_size=40)
HOSTILE = [
    "a | b",
    "`code` ``more``",
    "@someone #12 <!-- hi -->",
    "</details><script>",
    "line\n| --- |\n# heading",
    "\\|\\",
    "***bold*** _it_ [a](b) ![c](d)",
    "\u202e\x00",
    "\ud800",
]


def cells(line):
    """The cells of a table's line: bars count unless escaped, within code or not."""
    return re.split(r"(?<!\\)\|", line.strip())[1:-1]


def tables(text):
    """The tables of a page, as lists of lines."""
    blocks = [block.splitlines() for block in text.split("\n\n")]
    return [block for block in blocks if block[0].startswith("|")]


def without_code(text):
    """The text that a reader of Markdown would look for markup in."""
    return re.sub(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", "", text)


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.one_of(st.sampled_from(HOSTILE), ANY_TEXT.filter(bool)))
def test_tables_hold_together(told, text):
    """Whatever rows say, each line of a table has as many cells as its head."""
    page = to_markdown(told(text))
    assert page.encode("utf-8")
    assert len(tables(page)) == len(tables(to_markdown(told("it is 7"))))
    for block in tables(page):
        widths = {len(cells(line)) for line in block}
        assert len(widths) == 1
        assert len(block) > 2


@given(ANY_TEXT)
def test_code_cannot_be_left(text):
    """Text between the fences holds no fence, no line break, and no bare bar."""
    span_ = code(text)
    fence = re.match("`+", span_)[0]
    inner = span_[len(fence) : -len(fence)]
    assert span_.endswith(fence)
    assert fence not in re.findall("`+", inner)
    assert not inner.startswith("`")
    assert not inner.endswith("`")
    assert "\n" not in inner
    assert not re.search(r"(?<!\\)\|", inner)


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_in_data_stays_asleep(told, text):
    """Outside of code spans there are no tags but our own, no mention and no link."""
    rest = without_code(to_markdown(told(text)))
    assert set(re.findall(r"(?<!\\)<(/?\w+)", rest)) <= {
        "details", "/details", "summary", "/summary"
    }  # fmt: skip
    assert "@someone" not in rest
    assert not re.search(r"(?<!\\)\]\(", rest)
    assert len(re.findall(r"^#", rest, flags=re.MULTILINE)) == 6


def test_the_rates_are_the_rates(findings):
    """Every rate stands in the page as percentage, interval and count."""
    page = to_markdown(findings)
    for name, rate, why in explained(findings.rates):
        assert f"| {name}: {why} | {percent(rate.point)} | {span(rate)} | {of(rate)} |" in page
    for name, rates in findings.rates.strata.items():
        (line,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` | ")]
        for rate in (rates.fp, rates.fn):
            told = f"{percent(rate.point)} ({span(rate)}), {of(rate)}" if rate.n else "no rows"
            assert f" {told} " in line


def test_the_confusion_is_the_confusion(findings):
    """The counts of verdict and truth are those of the run."""
    page = to_markdown(findings)
    assert "| correct | 100 | 12 | 3 | 115 |" in page
    assert "| wrong | 5 | 120 | 0 | 125 |" in page
    assert "| unlabelled | 0 | 4 | 2 | 6 |" in page


def test_costs_and_traces_are_tables(findings):
    """Every method, every alarm, and the first and last step stand in the page."""
    page = to_markdown(findings)
    assert "| `it is 7` | 20 | 0.0–40.0% | unknown |" in page
    assert "| `it is 7, judge` | 80 | 3.3% (0.9–11.4%) | 20.0% (11.8–31.8%) |" in page
    assert "| `it is 7` | 10.0% | went off at step 12 |" in page
    assert "| `judge` | – | not watched: `it is 7` |" in page
    assert re.search(r"^\| 0 \| unknown \|", page, re.MULTILINE)
    assert re.search(r"^\| 29 \| 72\.5% ", page, re.MULTILINE)
    bare = to_markdown(replace(findings, costs=(), trace=None))
    assert "training" not in bare
    assert "method | labels" not in bare


def test_runs_without_rows_or_labels_render(row, found):
    """Nothing to show is said, not raised."""
    assert "This run has no rows" in to_markdown(Collector().findings(estimate([], [])))
    page = to_markdown(found(row(Outcome.ACCEPT, None, None, n) for n in range(5)))
    assert "No row carries a label" in page


@pytest.mark.parametrize("status", Status)
def test_each_status_is_named(findings, status):
    """The badge comes before the advice."""
    page = to_markdown(replace(findings, rates=replace(findings.rates, status=status)))
    assert page.split("\n\n")[1].startswith(f"**{STATUS[status]}.** ")


def test_numbers_stand_right():
    """The last columns are aligned as numbers, the others as text."""
    assert table(("a", "b", "c"), [("x", "1", "2")], numbers=2).splitlines() == [
        "| a | b | c |",
        "| --- | ---: | ---: |",
        "| x | 1 | 2 |",
    ]
