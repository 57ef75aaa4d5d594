"""Online states: merge in any order, survive a checkpoint, and agree with the batch estimate."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.noise.surveys import labelled, population
from unflip.errors import UsageError
from unflip.intervals import Proportion
from unflip.noise.few.partial import begg_greenes
from unflip.noise.online import Recent, Running, one_each
from unflip.noise.survey import Survey
from unflip.rates import NoiseRates, Status

PROPORTIONS = [f.name for f in fields(NoiseRates) if f.type == "Proportion"]


def rollouts(seed, *, groups=40, size=8, labelled=0.4, by="ours@1+abc123"):
    """A step of rollouts: groups that share their luck, rho0 = .1, rho1 = .2, 5% abstains."""
    rng = np.random.default_rng(seed)
    rows = groups * size
    correct_N = rng.random(rows) < np.repeat(rng.beta(1, 1, groups), size)
    accepted_N = rng.random(rows) < np.where(correct_N, 0.8, 0.1)
    decided_N = rng.random(rows) > 0.05
    return Survey(
        accepted_N=accepted_N & decided_N,
        rejected_N=~accepted_N & decided_N,
        correct_N=np.where(rng.random(rows) < labelled, correct_N, np.nan),
        probability_N=np.full(rows, labelled),
        cluster_N=np.repeat(np.arange(groups), size),
        by=by,
    )


def recent(decay, *seeds, size=20):
    """A state that has seen a step for each seed."""
    state = Recent(decay=decay)
    for seed in seeds:
        state = state.update(rollouts(seed, groups=size))
    return state


def alike(one, other):
    """Whether two states are the same up to rounding."""
    return (one.decay, one.step, one.by) == (other.decay, other.step, other.by) and all(
        np.allclose(getattr(one, name), getattr(other, name), rtol=1e-12, atol=1e-12)
        for name in ("sums_D", "squares_DD")
    )


seeds = st.lists(st.integers(0, 1000), max_size=4)
decays = st.sampled_from([1.0, 0.9, 0.5])


@settings(max_examples=30, deadline=None)
@given(decay=decays, runs=st.tuples(seeds, seeds, seeds))
def test_merging_is_commutative_and_associative(decay, runs):
    """Ranks may merge in any order, even if some have seen fewer steps."""
    a, b, c = (recent(decay, *run) for run in runs)
    assert a.merge(b) == b.merge(a)
    assert alike(a.merge(b).merge(c), a.merge(b.merge(c)))
    x, y, z = (running_of(run) for run in runs)
    assert x.merge(y) == y.merge(x)
    assert x.merge(y).merge(z) == x.merge(y.merge(z))


def running_of(run):
    """A running state that has seen a draw of each group for each seed."""
    state = Running()
    for seed in run:
        survey = rollouts(seed)
        rows = one_each(survey.cluster_N, np.random.default_rng(seed))
        state = state.update(survey.where(rows))
    return state


@settings(max_examples=20, deadline=None)
@given(decay=decays, steps=st.lists(st.integers(0, 1000), min_size=1, max_size=4))
def test_two_ranks_merge_into_what_one_would_have_seen(decay, steps):
    """Splitting every step's groups over two ranks changes nothing."""
    whole, left, right = (Recent(decay=decay) for _ in range(3))
    for seed in steps:
        survey = rollouts(seed)
        here_N = np.asarray(survey.cluster_N) < 13
        whole = whole.update(survey)
        left, right = left.update(survey.where(here_N)), right.update(survey.where(~here_N))
    assert alike(left.merge(right), whole)


def test_a_rank_that_fell_behind_is_brought_up_to_date():
    """Merging a state that has seen fewer steps is merging one that saw empty steps instead."""
    nothing = rollouts(0).where(np.zeros(320, dtype=bool))
    behind = recent(0.5, 1)
    waited = behind.update(nothing).update(nothing)
    ahead = recent(0.5, 2, 3, 4)
    assert alike(behind.merge(ahead), waited.merge(ahead))
    assert not np.allclose(behind.merge(ahead).sums_D, behind.sums_D + ahead.sums_D)


