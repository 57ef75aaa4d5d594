"""Sensitivity to wrong labels: the bounds are sharp, and chance is undone exactly."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.noise.surveys import population
from unflip.errors import NotIdentifiable, UsageError
from unflip.noise.few import Sampler, begg_greenes, prediction_powered
from unflip.noise.sensitivity import Labels, doubt
from unflip.noise.survey import Survey

NAMES = ("accepted_correct", "accepted_wrong", "rejected_correct", "rejected_wrong")
small = st.integers(0, 5)
counts = st.tuples(small, small, small, small)


def fn_and_fp(right, wrong, lost, caught, odds):
    """rho1 and rho0, None where a class is empty."""
    correct, false = odds * lost + right, wrong + odds * caught
    return odds * lost / correct if correct else None, wrong / false if false else None


@given(counts=counts, wrong=st.floats(0, 0.49), odds=st.sampled_from([1.0, 0.3, 4.0]))
def test_the_bounds_are_those_of_trying_every_relabelling(counts, wrong, odds):
    """Flipping any labels, up to the share, reaches exactly the interval's ends and no further."""
    right, false, lost, caught = counts
    result = doubt(Labels.counted(**dict(zip(NAMES, counts, strict=True)), odds=odds), wrong=wrong)
    reached = [[], []]
    for a, b, c, d in product(*(range(count + 1) for count in counts)):
        if a + b + c + d <= result.flips:
            moved = (right - a + b, false - b + a, lost - c + d, caught - d + c)
            for rates, rate in zip(reached, fn_and_fp(*moved, odds), strict=True):
                rates += [] if rate is None else [rate]
    for side, rates in zip((result.fn, result.fp), reached, strict=True):
        if np.isnan(side.range.point):
            assert (side.range.low, side.range.high) == (0, 1)
        else:
            assert side.range.low == pytest.approx(min(rates))
            assert side.range.high == pytest.approx(max(rates))


@given(counts=st.tuples(*[st.integers(0, 400)] * 4))
def test_right_labels_change_nothing(counts):
    """With no wrong labels every figure is the rate as labelled."""
    result = doubt(Labels.counted(**dict(zip(NAMES, counts, strict=True))), wrong=0)
    for side in (result.fn, result.fp):
        if not np.isnan(side.range.point):
            assert side.range.low == side.range.high == side.range.point
            assert side.by_chance == pytest.approx(side.range.point)


@given(counts=st.tuples(*[st.integers(1, 60)] * 4), wrong=st.sampled_from([0.02, 0.1, 0.25]))
def test_chance_is_undone_exactly(counts, wrong):
    """Labels flipped at exactly their expected numbers give back the rates they came from."""
    # A multiple of 100 rows of each kind, so that expected numbers of flips are whole.
    right, false, lost, caught = (100 * count for count in counts)
    flipped = Labels.counted(
        accepted_correct=round(right * (1 - wrong) + false * wrong),
        accepted_wrong=round(false * (1 - wrong) + right * wrong),
        rejected_correct=round(lost * (1 - wrong) + caught * wrong),
        rejected_wrong=round(caught * (1 - wrong) + lost * wrong),
    )
    result = doubt(flipped, wrong=wrong)
    assert result.fn.by_chance == pytest.approx(lost / (lost + right))
    assert result.fp.by_chance == pytest.approx(false / (false + caught))


def test_chance_can_explain_everything():
    """At the share that explains all false negatives, the rate by chance is 0."""
    labels = Labels.counted(
        accepted_correct=90, accepted_wrong=10, rejected_correct=6, rejected_wrong=94
    )
    explained = doubt(labels, wrong=0).fn.explained
    assert explained == pytest.approx(0.06)
    assert doubt(labels, wrong=explained).fn.by_chance == pytest.approx(0)
    assert doubt(labels, wrong=explained / 2).fn.by_chance > 0


@given(wrong=st.lists(st.floats(0, 0.49), min_size=2, max_size=2).map(sorted))
def test_more_doubt_widens(wrong):
    """With more wrong labels the interval only grows."""
    labels = Labels.counted(
        accepted_correct=80, accepted_wrong=5, rejected_correct=20, rejected_wrong=95
    )
    less, more = (doubt(labels, wrong=share).fn.range for share in wrong)
    assert more.low <= less.low <= less.high <= more.high


