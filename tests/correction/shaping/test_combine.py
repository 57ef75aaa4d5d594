"""Gates, ensembles and rubrics: what a row is paid, and what its group makes of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.correction.shaping.advantages import same_update, zscore
from unflip.correction.shaping import (
    RUBRIC_WEIGHTS,
    ensemble_mean,
    gated_sum,
    rubric_score,
    uncertainty_weighted,
    worst_case,
)
from unflip.errors import UsageError

NAN = float("nan")
members = st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=5)


def test_gates_by_hand():
    """A level counts only where every level above it reached its threshold."""
    rewards = [[1.0, 0.6, 0.1], [1.0, 0.4, 0.1], [0.0, 0.9, 0.1]]
    np.testing.assert_allclose(gated_sum(rewards, [1.0, 0.5]), [1.7, 1.4, 0.0])


def test_a_closed_gate_hides_an_abstain_and_an_open_one_shows_it():
    """NaN below a closed gate is not asked for; on an open path it makes the row NaN."""
    np.testing.assert_array_equal(
        gated_sum([[0.0, NAN], [1.0, NAN], [NAN, 1.0]], [1.0]), [0.0, NAN, NAN]
    )


def test_a_gate_keeps_style_from_beating_the_outcome():
    """Ungated, a wrong row with much style beats an accepted one; gated, it cannot."""
    rewards = np.array([[1.0, 0.0], [0.0, 1.5], [0.0, 0.0]])
    assert zscore(rewards.sum(-1))[1] > zscore(rewards.sum(-1))[0]
    assert zscore(gated_sum(rewards, [1.0]))[1] < 0 < zscore(gated_sum(rewards, [1.0]))[0]


def test_where_all_pass_the_small_reward_is_the_whole_signal():
    """A thousandth of style, behind an open gate, gives advantages as large as any."""
    style_G = np.array([0.1, 0.9, 0.4])
    rewards = np.stack([np.ones(3), 0.001 * style_G], axis=-1)
    assert same_update(gated_sum(rewards, [1.0]), style_G)


def test_where_none_passes_the_lower_levels_are_inert():
    """Behind closed gates nothing is left of them."""
    rewards = np.stack([np.zeros(3), [0.1, 0.9, 0.4]], axis=-1)
    assert not zscore(gated_sum(rewards, [1.0])).any()


def test_ensembles_by_hand():
    """Mean, least, and mean less penalty times the population variance."""
    scores = [[1.0, 2.0, 6.0]]
    assert ensemble_mean(scores) == pytest.approx(3)
    assert worst_case(scores) == pytest.approx(1)
    assert uncertainty_weighted(scores, penalty=0.3) == pytest.approx(3 - 0.3 * 14 / 3)


@given(members)
def test_the_worst_case_is_below_the_penalised_mean_is_below_the_mean(scores):
    """Min below mean, and a penalty never pays; with a penalty of 0 it is the mean."""
    assert worst_case(scores) <= ensemble_mean(scores) + 1e-9
    assert uncertainty_weighted(scores, penalty=0.5) <= ensemble_mean(scores) + 1e-9
    assert uncertainty_weighted(scores, penalty=0.0) == pytest.approx(ensemble_mean(scores))


@given(members)
def test_members_that_agree_are_one_member(scores):
    """With identical members all three are that member."""
    twice = np.stack([scores, scores], axis=-1)
    for paid in ensemble_mean(twice), worst_case(twice), uncertainty_weighted(twice, penalty=1.0):
        np.testing.assert_allclose(paid, scores)


def test_a_members_constant_cancels_in_the_mean_and_not_in_the_worst_case():
    """A strict member's offset is inert in the mean, and makes it the only judge in the minimum."""
    scores_GM = np.random.default_rng(0).normal(size=(6, 3))
    strict_GM = scores_GM - [100.0, 0.0, 0.0]
    assert same_update(ensemble_mean(scores_GM), ensemble_mean(strict_GM))
    assert not same_update(worst_case(scores_GM), worst_case(strict_GM))
    assert same_update(worst_case(strict_GM), scores_GM[:, 0])


def test_the_scale_cancels_in_the_mean_and_not_in_the_variance():
    """Doubling every score is inert in the mean, and doubles what variance costs."""
    scores_GM = np.random.default_rng(1).normal(size=(6, 3))
    assert same_update(ensemble_mean(scores_GM), ensemble_mean(2 * scores_GM))
    one, two = (uncertainty_weighted(s, penalty=0.5) for s in (scores_GM, 2 * scores_GM))
    assert not same_update(one, two)
    assert same_update(uncertainty_weighted(scores_GM, penalty=1.0), two)


def test_a_rubric_by_hand():
    """Met weight over all weight, with RaR's weights."""
    weights = [RUBRIC_WEIGHTS[k] for k in ("essential", "important", "optional", "pitfall")]
    np.testing.assert_allclose(rubric_score([[1, 0, 1, 0.5]], weights), [1.75 / 2.9])


def test_a_rubrics_division_and_common_criteria_are_inert():
    """Neither the sum of weights nor a criterion that all meet moves an advantage."""
    met_GC = np.array([[1, 1, 0], [1, 0, 1], [1, 0, 0]])
    weights = np.array([1.0, 0.7, 0.3])
    paid = rubric_score(met_GC, weights)
    assert same_update(paid, met_GC @ weights)
    assert same_update(paid, rubric_score(met_GC[:, 1:], weights[1:]))
    assert not same_update(paid, rubric_score(met_GC, [1.0, 1.0, 1.0]))


def test_the_lightest_criterion_can_move_a_group_at_full_size():
    """Where only an optional criterion differs, its weight does not matter."""
    met_GC = [[1, 1], [1, 0], [1, 0]]
    assert same_update(rubric_score(met_GC, [1.0, 0.3]), rubric_score(met_GC, [1.0, 0.001]))


MISUSE = {
    "no threshold": lambda: gated_sum([[1.0, 0.5]], []),
    "no level": lambda: gated_sum(1.0, []),
    "no member": lambda: ensemble_mean([[]]),
    "a negative penalty": lambda: uncertainty_weighted([1.0], penalty=-1.0),
    "too few weights": lambda: rubric_score([[1, 0]], [1.0]),
    "a negative weight": lambda: rubric_score([[1, 0]], [1.0, -0.9]),
    "no weight at all": lambda: rubric_score([[1, 0]], [0.0, 0.0]),
    "a criterion out of five": lambda: rubric_score([[5, 0]], [1.0, 1.0]),
}


@pytest.mark.parametrize("call", MISUSE.values(), ids=MISUSE)
def test_misuse_is_refused(call):
    """Misfitting thresholds and weights, and values out of range, are usage errors."""
    with pytest.raises(UsageError):
        call()
