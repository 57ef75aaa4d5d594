"""Curves: XML that parses, positions that are the numbers, and text that stays in the picture."""

import math
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.intervals import wilson
from unflip.noise.few.shares import between
from unflip.report import curves
from unflip.report.curves import Axis, Line, Mark
from unflip.report.numbers import evenly, unknown
from unflip.report.svg import Scale

TEXT = st.text(st.characters(codec=None), max_size=50)
RATES = st.one_of(
    st.tuples(st.integers(0, 30), st.integers(1, 30)).map(lambda kn: wilson(kn[0], sum(kn))),
    st.just(wilson(0, 0)),
    st.tuples(st.floats(0, 0.4), st.floats(0.5, 0.9)).map(lambda ends: between(*ends)),
)
SCALE = Scale(top=0.5, step=0.1)


def parsed(html):
    """A panel as XML."""
    return ET.fromstring(html)


def spots(path):
    """The corners of a path."""
    return [tuple(map(float, pair.split())) for pair in re.findall(r"[\d.-]+ [\d.-]+", path)]


@given(st.lists(RATES, max_size=12), TEXT, st.booleans())
def test_a_panel_is_xml_whatever_it_shows(rates, words, dots):
    """Unknown rates, bounds and hostile words give a picture with a title and a description."""
    at = [i / max(1, len(rates) - 1) for i in range(len(rates))]
    line = Line(words, "c1", at, rates, dots=dots)
    marks = [Mark(0.0, words), Mark(0.5, words), Mark(1.0, words)]
    drawn = parsed(curves.panel([line], SCALE, Axis(), title=words, marks=marks, words=True))
    axis, picture = drawn
    assert axis.get("aria-hidden") == "true"
    assert [child.tag for child in picture][:2] == ["title", "desc"]
    assert len(picture.findall("line[@class='alarm']")) == 3


def test_curves_stand_where_the_rates_are():
    """Lines go through the points, bands from the lower to the upper ends, in pixels."""
    at, rates = [0, 0.5, 1], [wilson(1, 10), wilson(5, 20), wilson(8, 20)]
    drawn = curves.panel([Line("a", "c1", at, rates)], SCALE, Axis(), title="")
    (band,) = re.findall(r'<path class="shade c1" d="(.+?)"', drawn)
    (curve,) = re.findall(r'<path class="curve c1" d="(.+?)"', drawn)

    def corners(shares):
        down = [curves.HEIGHT * (1 - share / SCALE.top) for share in shares]
        return [(1000 * x, pytest.approx(y, abs=0.06)) for x, y in zip(at, down, strict=True)]

    assert spots(curve) == corners([rate.point for rate in rates])
    assert spots(band)[:3] == corners([rate.high for rate in rates])
    assert spots(band)[:2:-1] == corners([rate.low for rate in rates])


@given(st.lists(RATES, min_size=1, max_size=12))
def test_what_is_not_known_is_not_drawn(rates):
    """There are as many corners as known points and ends, and a dot for every lone point."""
    at = [i / max(1, len(rates) - 1) for i in range(len(rates))]
    drawn = curves.panel([Line("a", "c1", at, rates)], SCALE, Axis(), title="")
    lines = re.findall(r'<path class="curve c1" d="(.+?)"', drawn)
    dots = drawn.count('class="spot c1"')
    assert sum(len(spots(d)) for d in lines) + dots == sum(not math.isnan(r.point) for r in rates)
    bands = re.findall(r'<path class="(?:shade|lone) c1" d="(.+?)"', drawn)
    assert sum(len(spots(d)) for d in bands) == 2 * sum(not unknown(r) for r in rates)


def test_the_stretched_area_holds_no_text():
    """What is stretched to the width of a column are curves alone."""
    rates = [wilson(1, 10), wilson(5, 20)]
    marks = [Mark(0.3, "alarm")]
    html = curves.panel(
        [Line("a", "c1", [0, 1], rates, dots=True)],
        SCALE,
        curves.steps_axis(0, 9),
        title="",
        marks=marks,
        words=True,
    )
    (area,) = parsed(html)[1].findall("svg[@viewBox]")
    assert {one.tag for one in area.iter()} == {"svg", "path"}


@given(st.lists(st.floats(0, 1), max_size=6))
def test_words_of_marks_share_no_row(places):
    """However close alarms are, their words stand below each other, each beside its own line."""
    marks = [Mark(at, f"alarm {i}") for i, at in enumerate(places)]
    drawn = parsed(curves.panel([], SCALE, Axis(), title="", marks=marks, words=True))[1]
    texts = drawn.findall("text[@class='words']")
    rows = [float(one.get("y")) for one in texts]
    assert len(set(rows)) == len(places)
    assert all(y < curves.HEIGHT for y in rows)
    # On a phone the axis is some 310 pixels wide: words never reach over its ends.
    for one in texts:
        at = float(one.get("x")[:-1])
        assert {"start": at < 34.1, "end": at > 65.9, "middle": 33.9 < at < 66.1}[
            one.get("text-anchor")
        ]


def test_long_words_are_cut():
    """The words of a mark fit on a phone, whatever somebody called an alarm."""
    marks = [Mark(0.1, "x" * 400)]
    html = curves.panel([], SCALE, Axis(), title="", marks=marks, words=True)
    assert "x" * 32 + "…" in html
    assert "x" * 33 not in html


@given(st.integers(1, 10**6), st.integers(0, 10**6))
def test_axes_name_both_ends(low, more):
    """Ticks rise, start at the first and end at the last figure, and are few."""
    for axis in (curves.labels_axis(low, low + more), curves.steps_axis(low, low + more)):
        places = [at for at, _ in axis.ticks]
        figures = [float(said.replace(",", "")) for _, said in axis.ticks]
        assert places == sorted(places)
        assert figures == sorted(set(figures))
        assert (figures[0], figures[-1]) == (low, low + more)
        assert len(figures) <= 9
        assert places == ([0.5] if not more else [0, *places[1:-1], 1])


@given(st.lists(RATES, max_size=20))
def test_every_point_is_below_the_top(rates):
    """The scale reaches every point, and most upper ends."""
    scale = curves.top_for(rates)
    known = [rate for rate in rates if not unknown(rate)]
    assert all(not rate.point > scale.top + 1e-9 for rate in known)
    assert 2 * sum(rate.high <= scale.top + 1e-9 for rate in known) >= len(known)


@given(st.integers(1, 10_000), st.integers(2, 300))
def test_thinning_keeps_the_ends(many, few):
    """Of many places at most a few are kept, in order, the first and the last among them."""
    kept = evenly(many, few)
    assert kept == sorted(set(kept))
    assert (kept[0], kept[-1]) == (0, many - 1)
    assert len(kept) == min(many, few)
