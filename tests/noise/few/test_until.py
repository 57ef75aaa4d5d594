"""Until: it stops where a look says so, and answers the same whoever asks."""

import numpy as np
import pytest

from tests.noise.surveys import covers, population
from unflip.noise.few import Goal, Sampler, Until, begg_greenes
from unflip.noise.few.stopping import look

EASY, HARD = Goal(fn_below=0.6, fp_below=0.5), Goal(fn_width=0.001)


def until(goal, *, budget=200, seed=0):
    """The truth, and a chooser over 1,500 rows."""
    truth_N, pool = population(np.random.default_rng(seed), rows=1500)
    return truth_N, Until(sampler=Sampler(pool=pool, budget=budget, seed=seed), goal=goal)


def worked_off(truth_N, chooser):
    """The labels when nothing is asked any more."""
    gold_N = np.full(len(truth_N), np.nan)
    while len(rows := chooser.next(gold_N)):
        gold_N[rows] = truth_N[rows]
    return gold_N


@pytest.mark.parametrize(("goal", "labels"), [(EASY, 50), (HARD, 200)])
def test_it_stops_at_the_goal_or_at_the_budget(goal, labels):
    """A goal that the first batch reaches costs one batch; one out of reach costs the budget."""
    truth_N, chooser = until(goal)
    assert chooser.survey(worked_off(truth_N, chooser)).labels == labels


def test_in_the_middle_of_a_batch_nobody_looks():
    """With a batch half done the rest of it is asked for, however clear the labels are."""
    truth_N, chooser = until(EASY)
    rows = chooser.next(np.full(1500, np.nan))
    gold_N = np.full(1500, np.nan)
    gold_N[rows[:20]] = truth_N[rows[:20]]
    assert chooser.next(gold_N).tolist() == rows[20:].tolist()


def test_rows_that_could_not_be_told_do_not_stop_it():
    """A batch with a shrug in it is looked at like any other."""
    truth_N, chooser = until(EASY)
    rows = chooser.next(np.full(1500, np.nan))
    gold_N, skipped_N = np.full(1500, np.nan), np.zeros(1500, dtype=bool)
    gold_N[rows[:-1]], skipped_N[rows[-1]] = truth_N[rows[:-1]], True
    assert not len(chooser.next(gold_N, skipped_N=skipped_N))


def test_its_rates_are_those_of_a_planned_look():
    """The intervals are wider than those of one look at the end, and say why."""
    truth_N, chooser = until(HARD)
    gold_N = worked_off(truth_N, chooser)
    rates = chooser.rates(gold_N)
    assert rates == look(chooser.sampler, gold_N, goal=HARD).rates
    assert rates.fn.width > begg_greenes(chooser.survey(gold_N)).fn.width
    assert any("looks were planned" in said for said in rates.assumptions)


def test_where_one_stops_the_interval_holds():
    """Stopping as soon as an interval looks narrow leaves it right in 95% of runs."""
    hits = []
    for seed in range(150):
        truth_N, chooser = until(Goal(fn_width=0.25), seed=seed)
        correct_N = truth_N.astype(bool)
        true = (correct_N & chooser.sampler.pool.rejected_N).sum() / correct_N.sum()
        hits.append(covers(chooser.rates(worked_off(truth_N, chooser)).fn, true))
    assert np.mean(hits) >= 0.95
