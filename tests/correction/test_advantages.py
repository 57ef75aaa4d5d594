"""Group advantages: by hand, beside a plain loop, and under every change that should not matter."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unflip.correction import ADVANTAGES, Normaliser, clean_std, direct, dr_grpo, grpo, maxrl, rloo
from unflip.errors import UsageError

NAN = float("nan")
EVERY = dict(ADVANTAGES)
GROUPED = {name: one for name, one in EVERY.items() if not name.startswith("batch")}
every = pytest.mark.parametrize("advantages", EVERY.values(), ids=[*EVERY])
grouped = pytest.mark.parametrize("advantages", GROUPED.values(), ids=[*GROUPED])


@st.composite
def batches(draw, n_groups=4):
    """Rewards with abstains, in ragged groups whose rows lie anywhere."""
    rows = draw(st.integers(2, 24))
    r_B = draw(hnp.arrays(float, rows, elements=st.sampled_from([0.0, 1.0, 1.0, 0.3, NAN])))
    return r_B, draw(hnp.arrays(np.int64, rows, elements=st.integers(0, n_groups - 1)))


def plain(r_B, group_B, formula):
    """Advantages by a loop over groups."""
    out_B = np.zeros(len(r_B))
    for group in set(group_B.tolist()):
        rows_n = np.flatnonzero((group_B == group) & ~np.isnan(r_B))
        if len(rows_n) > 1:
            out_B[rows_n] = formula(r_B[rows_n])
    return out_B


FORMULAS = {
    "grpo": lambda r: (r - r.mean()) / (r.std(ddof=1) + 1e-4) * (np.ptp(r) > 0),
    "dr_grpo": lambda r: r - r.mean(),
    "rloo": lambda r: r - (r.sum() - r) / (len(r) - 1),
    "maxrl": lambda r: (r - r.mean()) / max(r.mean(), 1 / len(r)),
    "clean_std": lambda r: (
        (r - r.mean())
        / np.sqrt((p := np.clip(r.mean(), 1 / len(r), 1 - 1 / len(r))) * (1 - p) / (1 - 1 / len(r)))
    ),
}


@pytest.mark.parametrize("name", [*FORMULAS])
@given(batch=batches())
def test_advantages_are_those_of_a_plain_loop(name, batch):
    """Whatever the groups' sizes, order and abstains."""
    found_B = EVERY[name](*batch, n_groups=4)
    np.testing.assert_allclose(found_B, plain(*batch, FORMULAS[name]), atol=1e-9)


@every
@given(batch=batches(), seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(advantages, batch, seed):
    """Permuting rows permutes their advantages."""
    r_B, group_B = batch
    order_B = np.random.default_rng(seed).permutation(len(r_B))
    moved_B = advantages(r_B[order_B], group_B[order_B], n_groups=4)
    np.testing.assert_allclose(moved_B, advantages(*batch, n_groups=4)[order_B], atol=1e-9)


@every
@given(batch=batches())
def test_the_names_of_groups_do_not_matter(advantages, batch):
    """Nor do empty groups."""
    r_B, group_B = batch
    renamed_B = advantages(r_B, 9 - 2 * group_B, n_groups=11)
    np.testing.assert_allclose(renamed_B, advantages(*batch, n_groups=4), atol=1e-9)


@every
@given(batch=batches())
def test_a_group_with_an_abstain_is_the_group_without_that_row(advantages, batch):
    """Abstains are out of the baseline, and have advantage 0."""
    r_B, group_B = batch
    decided_B = ~np.isnan(r_B)
    found_B = advantages(*batch, n_groups=4)
    assert not found_B[~decided_B].any()
    without_B = advantages(r_B[decided_B], group_B[decided_B], n_groups=4)
    np.testing.assert_allclose(found_B[decided_B], without_B, atol=1e-9)


@grouped
@given(batch=batches())
def test_groups_do_not_see_each_other(advantages, batch):
    """A group's advantages are the same when it is alone."""
    r_B, group_B = batch
    found_B = advantages(*batch, n_groups=4)
    for group in range(4):
        alone_n = advantages(r_B[group_B == group], group_B[group_B == group], n_groups=4)
        np.testing.assert_allclose(found_B[group_B == group], alone_n, atol=1e-9)


@pytest.mark.parametrize("name", ["grpo", "dr_grpo", "rloo"])
@given(batch=batches(), shift=st.floats(-5, 5))
def test_a_shift_of_all_rewards_is_removed(name, batch, shift):
    """A constant is no signal for whoever has a baseline."""
    r_B, group_B = batch
    moved_B = EVERY[name](r_B + shift, group_B, n_groups=4)
    np.testing.assert_allclose(moved_B, EVERY[name](*batch, n_groups=4), atol=1e-9)


@every
def test_nothing_decided_gives_nothing(advantages):
    """A batch of abstains, and no batch at all, have no advantages."""
    assert not advantages(np.full(3, NAN), np.zeros(3, int), n_groups=1).any()
    assert advantages(np.zeros(0), np.zeros(0, int), n_groups=0).shape == (0,)


@pytest.mark.parametrize("name", [one for one in EVERY if one != "direct"])
def test_a_row_without_a_neighbour_has_no_advantage(name):
    """One decided row is its own baseline."""
    r_B, group_B = np.array([1.0, NAN, NAN]), np.array([0, 0, 0])
    assert not EVERY[name](r_B, group_B, n_groups=1).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [3, 8, 10, 18])
