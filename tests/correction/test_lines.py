"""Corrections as lines: their identities, their limits, and what they refuse."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.correction import (
    Posterior,
    RateTable,
    anchored,
    backward,
    forward,
    masking,
    pass_rates,
    posterior,
    stratified_forward,
)
from unflip.correction.line import Line
from unflip.errors import UsageError

NAN = float("nan")
rate = st.floats(0, 0.45)
share = st.floats(0.01, 0.99)
VERDICTS = np.array([0.0, 1.0])


def means(line, rho0, rho1):
    """E[r_hat | wrong] and E[r_hat | correct]."""
    reject, accept = line(VERDICTS)
    return (1 - rho0) * reject + rho0 * accept, rho1 * reject + (1 - rho1) * accept


@given(rho0=rate, rho1=rate)
def test_backward_rewards_have_the_truth_for_a_mean(rho0, rho1):
    """E[r_hat | truth] = truth, where J is above the clamp."""
    found = means(backward(RateTable.known(rho0, rho1)), rho0, rho1)
    np.testing.assert_allclose(found, (0, 1), atol=1e-9)


@given(rho0=rate, rho1=rate)
def test_forward_weights_pay_nothing_for_correct_answers(rho0, rho1):
    """E[w | correct] = 0 and E[w | wrong] = -J; by stratum, -1."""
    table = RateTable.known(rho0, rho1)
    np.testing.assert_allclose(means(forward(table), rho0, rho1), (rho0 + rho1 - 1, 0), atol=1e-9)
    np.testing.assert_allclose(means(stratified_forward(table), rho0, rho1), (-1, 0), atol=1e-9)


@given(rho0=rate, rho1=rate)
def test_stratified_forward_is_backward_less_one(rho0, rho1):
    """Which is why it needs no baseline."""
    table = RateTable.known(rho0, rho1)
    np.testing.assert_allclose(
        stratified_forward(table)(VERDICTS), backward(table)(VERDICTS) - 1, atol=1e-9
    )


@given(rho0=rate, rho1=rate, m=share)
def test_anchored_is_backward_where_the_audit_is_exact(rho0, rho1, m):
    """With no ridge, and m and q that fit together."""
    table = RateTable.known(rho0, rho1, pass_rate=m)
    np.testing.assert_allclose(anchored(table)(VERDICTS), backward(table)(VERDICTS), atol=1e-9)


@given(rho0=st.floats(0, 1), rho1=st.floats(0, 1), m=share, ridge=st.floats(0.01, 1))
def test_anchored_is_bounded_and_keeps_the_sign_of_j(rho0, rho1, m, ridge):
    """|slope| is at most 1 / (2 ridge), wherever J is; it has J's sign."""
    if rho0 + rho1 == 1:
        return
    table = RateTable.known(rho0, rho1, pass_rate=m, allow_inverted=True)
    slope = anchored(table, ridge=ridge).line_S2[0, 1]
    assert abs(slope) <= 1 / (2 * ridge) + 1e-9
    assert np.sign(slope) == np.sign(table.j_S[0])


@given(rho0=st.floats(0, 0.3), rho1=st.floats(0, 0.3), ridge=st.floats(0, 1))
def test_anchored_shrinks_by_the_ridge_squared(rho0, rho1, ridge):
    """Slope J / (J^2 + ridge^2); left out, the ridge is the standard error of J."""
    table = RateTable.known(rho0, rho1, pass_rate=0.5)
    j = table.j_S[0]
    assert anchored(table, ridge=ridge).line_S2[0, 1] == pytest.approx(j / (j**2 + ridge**2))
    unsure = replace(table, se_S=np.array([ridge]))
    np.testing.assert_array_equal(anchored(unsure).line_S2, anchored(table, ridge=ridge).line_S2)


@given(rho0=rate, rho1=rate, m=share, ridge=st.floats(0, 2))
def test_anchored_and_posterior_pay_the_pass_rate_on_average(rho0, rho1, m, ridge):
    """E[r_hat] = m, whatever the slope."""
    table = RateTable.known(rho0, rho1, pass_rate=m)
    for line in (anchored(table, ridge=ridge), posterior(table)):
        wrong, correct = means(line, rho0, rho1)
        assert m * correct + (1 - m) * wrong == pytest.approx(m, abs=1e-9)


