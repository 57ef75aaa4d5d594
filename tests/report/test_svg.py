"""Pictures: XML that parses, and positions that are the numbers."""

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.intervals import wilson
from unflip.noise.few.shares import between
from unflip.report import svg

SHARES = st.floats(0, 1)
TEXT = st.text(st.characters(codec=None), max_size=20)


def position(length):
    """A percentage of the width as a number."""
    assert length.endswith("%")
    return float(length[:-1])


@given(SHARES)
def test_an_axis_reaches_the_highest_share(highest):
    """The scale ends at or above the highest share, at most at 100%, with two to six ticks."""
    scale = svg.scale_for(highest)
    assert highest <= scale.top <= 1
    assert 2 <= len(scale.ticks) <= 6
    assert scale.ticks[-1] == pytest.approx(scale.top)


@given(st.integers(0, 50), st.integers(1, 50), TEXT)
def test_an_interval_is_drawn_where_it_is(k, more, title):
    """Whisker and dot of a strip stand at the ends and the point of the interval."""
    rate = wilson(k, k + more)
    scale = svg.scale_for(rate.high)
    drawn = ET.fromstring(svg.strip(rate, scale, title=title))
    (whisker,) = drawn.findall("line[@class='whisker']")
    (dot,) = drawn.findall("svg[@class='dot']")
    got = [position(whisker.get("x1")), position(dot.get("x")), position(whisker.get("x2"))]
    wanted = [100 * share / scale.top for share in (rate.low, rate.point, rate.high)]
    assert got == pytest.approx(wanted, abs=0.01)


def test_what_is_not_known_is_not_drawn():
    """Bounds without a point have no dot, and no data has no whisker either."""
    band = svg.strip(between(0.2, 0.6), svg.scale_for(1), title="bounds")
    nothing = svg.strip(wilson(0, 0), svg.scale_for(1), title="nothing")
    assert 'class="band"' in band
    assert 'class="dot"' not in band
    assert "band" not in nothing
    assert "dot" not in nothing


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=4), TEXT, st.sampled_from([8, 36]))
def test_a_bar_is_as_long_as_its_rows(rows, name, height):
    """Parts follow each other without gaps, each as wide as its share; empty ones are left out."""
    whole = max(1, sum(rows))
    parts = [svg.Part(n, "agree", name) for n in rows]
    drawn = ET.fromstring(svg.bar(parts, whole, title=name, height=height))
    rects = [(position(r.get("x")), position(r.get("width"))) for r in drawn.findall("rect")]
    kept = [n for n in rows if n]
    assert [width for _, width in rects] == pytest.approx([100 * n / whole for n in kept], abs=0.01)
    starts = [100 * sum(kept[:i]) / whole for i in range(len(kept))]
    assert [x for x, _ in rects] == pytest.approx(starts, abs=0.01)


@given(st.dictionaries(st.integers(-35, 24), st.integers(1, 10**7), min_size=1), TEXT)
def test_a_histogram_has_every_bin(bins, title):
    """Each bin is a bar inside the picture, the fullest one the tallest."""
    drawn = ET.fromstring(svg.histogram(bins, 5, title=title))
    bars = drawn.findall("rect")
    heights = [float(one.get("height")) for one in bars]
    assert len(bars) == len(bins)
    assert heights[sorted(bins).index(max(bins, key=bins.get))] == max(heights)
    assert all(0 <= position(one.get("x")) < 100 for one in bars)


@given(st.floats(-7, 5), TEXT)
def test_ticks_of_a_histogram_tell_the_time(exponent, title):
    """The axis names the powers of ten around the data."""
    index = math.floor(exponent * 5)
    texts = ET.fromstring(svg.histogram({index: 1}, 5, title=title)).findall("text")
    units = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1}
    said = [one.text.replace(",", "").split() for one in texts]
    ends = [float(number) * units[unit] for number, unit in said]
    assert ends[0] <= 10 ** (index / 5) * 1.001
    assert 10 ** ((index + 1) / 5) <= ends[-1] * 1.001
