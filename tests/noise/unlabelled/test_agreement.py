"""Agreement: the likelihood's top is found, shared errors are seen, and nothing is certified."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from unflip.errors import NotIdentifiable, UsageError
from unflip.noise.unlabelled.agreement import agree
from unflip.rates import NoiseRates


def simulate(rows, fp_J, fn_J, *, prevalence=0.6, shared=0.0, seed=0):
    """Votes and truth; with chance `shared` the last two raters copy one coin on a row."""
    rng = np.random.default_rng(seed)
    correct_N = rng.random(rows) < prevalence
    accept_NJ = np.where(correct_N[:, None], 1 - np.asarray(fn_J), np.asarray(fp_J))
    luck_NJ = rng.random((rows, len(fp_J)))
    copied_N = rng.random(rows) < shared
    luck_NJ[copied_N, -1] = luck_NJ[copied_N, -2]
    return (luck_NJ < accept_NJ).astype(int), correct_N


def loglik(votes_NJ, prevalence, fp_J, fn_J):
    """The likelihood, row by row and term by term."""
    total = 0.0
    for votes in votes_NJ:
        right, wrong = prevalence, 1 - prevalence
        for vote, fp, fn in zip(votes, fp_J, fn_J, strict=True):
            right *= {1: 1 - fn, 0: fn, -1: 1}[vote]
            wrong *= {1: fp, 0: 1 - fp, -1: 1}[vote]
        total += np.log(right + wrong)
    return total


@pytest.mark.parametrize("seed", range(2))
def test_no_other_rates_are_likelier(seed):
    """A general optimiser from 4 starts finds no higher likelihood than EM, abstains included."""
    votes_NJ, _ = simulate(30, [0.1, 0.2, 0.3], [0.2, 0.1, 0.2], seed=seed)
    votes_NJ[::7, 1] = -1
    fit = agree(votes_NJ)
    mine = loglik(votes_NJ, fit.prevalence, fit.accept_wrong_J, fit.reject_correct_J)
    assert fit.loglik == pytest.approx(mine, abs=1e-6)

    def loss(logits):
        p = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
        return -loglik(votes_NJ, p[0], p[1:4], p[4:])

    starts = np.random.default_rng(seed).normal(size=(4, 7))
    best = min(minimize(loss, start, method="L-BFGS-B").fun for start in starts)
    assert fit.loglik >= -best - 1e-4


def test_the_posterior_is_bayes_rule_at_the_fit():
    """P(correct) of each pattern of votes is what the fitted rates say, worked out by hand."""
    votes_NJ, _ = simulate(200, [0.1, 0.2, 0.3, 0.1], [0.2, 0.1, 0.2, 0.3])
    fit = agree(votes_NJ, draws=1)
    for votes in product((0, 1), repeat=4):
        at = np.flatnonzero((votes_NJ == votes).all(1))
        right, wrong = fit.prevalence, 1 - fit.prevalence
        for j, vote in enumerate(votes):
            right *= 1 - fit.reject_correct_J[j] if vote else fit.reject_correct_J[j]
            wrong *= fit.accept_wrong_J[j] if vote else 1 - fit.accept_wrong_J[j]
        assert np.allclose(fit.correct_N[at], right / (right + wrong), atol=1e-4)


def test_independent_raters_are_recovered():
    """With independent errors and many rows, figures come close to the truth and pass the check."""
    fp_J, fn_J = [0.05, 0.2, 0.3, 0.1], [0.2, 0.1, 0.15, 0.3]
    votes_NJ, correct_N = simulate(10_000, fp_J, fn_J)
    fit = agree(votes_NJ, raters=("a", "b", "c", "d"), starts=3)
    assert np.abs(fit.accept_wrong_J - fp_J).max() < 0.02
    assert np.abs(fit.reject_correct_J - fn_J).max() < 0.02
    assert ((fit.correct_N > 0.5) == correct_N).mean() > 0.9
    assert fit.ranking[0] == "a"
    assert fit.cautions == ()


def test_shared_errors_are_seen():
    """Two raters that copy each other among six are named."""
    fp_J, fn_J = [0.1, 0.1, 0.2, 0.2, 0.3, 0.3], [0.2, 0.2, 0.1, 0.1, 0.3, 0.3]
    votes_NJ, _ = simulate(4000, fp_J, fn_J, shared=0.7)
    fit = agree(votes_NJ, raters=("a", "b", "c", "d", "llm", "its twin"), starts=3, draws=19)
    assert fit.shared[0][:2] == ("llm", "its twin")
    assert fit.shared[0][2] > fit.shared_limit
    assert any("do not err independently" in caution for caution in fit.cautions)


def test_a_camp_that_captures_the_consensus_gets_others_blamed():
    """Among four, the copies become the truth: they look better, the honest look dependent."""
    votes_NJ, _ = simulate(5000, [0.1, 0.1, 0.3, 0.3], [0.2, 0.2, 0.3, 0.3], shared=0.7)
    fit = agree(votes_NJ, raters=("rule", "other rule", "llm", "its twin"), starts=3, draws=19)
    assert fit.accept_wrong_J[2] < 0.3 - 0.05
    assert fit.shared[0][:2] == ("rule", "other rule")
    assert any("do not err independently" in caution for caution in fit.cautions)


def test_three_raters_cannot_be_checked():
    """Three raters fit any table, so the check of independence says that it cannot be made."""
    votes_NJ, _ = simulate(500, [0.1, 0.3, 0.3], [0.2, 0.3, 0.3], shared=0.9)
    fit = agree(votes_NJ)
    assert np.isnan(fit.shared_limit)
    assert any("cannot be seen" in caution for caution in fit.cautions)


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(4)), flip=st.booleans())
def test_order_of_raters_and_rows_is_of_no_consequence(order, flip):
    """The same votes in another order give the same figures."""
    votes_NJ, _ = simulate(300, [0.1, 0.2, 0.3, 0.1], [0.2, 0.1, 0.2, 0.3])
    one = agree(votes_NJ, draws=1)
    other = agree(votes_NJ[:: -1 if flip else 1][:, order], draws=1)
    assert np.allclose(other.accept_wrong_J, one.accept_wrong_J[order], atol=1e-3)
    assert other.loglik == pytest.approx(one.loglik, abs=1e-4)


def test_raters_are_better_than_chance_by_convention():
    """Of the two mirrored solutions it takes the one in which raters help on average."""
    votes_NJ, correct_N = simulate(2000, [0.1, 0.2, 0.3], [0.2, 0.1, 0.2], prevalence=0.05)
    fit = agree(votes_NJ)
    assert (1 - fit.accept_wrong_J - fit.reject_correct_J).mean() > 0
    assert abs(fit.prevalence - correct_N.mean()) < 0.1


def test_it_certifies_nothing():
    """There is no way from agreement to a table of rates, and the result says so itself."""
    votes_NJ, _ = simulate(100, [0.1, 0.2, 0.3], [0.2, 0.1, 0.2])
    fit = agree(votes_NJ)
    assert not isinstance(fit, NoiseRates)
    assert not any(hasattr(fit, name) for name in ("fp", "fn", "rates", "to_rates", "to_json"))
    assert "certifies no rate" in repr(fit)


@pytest.mark.parametrize(
    "votes",
    [
        [[1, 0], [0, 1], [1, 1]],
        [[1, 0, 1], [0, 1, 1], [1, 1, 1]],
        [[1, 0, -1], [0, -1, 1], [-1, 1, 0], [1, -1, 0], [0, 1, -1]],
    ],
    ids=["two raters", "one never rejects", "never three votes on a row"],
)
def test_too_few_raters_cannot_tell(votes):
    """Below three raters that vote both ways on the same rows, no number of rows helps."""
    with pytest.raises(NotIdentifiable):
        agree(votes)


@pytest.mark.parametrize("votes", [[1, 0, 1], [[1, 0, 2]], [[0.5, 0, 1]]])
def test_other_tables_are_refused(votes):
    """Votes are 1, 0 and -1, in a table."""
    with pytest.raises(UsageError):
        agree(votes)
    with pytest.raises(UsageError, match="as many names"):
        agree([[1, 1, 0], [0, 0, 1], [1, 0, 0]], raters=("a", "b"))


def test_a_rater_that_never_speaks_gets_no_figure():
    """Nothing is known of it: NaN, last in the ranking, and no part in the test of dependence."""
    votes_NJ = np.hstack(
        [simulate(300, [0.1, 0.1, 0.2], [0.1, 0.2, 0.1], seed=9)[0], np.full((300, 1), -1)]
    )
    fit = agree(votes_NJ)
    assert np.isnan([fit.accept_wrong_J[3], fit.reject_correct_J[3]]).all()
    assert fit.ranking[-1] == "4"
    assert np.isnan(fit.shared_limit)
    assert any("three raters" in said for said in fit.cautions)


@pytest.mark.parametrize("options", [{"starts": 0}, {"draws": 0}])
def test_agreement_needs_starts_and_draws(options):
    """Without one there is nothing to fit, or to compare with."""
    with pytest.raises(UsageError):
        agree([[1, 1, 1], [0, 0, 0], [1, 0, 1]], **options)


def test_tables_of_many_raters_keep_their_rows():
    """Rows of 90 votes are told apart, and alike ones counted together."""
    rng = np.random.default_rng(10)
    kinds_KJ = rng.integers(-1, 2, (7, 90))
    kind_N = rng.integers(0, 7, 400)
    fit = agree(kinds_KJ[kind_N], draws=1, starts=2)
    for kind in range(7):
        assert len(set(fit.correct_N[kind_N == kind].tolist())) == 1