@settings(max_examples=20, deadline=None)
@given(decay=decays, run=seeds)
def test_a_checkpoint_restores_the_state_exactly(decay, run):
    """Through JSON text and back, a state is equal to the last bit."""
    for state in (recent(decay, *run), running_of(run), Running(even=True)):
        assert type(state).from_json(json.loads(json.dumps(state.to_json()))) == state


def test_without_decay_the_rates_are_those_of_all_rows_at_once():
    """With decay 1, after many steps, every rate equals the batch estimate on all the rows."""
    steps = [rollouts(seed) for seed in range(5)]
    state = Recent(decay=1.0)
    for step in steps:
        state = state.update(step)
    every = Survey(
        accepted_N=np.concatenate([s.accepted_N for s in steps]),
        rejected_N=np.concatenate([s.rejected_N for s in steps]),
        correct_N=np.concatenate([s.correct_N for s in steps]),
        cluster_N=np.concatenate([s.cluster_N + 100 * i for i, s in enumerate(steps)]),
        by=steps[0].by,
    )
    online, batch = state.rates(), begg_greenes(every)
    assert online.by == batch.by
    for name in PROPORTIONS:
        one, other = getattr(online, name), getattr(batch, name)
        assert one.point == pytest.approx(other.point, abs=1e-12), name
        assert one.width == pytest.approx(other.width, rel=0.15), name


def test_a_ratio_of_sums_and_not_a_mean_of_ratios():
    """A step with one labelled row weighs as one row, not as one step."""
    many = Survey(accepted_N=[0] * 99, rejected_N=[1] * 99, correct_N=[0] * 99)
    one = Survey(accepted_N=[0], rejected_N=[1], correct_N=[1])
    state = Recent(decay=0.5).update(many).update(one)
    assert state.rates().false_omission.point == pytest.approx(1 / (0.5 * 99 + 1))


def test_old_steps_fade():
    """With decay, the rates follow what happens now; without, they average everything."""
    calm = Survey(accepted_N=[1] * 100, rejected_N=[0] * 100, correct_N=[1] * 100)
    hacked = Survey(accepted_N=[1] * 100, rejected_N=[0] * 100, correct_N=[0] * 100)
    for decay, low, high in ((0.5, 0.0, 0.1), (1.0, 0.45, 0.55)):
        state = Recent(decay=decay)
        for step in [calm] * 5 + [hacked] * 5:
            state = state.update(step)
        assert low <= state.rates().ppv.point <= high


def test_the_effective_number_of_groups_is_kishs():
    """After many steps of one group each, decay lam leaves (1 + lam) / (1 - lam) groups."""
    state = Recent(decay=0.9)
    for _ in range(400):
        state = state.update(Survey(accepted_N=[1], rejected_N=[0], correct_N=[1]))
    assert state.groups == pytest.approx(19)


def test_intervals_cover_at_one_look_of_a_steady_run():
    """At one look, with rows of a prompt correlated, rho1's interval covers 95% (and luck)."""
    covered = []
    for seed in range(300):
        state = recent(0.7, *range(10 * seed, 10 * seed + 8), size=30)
        covered.append(holds(state.rates().fn, 0.2))
    assert np.mean(covered) > 0.9  # 285 expected; below 271 has a chance below 1e-3


def holds(interval: Proportion, truth: float) -> bool:
    """Whether the interval holds the truth."""
    return interval.low <= truth <= interval.high


def test_before_there_are_labels_nothing_is_claimed():
    """Without rows, and without labels, rates are unknown and the status says so; no exception."""
    unlabelled = Survey(accepted_N=[1, 0], rejected_N=[0, 1], correct_N=[np.nan, np.nan])
    for state in (Recent(), Recent().update(unlabelled)):
        rates = state.rates()
        assert rates.status is Status.IMPRECISE
        assert np.isnan(rates.fn.point)
        assert (rates.fn.low, rates.fn.high) == (0, 1)


def test_without_an_event_a_prompt_counts_once():
    """Eighty labels of ten prompts, all correct, are worth ten: the rest may have been luck."""
    survey = Survey(
        accepted_N=[1] * 80,
        rejected_N=[0] * 80,
        correct_N=[1] * 80,
        cluster_N=np.repeat(np.arange(10), 8),
    )
    ppv = Recent().update(survey).rates().ppv
    assert (ppv.n, ppv.n_eff) == (pytest.approx(80), pytest.approx(10))


