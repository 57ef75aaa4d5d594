"""Resampling weights and keep masks: what is drawn, what is kept, and what it does to a group."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.correction.shaping.advantages import same_update, zscore
from unflip.correction.arrays import place
from unflip.correction.shaping import consistent_rows, resampling_weights
from unflip.errors import UsageError

NAN = float("nan")
verdicts = st.sampled_from([0.0, 1.0, NAN])
processes = st.sampled_from([0.1, 0.2, 0.5, 0.9, NAN])
groups = st.lists(st.tuples(verdicts, processes), min_size=1, max_size=10)


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("pow", [4 / 14, 1 / 14, 9 / 14, 0]),
        ("max_min", [0, 1 / 2, 1 / 2, 0]),
        ("max_random", [1 / 7, 1 / 7, 4 / 7, 1 / 7]),
    ],
)
def test_weights_by_hand(rule, wanted):
    """The three rules of verl on 2, -1, 3 and 0, as shares."""
    np.testing.assert_allclose(resampling_weights([2.0, -1.0, 3.0, 0.0], rule), wanted, atol=1e-7)


@given(
    st.lists(st.floats(-100, 100), min_size=1, max_size=9),
    st.sampled_from(["pow", "max_min", "max_random"]),
)
def test_weights_are_probabilities(scores, rule):
    """None negative, and the sum is 1."""
    weights = resampling_weights(scores, rule)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)


def test_an_abstain_is_never_drawn():
    """NaN has weight 0, and a batch of nothing has no weights."""
    np.testing.assert_allclose(resampling_weights([NAN, 1.0, 1.0]), [0, 0.5, 0.5])
    assert not resampling_weights([NAN, NAN]).any()


def test_signed_verdicts_are_drawn_alike():
    """With 1 and -1 the weights are uniform: on average the group is the group."""
    np.testing.assert_allclose(resampling_weights([1.0, -1.0, -1.0, 1.0]), 0.25)


def test_zero_one_verdicts_draw_only_accepts_and_then_nothing_is_left():
    """With 1 and 0 a group normalised after the draw has no advantages at all."""
    accepted = np.array([1.0, 0.0, 0.0, 1.0])
    weights = resampling_weights(accepted)
    np.testing.assert_allclose(weights, [0.5, 0, 0, 0.5], atol=1e-7)
    drawn = np.random.default_rng(0).choice(accepted, size=4, p=weights)
    assert not zscore(drawn).any()


def test_moving_the_zero_of_the_scores_changes_the_draw():
    """A constant that group normalisation ignores, resampling does not."""
    scores = np.array([1.0, 2.0, 3.0])
    assert same_update(scores, scores - 2)
    assert not np.allclose(resampling_weights(scores), resampling_weights(scores - 2))


def test_kept_rows_by_hand():
    """Of four accepts and two rejects keep four: the two best of one, both of the other."""
    accepted = [1, 1, 0, 1, 0, 1]
    process = [0.9, 0.1, 0.8, 0.7, 0.2, 0.3]
    kept = consistent_rows(accepted, process, keep=4)
    assert kept.tolist() == [True, False, True, True, True, False]


def test_the_rejects_with_the_best_process_go():
    """Of rejected rows the worst steps are kept: the others look right and are called wrong."""
    kept = consistent_rows([1, 0, 0, 0], [0.5, 0.9, 0.1, 0.4], keep=2)
    assert kept.tolist() == [True, False, True, False]


@given(groups, st.data())
def test_kept_rows_are_as_many_and_as_balanced_as_can_be(rows, data):
    """`keep` rows or all decided ones, half of each as far as there are any."""
    accepted, process = np.array(rows).T
    keep = data.draw(st.integers(1, len(rows)))
    kept = consistent_rows(accepted, process, keep=keep)
    right, wrong = (accepted == 1).sum(), (accepted == 0).sum()
    kept_right, kept_wrong = (kept & (accepted == 1)).sum(), (kept & (accepted == 0)).sum()
    assert kept.sum() == kept_right + kept_wrong == min(keep, right + wrong)
    if kept_right > kept_wrong + 1:
        assert kept_wrong == wrong
    if kept_wrong > kept_right:
        assert kept_right == right


@given(groups, st.data())
def test_what_is_kept_is_the_more_consistent(rows, data):
    """No accept is dropped for one of worse process, no reject for one of better."""
    accepted, process = np.array(rows).T
    kept = consistent_rows(accepted, process, keep=data.draw(st.integers(1, len(rows))))
    for side, sign in (accepted == 1, 1), (accepted == 0, -1):
        values = np.where(np.isnan(process), -9.0, sign * process)
        stay, go = values[side & kept], values[side & ~kept]
        assert not len(stay) or not len(go) or stay.min() >= go.max()


@given(groups, st.data())
def test_only_the_order_of_process_scores_counts(rows, data):
    """Any rising map of them keeps the same rows, so its scale cannot be hacked."""
    accepted, process = np.array(rows).T
    keep = data.draw(st.integers(1, len(rows)))
    np.testing.assert_array_equal(
        consistent_rows(accepted, process, keep=keep),
        consistent_rows(accepted, np.exp(5 * process), keep=keep),
    )


def test_a_filtered_group_is_balanced_at_full_size():
    """Seven accepts and one reject had advantages of .35 and -2.47; of two kept, equal ones."""
    accepted = np.array([1.0] * 7 + [0.0])
    kept = consistent_rows(accepted, np.linspace(0, 1, 8), keep=2)
    assert np.abs(zscore(accepted)).max() > 6 * np.abs(zscore(accepted)).min()
    advantages = zscore(accepted[kept])
    assert advantages[0] == pytest.approx(-advantages[1])


def test_a_group_of_one_verdict_stays_silent():
    """The process score chooses rows and never pays them."""
    accepted = np.ones(6)
    kept = consistent_rows(accepted, np.linspace(0, 1, 6), keep=3)
    assert not zscore(accepted[kept]).any()


@given(st.lists(st.integers(0, 5).map(float), min_size=1, max_size=9))
def test_place_is_a_stable_rank(values):
    """It is where a stable sort would put each."""
    order = np.argsort(values, kind="stable")
    np.testing.assert_array_equal(place(values)[order], np.arange(len(values)))


MISUSE = {
    "no score": lambda: resampling_weights([]),
    "an unknown rule": lambda: resampling_weights([1.0], "best"),
    "a negative power": lambda: resampling_weights([1.0], power=-1.0),
    "process of other rows": lambda: consistent_rows([1, 0], [0.5], keep=1),
    "nothing to keep": lambda: consistent_rows([1, 0], [0.5, 0.5], keep=0),
    "more than there are": lambda: consistent_rows([1, 0], [0.5, 0.5], keep=3),
    "a verdict of seven": lambda: consistent_rows([1, 7], [0.5, 0.5], keep=1),
}


@pytest.mark.parametrize("call", MISUSE.values(), ids=MISUSE)
def test_misuse_is_refused(call):
    """Misfitting shapes, unknown rules and settings out of range are usage errors."""
    with pytest.raises(UsageError):
        call()
