"""Expected gradients at K = 8, enumerated: with the right rates they are the clean one."""

from functools import partial

import numpy as np
import pytest

from tests.correction.exact import clean_gradient, enumerate_groups
from unflip.correction import (
    RateTable,
    anchored,
    backward,
    clean_std,
    direct,
    doubly_robust,
    dr_grpo,
    forward,
    grpo,
    posterior,
    repair,
    rloo,
    stratified_forward,
)
from unflip.correction.line import Line

K = 8
POLICIES = {
    "even": [0.25, 0.25, 0.25, 0.25],
    "mostly wrong": [0.03, 0.72, 0.02, 0.23],
    "mostly right": [0.6, 0.05, 0.3, 0.05],
    "in the other stratum": [0.1, 0.05, 0.35, 0.5],
}
# One rate for all; another in each stratum; a hackable stratum; one that is turned around.
RATES = {
    "one": ([0.1, 0.1], [0.2, 0.2]),
    "two": ([0.05, 0.3], [0.4, 0.1]),
    "hackable": ([0.05, 0.8], [0.1, 0.1]),
    "inverted": ([0.1, 0.7], [0.2, 0.7]),
}
ESTIMATORS = {
    "backward, leave-one-out": (backward, rloo, 1.0),
    "backward, centred": (backward, dr_grpo, 1 - 1 / K),
    "stratified forward, direct": (stratified_forward, direct, 1.0),
}

policies = pytest.mark.parametrize("policy_Y", [*map(np.array, POLICIES.values())], ids=[*POLICIES])
rates = pytest.mark.parametrize("rates", RATES.values(), ids=[*RATES])


def table_of(rates, **options):
    """The table of known rates."""
    return RateTable.known(*rates, allow_inverted=True, **options)


def advantages(line, normaliser, groups, r_B=None):
    """Advantages of corrected verdicts of enumerated groups."""
    stratum_B = groups.stratum_B if len(line.strata) > 1 else None
    r_hat_B = line(groups.verdict_B if r_B is None else r_B, stratum_B)
    return normaliser(r_hat_B, groups.group_B, n_groups=groups.n)


def cosine(one_Y, other_Y):
    """Of two directions."""
    return one_Y @ other_Y / np.linalg.norm(one_Y) / np.linalg.norm(other_Y)


def raw():
    """The verdict as it is."""
    return Line("raw", np.array([[0.0, 1.0]]))


@policies
@rates
@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=[*ESTIMATORS])
def test_rates_by_stratum_give_the_clean_gradient(policy_Y, rates, estimator):
    """Backward and stratified forward give the clean gradient, times their known factor."""
    correction, normaliser, factor = estimator
    groups = enumerate_groups(policy_Y, *rates, k=K)
    advantage_B = advantages(correction(table_of(rates)), normaliser, groups)
    found_Y = groups.gradient(advantage_B, policy_Y)
    np.testing.assert_allclose(found_Y, factor * clean_gradient(policy_Y), atol=1e-9)


@policies
@pytest.mark.parametrize("rho1", [0.2, 0.77])
def test_forward_with_one_rate_gives_j_times_the_clean_gradient(policy_Y, rho1):
    """Direct forward weights point along the clean gradient, even with a wrong rho1."""
    groups = enumerate_groups(policy_Y, *RATES["one"], k=K)
    advantage_B = advantages(forward(RateTable.known(0.1, rho1)), direct, groups)
    found_Y = groups.gradient(advantage_B, policy_Y)
    np.testing.assert_allclose(found_Y, 0.7 * clean_gradient(policy_Y), atol=1e-9)


@policies
def test_unscaled_forward_would_be_wrong_by_stratum(policy_Y):
    """Weights r - (1 - rho1(s)) without 1 / J(s) do not point along the clean gradient."""
    groups = enumerate_groups(policy_Y, *RATES["hackable"], k=K)
    line = forward(table_of(RATES["hackable"]), strata="prompt")
    found_Y = groups.gradient(advantages(line, direct, groups), policy_Y)
    assert cosine(found_Y, clean_gradient(policy_Y)) < 0.99


def appealed_gradient(policy_Y, rates, *, k, model):
    """E[gradient] with doubly robust appeals: xi is enumerated too, with other chances by cell."""
    pi_SV = np.array([[0.1, 0.5], [0.3, 0.05]])
    groups = enumerate_groups(policy_Y, *rates, k=k, pi_SV=pi_SV)
    verdict_B = groups.verdict_B
    probability_B = pi_SV[groups.stratum_B, verdict_B.astype(int)]
    model_B = model(verdict_B, groups.stratum_B)
    r_hat_B = doubly_robust(model_B, groups.truth_B, groups.taken_B, probability_B)
    return groups.gradient(rloo(r_hat_B, groups.group_B, n_groups=groups.n), policy_Y)


def nonsense(r_B, _):
    """A model that has it the wrong way round."""
    return 0.7 - 0.4 * r_B


@policies
@rates
@pytest.mark.parametrize("sensible", [True, False])
def test_doubly_robust_appeals_give_the_clean_gradient(policy_Y, rates, sensible):
    """Second looks give the clean gradient under any rates and any model, here at K = 4."""
    model = posterior(table_of(rates, pass_rate=[0.4, 0.6])) if sensible else nonsense
    found_Y = appealed_gradient(policy_Y, rates, k=4, model=model)
    np.testing.assert_allclose(found_Y, clean_gradient(policy_Y), atol=1e-9)


