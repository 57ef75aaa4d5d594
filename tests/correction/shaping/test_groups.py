"""Win rates, switched penalties and cross-labels: what only a whole group can tell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.correction.shaping.advantages import same_update, zscore
from unflip.correction.shaping import cross_labels, switched_length_penalty, win_rate
from unflip.errors import UsageError

NAN = float("nan")
opinions = st.sampled_from([0.0, 0.2, 0.5, 1.0, NAN])


def wins_of(scores):
    """1 where the row's score is above the column's."""
    scores = np.asarray(scores)
    return (scores[:, None] > scores[None, :]).astype(float)


def test_win_rate_by_hand():
    """Wins over the others: two of two, one, none."""
    np.testing.assert_allclose(win_rate(wins_of([3.0, 1.0, 2.0])), [1.0, 0.0, 0.5])


@given(st.integers(2, 7).flatmap(lambda n: st.lists(opinions, min_size=n * n, max_size=n * n)))
def test_win_rates_average_one_half(values):
    """Whatever a judge says, ties, silence and contradictions included."""
    size = round(len(values) ** 0.5)
    rates = win_rate(np.reshape(values, (size, size)))
    assert rates.mean() == pytest.approx(0.5)
    assert ((rates >= 0) & (rates <= 1)).all()


def test_a_judge_of_the_first_place_says_nothing():
    """Who always prefers what is read first gives every row one half, and no advantage."""
    assert not zscore(win_rate(np.ones((5, 5)))).any()


def test_a_pair_asked_once_counts():
    """The order that was not asked is taken from the one that was."""
    np.testing.assert_allclose(win_rate([[NAN, 1.0], [NAN, NAN]]), [1.0, 0.0])


@given(st.lists(st.integers(-999, 999), min_size=2, max_size=9, unique=True))
def test_only_the_order_counts(scores):
    """Any strict order of a group has the same advantages, by rank, however far rows differ."""
    ranks = np.argsort(np.argsort(scores))
    assert same_update(win_rate(wins_of(scores)), ranks)


def test_nearly_equal_rows_get_full_advantages():
    """A millionth apart is as far as a thousand apart: noise in preferences comes in full size."""
    near, far = [0.0, 1e-6, 2e-6], [0.0, 1.0, 1000.0]
    assert same_update(win_rate(wins_of(near)), win_rate(wins_of(far)))


def test_the_std_of_a_strict_order_is_a_constant():
    """So dividing by it only scales: of five rows it is always the same."""
    groups = np.random.default_rng(0).normal(size=(9, 5))
    assert len({round(win_rate(wins_of(group)).std(), 12) for group in groups}) == 1


def test_the_penalty_by_hand():
    """1 - strength * sigmoid of the standardised length, for the accepts of the best group."""
    paid = switched_length_penalty([[1, 1, 0], [1, 0, 0]], [[10, 30, 90], [5, 5, 5]], strength=0.4)
    low, high = 1 - 0.4 / (1 + np.e), 1 - 0.4 / (1 + 1 / np.e)
    np.testing.assert_allclose(paid, [[low, high, 0], [1, 0, 0]])


@given(st.lists(st.integers(0, 6), min_size=1, max_size=9), st.floats(0, 1))
def test_only_the_share_of_most_accurate_groups_is_touched(accepts, share):
    """As many groups as the share rounds up to, and none less accurate than one left alone."""
    accepted = np.array([[1] * k + [0] * (6 - k) for k in accepts], dtype=float)
    lengths = np.tile(np.arange(6.0), (len(accepts), 1))
    paid = switched_length_penalty(accepted, lengths, strength=0.5, share=share)
    touched = (paid != accepted).any(axis=1)
    n = int(np.ceil(share * len(accepts) - 1e-9))
    chosen = sorted(accepts, reverse=True)[:n]
    assert touched.sum() == sum(k > 0 for k in chosen)
    assert sorted(np.array(accepts)[touched]) == sorted(k for k in chosen if k > 0)


def test_an_abstain_stays_one_and_counts_for_nobody():
    """NaN is out of accuracy, of the mean length and of the reward."""
    one = switched_length_penalty([[1, 1, NAN]], [[1, 3, 999]], strength=0.5, share=1.0)
    two = switched_length_penalty([[1, 1]], [[1, 3]], strength=0.5, share=1.0)
    np.testing.assert_allclose(one[:, :2], two)
    assert np.isnan(one[0, 2])


def test_a_group_of_abstains_takes_nobodys_place():
    """It has no accuracy, and goes behind a group that was all rejected but one."""
    accepted, lengths = [[NAN, NAN, NAN], [1, 0, 0]], [[1, 2, 3], [4, 5, 6]]
    paid = switched_length_penalty(accepted, lengths, strength=0.5, share=0.5)
    assert paid[1, 0] < 1


def test_where_all_are_accepted_the_strength_cancels():
    """A faint penalty and a strong one give the same advantages, where 0 gives none."""
    accepted, lengths = np.ones((1, 4)), [[10, 20, 30, 80]]
    faint, strong = (
        switched_length_penalty(accepted, lengths, strength=s, share=1.0) for s in (0.01, 0.9)
    )
    assert same_update(faint, strong)
    assert zscore(faint)[0, 0] > 0 > zscore(faint)[0, 3]
    assert not zscore(switched_length_penalty(accepted, lengths, strength=0.0, share=1.0)).any()


def test_in_a_mixed_group_the_strength_counts():
    """Next to rejects, a stronger penalty is another update."""
    accepted, lengths = [[1, 1, 0, 0]], [[10, 80, 20, 20]]
    faint, strong = (
        switched_length_penalty(accepted, lengths, strength=s, share=1.0) for s in (0.1, 0.9)
    )
    assert not same_update(faint, strong)


def test_groups_outside_the_share_are_left_alone():
    """Their advantages are those of the plain verdict."""
    accepted = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0]])
    paid = switched_length_penalty(accepted, accepted * 7.0 + np.arange(3), strength=0.5)
    assert same_update(paid[1:], accepted[1:])
    assert not same_update(paid[:1], accepted[:1])


def test_cross_labels_by_hand():
    """Each side is paid by the other's majority; a tie goes to the answer met first."""
    one, other = cross_labels(["7", "8", "8"], ["7", "9", "9", "7"])
    np.testing.assert_array_equal(one, [1, 0, 0])
    np.testing.assert_array_equal(other, [0, 0, 0, 0])


