"""Quota: so many rows of either verdict, evenly drawn, and nothing else counts."""

import numpy as np
import pytest

from unflip.errors import UsageError
from unflip.noise.few import Quota, begg_greenes
from unflip.noise.survey import Survey

ROWS = 400
ACCEPTED = np.arange(ROWS) % 5 < 2
TRUTH = (np.arange(ROWS) % 10 < 3) * 1.0


def quota(seed=0, *, accepted=10, rejected=30):
    """A quota over rows of which 160 are accepted, and none is labelled."""
    pool = Survey(accepted_N=ACCEPTED, rejected_N=~ACCEPTED, correct_N=np.full(ROWS, np.nan))
    return Quota(pool=pool, accepted=accepted, rejected=rejected, seed=seed)


def test_it_asks_for_so_many_of_either_verdict():
    """Rows come once, in the wanted numbers, and in the same order in every process."""
    rows = quota().next(np.full(ROWS, np.nan))
    assert len(set(rows.tolist())) == 40
    assert ACCEPTED[rows].sum() == 10
    assert rows.tolist() == quota().next(np.full(ROWS, np.nan)).tolist()
    assert rows.tolist() != quota(seed=1).next(np.full(ROWS, np.nan)).tolist()


def test_what_is_done_or_skipped_is_not_asked_again():
    """After labels on some and a shrug at others, the rest is asked for, in its order."""
    rows = quota().next(np.full(ROWS, np.nan))
    labels, skipped = np.full(ROWS, np.nan), np.zeros(ROWS, dtype=bool)
    labels[rows[:7]], skipped[rows[9]] = 1, True
    left = quota().next(labels, skipped_N=skipped)
    assert left.tolist() == [*rows[7:9], *rows[10:]]


def test_labels_of_rows_that_were_not_chosen_do_not_count():
    """Whatever else somebody labelled was no draw of this quota."""
    assert quota().survey(TRUTH).labels == 40


def test_it_is_right_in_the_mean():
    """Over many draws rho0 and rho1 are those of all rows."""
    truth = begg_greenes(Survey(accepted_N=ACCEPTED, rejected_N=~ACCEPTED, correct_N=TRUTH, by=""))
    said = [begg_greenes(quota(seed).survey(TRUTH)) for seed in range(400)]
    for rate in ("fp", "fn"):
        points = np.array([getattr(rates, rate).point for rates in said])
        error = points.mean() - getattr(truth, rate).point
        # Ratios of few labels have a small bias of their own.
        assert abs(error) < 4 * points.std() / 20 + 0.01


@pytest.mark.parametrize("wanted", [{"accepted": 161}, {"rejected": 241}, {"accepted": -1}])
def test_more_rows_than_there_are_is_an_error(wanted):
    """It says how many rows of the verdict there are."""
    with pytest.raises(UsageError, match=r"there are \d+ (accepted|rejected) rows"):
        quota(**wanted)