@given(rho0=st.floats(0.01, 0.45), rho1=rate, m=share)
def test_the_posterior_is_anchored_with_the_best_slope(rho0, rho1, m):
    """Slope J m (1 - m) / (q (1 - q)), which is P(correct | accept) - P(correct | reject)."""
    table = RateTable.known(rho0, rho1, pass_rate=m)
    q, j = table.accept_S[0], table.j_S[0]
    slope = j * m * (1 - m) / (q * (1 - q))
    np.testing.assert_allclose(posterior(table).line_S2, [[m - slope * q, slope]], atol=1e-9)


def test_without_a_pass_rate_of_chance_the_posterior_is_a_chance():
    """Rewards lie in [0, 1] at the ends too, where one verdict never occurs."""
    table = RateTable.known([0, 0.2, 0.1], [0, 0.1, 0.1], pass_rate=[0.4, 0, 1])
    assert posterior(table).line_S2.sum(1).tolist() == [1, 0, 1]
    surely = RateTable.known([0.2, 0], [0, 0.1], pass_rate=[1, 0])
    assert posterior(surely).line_S2.tolist() == [[1, 0], [0, 0]]


def test_a_clamp_bounds_backward_near_j_0():
    """Below it, rewards are held back; the sign stays."""
    table = RateTable.known([0.49, 0.51], [0.49, 0.51], allow_inverted=True)
    assert backward(table, clamp=0.1).line_S2[:, 1].tolist() == [10, -10]
    with pytest.raises(UsageError, match="clamp on J"):
        backward(table, clamp=0)


def test_no_j_at_all_weighs_nothing():
    """J = 0 in a stratum: no row of it has a reward, whichever correction."""
    table = RateTable.known([0.1, 0.5], [0.1, 0.5], pass_rate=0.5)
    lines = (backward, stratified_forward, anchored, posterior, masking)
    for line in (one(table) for one in lines):
        assert np.isnan(line(np.ones(2), np.array([0, 1]))).tolist() == [False, True]


def test_abstains_stay_abstains():
    """NaN in, NaN out."""
    assert np.isnan(backward(RateTable.known(0.1, 0.2))(np.array([NAN])))[0]


def test_rows_take_the_line_of_their_stratum():
    """Relabelling strata, table and codes alike, changes nothing."""
    rng = np.random.default_rng(0)
    r_B, stratum_B = rng.integers(0, 2, 30).astype(float), rng.integers(0, 3, 30)
    rho0_S, rho1_S = np.array([0.1, 0.3, 0.2]), np.array([0.2, 0.1, 0.0])
    order_S = np.array([2, 0, 1])
    one = backward(RateTable.known(rho0_S, rho1_S))(r_B, stratum_B)
    other = backward(RateTable.known(rho0_S[order_S], rho1_S[order_S]))(
        r_B, np.argsort(order_S)[stratum_B]
    )
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("correction", [backward, stratified_forward])
def test_every_row_may_have_rates_of_its_own(correction):
    """Each is a stratum; the mean over verdicts is the truth, or the truth less 1, in each row."""
    rng = np.random.default_rng(8)
    rho0_B, rho1_B = rng.uniform(0, 0.45, (2, 50))
    line, row_B = correction(RateTable.known(rho0_B, rho1_B)), np.arange(50)
    paid_2B = [line(np.full(50, verdict), row_B) for verdict in (0.0, 1.0)]
    for truth, accept_B in ((0, rho0_B), (1, 1 - rho1_B)):
        mean_B = (1 - accept_B) * paid_2B[0] + accept_B * paid_2B[1]
        shift = 1 if correction is stratified_forward else 0
        np.testing.assert_allclose(mean_B, truth - shift, atol=1e-9)


def test_pass_rates_are_those_of_correct_answers():
    """Where raw verdicts would say rho0 + J p."""
    rng = np.random.default_rng(5)
    group_B = np.repeat([0, 1], 20_000)
    truth_B = rng.random(40_000) < np.where(group_B == 0, 0.1, 0.6)
    r_B = np.where(truth_B, rng.random(40_000) > 0.2, rng.random(40_000) < 0.3).astype(float)
    found_G = pass_rates(backward(RateTable.known(0.3, 0.2))(r_B), group_B, n_groups=2)
    assert found_G == pytest.approx([0.1, 0.6], abs=0.03)