def test_doubly_robust_appeals_give_the_clean_gradient_of_eight():
    """The same at K = 8, for a hackable stratum and a model that is no good."""
    policy_Y = np.array(POLICIES["mostly wrong"])
    found_Y = appealed_gradient(policy_Y, RATES["hackable"], k=K, model=nonsense)
    np.testing.assert_allclose(found_Y, clean_gradient(policy_Y), atol=1e-9)


@policies
def test_naive_appeals_leave_their_share_of_the_bias(policy_Y):
    """Using second looks where they were taken leaves 1 - pi of what raw verdicts get wrong."""
    groups = enumerate_groups(policy_Y, *RATES["hackable"], k=4, pi_SV=np.full((2, 2), 0.1))
    clean_Y = clean_gradient(policy_Y)
    raw_B, repaired_B = (
        rloo(r_B, groups.group_B, n_groups=groups.n)
        for r_B in (groups.verdict_B, repair(groups.verdict_B, groups.truth_B, groups.taken_B))
    )
    left_Y = groups.gradient(repaired_B, policy_Y) - clean_Y
    np.testing.assert_allclose(
        left_Y, 0.9 * (groups.gradient(raw_B, policy_Y) - clean_Y), atol=1e-9
    )


@policies
@pytest.mark.parametrize("ridge", [0.0, 0.2, 5.0])
def test_anchored_pays_no_stratum_for_its_rates(policy_Y, ridge):
    """Whatever the slope, a stratum's mean reward is its pass rate; so is the posterior's."""
    rates = RATES["hackable"]
    pass_S = policy_Y.reshape(2, 2)[:, 0] / policy_Y.reshape(2, 2).sum(1)
    table = table_of(rates, pass_rate=pass_S)
    groups = enumerate_groups(policy_Y, *rates, k=2)
    for line in (anchored(table, ridge=ridge), posterior(table)):
        r_hat_B = line(groups.verdict_B, groups.stratum_B)
        for stratum in (0, 1):
            mean = groups.mean(r_hat_B, groups.stratum_B == stratum)
            assert mean == pytest.approx(pass_S[stratum], abs=1e-9)


def test_a_group_std_still_favours_the_hackable_stratum():
    """T5: rewards that are exactly unbiased are hacked under a group std, and not without it."""
    policy_Y, rates = np.array([0.15, 0.35, 0.15, 0.35]), RATES["hackable"]
    groups = enumerate_groups(policy_Y, *rates, k=K)

    def preference(line, normaliser, r_B=None):
        advantage_B = advantages(line, normaliser, groups, r_B)
        honest, hackable = (groups.mean(advantage_B, groups.stratum_B == s) for s in (0, 1))
        return hackable - honest

    line = backward(table_of(rates))
    assert preference(raw(), grpo) > 0.8
    assert preference(line, grpo) > 0.5
    assert -0.15 < preference(line, clean_std) < 0
    assert preference(line, rloo) == pytest.approx(0, abs=1e-9)
    assert preference(raw(), grpo, groups.truth_B) == pytest.approx(0, abs=1e-9)


def test_masks_without_a_baseline_draw_the_policy_in():
    """Why they are refused: the update moves into the masked stratum; with a baseline, it stays."""
    policy_Y, rates = np.array([0.15, 0.35, 0.15, 0.35]), ([0.1, 0.5], [0.2, 0.5])
    groups = enumerate_groups(policy_Y, *rates, k=K)
    table = RateTable.known(*rates)
    pull, stay = (
        groups.gradient(advantages(correction(table), normaliser, groups), policy_Y)[2:].sum()
        for correction, normaliser in ((stratified_forward, direct), (backward, rloo))
    )
    assert pull > 0.1
    assert stay == pytest.approx(0, abs=1e-9)


def test_the_clean_std_is_biased_in_groups_of_eight():
    """It points the right way, but weighs prompts in another way than clean verdicts do."""
    factors = []
    for p in (0.05, 0.5):
        policy_Y = np.array([p, 1 - p, 0, 0])
        groups = enumerate_groups(policy_Y, *RATES["one"], k=K)
        found_Y, wanted_Y = (
            groups.gradient(one(r_B, groups.group_B, n_groups=groups.n), policy_Y)
            for one, r_B in (
                (clean_std, backward(RateTable.known(0.1, 0.2))(groups.verdict_B)),
                (grpo, groups.truth_B),
            )
        )
        assert cosine(found_Y, wanted_Y) == pytest.approx(1)
        factors.append(np.linalg.norm(found_Y) / np.linalg.norm(wanted_Y))
    assert factors == pytest.approx([0.924, 1.054], abs=1e-3)


def test_the_clean_std_hardly_bends_what_strata_correct():
    """Where a group's own std undoes it, at K = 8 and half of the answers hackable."""
    policy_Y, rates = np.array([0.15, 0.35, 0.15, 0.35]), RATES["hackable"]
    groups = enumerate_groups(policy_Y, *rates, k=K)
    clean_Y, line = clean_gradient(policy_Y), backward(table_of(rates))
    bent, undone = (
        cosine(groups.gradient(advantages(line, one, groups), policy_Y), clean_Y)
        for one in (clean_std, grpo)
    )
    assert bent > 0.99
    assert undone < 0.5


@policies
def test_a_group_std_removes_one_line_for_all(policy_Y):
    """Raw and backward advantages are the same numbers under grpo, for every group there is."""
    groups = enumerate_groups(policy_Y, *RATES["one"], k=K)
    line = backward(RateTable.known(0.1, 0.2))
    exactly = partial(grpo, eps=1e-12)
    apart_B = advantages(line, exactly, groups) - advantages(raw(), exactly, groups)
    assert np.abs(apart_B).max() < 1e-6
