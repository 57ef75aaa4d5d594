"""Any survey at all gives a table that makes sense, or an error that says what to do."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unflip.errors import NotIdentifiable, UnflipError
from unflip.noise.few import (
    Sampler,
    accuracy,
    accuracy_by_judge,
    begg_greenes,
    between,
    cost_curve,
    judge_corrected,
    known,
    prediction_powered,
    share,
)
from unflip.noise.online import Recent
from unflip.noise.survey import Survey
from unflip.rates import NoiseRates, Status

NAN = float("nan")
SHARES = (
    "fp", "fn", "fp_all", "fn_all", "abstain_wrong", "abstain_correct", "abstain", "accept", "ppv",
    "false_omission",
)  # fmt: skip


@st.composite
def surveys(draw):
    """Small surveys in which everything that can be missing, constant or lumped may be so."""
    rows = draw(st.sampled_from([0, 1, 2, 3, 5, 9, 40, 200]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    verdict_N = rng.choice(draw(st.sampled_from([[0], [1], [2], [0, 1], [0, 1, 2]])), rows)
    truth_N = rng.choice(draw(st.sampled_from([[0.0], [1.0], [0.0, 1.0]])), rows)
    seen_N = {
        "none": np.zeros(rows, bool),
        "first": np.arange(rows) == 0,
        "all": np.ones(rows, bool),
        "some": rng.random(rows) < 0.4,
        "rejects": verdict_N == 0,
        "accepts": verdict_N == 1,
    }[draw(st.sampled_from(["none", "first", "all", "some", "rejects", "accepts"]))]
    judge_N = {
        "constant": np.full(rows, 0.5),
        "silent": np.full(rows, NAN),
        "good": np.where(rng.random(rows) < 0.8, truth_N, 1 - truth_N),
        "at random": rng.random(rows),
        "half silent": np.where(rng.random(rows) < 0.5, NAN, truth_N),
    }[draw(st.sampled_from(["constant", "silent", "good", "at random", "half silent"]))]
    prompts = [None, np.zeros(rows, int), np.arange(rows) // 2, np.arange(rows),
               np.where(np.arange(rows) < 0.8 * rows, 0, np.arange(rows))]  # fmt: skip
    chances = [None, np.full(rows, 1e-300), 10.0 ** -rng.uniform(0, 9, rows)]
    return Survey(
        accepted_N=verdict_N == 1,
        rejected_N=verdict_N == 0,
        correct_N=np.where(seen_N, truth_N, NAN),
        judge_N=judge_N,
        cluster_N=draw(st.sampled_from(prompts)),
        probability_N=draw(st.sampled_from(chances)),
        stratum_N=draw(st.sampled_from([None, rng.integers(0, 3, rows)])),
        cell_N=draw(st.sampled_from([None, rng.integers(0, 3, rows)])),
    )


def check_share(figure):
    """Ends in order around the point, and a finite count of rows."""
    assert 0 <= figure.low <= figure.high <= 1
    assert math.isnan(figure.point) or figure.low <= figure.point <= figure.high
    assert 0 <= figure.n_eff < math.inf


def check(rates):
    """Every share of a table makes sense, and so does what is said of the whole."""
    for name in SHARES:
        check_share(getattr(rates, name))
    assert 0 <= rates.correlation <= 1
    if math.isnan(rates.fp.point) or math.isnan(rates.fn.point):
        assert rates.status in (Status.IMPRECISE, Status.UNINFORMATIVE)
    for part in rates.strata.values():
        check(part)
    assert NoiseRates.from_json(rates.to_json()).status == rates.status


ESTIMATORS = {
    "labels": begg_greenes,
    "PPI++": prediction_powered,
    "all of the judge": lambda survey: prediction_powered(survey, tuning=1.0),
    "less errors": judge_corrected,
    "errors elsewhere": lambda s: judge_corrected(s, errors=(share(9, 10), known(0.8))),
    "known PPV": lambda survey: begg_greenes(survey, assume_ppv=known(0.98)),
    "perfect PPV": lambda survey: begg_greenes(survey, assume_ppv=known(1.0)),
    "PPV between": lambda survey: begg_greenes(survey, assume_ppv=between(0.9, 1.0)),
    "recent": lambda survey: Recent().update(survey).update(survey).rates(),
}


@pytest.mark.parametrize("estimate", ESTIMATORS.values(), ids=ESTIMATORS)
@settings(max_examples=60)
@given(surveys())
def test_every_survey_makes_a_table_or_an_error_that_helps(estimate, survey):
    """No crash, no warning, no share outside its ends, whatever is missing or constant."""
    try:
        check(estimate(survey))
    except UnflipError as why:
        assert len(str(why)) > 20  # noqa: PT017


@settings(max_examples=60)
@given(surveys())
def test_accuracy_and_costs_of_every_survey_make_sense(survey):
    """The share of correct rows lies in [0, 1]; a curve of costs is one, or an error."""
    check_share(accuracy(survey))
    check_share(accuracy_by_judge(survey))
    try:
        for spent in cost_curve(survey, {"labels": begg_greenes}):
            check(spent.rates)
    except UnflipError:
        assert survey.labels < 2


@settings(max_examples=40)
@given(surveys(), st.floats(0.05, 1), st.integers(1, 4))
def test_a_sampler_spends_its_budget_on_any_pool(survey, part, batches):
    """Prompts of one row and of most rows, one verdict, no judge: all labels are asked for."""
    budget = int(part * survey.decided_N.sum())
    if batches > budget:
        return
    pool = survey.without_labels(survey.labelled_N)
    sampler, label_N = Sampler(pool=pool, budget=budget, batches=batches), pool.correct_N
    while len(rows := sampler.next(label_N)):
        label_N = np.where(np.isin(np.arange(len(pool)), rows), np.arange(len(pool)) % 2, label_N)
    assert sampler.survey(label_N).labels == budget
    check(prediction_powered(sampler.survey(label_N)))


def test_a_single_prompt_says_nothing_about_others():
    """With every label in one prompt each share is worth one row, and intervals are that wide."""
    rng = np.random.default_rng(0)
    accepted_N = rng.random(500) < 0.5
    survey = Survey(accepted_N=accepted_N, rejected_N=~accepted_N, cluster_N=np.zeros(500),
                    correct_N=rng.random(500) < 0.5)  # fmt: skip
    for rates in (begg_greenes(survey), Recent().update(survey).rates()):
        assert rates.ppv.n_eff == pytest.approx(1, abs=0.1)
        assert min(rates.fp.width, rates.fn.width) > 0.9
        assert rates.status is Status.IMPRECISE


def test_no_labels_are_not_identifiable_and_say_which_to_buy():
    """The error names the rows to label."""
    survey = Survey(accepted_N=[1, 0], rejected_N=[0, 1], correct_N=[NAN, NAN], judge_N=[1, 0])
    for estimate in (begg_greenes, prediction_powered, judge_corrected):
        with pytest.raises(NotIdentifiable, match="label rejected rows"):
            estimate(survey)
