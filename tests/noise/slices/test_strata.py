"""Strata: real slices are found, and chance ones are not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from unflip.errors import UsageError
from unflip.noise.slices.strata import find, holm, homogeneity


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_only_raises(p_values):
    """Adjusted p-values are no smaller, at most as many times larger as there are, in order."""
    adjusted = holm(p_values)
    pairs = sorted(zip(p_values, adjusted, strict=True))
    assert all(p <= q <= min(1, len(pairs) * p) + 1e-12 for p, q in pairs)
    ranked = [q for _, q in pairs]
    assert ranked == sorted(ranked)


def test_holm_leaves_untested_out():
    """A test that was not made costs nothing and gets no p-value."""
    assert holm([0.01, float("nan"), 0.04])[::2] == [0.02, 0.04]
    assert np.isnan(holm([float("nan")])[0])


def test_two_strata_without_groups_are_fishers_test():
    """For a two by two table the p-value is close to Fisher's exact one."""
    hits = [1] * 8 + [0] * 22 + [1] * 2 + [0] * 28
    exact = fisher_exact([[8, 22], [2, 28]]).pvalue
    assert homogeneity(hits, ["a"] * 30 + ["b"] * 30) == pytest.approx(exact, abs=0.015)


def clustered_rows(rng, *, groups=60, size=8, effect=0.0, within=True):
    """Rows of prompts with correlated luck; stratum b has `effect` more, inside prompts or not."""
    group_N = np.repeat(np.arange(groups), size)
    inside_N = rng.random(groups * size) < 0.3 if within else group_N % 3 == 0
    rate_N = np.repeat(rng.beta(0.4, 1.6, groups), size) * (1 - effect) + effect * inside_N
    return rng.random(groups * size) < rate_N, np.where(inside_N, "b", "a"), group_N


@pytest.mark.parametrize("within", [True, False], ids=["inside prompts", "by prompt"])
def test_equal_strata_are_rarely_called_different(within):
    """With rows of a prompt correlated, 5% tests reject about 5% of equal strata."""
    rng = np.random.default_rng(4)
    rejected = sum(
        homogeneity(hit, label, group_N=group, draws=199, seed=i) <= 0.05
        for i in range(300)
        for hit, label, group in [clustered_rows(rng, within=within)]
    )
    assert rejected < 30  # 15 expected; 30 or more has a chance below 4e-4


def test_rows_taken_as_independent_reject_too_often():
    """The test is not vacuous: without the groups, the same prompts look different."""
    rng = np.random.default_rng(4)
    rejected = sum(
        homogeneity(hit, label, draws=199, seed=i) <= 0.05
        for i in range(100)
        for hit, label, _ in [clustered_rows(rng, within=False)]
    )
    assert rejected > 20


@pytest.mark.parametrize("within", [True, False], ids=["inside prompts", "by prompt"])
def test_different_strata_are_found(within):
    """A slice with 25 points more is found, through the correlation."""
    rng = np.random.default_rng(6)
    found = sum(
        homogeneity(hit, label, group_N=group, draws=199, seed=i) <= 0.05
        for i in range(30)
        for hit, label, group in [clustered_rows(rng, effect=0.25, within=within)]
    )
    assert found >= 27


def test_the_slice_that_differs_comes_first():
    """Among slices of several columns, the real one leads and the chance ones stay above 5%."""
    rng = np.random.default_rng(9)
    kind = rng.choice(["integer", "fraction", "set"], 900)
    hit = rng.random(900) < np.where(kind == "set", 0.35, 0.1)
    columns = {"kind": kind, "length": rng.choice(["short", "long"], 900)}
    first, *rest = find(hit, columns)
    assert (first.column, first.label) == ("kind", "set")
    assert first.adjusted < 1e-6
    assert first.rest.point < first.shrunk.point < first.rate.point
    assert all(one.adjusted > 0.05 for one in rest if one.column == "length")


def test_chance_slices_are_rarely_called_real():
    """Over 20 slices without any difference, Holm lets at most 5% of data sets show one."""
    rng = np.random.default_rng(11)
    fooled = 0
    for _ in range(60):
        columns = {str(i): rng.choice(list("abcd"), 200) for i in range(5)}
        fooled += find(rng.random(200) < 0.2, columns)[0].adjusted <= 0.05
    assert fooled < 10  # 3 expected at most


def test_small_slices_are_listed_and_not_tested():
    """A slice below the least size has a rate and a shrunken one, and no p-value."""
    slices = find([1, 1, 0] + [0] * 97, {"kind": ["odd"] * 3 + ["usual"] * 97})
    assert {one.label for one in slices} == {"odd", "usual"}
    assert all(np.isnan(one.p_value) for one in slices)
    odd = next(one for one in slices if one.label == "odd")
    assert odd.shrunk.point < odd.rate.point


def test_groups_widen_the_intervals():
    """The same counts in prompts of 8 alike are worth less."""
    hit = np.repeat([1, 0, 0, 0, 0] * 8, 8)
    labels = {"kind": np.repeat(["a", "b"], 160)}
    alone = find(hit, labels)[0].rate
    grouped = find(hit, labels, group_N=np.repeat(np.arange(40), 8))[0].rate
    assert grouped.width > 2 * alone.width


@pytest.mark.parametrize("hits", [[1, 0, 2], [1, 0], []])
def test_columns_that_do_not_match_are_refused(hits):
    """Hits that are not 0 or 1, or of another length than the labels, are mistakes."""
    with pytest.raises(UsageError):
        find(hits, {"kind": ["a", "b", "b"]})
    with pytest.raises(UsageError):
        homogeneity(hits, ["a", "b", "b"])


def test_a_small_slice_without_a_hit_is_no_finding():
    """With groups of several rows, none of 21 against one in ten of the rest is within chance."""
    hit = [0] * 21 + [1, 0, 0, 0, 0, 0, 0, 0, 0, 0] * 21
    group = [row // 3 for row in range(len(hit))]
    (kind,) = {one.p_value for one in find(hit, {"kind": ["a"] * 21 + ["b"] * 210}, group_N=group)}
    assert kind > 0.1
    assert homogeneity(hit, ["a"] * 21 + ["b"] * 210, group_N=group) > 0.05
