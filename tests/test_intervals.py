"""Intervals: their coverage by exact enumeration, their symmetries, and their peers' ends."""

import math
from functools import cache
from itertools import product
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from unflip.errors import UsageError
from unflip.intervals import Interval, Proportion, clopper_pearson, mover, wilson, youden

METHODS = [wilson, clopper_pearson]
LEVELS = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99])
Z = NormalDist().inv_cdf(0.975)


@st.composite
def counts(draw, most=2000):
    """Hits and rows, k and n, with 0 <= k <= n and n >= 1."""
    n = draw(st.integers(1, most))
    return draw(st.integers(0, n)), n


@cache
def ends(method, n):
    """Both ends of the 95 % intervals for k = 0 to n."""
    found = [method(k, n, 0.95) for k in range(n + 1)]
    return np.array([one.low for one in found]), np.array([one.high for one in found])


def misses(method, n, p):
    """The chances that the interval lies above and below the true rate, for each of them."""
    low, high = ends(method, n)
    chance = binom.pmf(np.arange(n + 1)[:, None], n, p)
    return (chance * (low[:, None] > p)).sum(0), (chance * (high[:, None] < p)).sum(0)


@pytest.mark.parametrize("n", range(1, 61))
def test_clopper_pearson_never_covers_less_than_it_says(n):
    """At every true rate, also just beyond its own ends, each side errs in 2.5 % at most."""
    low, high = ends(clopper_pearson, n)
    # Coverage is worst just outside an end, where one more k drops out.
    beyond = np.concatenate([low - 1e-9, high + 1e-9])
    p = np.concatenate([np.linspace(0, 1, 1001), beyond[(beyond > 0) & (beyond < 1)]])
    for side in misses(clopper_pearson, n, p):
        assert side.max() <= 0.025 + 1e-7


@pytest.mark.parametrize("n", [10, 20, 50, 100, 300])
def test_wilson_covers_95_percent_on_average(n):
    """Averaged over the true rate, coverage is at least .945."""
    p = (np.arange(4000) + 0.5) / 4000
    above, below = misses(wilson, n, p)
    assert np.mean(1 - above - below) >= 0.945


@pytest.mark.parametrize("n", [1, 7, 30, 100])
def test_wilson_holds_the_rates_that_the_score_test_keeps(n):
    """A rate lies inside exactly where k is within z standard deviations of its expectation."""
    p = np.linspace(0.0005, 0.9995, 1000)
    low, high = ends(wilson, n)
    k = np.arange(n + 1)[:, None]
    inside = (low[:, None] <= p) & (p <= high[:, None])
    kept = abs(k - n * p) <= Z * np.sqrt(n * p * (1 - p))
    clear = abs(abs(k - n * p) - Z * np.sqrt(n * p * (1 - p))) > 1e-9
    assert (inside == kept)[clear].all()