def test_masking_leaves_other_strata_alone():
    """Each r is r, but NaN in bad strata."""
    table = RateTable.known([0.1, 0.8], [0.2, 0.1], strata=["a", "b"])
    found_B = masking(table, ["b"])(np.array([1.0, 0.0, 1.0]), np.array([0, 0, 1]))
    np.testing.assert_array_equal(found_B, [1, 0, NAN])
    with pytest.raises(UsageError, match="no stratum 'c'"):
        masking(table, ["c"])


def test_unscaled_forward_is_refused_for_strata_of_responses():
    """It would be wrong; for strata of prompts it is not."""
    table = RateTable.known([0.1, 0.3], [0.2, 0.1])
    with pytest.raises(UsageError, match="stratified_forward"):
        forward(table)
    assert forward(table, strata="prompt").line_S2[:, 1].tolist() == [1, 1]


def test_a_posterior_over_prompts_is_refused():
    """It would starve the hard ones, which is why the refusal names what to use."""
    with pytest.raises(UsageError, match="starves hard prompts"):
        posterior(RateTable.known(0.1, 0.2, pass_rate=0.5), strata="prompt")


@pytest.mark.parametrize("correction", [anchored, posterior])
def test_a_pass_rate_that_nobody_audited_is_asked_for(correction):
    """These corrections cannot do without."""
    with pytest.raises(UsageError, match="audit a random few rows"):
        correction(RateTable.known(0.1, 0.2))


def test_a_ridge_below_0_is_refused():
    """It is a scale."""
    with pytest.raises(UsageError, match="at least 0"):
        anchored(RateTable.known(0.1, 0.2, pass_rate=0.5), ridge=-1)


def test_several_strata_need_codes():
    """Nothing is silently pooled, and codes are in range."""
    line = Line("two", np.array([[0.0, 1.0], [0.0, 2.0]]), ("a", "b"))
    with pytest.raises(UsageError, match="give each row's code"):
        line(np.ones(2))
    with pytest.raises(UsageError, match="from 0 to 1"):
        line(np.ones(2), np.array([0, -1]))


def test_halves_come_back_wide():
    """A corrected reward is not rounded before its baseline is subtracted."""
    line = backward(RateTable.known(0.1, 0.2))
    assert line(np.ones(2, dtype=np.float16)).dtype == np.float32
    assert line(np.ones(2, dtype=np.float32)).dtype == np.float32


def audit_rows(n, seed=0):
    """Truth, verdict, stratum and a judge's score that knows more in stratum 1."""
    rng = np.random.default_rng(seed)
    stratum_n = rng.integers(0, 2, n)
    truth_n = rng.random(n) < np.array([0.6, 0.2])[stratum_n]
    accept_n = np.where(truth_n, 0.9, np.array([0.05, 0.8])[stratum_n])
    r_n = (rng.random(n) < accept_n).astype(float)
    score_n = np.where(stratum_n == 1, truth_n + rng.normal(size=n), rng.normal(size=n))
    return truth_n.astype(float), r_n, stratum_n, score_n


def test_a_fitted_posterior_is_calibrated():
    """Rows of a cell are correct as often as it says, on rows that it has not seen."""
    truth_n, r_n, stratum_n, score_n = audit_rows(20_000)
    fitted = Posterior.fit(truth_n, r_n, stratum_n, n_strata=2, score_n=score_n)
    truth_N, r_N, stratum_N, score_N = audit_rows(20_000, seed=1)
    chance_N = fitted(r_N, stratum_N, score_N)
    for chance in np.unique(chance_N):
        rows = chance_N == chance
        assert truth_N[rows].mean() == pytest.approx(chance, abs=4 / np.sqrt(rows.sum()))


def test_a_judges_score_makes_the_posterior_better():
    """Where the verdict says little, the score says more: less squared error."""
    rows = audit_rows(20_000)
    with_score = Posterior.fit(*rows[:3], n_strata=2, score_n=rows[3])
    without = Posterior.fit(*rows[:3], n_strata=2)
    truth_N, *seen = audit_rows(20_000, seed=1)
    errors = [
        ((chance_N - truth_N) ** 2).mean() for chance_N in (with_score(*seen), without(*seen[:2]))
    ]
    assert errors[0] < 0.95 * errors[1]


def test_cells_without_labels_take_their_verdicts_share():
    """Shrinkage, not 0 or 1."""
    fitted = Posterior.fit([1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], n_strata=2)
    accept_seen, accept_unseen = fitted(np.ones(2), np.array([0, 1]))
    assert 0.5 < accept_unseen <= accept_seen < 1


