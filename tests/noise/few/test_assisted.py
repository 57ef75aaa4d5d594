"""A judge beside few labels: it narrows intervals and never bends a figure."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.noise.surveys import covers, labelled, population
from unflip.errors import UsageError
from unflip.noise.few.assisted import (
    accuracy,
    accuracy_by_judge,
    judge_corrected,
    prediction_powered,
    rogan_gladen,
)
from unflip.noise.few.means import mean_of
from unflip.noise.few.partial import begg_greenes
from unflip.noise.few.shares import known, share
from unflip.noise.survey import Survey

seeds = st.integers(0, 2**32)


def some(seed, **options):
    """A survey with 80 labels a verdict."""
    rng = np.random.default_rng(seed)
    truth_N, survey = population(rng, rows=800, **options)
    return truth_N, labelled(rng, truth_N, survey, rejected=80, accepted=80)


@settings(max_examples=25)
@given(seeds)
def test_a_judge_with_weight_zero_is_not_there(seed):
    """Lambda = 0 is the plain estimate, to the last digit."""
    _, survey = some(seed)
    assert prediction_powered(survey, tuning=0.0).fn == begg_greenes(survey).fn


@settings(max_examples=25)
@given(seeds)
def test_a_yes_or_no_judge_is_post_stratification(seed):
    """PPI++ with the best lambda is the plain estimate within the judge's votes, summed."""
    _, survey = some(seed)
    votes = replace(survey, cell_N=survey.judge_N.astype(int))
    assert prediction_powered(survey).fn.point == pytest.approx(begg_greenes(votes).fn.point)


@settings(max_examples=25)
@given(seeds, st.floats(-1, 2))
def test_with_every_row_labelled_the_judge_changes_nothing(seed, tuning):
    """Gold on all rows leaves no room for a judge, whatever its weight."""
    truth_N, survey = some(seed)
    full = replace(survey, correct_N=truth_N.astype(float))
    assert prediction_powered(full, tuning=tuning).fn.point == pytest.approx(
        begg_greenes(full).fn.point
    )
    assert judge_corrected(full).fn.point == pytest.approx(begg_greenes(full).fn.point)


@settings(max_examples=25)
@given(seeds)
def test_a_judge_may_speak_in_any_unit(seed):
    """With lambda tuned, a judge's scores can be shrunk and shifted without effect."""
    _, survey = some(seed)
    mild = replace(survey, judge_N=0.3 + 0.2 * survey.judge_N)
    assert prediction_powered(mild).fn.point == pytest.approx(prediction_powered(survey).fn.point)


@given(st.floats(0, 1), st.floats(0.55, 1), st.floats(0.55, 1))
def test_rogan_gladen_inverts_the_judge_exactly(truth, sensitivity, specificity):
    """Known error rates take the judge's share back to the true one."""
    n = 10**9
    flagged = truth * sensitivity + (1 - truth) * (1 - specificity)
    figure = rogan_gladen(
        share(flagged * n, n),
        sensitivity=share(sensitivity * n, n),
        specificity=share(specificity * n, n),
    )
    assert figure.point == pytest.approx(truth, abs=1e-6)
    assert covers(figure, truth) or figure.width < 1e-3


def test_rogan_gladen_is_the_interval_of_its_paper():
    """Lee et al.'s example settings: coverage near nominal and the width that they imply."""
    rng, hits, widths = np.random.default_rng(0), [], []
    for _ in range(1000):
        flagged = share(rng.binomial(200, 0.5 * 0.9 + 0.5 * 0.2), 200)
        figure = rogan_gladen(
            flagged,
            sensitivity=share(rng.binomial(100, 0.9), 100),
            specificity=share(rng.binomial(100, 0.8), 100),
        )
        hits.append(covers(figure, 0.5))
        widths.append(figure.width)
    assert 0.93 <= np.mean(hits) <= 0.965
    assert np.mean(widths) == pytest.approx(0.248, abs=0.003)


@pytest.mark.parametrize(("sensitivity", "specificity"), [(0.5, 0.5), (0.3, 0.6)])
def test_a_judge_no_better_than_chance_leaves_everything_open(sensitivity, specificity):
    """Se + Sp <= 1: bounds from 0 to 1, and no point."""
    figure = rogan_gladen(
        share(50, 100),
        sensitivity=share(sensitivity * 100, 100),
        specificity=share(specificity * 100, 100),
    )
    assert (figure.low, figure.high) == (0, 1)


def test_a_cut_share_says_so():
    """A judge that flags fewer rows than its errors explain gives 0, and the method tells."""
    figure = rogan_gladen(share(1, 100), sensitivity=share(90, 100), specificity=share(80, 100))
    assert figure.point == 0
    assert "cut" in figure.method


