"""Shares: ends that cover by exact enumeration, and Bayes' rule that is exact where it can be."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from unflip.errors import UsageError
from unflip.noise.few.shares import between, complement, inverse, known, mixture, share

chances = st.floats(0.01, 0.99)
counts = st.integers(1, 400)


def coverage(n, p_P):
    """How often the low end, and the high end, of `share` hold at each true p, exactly."""
    k = np.arange(n + 1)
    ends = [share(int(hits), n) for hits in k]
    low, high = np.array([e.low for e in ends]), np.array([e.high for e in ends])
    chance = binom.pmf(k, n, p_P[:, None])
    return (chance * (low <= p_P[:, None])).sum(1), (chance * (high >= p_P[:, None])).sum(1)


@pytest.mark.parametrize("n", [20, 50, 100, 500])
def test_a_share_covers_wherever_the_truth_is(n):
    """Enumerated coverage stays above .928 at every true share, and averages to nominal."""
    low, high = coverage(n, np.linspace(0.05 / n, 0.5, 2000))
    assert (low + high - 1).min() > 0.928
    assert 0.949 < (low + high - 1).mean() < 0.975


@pytest.mark.parametrize("n", [20, 100, 500])
def test_each_end_of_a_share_holds(n):
    """Either end, nominal .975, holds in .955 and more, just beyond an end as well."""
    ends = [share(k, n) for k in range(n + 1)]
    beyond = np.array([e.low - 1e-9 for e in ends[1:]] + [e.high + 1e-9 for e in ends[:-1]])
    for held in coverage(n, beyond):
        assert held.min() > 0.955


def test_a_lean_moves_both_ends_and_not_the_point():
    """A share that leans by some hits has its interval moved, nearly as wide as before."""
    plain, leaning = share(10, 100), share(10, 100, lean=-0.5)
    assert leaning.point == plain.point
    assert leaning.low < plain.low < leaning.high < plain.high
    assert leaning.width == pytest.approx(plain.width, rel=0.05)


@given(counts, st.integers(0, 400))
def test_hits_and_misses_mirror(n, k):
    """The interval of the misses is one minus that of the hits."""
    k = min(k, n)
    mirrored = complement(share(n - k, n))
    assert mirrored.low == pytest.approx(share(k, n).low, abs=1e-12)
    assert mirrored.high == pytest.approx(share(k, n).high, abs=1e-12)


@given(chances, st.floats(2, 500), st.floats(1.1, 10))
def test_fewer_effective_rows_widen_a_share(p, n, effect):
    """A design effect widens the interval and leaves the point."""
    plain, clustered = share(p * n, n), share(p * n, n, n_eff=n / effect)
    assert clustered.point == plain.point
    assert clustered.width > plain.width


def test_no_rows_say_nothing():
    """Without a row the share is anywhere, and has no point."""
    nothing = share(0, 0)
    assert (nothing.low, nothing.high) == (0, 1)
    assert math.isnan(nothing.point)


@pytest.mark.parametrize(
    ("make", "figures"), [(share, (3, 2)), (share, (-1, 2)), (known, (1.5,)), (between, (0.5, 0.4))]
)
def test_what_is_no_share_is_refused(make, figures):
    """Counts and bounds that cannot be are the caller's mistake."""
    with pytest.raises(UsageError):
        make(*figures)


@given(chances, chances, chances)
def test_bayes_rule_is_exact_on_exact_shares(in_part, in_rest, part):
    """Known shares give a known result: the latent algebra, without width."""
    figure = inverse(known(in_part), known(in_rest), known(part))
    exact = in_part * part / (in_part * part + in_rest * (1 - part))
    assert figure.point == pytest.approx(exact)
    assert figure.low == pytest.approx(exact)
    assert figure.high == pytest.approx(exact)


@given(st.integers(0, 50), chances, chances)
def test_one_uncertain_share_keeps_its_own_interval(k, in_rest, part):
    """Where the other two are known, the interval is that of the one, transformed."""

    def rule(p):
        return p * part / (p * part + in_rest * (1 - part))

    one = share(k, 50)
    figure = inverse(one, known(in_rest), known(part))
    assert figure.low == pytest.approx(rule(one.low))
    assert figure.high == pytest.approx(rule(one.high))


@given(st.integers(0, 40), st.integers(0, 40), chances)
def test_the_rest_is_what_is_left(k_part, k_rest, s):
    """P(part | correct) and P(rest | correct) add up to 1, ends included."""
    a, b, part = share(k_part, 40), share(k_rest, 40), share(s * 1000, 1000)
    here, there = inverse(a, b, part), complement(inverse(b, a, complement(part)))
    if k_part + k_rest:
        assert here.point == pytest.approx(there.point)
    assert here.low == pytest.approx(there.low, abs=1e-9)
    assert here.high == pytest.approx(there.high, abs=1e-9)


@given(st.integers(1, 99), st.integers(1, 99), st.integers(100, 900))
def test_with_every_row_labelled_the_count_is_that_of_the_class(k_part, k_rest, scale):
    """Bayes' rule on a full table is worth as many rows as are correct."""
    rows_part, rows_rest = 100 * scale, 200 * scale
    a, b = share(k_part * scale, rows_part), share(2 * k_rest * scale, rows_rest)
    figure = inverse(a, b, share(rows_part, rows_part + rows_rest))
    assert figure.n_eff == pytest.approx(k_part * scale + 2 * k_rest * scale)


@given(st.integers(0, 30), chances, st.floats(0, 0.9))
def test_bounds_make_a_band_that_holds_every_value_inside(k, part, low):
    """A share known only to lie in [low, 1] gives a band around what each value would give."""
    one, passed = share(k, 30), share(part * 1000, 1000)
    band = inverse(one, between(low, 1.0), passed)
    assert math.isnan(band.point)
    for value in np.linspace(max(low, 1e-6), 1, 5):
        inside = inverse(one, known(float(value)), passed)
        assert band.low <= inside.low + 1e-12
        assert inside.high <= band.high + 1e-12


@given(chances, chances, chances)
def test_a_mixture_lies_between_its_parts(one, other, weight):
    """Two shares mixed by a known weight give the weighted mean, inside the parts' own ends."""
    a, b = share(one * 100, 100), share(other * 100, 100)
    mixed = mixture(a, b, known(weight))
    assert mixed.point == pytest.approx(weight * one + (1 - weight) * other)
    assert min(a.low, b.low) <= mixed.low <= mixed.high <= max(a.high, b.high)


@pytest.mark.parametrize("k", [0, 1e-300, 1e-100, 1e-12, 1e-6])
def test_a_trace_of_a_hit_is_a_number(k):
    """Weights of all sizes leave traces of hits and misses; no end of theirs is NaN."""
    for figure in (share(k, 5), complement(share(k, 5)), share(5 - k, 5)):
        assert 0 <= figure.low <= figure.point <= figure.high <= 1


def test_a_mixture_widens_with_its_inflation():
    """Four times the variance is twice the distance from the point to either end."""
    parts = share(30, 100), share(60, 100), share(500, 1000)
    plain, wide = mixture(*parts), mixture(*parts, inflation=4)
    assert wide.point == plain.point
    assert wide.high - wide.point == pytest.approx(2 * (plain.high - plain.point))
    assert wide.n_eff == pytest.approx(plain.n_eff / 4)


def test_a_mixture_of_nothing_seen_is_worth_its_parts():
    """Without a hit on either side, it is worth no more rows than its parts are."""
    a, b = share(0, 100, n_eff=10), share(0, 100, n_eff=10)
    assert mixture(a, b, share(500, 1000)).n_eff == pytest.approx(20)