def test_a_class_that_fades_away_leaves_no_trace():
    """Events so old that their weight rounds to nothing neither crash nor count."""
    odd = Survey(accepted_N=[1, 0], rejected_N=[0, 1], correct_N=[0, 1])
    usual = Survey(accepted_N=[1] * 50, rejected_N=[0] * 50, correct_N=[1] * 50)
    for steps in (30, 600, 1200):
        state = Recent(decay=0.5).update(odd)
        for _ in range(steps):
            state = state.update(usual)
        rates = state.rates()
        assert rates.ppv.point > 1 - 1e-9
        assert rates.ppv.low > 0.9
        assert rates.false_omission.width > 0.99


def test_a_ppv_is_assumed_only_where_none_was_measured():
    """Labels on rejects alone need a PPV; with labels on accepts assuming one is a mistake."""
    survey = Survey(
        accepted_N=[1] * 50 + [0] * 50,
        rejected_N=[0] * 50 + [1] * 50,
        correct_N=[np.nan] * 50 + [1] * 10 + [0] * 40,
    )
    rates = Recent().update(survey).rates(assume_ppv=1.0)
    assert rates.fn.point == pytest.approx(10 / 60)
    assert any("PPV is taken to be 1" in line for line in rates.assumptions)
    with pytest.raises(UsageError, match="measured"):
        Recent().update(rollouts(0)).rates(assume_ppv=1.0)


def test_running_rates_are_right_at_all_looks_together():
    """In a steady run, rho0 and rho1 stay inside at all of 20 looks together in 95% of runs."""
    rng = np.random.default_rng(3)
    left = {"fp": 0, "fn": 0}
    for _ in range(80):
        state = Running()
        out = {"fp": False, "fn": False}
        for _ in range(20):
            correct_N = rng.random(64) < 0.5
            accepted_N = rng.random(64) < np.where(correct_N, 0.8, 0.1)
            asked_N = rng.random(64) < np.where(accepted_N, 0.2, 0.5)
            state = state.update(
                Survey(
                    accepted_N=accepted_N,
                    rejected_N=~accepted_N,
                    correct_N=np.where(asked_N, correct_N, np.nan),
                )
            )
            out["fn"] |= not holds(state.fn(), 0.2)
            out["fp"] |= not holds(state.fp(), 0.1)
        left = {name: count + out[name] for name, count in left.items()}
    assert max(left.values()) < 13  # 4 expected at most


def test_running_draws_are_one_row_of_each_group():
    """Two rows of a group share their luck, so they are refused; so are uneven labels."""
    with pytest.raises(UsageError, match="one_each"):
        Running().update(rollouts(0))
    uneven = Survey(
        accepted_N=[1, 1], rejected_N=[0, 0], correct_N=[1, 0], probability_N=[0.5, 0.1]
    )
    with pytest.raises(UsageError, match="different chances"):
        Running().update(uneven)


def test_even_labels_are_plain_shares_and_narrower():
    """If labels ignore the verdict, rho1 is the share of rejects among correct draws."""
    survey = Survey(
        accepted_N=[1] * 80 + [0] * 20 + [1] * 10 + [0] * 90,
        rejected_N=[0] * 80 + [1] * 20 + [0] * 10 + [1] * 90,
        correct_N=[1] * 100 + [0] * 100,
    )
    even, composed = Running(even=True).update(survey), Running().update(survey)
    assert even.fn().point == pytest.approx(0.2)
    assert even.fp().point == pytest.approx(0.1)
    for one, other in ((even.fn(), composed.fn()), (even.fp(), composed.fp())):
        assert one.point == pytest.approx(other.point)
        assert other.low < one.low < one.high < other.high
    with pytest.raises(UsageError, match="cannot merge"):
        even.merge(composed)
    by_verdict = replace(survey, probability_N=np.where(survey.accepted_N, 0.1, 0.5))
    assert Running().update(by_verdict) == composed
    with pytest.raises(UsageError, match="different chances"):
        Running(even=True).update(by_verdict)