def test_the_assisted_estimate_is_unbiased_narrower_and_covers():
    """300 surveys of 100 labels a verdict: no bias, coverage, and a gain over labels alone."""
    rng = np.random.default_rng(5)
    points, hits, gains = [], [], []
    for _ in range(300):
        truth_N, survey = population(rng, rows=2000)
        gold = labelled(rng, truth_N, survey, rejected=100, accepted=100)
        rates = prediction_powered(gold)
        points.append((rates.fp.point, rates.fn.point))
        hits.append((covers(rates.fp, 0.05), covers(rates.fn, 0.2)))
        gains.append(rates.fn.width / begg_greenes(gold).fn.width)
    errors = np.mean(points, axis=0) - (0.05, 0.2)
    assert (np.abs(errors) < 3.5 * np.std(points, axis=0) / 300**0.5).all()
    assert np.mean(hits, axis=0).min() >= 0.92
    assert np.mean(gains) < 0.85


def test_each_end_of_the_assisted_share_holds_where_hits_are_few():
    """5% hits, 100 labels, a judge that errs on a tenth: each end, nominal .975, holds in .955."""
    rng, labels, ends = np.random.default_rng(0), np.arange(2000) < 100, []
    for _ in range(1000):
        truth_N = rng.random(2000) < 0.05
        survey = Survey(
            accepted_N=np.zeros(2000),
            rejected_N=np.ones(2000),
            correct_N=np.where(labels, truth_N, np.nan),
            judge_N=truth_N ^ (rng.random(2000) < 0.1),
        )
        figure = mean_of(survey, survey.rejected_N, tuning=None).share
        ends.append((figure.low <= 0.05, figure.high >= 0.05))
    assert np.mean(ends, axis=0).min() >= 0.955


def test_a_useless_judge_costs_nothing():
    """A judge that guesses leaves width and coverage where they were."""
    rng, hits, gains = np.random.default_rng(6), [], []
    for _ in range(200):
        truth_N, survey = population(rng, rows=2000, judge=0.5)
        gold = labelled(rng, truth_N, survey, rejected=100, accepted=100)
        rates = prediction_powered(gold)
        hits.append(covers(rates.fn, 0.2))
        gains.append(rates.fn.width / begg_greenes(gold).fn.width)
    assert np.mean(hits) >= 0.92
    assert np.mean(gains) == pytest.approx(1, abs=0.02)


def test_a_judge_that_agreed_on_every_label_is_not_taken_for_perfect():
    """20 agreements out of 20 leave an interval that still allows for a judge's error."""
    truth_N = np.arange(1000) % 2 == 0
    gold_N = np.where(np.arange(1000) < 20, truth_N, np.nan)
    rejected = Survey(accepted_N=np.zeros(1000), rejected_N=np.ones(1000), correct_N=gold_N,
                      judge_N=truth_N.astype(float))  # fmt: skip
    figure = mean_of(rejected, rejected.rejected_N, tuning=None).share
    assert 0.1 < figure.width < share(10, 20).width


def test_vague_scores_are_not_taken_for_certain():
    """A judge that always says about .5 is no surprise on any row, and still no help."""
    rng = np.random.default_rng(7)
    truth_N, survey = population(rng, rows=2000)
    gold = labelled(rng, truth_N, survey, rejected=200, accepted=0)
    vague = replace(gold, judge_N=0.5 + rng.uniform(-0.05, 0.05, 2000))
    plain = mean_of(gold, gold.rejected_N).share
    assert mean_of(vague, vague.rejected_N, tuning=None).share.width == pytest.approx(
        plain.width, rel=0.03
    )


def test_a_silent_judge_is_no_error():
    """Rows on which the judge abstained stay in, without its help."""
    _, survey = some(8)
    silent_N = np.arange(800) % 3 == 0
    half = replace(survey, judge_N=np.where(silent_N, np.nan, survey.judge_N))
    full, part = prediction_powered(survey), prediction_powered(half)
    none = begg_greenes(survey)
    assert full.fn.width < part.fn.width < none.fn.width


def test_errors_measured_elsewhere_serve_where_nothing_was_labelled_here():
    """A judge's errors on rejects from another checkpoint give rho1 without a label on a reject."""
    rng = np.random.default_rng(9)
    truth_N, survey = population(rng, rows=20_000)
    gold = labelled(rng, truth_N, survey, rejected=0, accepted=200)
    rates = judge_corrected(gold, errors=(share(180, 200), share(180, 200)))
    assert covers(rates.fn, 0.2)
    assert any("measured elsewhere" in said for said in rates.assumptions)