def test_a_survey_counts_rows_for_what_they_stand_for():
    """If one in ten rejected rows is labelled, each stands for ten: the rate is the survey's."""
    survey = Survey(
        accepted_N=[1] * 100 + [0] * 100,
        rejected_N=[0] * 100 + [1] * 100,
        correct_N=[1] * 96 + [0] * 4 + [1] * 2 + [0] * 8 + [np.nan] * 90,
    )
    labels = Labels.of(survey)
    same = Labels.counted(
        accepted_correct=96, accepted_wrong=4, rejected_correct=2, rejected_wrong=8, odds=10
    )
    assert doubt(labels, wrong=0).fn.range.point == pytest.approx(20 / 116)
    assert str(doubt(labels, wrong=0.05)) == str(doubt(same, wrong=0.05))


@pytest.mark.parametrize("estimator", [begg_greenes, prediction_powered])
def test_what_the_sentence_starts_from_is_the_estimate(estimator):
    """Unequal chances and a judge's part count: without wrong labels it says what was estimated."""
    rng = np.random.default_rng(0)
    truth_N, pool = population(rng, rows=600)
    sampler, gold_N = Sampler(pool=pool, budget=80), np.full(600, np.nan)
    while len(rows := sampler.next(gold_N)):
        gold_N[rows] = truth_N[rows]
    survey = sampler.survey(gold_N)
    rates = estimator(survey)
    told = doubt(Labels.of(survey, rates), wrong=0)
    assert told.fn.range.point == pytest.approx(rates.fn.point)
    assert told.fp.range.point == pytest.approx(rates.fp.point)


def test_at_worst_the_labels_that_stand_for_most_rows_are_wrong():
    """One label that stands for ninety rows moves a rate more than one that stands for ten."""
    survey = Survey(
        accepted_N=[1] * 100 + [0] * 100,
        rejected_N=[0] * 100 + [1] * 100,
        correct_N=[1] * 100 + [0] * 10 + [np.nan] * 89 + [0],
        probability_N=[1] * 100 + [1] * 10 + [1 / 90] * 90,
    )
    told = doubt(Labels.of(survey), wrong=1 / 111)
    assert told.flips == 1
    assert told.fn.range.high == pytest.approx(90 / 190)


def test_a_verdict_without_labels_says_nothing():
    """If accepted rows exist and none was labelled, no relabelling bounds the rates."""
    survey = Survey(accepted_N=[1, 0], rejected_N=[0, 1], correct_N=[np.nan, 1])
    with pytest.raises(NotIdentifiable, match="either verdict"):
        Labels.of(survey)


def test_the_sentence_names_the_flips_and_both_rates():
    """What is printed says how many labels, both rates, and what is unknown."""
    said = str(
        doubt(
            Labels.counted(
                accepted_correct=0, accepted_wrong=0, rejected_correct=0, rejected_wrong=50
            ),
            wrong=0.1,
        )
    )
    assert "10% of the labels are wrong (5 of 50)" in said
    assert "rho1 stays unknown" in said
    assert "rho0 lies in [0.000, 0.000]" in said


@pytest.mark.parametrize("wrong", [-0.1, 0.5, 2])
def test_impossible_shares_are_refused(wrong):
    """Half of the labels or more cannot be wrong by chance, nor can fewer than none."""
    labels = Labels.counted(
        accepted_correct=1, accepted_wrong=1, rejected_correct=1, rejected_wrong=1
    )
    with pytest.raises(UsageError):
        doubt(labels, wrong=wrong)
    with pytest.raises(UsageError):
        Labels.counted(accepted_correct=-1, accepted_wrong=0, rejected_correct=0, rejected_wrong=0)


def test_a_share_of_labels_is_told_in_few_figures():
    """One wrong label of 43 is 2.33% of them, to people."""
    labels = Labels.counted(
        accepted_correct=19, accepted_wrong=0, rejected_correct=4, rejected_wrong=20
    )
    assert str(doubt(labels, wrong=1 / 43)).startswith("If 2.33% of the labels are wrong (1 of 43)")
