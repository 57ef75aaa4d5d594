"""Second looks: unbiased draw by draw, biased exactly as said where something fails, well spent."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.correction import (
    PaperAppeals,
    Plan,
    allocate,
    cross_fit,
    doubly_robust,
    expected_looks,
    remaining_bias,
    repair,
    squared_misses,
    verdict_cells,
)
from unflip.errors import UsageError

chance = st.floats(0.05, 1)
TRUTH_B = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 1.0])
PI_B = np.array([0.2, 0.5, 0.9, 0.3, 0.6, 0.4])
FOLD_B = np.array([0, 0, 0, 1, 1, 1])
CELL_B = np.array([0, 1, 0, 0, 1, 1])


def over_draws(rewards, pi_B=PI_B):
    """E[rewards(taken)] over all draws of second looks."""
    total_B = np.zeros(len(pi_B))
    for draw in product((0, 1), repeat=len(pi_B)):
        taken_B = np.array(draw)
        total_B += np.where(taken_B, pi_B, 1 - pi_B).prod() * rewards(taken_B)
    return total_B


def fitted(taken_B, fold_B=FOLD_B, n_folds=2):
    """The model of these second looks."""
    return cross_fit(
        TRUTH_B, taken_B, PI_B, cell_B=CELL_B, n_cells=2, fold_B=fold_B, n_folds=n_folds
    )


def test_a_cross_fitted_reward_is_unbiased_for_every_row():
    """Enumerated over all draws, E[r_hat] is the truth although m is fitted on the same batch."""
    found_B = over_draws(lambda taken: doubly_robust(fitted(taken), TRUTH_B, taken, PI_B))
    np.testing.assert_allclose(found_B, TRUTH_B, atol=1e-9)


def test_a_model_fitted_on_its_own_row_is_not():
    """Which is what folds are for: with every row in a fold of its own but m shared, it fails."""

    def own(taken_B):
        weight_B = taken_B / PI_B
        return np.full(6, ((TRUTH_B * weight_B).sum() + 1) / (weight_B.sum() + 2))

    found_B = over_draws(lambda taken: doubly_robust(own(taken), TRUTH_B, taken, PI_B))
    assert np.abs(found_B - TRUTH_B).max() > 0.01


def test_the_model_of_a_prompt_is_deaf_to_its_own_second_looks():
    """Changing what was found in a fold changes no m in it."""
    some_B = np.array([1, 1, 0, 1, 0, 1])
    other_B = np.where(FOLD_B == 0, 1 - some_B, some_B)
    np.testing.assert_array_equal(fitted(some_B)[FOLD_B == 0], fitted(other_B)[FOLD_B == 0])


def test_a_model_that_saw_nothing_is_one_half():
    """No second looks in the other folds: no opinion."""
    assert set(fitted(np.zeros(6)).tolist()) == {0.5}
    assert set(fitted(np.ones(6), fold_B=np.zeros(6, int), n_folds=1).tolist()) == {0.5}


@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 1))
def test_a_model_is_a_chance(seed, scale):
    """It lies in [0, 1] for any weights, in any precision."""
    rng = np.random.default_rng(seed)
    pi_B = np.clip(rng.random(40) * scale, 0.01, 1).astype(np.float32)
    m_B = cross_fit(
        rng.integers(0, 2, 40).astype(np.float32), rng.random(40) < 0.5, pi_B,
        cell_B=rng.integers(0, 4, 40), n_cells=4, fold_B=rng.integers(0, 3, 40), n_folds=3,
    )  # fmt: skip
    assert ((m_B >= 0) & (m_B <= 1)).all()


@given(
    m=st.floats(0, 1), own=st.floats(0, 1), truth=st.integers(0, 1), g=st.floats(0, 1), pi=chance,
    logged=chance, clip=st.sampled_from([(-np.inf, np.inf), (-1.0, 1.5), (0.2, 0.8)]),
)  # fmt: skip
def test_the_bias_is_what_it_says(m, own, truth, g, pi, logged, clip):
    """Wrong chances, looks that err, models that heard of them, clips: by enumeration of draws."""
    mean = 0.0
    for taken, second in product((0, 1), repeat=2):
        model_B, second_B = np.array([own if taken else m]), np.array([float(second)])
        reward_B = np.clip(doubly_robust(model_B, second_B, np.array([taken]), [logged]), *clip)
        mean += (pi if taken else 1 - pi) * (g if second else 1 - g) * reward_B[0]
    given = (np.array([one]) for one in (m, truth, g, pi, logged))
    said = remaining_bias(*given, own_B=np.array([own]), clip=clip)
    assert mean - truth == pytest.approx(said[0], abs=1e-9)


def test_the_bias_of_a_model_fitted_on_its_own_row_is_told():
    """It is that of the enumeration above it: m with the row's own look, and m without it."""

    def shared(taken_B):
        weight_B = taken_B / PI_B
        return ((TRUTH_B * weight_B).sum() + 1) / (weight_B.sum() + 2)

    def mean_of(row, taken):
        """E[m] given whether this row was looked at, over the draws of all others."""
        pi_B = np.where(np.arange(6) == row, float(taken), PI_B)
        return over_draws(lambda taken_B: np.array([shared(taken_B)] * 6), pi_B)[row]

    without_B, own_B = (np.array([mean_of(row, t) for row in range(6)]) for t in (0, 1))
    said_B = remaining_bias(without_B, TRUTH_B, TRUTH_B, PI_B, own_B=own_B)
    found_B = over_draws(
        lambda taken_B: doubly_robust(np.full(6, shared(taken_B)), TRUTH_B, taken_B, PI_B)
    )
    np.testing.assert_allclose(found_B - TRUTH_B, said_B, atol=1e-9)


