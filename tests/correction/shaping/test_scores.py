"""Shaped reward-model scores: bounded, in order, and when normalisation takes it all back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.correction.shaping.advantages import same_update, zscore
from unflip.correction.arrays import log_sigmoid, sigmoid
from unflip.correction.shaping import (
    confidence_weighted,
    high_reference,
    log_sigmoid_sum,
    preference_as_reward,
    running_average,
)
from unflip.errors import UsageError

NAN = float("nan")
scores = st.floats(-20, 20).map(lambda x: round(x, 3))


def par(scores_G, reference=0.0):
    """PAR of one group against one reference."""
    return preference_as_reward(scores_G, np.full((len(scores_G), 1), reference))


def test_par_by_hand():
    """The mean sigmoid of the margins over two references."""
    wanted = (1 / (1 + np.exp(-2.0)) + 1 / (1 + np.exp(1.0))) / 2
    assert preference_as_reward([1.0], [[0.0, 1.5]], steepness=2.0) == pytest.approx(wanted)


@given(st.lists(scores, min_size=2, max_size=8, unique=True), st.lists(scores, min_size=1))
def test_par_is_monotone_in_0_1(values, references):
    """A higher score is never paid less, and nothing leaves [0, 1]."""
    paid = preference_as_reward(np.sort(values), np.tile(references, (len(values), 1)))
    assert (np.diff(paid) >= 0).all()
    assert ((paid > 0) & (paid <= 1)).all()


def test_par_of_two_scores_is_inert():
    """Any rising function of a two-valued reward is affine in it, and normalisation removes it."""
    raw = [3.0, -1.0, -1.0, 3.0, 3.0]
    assert same_update(raw, par(raw))


def test_par_near_its_references_is_nearly_inert():
    """Within a tenth of the references the sigmoid is straight; far off it is not."""
    raw = np.array([-0.1, 0.0, 0.03, 0.1])
    assert np.allclose(zscore(raw), zscore(par(raw)), atol=0.01)
    assert not np.allclose(zscore(100 * raw), zscore(par(100 * raw)), atol=0.1)


def test_par_keeps_an_outlier_from_deciding():
    """A hacked score far above the rest sets the raw std, and only ties with good rows in PAR."""
    raw = [0.0, 2.0, 4.0, 500.0]
    assert zscore(raw)[2] < 0 < zscore(par(raw))[2]


def test_high_reference_by_hand():
    """Mean plus 1.0364 population stds, one constant a prompt and so inert by itself."""
    reference = high_reference([[1.0, 3.0]])
    np.testing.assert_allclose(reference, [2 + 1.0364333894937898])
    raw = np.array([1.0, 4.0, 2.0])
    assert same_update(raw, raw - reference)


def test_log_sigmoid_sum_by_hand():
    """The log sigmoid of each margin, summed."""
    wanted = np.log(1 / (1 + np.exp(-1.0))) + np.log(1 / (1 + np.exp(2.0)))
    np.testing.assert_allclose(log_sigmoid_sum([[2.0, 0.0]], [1.0, 2.0]), [wanted])


def test_a_soft_and_prefers_the_balanced_row():
    """A row good in both beats one with the larger sum that fails one: the order changes."""
    balanced, lopsided = [2.0, 2.0], [9.0, -2.0]
    assert np.sum(lopsided) > np.sum(balanced)
    advantages = zscore(log_sigmoid_sum([balanced, lopsided, [0.0, 0.0]], 0.0))
    assert advantages[0] > 0 > advantages[1]


def test_one_disaster_squeezes_the_group():
    """Below the reference there is no floor: one row far down takes the whole spread."""
    calm = zscore(log_sigmoid_sum([[1.0], [0.0], [-1.0]], [0.0]))
    shaken = zscore(log_sigmoid_sum([[1.0], [0.0], [-1000.0]], [0.0]))
    assert calm[0] - calm[1] > 100 * (shaken[0] - shaken[1])


def test_confidence_weighted_by_hand():
    """It is score + weight * (score - average) * (confidence - 1/2)."""
    np.testing.assert_allclose(confidence_weighted([3.0, 1.0], [0.9, 0.9], 2.0), [3.2, 0.8])


@given(st.lists(scores, min_size=3, max_size=8), st.floats(0, 1), scores)
def test_one_confidence_for_the_group_is_inert(values, confidence, average):
    """With the same confidence on every row the bent score is a rising line in the score."""
    if np.std(values) < 0.1:
        return
    bent = confidence_weighted(values, [confidence] * len(values), average)
    assert same_update(values, bent)


def test_confidence_weighting_wants_extremes_and_not_honesty():
    """Whatever the score, the best confidence is 0 or 1: on hard prompts, everybody's is 0."""
    stated = np.linspace(0, 1, 11)
    for score, best in (-1.0, 0.0), (1.0, 1.0):
        paid = confidence_weighted(np.full(11, score), stated, average=0.0)
        assert stated[paid.argmax()] == best


def test_running_average_by_hand():
    """A tenth of the way to the batch mean; NaN is no score, and a batch of NaN moves nothing."""
    assert float(running_average(1.0, [2.0, NAN, 4.0])) == pytest.approx(1.2)
    assert float(running_average(1.0, [NAN])) == 1.0


@given(st.floats(-700, 700))
def test_the_sigmoid_is_exact_and_never_overflows(x):
    """sigmoid(x) + sigmoid(-x) = 1, and log sigmoid(x) - log sigmoid(-x) = x."""
    assert sigmoid(x) + sigmoid(-x) == pytest.approx(1)
    assert log_sigmoid(x) - log_sigmoid(-x) == pytest.approx(x)


MISUSE = {
    "references of other rows": lambda: preference_as_reward([1.0, 2.0], [[0.0]]),
    "no steepness": lambda: preference_as_reward([1.0], [[0.0]], steepness=0.0),
    "no reference": lambda: preference_as_reward([1.0], [[]]),
    "references that do not broadcast": lambda: log_sigmoid_sum([[1.0, 2.0]], [0.0, 0.0, 0.0]),
    "confidence out of ten": lambda: confidence_weighted([1.0], [7.0], 0.0),
    "rows that do not fit": lambda: confidence_weighted([1.0], [0.5, 0.5], 0.0),
    "too large a weight": lambda: confidence_weighted([1.0], [0.5], 0.0, weight=3.0),
    "too large a rate": lambda: running_average(0.0, [1.0], rate=1.5),
}


@pytest.mark.parametrize("call", MISUSE.values(), ids=MISUSE)
def test_misuse_is_refused(call):
    """Misfitting shapes and settings out of range are usage errors."""
    with pytest.raises(UsageError):
        call()