def test_an_audit_that_lacks_something_is_refused():
    """Values, scores, and strata of responses."""
    with pytest.raises(UsageError, match="an audit needs"):
        Posterior.fit([1, NAN], [1, 0], [0, 0], n_strata=1)
    with pytest.raises(UsageError, match="starves"):
        Posterior.fit([1, 0], [1, 0], [0, 0], n_strata=1, strata="prompt")
    with pytest.raises(UsageError, match="integers from 0 to 0"):
        Posterior.fit([1, 0], [1, 0], [0, 1], n_strata=1)
    with pytest.raises(UsageError, match="a prior above 0"):
        Posterior.fit([1, 0], [1, 0], [0, 0], n_strata=1, prior=0.0)
    fitted = Posterior.fit(*audit_rows(50)[:3], n_strata=2, score_n=audit_rows(50)[3])
    with pytest.raises(UsageError, match="give each row's score"):
        fitted(np.ones(1), np.zeros(1, int))


def test_a_fitted_posterior_abstains_with_the_verifier():
    """NaN in, NaN out."""
    fitted = Posterior.fit(*audit_rows(50)[:3], n_strata=2)
    assert np.isnan(fitted(np.array([NAN]), np.array([0])))[0]


@pytest.mark.parametrize("verdict", [-1.0, 1.5, float("inf")])
def test_a_reward_that_is_no_verdict_is_refused(verdict):
    """Many trainers pay -1 for a reject: a line made for 0 would be wrong by 1 / J."""
    with pytest.raises(UsageError, match="map -1 to 0 first"):
        backward(RateTable.known(0.1, 0.2))(np.array([1.0, verdict]))


def test_one_code_does_not_stand_for_all_rows():
    """Broadcasting would correct every row by the first one's rates."""
    with pytest.raises(UsageError, match="columns of one length"):
        backward(RateTable.known([0.1, 0.3], 0.2))(np.ones(3), np.array([1]))


@pytest.mark.parametrize("dtype", [bool, float])
def test_codes_are_integers(dtype):
    """Numpy takes booleans for a mask: with as many rows as strata, silently."""
    with pytest.raises(UsageError, match="codes are integers"):
        backward(RateTable.known([0.1, 0.3], 0.2))(np.ones(2), np.array([1, 0], dtype=dtype))


@pytest.mark.parametrize("correction", [backward, stratified_forward])
def test_what_a_clamp_holds_back_is_told(correction):
    """A J of .02 under a clamp of .05 pays 40% of the truth."""
    line = correction(RateTable.known([0.1, 0.5], [0.1, 0.48], strata=["a", "b"]))
    (note,) = line.notes
    assert note.startswith("stratum 'b' is paid 40% of the truth")
    assert not correction(RateTable.known(0.1, 0.2)).notes


def test_a_judge_that_gave_no_score_makes_the_row_an_abstain():
    """Counted with the highest scores, it would pay for whatever makes a judge fail."""
    truth_n, r_n, stratum_n, score_n = audit_rows(200)
    fitted = Posterior.fit(truth_n, r_n, stratum_n, n_strata=2, score_n=score_n)
    found_B = fitted(np.ones(2), np.array([1, 1]), np.array([NAN, 0.3]))
    assert np.isnan(found_B).tolist() == [True, False]


@pytest.mark.parametrize("column", [0, 1])
def test_an_audit_with_minus_ones_is_refused(column):
    """A verdict of -1 would be counted in another stratum's cells."""
    rows = [np.array([1.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0]), np.array([1, 1, 1])]
    rows[column] = 2 * rows[column] - 1
    with pytest.raises(UsageError, match="are 0 or 1"):
        Posterior.fit(*rows, n_strata=2)


def test_a_line_knows_whose_rates_it_goes_by():
    """Verdicts of another verifier are refused; where either side does not say, nothing is."""
    table = RateTable.known(0.1, 0.2, pass_rate=0.5, by="math@1+ab12cd")
    for correct in (backward, forward, stratified_forward, anchored):
        line = correct(table)
        line.check_by("math@1+ab12cd")
        line.check_by("")
        with pytest.raises(UsageError, match=r"measure 'exact@1\+ffffff'"):
            line.check_by("exact@1+ffffff")
    backward(RateTable.known(0.1, 0.2)).check_by("exact@1+ffffff")