@pytest.mark.parametrize(("method", "peer"), [(wilson, "wilson"), (clopper_pearson, "exact")])
@given(counts(), LEVELS)
def test_the_ends_are_those_of_scipy(method, peer, k_of_n, level):
    """Our ends equal those of scipy's `binomtest`."""
    ours = method(*k_of_n, level)
    theirs = binomtest(*k_of_n).proportion_ci(level, peer)
    assert ours.low == pytest.approx(theirs.low, abs=1e-9)
    assert ours.high == pytest.approx(theirs.high, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
@given(counts(), LEVELS)
def test_hits_and_misses_mirror_each_other(method, k_of_n, level):
    """The interval of the misses is that of the hits, turned round."""
    k, n = k_of_n
    hits, rest = method(k, n, level), method(n - k, n, level)
    assert rest.low == pytest.approx(1 - hits.high, abs=1e-9)
    assert rest.high == pytest.approx(1 - hits.low, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
@given(counts(), LEVELS)
def test_one_more_hit_moves_both_ends_up(method, k_of_n, level):
    """Ends are monotone in k."""
    k, n = k_of_n
    assume(k < n)
    one, more = method(k, n, level), method(k + 1, n, level)
    assert one.low < more.low
    assert one.high < more.high or more.high == 1


@pytest.mark.parametrize("method", METHODS)
@given(counts(), LEVELS)
def test_the_interval_holds_its_point_and_widens_with_the_level(method, k_of_n, level):
    """0 <= low <= k/n <= high <= 1, and a higher level contains a lower one."""
    one, wide = method(*k_of_n, level), method(*k_of_n, (1 + level) / 2)
    assert 0 <= wide.low <= one.low <= one.point <= one.high <= wide.high <= 1


@pytest.mark.parametrize("method", METHODS)
def test_no_rows_say_nothing(method):
    """Without rows the point is NaN, the interval everything, and it prints as no data."""
    none = method(0, 0, 0.95)
    assert math.isnan(none.point)
    assert (none.low, none.high, str(none)) == (0, 1, "no data")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("k", "n", "level"), [(-1, 5, 0.9), (6, 5, 0.9), (1, 5, 0), (1, 5, 1)])
def test_impossible_counts_and_levels_are_refused(method, k, n, level):
    """More hits than rows, or a level that is no coverage, is a mistake of the caller."""
    with pytest.raises(UsageError):
        method(k, n, level)


@given(counts(), st.floats(0.1, 1))
def test_proportions_survive_json(k_of_n, worth):
    """A proportion that went through JSON equals itself, its effective rows included."""
    k, n = k_of_n
    one = wilson(k, n)
    one = Proportion(**one.to_json() | {"n_eff": n * worth})
    assert Proportion.from_json(one.to_json()) == one
    assert one.design_effect == pytest.approx(1 / worth)


@pytest.mark.parametrize(("wrong", "correct"), [(30, 30), (100, 100), (40, 200)])
def test_j_is_rarely_below_its_lower_end(wrong, correct):
    """Enumerated over all counts, J's lower end, on which a correction rests, errs in 3 % at most.

    The upper end of almost perfect verifiers is less careful (benchmarks/intervals.py), so that
    both together hold in 90 % at the worst, and in 94.5 % on average.
    """
    fps, fns = ([wilson(k, n) for k in range(n + 1)] for n in (wrong, correct))
    found = [[youden(fp, fn) for fn in fns] for fp in fps]
    low = np.array([[one.low for one in row] for row in found])
    high = np.array([[one.high for one in row] for row in found])
    both = []
    rates = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
    for rho0, rho1 in product(rates, rates):
        chance = np.outer(
            binom.pmf(np.arange(wrong + 1), wrong, rho0),
            binom.pmf(np.arange(correct + 1), correct, rho1),
        )
        above, below = low > 1 - rho0 - rho1 + 1e-12, high < 1 - rho0 - rho1 - 1e-12
        assert chance[above].sum() <= 0.03
        both.append(1 - chance[above | below].sum())
    assert min(both) >= 0.9
    assert np.mean(both) >= 0.945


@given(counts(), counts())
def test_j_stays_in_range_and_turns_with_the_verdicts(a, b):
    """J lies in [-1, 1] inside its interval; swapping accept and reject turns its sign."""
    fp, fn = wilson(*a), wilson(*b)
    j = youden(fp, fn)
    turned = youden(wilson(a[1] - a[0], a[1]), wilson(b[1] - b[0], b[1]))
    assert -1 <= j.low <= j.point <= j.high <= 1
    assert turned.low == pytest.approx(-j.high, abs=1e-9)
    assert turned.point == pytest.approx(-j.point, abs=1e-9)


@given(counts(), st.floats(-3, 3).filter(lambda w: abs(w) > 0.01))
def test_a_single_part_keeps_its_own_interval(k_of_n, weight):
    """MOVER of one part is that part's interval, scaled."""
    part = wilson(*k_of_n)
    scaled = mover(weight * part.point, (weight, part))
    assert sorted([weight * part.low, weight * part.high]) == pytest.approx(
        [scaled.low, scaled.high]
    )


def test_nothing_prints_as_minus_zero():
    """A rounding error below 0 is 0 to whoever reads it."""
    assert str(Interval(point=-1e-17, low=-0.0001, high=0)) == "0.000 [0.000, 0.000]"


@given(counts(), counts(), st.floats(0, 1))
def test_rates_that_err_together_widen_j(a, b, correlation):
    """From independent to fully correlated, the ends move out to the plain sum of the parts'."""
    fp, fn = wilson(*a), wilson(*b)
    point, parts = 1 - fp.point - fn.point, ((-1, fp), (-1, fn))
    found = mover(point, *parts, correlation=correlation)
    assert mover(point, *parts).width <= found.width + 1e-9
    full = mover(point, *parts, correlation=1)
    assert (full.low, full.high) == pytest.approx((1 - fp.high - fn.high, 1 - fp.low - fn.low))


def test_without_data_j_has_bounds_alone():
    """One class without rows leaves J without a point, between what the other class allows."""
    fn = wilson(1, 10)
    j = youden(wilson(0, 0), fn)
    assert (math.isnan(j.point), j.low, j.high) == (True, -fn.high, 1 - fn.low)


def test_a_plain_interval_survives_json_without_a_point():
    """NaN becomes null, and comes back."""
    row = Interval(point=math.nan, low=-1, high=1).to_json()
    assert row["point"] is None
    assert math.isnan(Interval.from_json(row).point)