def test_accepts_that_are_never_looked_at_keep_the_models_error():
    """The false accepts are among them, so this is the bias that matters."""
    never = remaining_bias(
        np.array([0.9]), np.array([0]), np.array([0]), np.array([0.0]), np.array([0.2])
    )
    assert never.tolist() == [0.9]


@pytest.mark.parametrize("pi", [0.0, 0.001, 1.5, float("nan")])
def test_chances_that_were_not_logged_are_refused(pi):
    """Accepted rows too need one."""
    with pytest.raises(UsageError, match="accepted rows too"):
        doubly_robust(np.ones(2), np.ones(2), np.ones(2), np.array([0.5, pi]))
    with pytest.raises(UsageError, match="floor of a chance"):
        doubly_robust(np.ones(1), np.ones(1), np.ones(1), np.ones(1), floor=0)


def test_what_was_not_taken_is_never_read():
    """NaN in the column of second looks stands for nothing where none was taken."""
    second_B, taken_B, half_B = np.array([np.nan, 1.0]), np.array([0, 1]), np.full(2, 0.5)
    found_B = doubly_robust(np.full(2, 0.4), second_B, taken_B, half_B)
    np.testing.assert_allclose(found_B, [0.4, 1.6])
    assert repair(np.array([1.0, 0.0]), second_B, taken_B).tolist() == [1, 1]


def test_a_second_look_that_came_to_nothing_spoils_no_other_row():
    """Its own row abstains; models and allocations are those without it."""
    second_B, taken_B = np.where(np.arange(6) == 2, np.nan, TRUTH_B), np.ones(6)
    without_B = np.where(np.arange(6) == 2, 0, taken_B)
    where = {"cell_B": CELL_B, "n_cells": 2}
    folds = {**where, "fold_B": FOLD_B, "n_folds": 2}
    m_B = cross_fit(second_B, taken_B, PI_B, **folds)
    np.testing.assert_array_equal(m_B, cross_fit(TRUTH_B, without_B, PI_B, **folds))
    np.testing.assert_array_equal(
        squared_misses(second_B, m_B, taken_B, PI_B, **where),
        squared_misses(TRUTH_B, m_B, without_B, PI_B, **where),
    )
    assert np.isnan(doubly_robust(m_B, second_B, taken_B, PI_B)).tolist() == [
        i == 2 for i in range(6)
    ]


def test_a_second_look_everywhere_is_the_second_look():
    """With pi = 1, nothing of the model is left."""
    second_B, ones = np.array([1.0, 0.0]), np.ones(2)
    assert doubly_robust(np.full(2, 0.3), second_B, ones, ones).tolist() == [1, 0]


def test_cells_tell_verdicts_and_strata_apart():
    """Reject, accept and abstain of each stratum."""
    r_B, stratum_B = np.array([0, 1, np.nan] * 2), np.array([0, 0, 0, 1, 1, 1])
    assert verdict_cells(r_B, stratum_B).tolist() == [0, 1, 2, 3, 4, 5]


@given(
    squares=st.lists(st.floats(0, 0.25), min_size=2, max_size=6),
    part=st.floats(0.05, 1),
    seed=st.integers(0, 99),
)
def test_an_allocation_costs_its_budget_and_keeps_the_floor(squares, part, seed):
    """Every cell has a chance of at least the floor; the whole costs the budget, within 1%."""
    rows_C = np.random.default_rng(seed).integers(10, 1000, len(squares))
    plan = allocate(rows_C, squares, budget=part * rows_C.sum(), floor=0.02)
    assert (plan.chance_C >= 0.02).all()
    assert (plan.chance_C <= 1).all()
    assert expected_looks(plan, rows_C) == pytest.approx(part * rows_C.sum(), rel=0.01)