def test_unanimous_corrected_rewards_have_no_advantage(dtype, size):
    """Rounding in a mean of equal rewards is not blown up by a small std."""
    for rho0, rho1 in ((0.1, 0.2), (0.44, 0.41), (0.3, 0.3), (0.17, 0.23)):
        r_B = np.full(size, (1 - rho0) / (1 - rho0 - rho1), dtype=dtype)
        assert np.abs(grpo(r_B, np.zeros(size, int), n_groups=1, eps=1e-6)).max() < 1e-6


@every
def test_kinds_of_reward_side_by_side_do_not_see_each_other(advantages):
    """Columns are normalised on their own, each with its own abstains."""
    r_BC = np.array([[1.0, NAN], [0.0, 1.0], [1.0, 0.0], [0.3, 0.2]])
    group_B = np.array([0, 0, 1, 1])
    both_BC = advantages(r_BC, group_B, n_groups=2)
    for column in (0, 1):
        alone_B = advantages(r_BC[:, column].copy(), group_B, n_groups=2)
        np.testing.assert_allclose(both_BC[:, column], alone_B, atol=1e-12)


def test_the_floor_under_a_corrected_mean_keeps_signs():
    """A mean below 0 does not turn maxrl around, and its weight is at most n."""
    r_B = np.array([1.3, -0.6, -0.6, -0.6, -0.6])
    found_B = maxrl(r_B, np.zeros(5, int), n_groups=1)
    assert found_B[0] > 0 > found_B[1]
    assert np.abs(found_B).max() <= 5 * np.ptp(r_B)


def test_maxrl_takes_another_floor():
    """For graded rewards, whose means may be small."""
    r_B = np.array([0.02, 0.0])
    assert maxrl(r_B, np.zeros(2, int), n_groups=1, floor=1e-3).tolist() == [1, -1]


def test_batch_advantages_have_mean_0_and_std_1():
    """Whitening does what it says."""
    r_B = np.random.default_rng(1).random(50)
    found_B = ADVANTAGES[Normaliser.BATCH](r_B, np.zeros(50, int), n_groups=1, eps=0.0)
    assert found_B.mean() == pytest.approx(0)
    assert found_B.std(ddof=1) == pytest.approx(1)


def test_leave_one_out_is_a_factor_of_centring():
    """In each group, rloo = dr_grpo n / (n - 1)."""
    r_B = np.array([1.0, 0.0, 0.0, 1.0, 1.0])
    one = partial(rloo, r_B, np.zeros(5, int), n_groups=1)
    np.testing.assert_allclose(one(), 1.25 * dr_grpo(r_B, np.zeros(5, int), n_groups=1))


def test_the_clean_std_comes_close_to_clean_advantages_in_large_groups():
    """With 20,000 rows the plug-in is the clean verdicts' own std."""
    rng = np.random.default_rng(3)
    truth_B = rng.random(20_000) < 0.3
    r_B = np.where(truth_B, rng.random(20_000) > 0.2, rng.random(20_000) < 0.1).astype(float)
    one = np.zeros(20_000, int)
    noisy_B, clean_B = clean_std((r_B - 0.1) / 0.7, one, n_groups=1), grpo(truth_B, one, n_groups=1)
    for truth in (True, False):
        means = noisy_B[truth_B == truth].mean(), clean_B[truth_B == truth].mean()
        assert means[0] == pytest.approx(means[1], abs=0.05)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_advantages_have_the_dtype_of_the_rewards(dtype):
    """Halves are computed wide and come back as halves; integers become floats."""
    r_B = np.array([1, 0, 1, 0], dtype=dtype)
    assert all(one(r_B, np.zeros(4, int), n_groups=1).dtype == dtype for one in EVERY.values())
    assert dr_grpo([True, False], np.zeros(2, int), n_groups=1).tolist() == [0.5, -0.5]


def test_halves_count_more_rows_than_they_can():
    """A group of 5,000 halves has the right mean: float16 stops counting at 2,048."""
    r_B = np.ones(5000, dtype=np.float16)
    r_B[:2500] = 0
    assert set(dr_grpo(r_B, np.zeros(5000, int), n_groups=1).tolist()) == {-0.5, 0.5}


@pytest.mark.parametrize("group_B", [[0, 1, 2], [0, -1, 1]])
def test_groups_out_of_range_are_refused(group_B):
    """Rather than counted from the end."""
    with pytest.raises(UsageError, match="from 0 to 1"):
        rloo(np.ones(3), np.array(group_B), n_groups=2)


@grouped
def test_an_infinite_reward_is_not_hidden(advantages):
    """It is somebody's mistake, and no abstain: the loss has to show it."""
    with np.errstate(invalid="ignore"):
        found_B = advantages(np.array([np.inf, 0.0, 1.0]), np.zeros(3, int), n_groups=1)
    assert not np.isfinite(found_B).all()


def test_direct_advantages_are_the_rewards():
    """With 0 for abstains."""
    assert direct(np.array([0.2, NAN, -0.8]), np.zeros(3, int), n_groups=1).tolist() == [
        0.2,
        0,
        -0.8,
    ]