def test_the_judges_errors_are_measured_where_they_are_used():
    """A judge that is worse on rejects than on accepts is corrected by its errors on rejects."""
    rng, points = np.random.default_rng(10), []
    for _ in range(100):
        truth_N, survey = population(rng, judge=0.99, rows=2000)
        on_rejects_N = np.where(rng.random(2000) < 0.75, truth_N, ~truth_N)
        judge_N = np.where(survey.rejected_N, on_rejects_N, survey.judge_N).astype(float)
        gold = labelled(rng, truth_N, survey, rejected=200, accepted=100)
        points.append(judge_corrected(replace(gold, judge_N=judge_N)).fn.point)
    assert np.mean(points) == pytest.approx(0.2, abs=3.5 * np.std(points) / 10)


def test_without_a_judge_there_is_no_assistance():
    """The message says which column is missing."""
    _, survey = some(11)
    for method in (prediction_powered, judge_corrected):
        with pytest.raises(UsageError, match="judge_N"):
            method(replace(survey, judge_N=None))
        with pytest.raises(UsageError, match="drop assume_ppv"):
            method(survey, assume_ppv=known(0.9))


def test_an_estimate_that_leaves_the_range_is_cut_and_says_so():
    """A judge with far too much weight pushes the share out of [0, 1]; the method tells."""
    truth_N = np.arange(200) % 10 == 0
    gold_N = np.where(np.arange(200) < 40, truth_N, np.nan)
    judge_N = np.where(np.arange(200) < 40, 1.0, 0.0)
    rejected = Survey(accepted_N=np.zeros(200), rejected_N=np.ones(200), correct_N=gold_N,
                      judge_N=judge_N)  # fmt: skip
    figure = mean_of(rejected, rejected.rejected_N, tuning=3.0).share
    assert figure.point == 0
    assert figure.method == "beta, cut to [0, 1]"
    assert mean_of(rejected, rejected.rejected_N).share.method == "beta"


def test_accuracy_is_narrower_with_the_verdict_and_agrees_with_the_truth():
    """P(correct) over all rows: PPI++ covers and beats the judge's corrected count."""
    rng, hits, gains = np.random.default_rng(12), [], []
    for _ in range(150):
        truth_N, survey = population(rng, rows=2000, correct=0.6)
        gold = labelled(rng, truth_N, survey, rejected=100, accepted=100)
        ours, corrected = accuracy(gold), accuracy_by_judge(gold)
        hits.append((covers(ours, 0.6), covers(corrected, 0.6)))
        gains.append(ours.width / corrected.width)
    assert np.mean(hits, axis=0).min() >= 0.92
    assert np.mean(gains) < 0.8


def test_the_interval_is_that_of_the_papers_own_code():
    """Lee et al.'s calibration.py on 480 of 1000, Se .9 of 100, Sp .8 of 100, digit by digit."""
    figure = rogan_gladen(share(480, 1000), sensitivity=share(90, 100), specificity=share(80, 100))
    assert (figure.low, figure.high) == pytest.approx((0.3057658, 0.4843162), abs=1e-6)


def test_a_judge_that_beats_chance_by_luck_alone_leaves_everything_open():
    """Se + Sp above 1 as counted and not as smoothed: bounds, not an interval turned inside out."""
    figure = rogan_gladen(share(500, 1000), sensitivity=share(80, 1000), specificity=share(10, 10))
    assert (figure.low, figure.high) == (0, 1)
    assert np.isnan(figure.point)


def test_error_rates_may_be_known():
    """A judge whose errors are assumed adds no variance of its own."""
    figure = rogan_gladen(share(500, 1000), sensitivity=known(0.9), specificity=known(0.9))
    plain = share(500, 1000)
    assert figure.point == pytest.approx(0.5)
    assert figure.width == pytest.approx(plain.width / 0.8, rel=0.01)


@pytest.mark.parametrize("errors", [None, (share(90, 100), share(90, 100))])
def test_both_rates_err_together_through_the_judge(errors):
    """A judge's error moves nu, and with it both rates: J's interval has to know."""
    truth_N, survey = population(np.random.default_rng(20), rows=4000)
    gold = labelled(np.random.default_rng(21), truth_N, survey, rejected=200, accepted=2000)
    rates = judge_corrected(gold, errors=errors)
    assert rates.correlation > 0.3
    assert rates.correlation == pytest.approx(begg_greenes(gold).correlation, abs=0.2)


def test_accuracy_does_not_lend_one_verdicts_labels_to_another():
    """Labels on rejects alone say nothing of accepts: bounds that hold both extremes."""
    truth_N, survey = population(np.random.default_rng(22))
    gold = labelled(np.random.default_rng(23), truth_N, survey, rejected=200, accepted=0)
    accepts = survey.accepted_N.mean()
    for figure in (accuracy(gold), accuracy_by_judge(gold)):
        assert np.isnan(figure.point)
        assert figure.low < truth_N.mean() < figure.high
        assert figure.width > accepts
