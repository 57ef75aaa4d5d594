"""Shrinkage: small slices borrow, large ones keep what is theirs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unflip.errors import UsageError
from unflip.noise.slices.shrinkage import shrink

counts = st.lists(
    st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    min_size=2,
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(counts=counts)
def test_order_is_of_no_consequence(counts):
    """Slices in another order have the same rates."""
    hits, sizes = zip(*counts, strict=True)
    forward, backward = shrink(hits, sizes).rates, shrink(hits[::-1], sizes[::-1]).rates
    for one, other in zip(forward, backward[::-1], strict=True):
        assert one.point == pytest.approx(other.point, abs=1e-9)
        assert 0 <= one.low <= one.point <= one.high <= 1


def test_small_slices_move_more():
    """Of two slices with one rate, the smaller is pulled further towards the others."""
    rates = shrink([5, 50, 30, 20, 40], [10, 100, 300, 300, 300]).rates
    assert 0.5 - rates[0].point > 2 * (0.5 - rates[1].point) > 0


def test_a_large_slice_keeps_its_rate():
    """With many rows, neighbours hardly matter."""
    assert shrink([3000, 1, 2], [10_000, 20, 20]).rates[0].point == pytest.approx(0.3, abs=0.002)


def test_an_empty_slice_is_known_by_its_neighbours():
    """A slice without rows has the distribution of the others."""
    shrunk = shrink([0, 20, 25, 22], [0, 100, 100, 100])
    assert 0.1 < shrunk.rates[0].point < 0.35
    assert shrunk.rates[0].width > shrunk.rates[1].width


def test_intervals_cover_over_slices_drawn_as_assumed():
    """Over slices from one beta distribution, 95% intervals hold 95% of rates (less luck)."""
    rng = np.random.default_rng(2)
    sizes = np.array([10, 20, 40, 80, 200, 600])
    covered = []
    for _ in range(60):
        rate_S = rng.beta(2, 18, 6)
        found = shrink(rng.binomial(sizes, rate_S), sizes).rates
        covered += [r.low <= rate <= r.high for r, rate in zip(found, rate_S, strict=True)]
    assert np.mean(covered) > 0.91  # 342 of 360 expected; below 328 has a chance below 1e-3


@pytest.mark.parametrize(
    "call", [([1], [1, 2]), ([2], [1]), ([-1], [3]), ([0], [0]), ([], []), ([[1]], [[2]])]
)
def test_impossible_counts_are_refused(call):
    """More hits than rows, no rows at all, or lists that do not match are mistakes."""
    with pytest.raises(UsageError):
        shrink(*call)
    with pytest.raises(UsageError):
        shrink([1], [2], level=1)
