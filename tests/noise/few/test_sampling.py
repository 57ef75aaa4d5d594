"""The sampler: chances that are kept, no bias, a gain, and intervals that hold at a stop."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.noise.surveys import covers, labelled, population
from unflip.errors import UsageError
from unflip.noise.few.assisted import prediction_powered
from unflip.noise.few.cost import cost_curve
from unflip.noise.few.partial import begg_greenes
from unflip.noise.few.sampling import Aim, Sampler
from unflip.noise.few.stopping import Goal, look


def spend(sampler, truth_N):
    """Labels every row that the sampler asks for."""
    gold_N = np.full(len(truth_N), np.nan)
    while len(rows := sampler.next(gold_N)):
        gold_N[rows] = truth_N[rows]
    return gold_N


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 2**32), st.integers(4, 150), st.integers(1, 4), st.floats(0.05, 1), st.booleans()
)
def test_the_budget_is_spent_with_chances_that_are_kept(seed, budget, batches, floor, prompts):
    """Every label has its chance logged, none below the floor; no row is asked twice."""
    truth_N, pool = population(np.random.default_rng(seed), rows=400)
    if prompts:
        pool = replace(pool, cluster_N=np.arange(400) // 4)
    sampler = Sampler(pool=pool, budget=budget, batches=batches, floor=floor, seed=seed)
    gold_N = spend(sampler, truth_N)
    survey = sampler.survey(gold_N)
    assert survey.labels == np.isfinite(gold_N).sum() == budget
    chance_n = survey.probability_N[survey.labelled_N]
    assert (chance_n <= 1).all()
    # Parts are dealt by whole prompts, so a plain draw's chance differs a little between them.
    assert chance_n.min() >= 0.8 * floor * min(1, budget / 400) * (1 - batches / budget)


def test_each_row_is_drawn_as_often_as_its_chance_says():
    """Over many seeds, first-batch rows of each cell come up at the logged rate."""
    truth_N, pool = population(np.random.default_rng(0), rows=300)
    counts_N, expected_N = np.zeros(300), np.zeros(300)
    for seed in range(800):
        sampler = Sampler(pool=pool, budget=60, batches=1, seed=seed)
        rows = sampler.next(np.full(300, np.nan))
        counts_N[rows] += 1
        gold_N = np.full(300, np.nan)
        gold_N[rows] = truth_N[rows]
        expected_N[rows] = sampler.survey(gold_N).probability_N[rows]
    assert np.abs(counts_N / 800 - expected_N).max() < 5 * np.sqrt(0.25 / 800)
    assert (counts_N / 800).std() > 0.03


def test_it_goes_on_where_it_stopped():
    """A sampler rebuilt from the same fields asks for the same rows, a part of a batch included."""
    truth_N, pool = population(np.random.default_rng(1))
    one, other = (Sampler(pool=pool, budget=100, seed=5) for _ in range(2))
    gold_N = np.full(len(pool), np.nan)
    first = one.next(gold_N)
    gold_N[first[:10]] = truth_N[first[:10]]
    np.testing.assert_array_equal(other.next(gold_N), first[10:])


def test_half_a_batch_counts_for_half():
    """Stopped inside a batch, the labels so far make an estimate with chances to match."""
    truth_N, pool = population(np.random.default_rng(2))
    sampler = Sampler(pool=pool, budget=200, batches=1)
    rows, gold_N = sampler.next(np.full(len(pool), np.nan)), np.full(len(pool), np.nan)
    gold_N[rows] = truth_N[rows]
    whole = sampler.survey(gold_N)
    gold_N[rows[100:]] = np.nan
    half = sampler.survey(gold_N)
    kept = rows[:100]
    np.testing.assert_allclose(half.probability_N[kept], whole.probability_N[kept] / 2)
    assert half.labels == 100


def test_rows_that_nobody_can_tell_are_not_asked_again():
    """Skipped rows count as dealt with, and the next batches still come."""
    truth_N, pool = population(np.random.default_rng(3))
    sampler = Sampler(pool=pool, budget=80, batches=4)
    gold_N, skipped_N = np.full(len(pool), np.nan), np.zeros(len(pool), dtype=bool)
    while len(rows := sampler.next(gold_N, skipped_N=skipped_N)):
        skipped_N[rows[0]] = True
        gold_N[rows[1:]] = truth_N[rows[1:]]
    assert skipped_N.sum() == 4
    assert sampler.survey(gold_N).labels == 76


def test_chosen_labels_leave_no_bias_and_narrow_both_rates():
    """100 runs of 160 labels: unbiased, covering, narrower than labels spent at random."""
    rng = np.random.default_rng(4)
    points, hits, gains = [], [], []
    for seed in range(100):
        truth_N, pool = population(rng, rows=1500)
        sampler = Sampler(pool=pool, budget=160, seed=seed)
        rates = begg_greenes(sampler.survey(spend(sampler, truth_N)))
        plain = begg_greenes(labelled(rng, truth_N, pool, rejected=80, accepted=80))
        points.append((rates.fp.point, rates.fn.point))
        hits.append((covers(rates.fp, 0.05), covers(rates.fn, 0.2)))
        gains.append((rates.fp.width / plain.fp.width, rates.fn.width / plain.fn.width))
    errors = np.mean(points, axis=0) - (0.05, 0.2)
    assert (np.abs(errors) < 3.5 * np.std(points, axis=0) / 100**0.5).all()
    assert np.mean(hits, axis=0).min() >= 0.92
    assert np.mean(gains, axis=0).max() < 0.95


@pytest.mark.parametrize(("aim", "narrow", "wide"), [(Aim.FP, "fp", "fn"), (Aim.FN, "fn", "fp")])
def test_the_aim_is_what_gets_narrow(aim, narrow, wide):
    """Labels aimed at one rate make it narrower than labels aimed at the other."""
    truth_N, pool = population(np.random.default_rng(5), fp=0.2)
    widths = {}
    for toward in (Aim.FP, Aim.FN):
        sampler = Sampler(pool=pool, budget=300, aim=toward)
        rates = begg_greenes(sampler.survey(spend(sampler, truth_N)))
        widths[toward] = {"fp": rates.fp.width, "fn": rates.fn.width}
    other = Aim.FN if aim is Aim.FP else Aim.FP
    assert widths[aim][narrow] < widths[other][narrow]
    assert widths[other][wide] < widths[aim][wide]


def test_stopping_by_looks_keeps_its_promise():
    """Whoever stops once rho1 looks clear of a gate is wrong no more often than the level says."""
    rng, hits, peeks = np.random.default_rng(6), [], []
    goal = Goal(fn_below=0.2)
    for seed in range(60):
        truth_N, pool = population(rng, rows=1000, fn=0.2)
        sampler = Sampler(pool=pool, budget=240, batches=5, aim=Aim.FN, seed=seed)
        gold_N, seen, peeked = np.full(len(pool), np.nan), None, True
        while seen is None or not seen.stop:
            rows = sampler.next(gold_N)
            gold_N[rows] = truth_N[rows]
            seen = look(sampler, gold_N, goal=goal)
            peeked &= covers(begg_greenes(sampler.survey(gold_N)).fn, 0.2)
        hits.append(covers(seen.rates.fn, 0.2))
        peeks.append(peeked)
    assert np.mean(hits) >= 0.95
    assert np.mean(peeks) < np.mean(hits)


def test_a_goal_is_open_until_all_of_it_is_settled():
    """Widths and gates are each named while they are open; a gate is settled from either side."""
    truth_N, pool = population(np.random.default_rng(7))
    gold = labelled(np.random.default_rng(8), truth_N, pool, rejected=300, accepted=300)
    rates = prediction_powered(gold)
    assert Goal(fp_width=0.2, fn_width=0.2, fp_below=0.2, fn_below=0.05).open(rates) == ()
    left = Goal(fp_width=0.01, fn_below=rates.fn.point).open(rates)
    assert len(left) == 2
    assert "rho0" in left[0]
    assert "rho1" in left[1]


def test_the_budget_ends_the_looking():
    """Out of labels, it stops with what is left open."""
    truth_N, pool = population(np.random.default_rng(9))
    sampler = Sampler(pool=pool, budget=40, batches=2)
    seen = look(sampler, spend(sampler, truth_N), goal=Goal(fn_width=0.001))
    assert seen.stop
    assert seen.left
    assert seen.labels == 40
    assert any("2 looks were planned" in said for said in seen.rates.assumptions)


@pytest.mark.parametrize(
    "options", [{"budget": 5000}, {"budget": 10, "batches": 11}, {"budget": 10, "floor": 0}]
)
def test_a_plan_that_cannot_be_is_refused(options):
    """More labels than rows, more batches than labels, and chances of zero are mistakes."""
    _, pool = population(np.random.default_rng(10), rows=1000)
    with pytest.raises(UsageError):
        Sampler(pool=pool, **options)


def test_a_cost_curve_spends_nested_labels_and_narrows():
    """Each budget spends what it says, with both verdicts in it, and more labels narrow."""
    rng = np.random.default_rng(11)
    truth_N, pool = population(rng)
    gold = labelled(rng, truth_N, pool, rejected=300, accepted=100)
    methods = {"labels": begg_greenes, "with judge": prediction_powered}
    curve = cost_curve(gold, methods, budgets=[40, 100, 400])
    assert [(s.method, s.labels) for s in curve[:3]] == [("labels", n) for n in (40, 100, 400)]
    for spent in curve:
        assert spent.rates.ppv.n + spent.rates.false_omission.n == spent.labels
        assert spent.rates.ppv.n == spent.labels / 4
    widths = [spent.rates.fn.width for spent in curve]
    assert widths[0] > widths[1] > widths[2]
    assert widths[2] > widths[5]
    assert curve[2].rates.fn == begg_greenes(gold).fn
    with pytest.raises(UsageError):
        cost_curve(gold, methods, budgets=[401])


def test_the_budget_ends_although_rows_were_skipped():
    """Rows that nobody could tell are not waited for."""
    truth_N, pool = population(np.random.default_rng(12))
    sampler, label_N = Sampler(pool=pool, budget=40, batches=2), pool.correct_N
    skipped_N = np.zeros(len(pool), dtype=bool)
    while len(rows := sampler.next(label_N, skipped_N=skipped_N)):
        skipped_N[rows[0]] = True
        label_N = np.where(np.isin(np.arange(len(pool)), rows[1:]), truth_N, label_N)
    goal = Goal(fn_width=0.001)
    assert look(sampler, label_N, goal=goal, skipped_N=skipped_N).stop
    assert not look(sampler, label_N, goal=goal).stop


@pytest.mark.parametrize("stop", [70, 160])
def test_wherever_a_sitting_stops_the_choice_leaves_no_bias(stop):
    """Chances led by a judge, prompts of 8, labels cut off inside a batch: right on average."""
    rng, errors = np.random.default_rng(13), []
    for seed in range(150):
        truth_N, pool = population(rng, rows=1600)
        pool = replace(pool, cluster_N=np.arange(1600) // 8)
        sampler, label_N = Sampler(pool=pool, budget=160, seed=seed), pool.correct_N
        while len(rows := sampler.next(label_N)) and (left := stop - (label_N >= 0).sum()) > 0:
            chosen = np.isin(np.arange(1600), rows[:left])
            label_N = np.where(chosen, truth_N, label_N)
        rates = begg_greenes(sampler.survey(label_N))
        errors.append((rates.fp.point - 0.05, rates.fn.point - 0.2))
    assert (np.abs(np.mean(errors, axis=0)) < 3.5 * np.std(errors, axis=0) / 150**0.5).all()


def test_a_curve_of_costs_needs_labels():
    """A survey without labels has no curve, and says so."""
    _, pool = population(np.random.default_rng(14))
    with pytest.raises(UsageError, match="two labels"):
        cost_curve(pool, {"labels": begg_greenes})


@pytest.mark.parametrize("figure", [0, -1, 2])
def test_a_goal_that_cannot_be_is_refused(figure):
    """Widths and limits lie in (0, 1]."""
    with pytest.raises(UsageError):
        Goal(fn_width=figure)