def test_no_answer_is_no_vote_and_no_label_is_an_abstain():
    """None never wins, and a side without answers labels nobody."""
    one, other = cross_labels([None, None, "5"], [None, None])
    np.testing.assert_array_equal(one, [NAN, NAN, NAN])
    np.testing.assert_array_equal(other, [0, 0])


def test_a_wrong_majority_turns_the_group_around():
    """Its error is shared by the group: correct rows have negative advantages, wrong ones not."""
    paid, _ = cross_labels(["right", "wrong", "wrong", "right"], ["wrong"] * 3 + ["right"])
    assert (zscore(paid)[[0, 3]] < 0).all()
    assert (zscore(paid)[[1, 2]] > 0).all()


def test_one_answer_to_everything_is_paid_and_never_left():
    """A collapsed policy earns 1 on every row, and no advantage leads away."""
    paid, _ = cross_labels(["0"] * 6, ["0"] * 6)
    assert paid.tolist() == [1.0] * 6
    assert not zscore(paid).any()


MISUSE = {
    "no square": lambda: win_rate([[0, 1, 1], [0, 0, 1]]),
    "one row": lambda: win_rate([[0.5]]),
    "no matrix": lambda: win_rate([0, 1]),
    "a win of three": lambda: win_rate([[0, 3], [0, 0]]),
    "no prompts": lambda: switched_length_penalty([1, 0], [3, 4], strength=0.5),
    "lengths of other rows": lambda: switched_length_penalty([[1, 0]], [[3]], strength=0.5),
    "full strength": lambda: switched_length_penalty([[1, 0]], [[3, 4]], strength=1.0),
    "too large a share": lambda: switched_length_penalty(
        [[1, 0]], [[3, 4]], strength=0.5, share=1.5
    ),
    "no answers": lambda: cross_labels([], ["1"]),
}


@pytest.mark.parametrize("call", MISUSE.values(), ids=MISUSE)
def test_misuse_is_refused(call):
    """Misfitting shapes and settings out of range are usage errors."""
    with pytest.raises(UsageError):
        call()