def test_composed_ends_are_corners_of_three_sequences():
    """The parts are covered at 1 - .05/3 each, and the ends lie at the furthest corners."""
    state = running_of([1, 2, 3])
    nu, pi, m = (
        part(level=1 - 0.05 / 3) for part in (state.false_omission, state.ppv, state.accept)
    )
    fn = [
        v * (1 - a) / (v * (1 - a) + p * a)
        for v in (nu.low, nu.high)
        for p in (pi.low, pi.high)
        for a in (m.low, m.high)
    ]
    fp = [
        (1 - p) * a / ((1 - p) * a + (1 - v) * (1 - a))
        for v in (nu.low, nu.high)
        for p in (pi.low, pi.high)
        for a in (m.low, m.high)
    ]
    for interval, corners in ((state.fn(), fn), (state.fp(), fp)):
        assert interval.low == pytest.approx(min(corners))
        assert interval.high == pytest.approx(max(corners))


@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=10), seed=st.integers(0, 99))
def test_one_each_takes_one_row_of_each_group(sizes, seed):
    """Every group is drawn from exactly once."""
    group_N = np.repeat(np.arange(len(sizes)), sizes)
    rows = one_each(group_N, np.random.default_rng(seed))
    assert group_N[rows].tolist() == list(range(len(sizes)))


def test_one_each_draws_evenly():
    """Each row of a group is as likely as the others."""
    rng = np.random.default_rng(0)
    places = np.bincount(np.concatenate([one_each([0, 0, 0, 0], rng) for _ in range(4000)]))
    assert abs(places - 1000).max() < 130  # five standard deviations


@pytest.mark.parametrize("state", [Recent(), Running()])
def test_states_of_different_verifiers_do_not_mix(state):
    """Neither a survey nor a state by another verifier is taken in."""
    rows = Survey(accepted_N=[1], rejected_N=[0], correct_N=[1], by="a@1+000000")
    others = Survey(accepted_N=[1], rejected_N=[0], correct_N=[1], by="b@1+000000")
    with pytest.raises(UsageError, match="one verifier's"):
        state.update(rows).update(others)
    with pytest.raises(UsageError, match="one verifier's"):
        state.update(rows).merge(state.update(others))


@pytest.mark.parametrize(
    "row", [{}, {"decay": 0.9, "step": 1, "by": "", "sums": [1], "squares": [[1]]}]
)
def test_another_file_is_refused(row):
    """What is no state is an error that says so."""
    with pytest.raises(UsageError, match="no state"):
        Recent.from_json(row)
    with pytest.raises(UsageError, match="no state"):
        Running.from_json(row)


def test_impossible_settings_are_refused():
    """A decay outside (0, 1], unequal decays and unlogged cells are mistakes."""
    with pytest.raises(UsageError):
        Recent(decay=0)
    with pytest.raises(UsageError):
        Recent(decay=0.9).merge(Recent(decay=0.8))
    cells = Survey(accepted_N=[1], rejected_N=[0], correct_N=[1], cell_N=[0])
    with pytest.raises(UsageError):
        Recent().update(cells)


def test_both_rates_of_late_err_together():
    """With even weights the correlation is that of the same rows as a survey; J's width has it."""
    truth_N, pool = population(np.random.default_rng(40))
    gold = labelled(np.random.default_rng(41), truth_N, pool, rejected=100, accepted=1000)
    chance_N = np.where(gold.accepted_N, 1000, 100) / np.where(
        gold.accepted_N, gold.accepted_N.sum(), gold.rejected_N.sum()
    )
    late = Recent(decay=1).update(replace(gold, probability_N=chance_N)).rates()
    assert late.correlation == pytest.approx(begg_greenes(gold).correlation, abs=0.02)
    assert late.correlation > 0.3


def test_a_vanishing_chance_is_refused():
    """A label that stands for more rows than there ever were is a mistake in the log."""
    survey = Survey(accepted_N=[1, 0], rejected_N=[0, 1], correct_N=[1, 0],
                    probability_N=[0.5, 1e-200])  # fmt: skip
    with pytest.raises(UsageError, match="drown"):
        Recent().update(survey)
