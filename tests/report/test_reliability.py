"""The reliability picture: XML that parses, and dots that stand where the figures are."""

import json
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.judges import calibration
from unflip.noise.gold import estimate
from unflip.report import Collector, Findings, to_html
from unflip.report.reliability import reliability
from unflip.types import Outcome, Reason, Sample, Verdict

SVG = "{http://www.w3.org/2000/svg}"
ROWS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40)


@given(ROWS, st.integers(1, 30))
def test_every_bin_is_a_dot_in_its_interval(rows, bins):
    """A dot stands at what was said and what was true, on the line of its interval."""
    found = calibration(*zip(*rows, strict=True), bins=bins, draws=2)
    drawn = ET.fromstring(reliability(found))
    (diagonal,) = drawn.findall(f"{SVG}line[@class='even']")
    left, right, bottom, top = (float(diagonal.get(name)) for name in ("x1", "x2", "y1", "y2"))
    groups = drawn.findall(f"{SVG}g")
    assert len(groups) == len(found.bins)
    for group, one in zip(groups, found.bins, strict=True):
        dot, line = group.find(f"{SVG}circle"), group.find(f"{SVG}line")
        x = (float(dot.get("cx")) - left) / (right - left)
        ys = [float(dot.get("cy")), float(line.get("y1")), float(line.get("y2"))]
        rates = [(y - bottom) / (top - bottom) for y in ys]
        rate = one.correct
        assert [x, *rates] == pytest.approx([one.said, rate.point, rate.low, rate.high], abs=2e-3)


@given(ROWS, st.integers(1, 30))
def test_every_bin_stands_in_figures_within_the_picture(rows, bins):
    """However many bins there are, the table has a row for each, and none lies outside."""
    found = calibration(*zip(*rows, strict=True), bins=bins, draws=2)
    drawn = ET.fromstring(reliability(found))
    tall = float(drawn.get("height"))
    figures = drawn.findall(f"{SVG}text[@class='figure']")
    assert len(figures) == 3 * len(found.bins)
    assert all(float(one.get("y")) < tall for one in figures)
    assert figures[1].text.endswith(f" of {found.bins[0].correct.n:.0f}")


def collected(labels, p=(0.9, 0.2)):
    """What a collector finds of rows with a P(yes), whose labels these are."""
    collector = Collector()
    samples = [Sample("4", "4", f"q{n}", correct=label) for n, label in enumerate(labels)]
    verdicts = [
        Verdict(Outcome.ACCEPT, Reason.MATCH, by="j@1+0", p=p[n % len(p)])
        for n in range(len(labels))
    ]
    for sample, verdict in zip(samples, verdicts, strict=True):
        collector.add(sample, verdict)
    return collector.findings(estimate(verdicts, samples))


def test_a_report_of_chances_draws_them():
    """Where each verdict has a P(yes) and each row a label, the page has the picture."""
    found = collected([True, False] * 20)
    assert [one.correct.point for one in found.chances.bins] == [0, 1]
    assert 'class="reliability"' in to_html(found)
    assert Findings.from_json(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize(
    ("labels", "p"),
    [([True, False] * 20, (None,)), ([True, None] * 20, (0.9, 0.2)), ([True, False], (0.5,))],
)
def test_what_would_mislead_is_not_drawn(labels, p):
    """No P(yes), labels on some rows alone, or a handful of rows: no picture."""
    found = collected(labels, p)
    assert found.chances is None
    assert 'class="reliability"' not in to_html(found)