@given(seed=st.integers(0, 200))
def test_no_other_plan_of_the_same_cost_has_less_variance(seed):
    """Moving second looks between two cells never helps."""
    rng = np.random.default_rng(seed)
    rows_C, squares_C = rng.integers(50, 500, 4), rng.random(4) / 4
    plan = allocate(rows_C, squares_C, budget=0.2 * rows_C.sum(), floor=0.02)

    def variance(chance_C):
        return (rows_C * squares_C * (1 - chance_C) / chance_C).sum()

    for more, fewer in product(range(4), repeat=2):
        moved_C = plan.chance_C.copy()
        moved_C[more] += 0.01 / rows_C[more]
        moved_C[fewer] -= 0.01 / rows_C[fewer]
        if moved_C.min() >= 0.02 and moved_C.max() <= 1:
            assert variance(moved_C) >= variance(plan.chance_C) * (1 - 1e-9)


def test_a_budget_below_the_floor_is_refused():
    """The message says what would do."""
    with pytest.raises(UsageError, match="raise the budget to 20"):
        allocate([1000], [0.1], budget=5, floor=0.02)
    with pytest.raises(UsageError, match="at least 0"):
        allocate([-1], [0.1], budget=5)


def test_a_plan_without_a_chance_for_accepts_is_refused():
    """Nor with one that rewards would have to be divided by, and are not."""
    for least in (0.0, 0.001):
        with pytest.raises(UsageError, match="accepts too"):
            Plan(np.array([0.5, least]))


def test_squared_misses_are_those_of_all_rows():
    """Weighted by 1 / pi, second looks stand for the rows that had none."""
    rng = np.random.default_rng(2)
    truth_B, m_B = rng.integers(0, 2, 50_000).astype(float), np.full(50_000, 0.3)
    pi_B = np.where(truth_B == 1, 0.5, 0.1)
    taken_B = rng.random(50_000) < pi_B
    found = squared_misses(truth_B, m_B, taken_B, pi_B, cell_B=np.zeros(50_000, int), n_cells=2)
    assert found.tolist() == pytest.approx([((truth_B - m_B) ** 2).mean(), 0.25], rel=0.03)


def test_the_papers_estimate_takes_every_accept_for_correct():
    """So false accepts make rho1 too low: .082 for .100 at rho0 = .5, seven in ten correct."""
    correct, wrong, rho0, rho1 = 7000, 3000, 0.5, 0.1
    accepts = (1 - rho1) * correct + rho0 * wrong
    found = PaperAppeals(chance=0.1).update(flipped=0.1 * rho1 * correct, accepts=accepts)
    assert found.rho1 == pytest.approx(0.082, abs=5e-4)


def test_the_papers_estimate_takes_the_second_look_for_the_truth():
    """So a judge of sensitivity .9 and specificity .8 makes .244 of .100, at even odds."""
    correct, wrong, rho1 = 5000, 5000, 0.1
    flips = 0.9 * rho1 * correct + (1 - 0.8) * wrong
    found = PaperAppeals(chance=0.1).update(flipped=0.1 * flips, accepts=(1 - rho1) * correct)
    assert found.rho1 == pytest.approx(0.244, abs=5e-4)


def test_the_papers_estimate_is_smoothed_and_restored():
    """An average of ratios, with the decay's weights; its state is JSON."""
    first = PaperAppeals(chance=0.5, decay=0.9).update(flipped=5, accepts=10, prior=0)
    second = first.update(flipped=0, accepts=10, prior=0)
    assert (first.rho1, second.rho1) == (0.5, pytest.approx(0.45))
    assert PaperAppeals.from_json(second.to_json()) == second
    with pytest.raises(UsageError, match="a chance lies"):
        PaperAppeals(chance=0)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_narrow_codes_do_not_wrap_around(dtype):
    """100 strata fit into 8 bits; their cells do not."""
    stratum_B = np.array([100, 90], dtype=dtype)
    assert verdict_cells(np.array([1.0, 0.0]), stratum_B).tolist() == [301, 270]
    cell_B, fold_B = np.array([60, 61, 60]), np.array([0, 1, 1])
    wide_B, narrow_B = (
        cross_fit(
            np.array([1.0, 0.0, 1.0]), np.ones(3), np.ones(3),
            cell_B=cell_B.astype(kind), n_cells=62, fold_B=fold_B.astype(kind), n_folds=5,
        )
        for kind in (np.int64, dtype)
    )  # fmt: skip
    np.testing.assert_array_equal(wide_B, narrow_B)


def test_a_chance_at_the_floor_survives_a_log():
    """Drawn in float32 and read back in float64, .01 is a little less."""
    logged_B = np.array([0.01], dtype=np.float32).astype(np.float64)
    one_B = np.ones(1)
    assert doubly_robust(one_B, one_B, one_B, logged_B).tolist() == [1]


def test_a_cell_that_nobody_looked_at_needs_a_prior():
    """Without one its share would be 0 / 0, and its rows abstains."""
    one_B, code_B = np.ones(2), np.array([0, 1])
    with pytest.raises(UsageError, match="prior above 0"):
        cross_fit(one_B, one_B, one_B, cell_B=code_B, n_cells=2, fold_B=code_B, n_folds=2, prior=0)
