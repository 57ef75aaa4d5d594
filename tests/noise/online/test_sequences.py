"""Confidence sequences: right at every look, whatever the rate does meanwhile."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.errors import UsageError
from unflip.noise.online.sequences import evidence, running

RATES = {
    "steady": np.full(800, 0.05),
    "rising": np.linspace(0.02, 0.5, 800),
    "falling at once": np.r_[np.full(200, 0.4), np.full(600, 0.01)],
}


@pytest.mark.parametrize("rate_T", RATES.values(), ids=RATES)
def test_all_looks_are_right_together(rate_T):
    """The running mean leaves each end at any of 800 looks in at most 2.5% of runs (and luck)."""
    rng = np.random.default_rng(7)
    runs, looks = 2000, np.arange(0, 800, 4)
    hits_RT = (rng.random((runs, 800)) < rate_T).cumsum(1)[:, looks]
    n_T, mean_T = looks + 1, (rate_T.cumsum() / np.arange(1, 801))[looks]
    above_R = evidence(hits_RT, n_T, mean_T).max(1) > np.log(40)
    below_R = evidence(n_T - hits_RT, n_T, 1 - mean_T).max(1) > np.log(40)
    # 50 expected at most; 79 or more of 2,000 has a chance below 1e-4.
    assert above_R.sum() < 79
    assert below_R.sum() < 79


def test_shares_of_groups_are_draws_too():
    """Draws in [0, 1] that follow the past keep the promise: here each group echoes the last."""
    rng = np.random.default_rng(8)
    share_RT, mean_RT = np.zeros((1000, 300)), np.zeros((1000, 300))
    for t in range(300):
        mean_RT[:, t] = 0.1 if t == 0 else 0.05 + 0.4 * share_RT[:, t - 1]
        share_RT[:, t] = rng.binomial(8, mean_RT[:, t]) / 8
    n_T = np.arange(1, 301)
    above_RT = evidence(share_RT.cumsum(1), n_T, mean_RT.cumsum(1) / n_T)
    assert (above_RT.max(1) > np.log(20)).sum() < 80  # 50 expected at most


@given(n=st.integers(1, 10**6), part=st.floats(0, 1), level=st.floats(0.5, 0.999))
def test_the_ends_are_where_the_evidence_says(n, part, level):
    """Just outside an end the evidence exceeds its limit, just inside it does not."""
    k, limit = round(n * part), np.log(2 / (1 - level))
    interval = running(k, n, level=level)
    assert 0 <= interval.low <= interval.point <= interval.high <= 1
    if interval.low > 0:
        assert evidence(k, n, interval.low * (1 - 1e-6)) >= limit - 1e-6
        assert evidence(k, n, min(1, interval.low * (1 + 1e-6))) <= limit + 1e-6


@given(k=st.integers(0, 500), more=st.integers(0, 500))
def test_hits_and_misses_mirror_each_other(k, more):
    """The interval of the misses is that of the hits, seen from 1."""
    hits, misses = running(k, k + more), running(more, k + more)
    assert hits.low == pytest.approx(1 - misses.high)


def test_no_draws_say_nothing():
    """Before the first draw the interval is [0, 1]."""
    nothing = running(0, 0)
    assert (nothing.low, nothing.high) == (0, 1)
    assert np.isnan(nothing.point)


@pytest.mark.parametrize("call", [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)])
def test_impossible_counts_are_refused(call):
    """More hits than draws, or a level that is no coverage, is a mistake and not an interval."""
    k, n, level = call
    with pytest.raises(UsageError):
        running(k, n, level=level)
