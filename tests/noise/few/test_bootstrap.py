"""The bootstrap of prompts: what it draws, what it keeps, and when it agrees with the default."""

from functools import partial

import numpy as np
import pytest

from tests.noise.surveys import labelled, population
from unflip.errors import UsageError
from unflip.intervals import wilson
from unflip.noise.few.assisted import prediction_powered
from unflip.noise.few.bootstrap import bca, prompt_bootstrap
from unflip.noise.few.partial import begg_greenes
from unflip.noise.survey import Survey

ESTIMATORS = [begg_greenes, prediction_powered]


def random_rows(seed=0, **options):
    """A survey with 150 random labels on either verdict."""
    rng = np.random.default_rng(seed)
    truth_N, survey = population(rng, rows=1000, **options)
    return labelled(rng, truth_N, survey, rejected=150, accepted=150)


def prompts(each, *, count=80):
    """A survey with every row labelled, whose prompts hold so many copies of one row."""
    rng = np.random.default_rng(1)
    prompt_N = np.repeat(np.arange(count), each)
    truth_N, accepted_N = (rng.random((2, count)) < 0.6)[:, prompt_N]
    return Survey(
        accepted_N=accepted_N,
        rejected_N=~accepted_N,
        correct_N=truth_N.astype(float),
        cluster_N=prompt_N,
    )


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_with_many_hits_it_agrees_with_the_default(estimator):
    """On independent rows both ends lie near those of the estimator, within a part of its width."""
    survey = random_rows(seed=1, fp=0.3, fn=0.3)
    plain, drawn = estimator(survey).fn, prompt_bootstrap(survey, estimator, draws=400).fn
    assert drawn.point == plain.point
    assert abs(drawn.low - plain.low) < 0.15 * plain.width
    assert abs(drawn.high - plain.high) < 0.15 * plain.width


def test_copies_of_a_row_in_its_prompt_are_worth_nothing():
    """Four equal completions of every prompt give the interval of one each, but for rounding."""
    one, four = (prompt_bootstrap(prompts(each), draws=100).fn for each in (1, 4))
    assert (one.low, one.high) == pytest.approx((four.low, four.high))


def test_a_seed_is_a_bootstrap():
    """The same seed gives the same ends, another one others."""
    survey = random_rows()
    one, same, other = (prompt_bootstrap(survey, draws=100, seed=s).fn for s in (1, 1, 2))
    assert one == same
    assert one.low != other.low


def test_a_rate_that_no_draw_changes_keeps_its_ends():
    """Without a hit every draw says 0, and the estimator's own high end stays."""
    survey = random_rows(fp=0.0, fn=0.3)
    plain, drawn = begg_greenes(survey).fp, prompt_bootstrap(survey, draws=100).fp
    assert plain.point == 0 < plain.high
    assert drawn == plain


def test_bands_stay_bands():
    """Without a label on an accept there is no point, and no draw has one."""
    survey = random_rows()
    drawn = prompt_bootstrap(survey.without_labels(survey.accepted_N), draws=100)
    assert np.isnan(drawn.fn.point)
    assert drawn.fn.high == 1


def test_logged_chances_travel_with_their_rows():
    """Twice the chance is half the weight in every draw, as it is in the estimate."""
    survey = random_rows()
    chance_N = np.where(np.arange(len(survey)) % 2, 0.2, 0.4)
    columns = {name: getattr(survey, name) for name in ("accepted_N", "rejected_N", "correct_N")}
    few, many = (
        Survey(probability_N=chance_N * factor, **columns).where(slice(None)) for factor in (1, 2)
    )
    one, other = (prompt_bootstrap(one, draws=100).fn for one in (few, many))
    assert one.low == pytest.approx(other.low)
    assert one.point != begg_greenes(survey).fn.point


def test_each_slice_gets_ends_of_its_own():
    """Slices are bootstrapped on their own rows; the whole keeps its point."""
    survey = random_rows(fp=0.2)
    slices = np.where(np.arange(len(survey)) % 3 == 0, "a", "b")
    columns = {name: getattr(survey, name) for name in ("accepted_N", "rejected_N", "correct_N")}
    sliced = Survey(stratum_N=slices, **columns)
    drawn, plain = prompt_bootstrap(sliced, draws=100), begg_greenes(sliced)
    assert drawn.fn.point == pytest.approx(plain.fn.point)
    assert set(drawn.strata) == {"a", "b"}
    assert drawn.strata["a"].fn.point == plain.strata["a"].fn.point
    assert drawn.strata["a"].fn.width > drawn.fn.width


def test_the_level_is_the_estimators():
    """A narrower level of the estimator gives nearer ends."""
    survey = random_rows(fp=0.2)
    wide, narrow = (
        prompt_bootstrap(survey, partial(begg_greenes, level=level), draws=200).fn
        for level in (0.95, 0.5)
    )
    assert wide.low < narrow.low < narrow.high < wide.high


def test_symmetric_draws_give_their_percentiles():
    """Without bias and skewness the ends are the plain quantiles of the draws."""
    figure, draws_D = wilson(50, 100), np.linspace(0.4, 0.6, 2001)
    ends = bca(figure, draws_D)
    assert (ends.low, ends.high) == pytest.approx(np.quantile(draws_D, (0.025, 0.975)).tolist())


def test_a_handful_of_draws_is_refused():
    """Ends need a hundred draws or more, and the message says so."""
    with pytest.raises(UsageError, match="100"):
        prompt_bootstrap(random_rows(), draws=20)
