"""Step rewards: what clips, what telescopes, and what is left when a trainer sums a row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.correction.shaping.advantages import same_update, zscore
from unflip.correction.shaping import add_outcome, clip_steps, delta_steps, min_form
from unflip.errors import UsageError

NAN = float("nan")
scores = st.floats(-1, 1).map(lambda x: round(x, 3))
rows = st.lists(scores, min_size=2, max_size=9)


def test_clip_by_hand():
    """min(score - threshold, 0), step by step."""
    clipped = clip_steps([[0.9, 0.2], [0.5, 0.4]], threshold=0.5)
    np.testing.assert_allclose(clipped, [[0.0, -0.3], [0.0, -0.1]])


@given(rows, rows)
def test_clipped_steps_never_pay_for_length(row, more):
    """More steps never raise the sum of a clipped row, as they raise that of a raw one."""
    assert clip_steps(row + more, 0.2).sum() <= clip_steps(row, 0.2).sum() + 1e-9


def test_clipping_nothing_is_inert():
    """Where every step stays above the threshold, clipped process rewards are silent."""
    group = clip_steps([[0.6, 0.7], [0.9, 0.8], [0.7, 0.7]], threshold=0.5).sum(axis=-1)
    assert not zscore(group).any()


def test_delta_by_hand():
    """Differences, then the last but one score, then 0, with padding left alone."""
    delta = delta_steps([[0.9, 0.4, 0.6, 0.1], [0.3, 0.8, NAN, NAN], [0.7, NAN, NAN, NAN]])
    wanted = [[0.5, -0.2, 0.6, 0.0], [0.3, 0.0, NAN, NAN], [0.0, NAN, NAN, NAN]]
    np.testing.assert_allclose(delta, wanted, atol=1e-12)


@given(rows)
def test_delta_telescopes(row):
    """The return from any step but the last is that step's score."""
    returns = np.cumsum(delta_steps(row)[::-1])[::-1]
    np.testing.assert_allclose(returns[:-1], row[:-1], atol=1e-9)


def test_a_trainer_that_sums_delta_sees_only_the_first_step():
    """Under outcome-level group normalisation, later steps have no say at all."""
    rng = np.random.default_rng(0)
    steps_GT = rng.uniform(size=(8, 5))
    later_GT = steps_GT.copy()
    later_GT[:, 1:] = rng.uniform(size=(8, 4))
    assert same_update(delta_steps(steps_GT).sum(-1), delta_steps(later_GT).sum(-1))
    assert not same_update(steps_GT.sum(-1), later_GT.sum(-1))


def test_the_outcome_is_paid_at_the_last_step():
    """Each step weighted, and the outcome where the row ends."""
    paid = add_outcome([[0.5, 0.2], [0.4, NAN]], [1.0, 0.0], weight=0.5)
    np.testing.assert_allclose(paid, [[0.25, 1.1], [0.2, NAN]])


def test_the_weight_of_steps_matters_only_where_outcomes_differ():
    """In a group of one outcome, any weight gives the same advantages; in a mixed one not."""
    steps_GT = np.random.default_rng(1).uniform(size=(6, 3))
    for outcome_G, same in ([1.0] * 6, True), ([0.0] * 3 + [1.0] * 3, False):
        light, heavy = (add_outcome(steps_GT, outcome_G, weight=w).sum(-1) for w in (0.01, 1.0))
        assert same_update(light, heavy) is same


def test_min_form_by_hand():
    """softmax(-r / T) * r at T = 1."""
    odds = np.exp([-0.5, 0.5])
    wanted = odds / odds.sum() * [0.5, -0.5]
    np.testing.assert_allclose(min_form([0.5, -0.5], temperature=1.0), wanted)


@given(rows, st.floats(0.01, 2))
def test_min_form_sums_to_about_the_least(row, temperature):
    """A row's credit lies between its least score and T * log(steps) above it."""
    total = min_form(row, temperature=temperature).sum()
    assert min(row) - 1e-9 <= total <= min(row) + temperature * np.log(len(row)) + 1e-9


@given(rows)
def test_padding_takes_no_credit(row):
    """NaN behind the last step changes nothing and stays NaN."""
    padded = min_form([*row, NAN, NAN])
    np.testing.assert_allclose(padded, [*min_form(row), NAN, NAN])


def test_min_form_does_not_pay_for_more_praise():
    """Eight more good steps win a sum, and not the min-form, over a row without a bad step."""
    long_with_a_slip, short = [0.9] * 8 + [-0.5], [0.6] + [NAN] * 8
    assert np.diff(zscore(np.nansum([long_with_a_slip, short], axis=-1)))[0] < 0
    assert np.diff(zscore(np.nansum(min_form([long_with_a_slip, short]), axis=-1)))[0] > 0


def test_a_safe_short_answer_still_wins_min_form():
    """One bland step beats an honest attempt with one weak step: this is how it is hacked."""
    honest, bland = min_form([[0.9, 0.9, 0.2], [0.3, NAN, NAN]])
    assert np.nansum(bland) > np.nansum(honest)


MISUSE = {
    "no step axis": lambda: clip_steps(0.5, 0.1),
    "a gap at the start": lambda: delta_steps([[NAN, 0.3]]),
    "a gap inside": lambda: min_form([[0.1, NAN, 0.3]]),
    "no temperature": lambda: min_form([0.1, 0.2], temperature=0.0),
    "rows that do not fit": lambda: add_outcome([[0.1]], [1.0, 0.0], weight=0.1),
    "a negative weight": lambda: add_outcome([[0.1]], [1.0], weight=-0.1),
}


@pytest.mark.parametrize("call", MISUSE.values(), ids=MISUSE)
def test_misuse_is_refused(call):
    """Gaps before a step, no steps, misfitting rows and settings out of range are usage errors."""
    with pytest.raises(UsageError):
        call()
