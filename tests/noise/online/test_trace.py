"""Traces: a log replayed says what the estimators would have said, and alarms when they would."""

import json
import math
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from unflip.errors import UsageError
from unflip.noise.online import Alarm, Recent, Running, Trace, false_positives, one_each, trace
from unflip.noise.survey import Survey

SEEDS = st.integers(0, 1000)
FEW = settings(max_examples=12, deadline=None)


def log(seed, *, steps=8, prompts=6, rise=None, chance=1.0, abstain=0.0):
    """A log whose verifier accepts wrong answers ten times as often from step `rise` on."""
    rng = np.random.default_rng(seed)
    rows = steps * prompts * 4
    step_N = np.arange(rows) // (prompts * 4)
    truth_N = rng.random(rows) < 0.5
    fp_N = np.where(step_N >= (steps if rise is None else rise), 0.6, 0.06)
    accepted_N = rng.random(rows) < np.where(truth_N, 0.8, fp_N)
    open_N = rng.random(rows) < abstain
    labelled_N = rng.random(rows) < chance
    survey = Survey(
        accepted_N=accepted_N & ~open_N,
        rejected_N=~accepted_N & ~open_N,
        correct_N=np.where(labelled_N, truth_N, np.nan),
        probability_N=np.full(rows, chance),
        judge_N=np.where(rng.random(rows) < 0.9, truth_N, ~truth_N).astype(float),
        cluster_N=np.arange(rows) // 4,
        by="toy@1",
    )
    return survey, step_N


@FEW
@given(SEEDS, st.sampled_from([1.0, 0.4]), st.sampled_from([0.0, 0.2]))
def test_a_replay_is_the_loop(seed, chance, abstain):
    """Every point and alarm equals what feeding the estimators step by step gives."""
    survey, step_N = log(seed, steps=7, rise=5, chance=chance, abstain=abstain)
    told = trace(survey, step_N, decay=0.8, reference=3, patience=50, seed=seed)
    recent, running, rng = Recent(decay=0.8), Running(even=True), np.random.default_rng(seed)
    shares = []
    for step, point in enumerate(told.points):
        part = survey.where(step_N == step)
        recent = recent.update(part)
        running = running.update(part.where(one_each(part.cluster_N, rng)))
        shares.append(false_positives(part))
        assert (point.step, point.rows, point.labels) == (step, len(part), part.labels)
        assert point.accept == pytest.approx(part.accepted_N.mean())
        wanted = (recent.rates().fp, recent.rates().fn, running.fp(), running.fn())
        got = (point.recent_fp, point.recent_fn, point.running_fp, point.running_fn)
        assert list(map(repr, got)) == list(map(repr, wanted))
    alarm = Alarm.learned(np.concatenate(shares[:3]), patience=50)
    for share_G in shares[3:]:
        alarm = alarm.update(share_G)
    raised = None if alarm.raised is None else alarm.raised + 2
    assume(told.alarms[0].limit is not None)  # else there was too little to learn from
    assert (told.alarms[0].limit, told.alarms[0].step) == (alarm.limit, raised)


@FEW
@given(SEEDS, st.sampled_from([0.0, 0.3, 1.0]))
def test_traces_survive_json(seed, chance):
    """A trace that went through a file equals itself, unknown rates and silent alarms included."""
    survey, step_N = log(seed, steps=6, chance=max(chance, 0.01))
    told = trace(survey, step_N, length_N=np.arange(len(survey)))
    back = Trace.from_json(json.loads(json.dumps(told.to_json(), allow_nan=False)))
    assert repr(back) == repr(told)


@pytest.mark.parametrize("row", [{}, {"points": 3}, {"points": [{}], "alarms": [], "notes": []}])
def test_another_row_is_refused(row):
    """What is no trace is an error and not a guess."""
    with pytest.raises(UsageError, match="no trace"):
        Trace.from_json(row)


@pytest.mark.parametrize("seed", range(10))
def test_a_planted_rise_is_found_and_not_before(seed):
    """The alarm on rho0 goes off soon after the step at which it rises."""
    survey, step_N = log(seed, steps=30, prompts=16, rise=20)
    fp, judge = trace(survey, 10 * step_N).alarms
    assert fp.what == "wrong answers accepted"
    assert 200 <= fp.step < 250
    assert judge.step is None or judge.step >= 200


@pytest.mark.parametrize("seed", range(10))
def test_a_steady_log_raises_nothing(seed):
    """Where nothing changes, no alarm goes off, and each had a limit."""
    survey, step_N = log(seed, steps=30, prompts=16)
    rng = np.random.default_rng(seed)
    told = trace(
        survey,
        step_N,
        length_N=rng.normal(800, 100, len(survey)),
        output_N=rng.integers(0, 50, len(survey)).tolist(),
    )
    assert len(told.alarms) == 4
    assert all(alarm.limit and alarm.step is None and not alarm.why for alarm in told.alarms)


def test_collapse_and_domination_are_found():
    """Completions that shrink, and one that is given to every prompt, raise their alarms."""
    survey, step_N = log(0, steps=25, prompts=16)
    rng = np.random.default_rng(0)
    length_N = np.where(step_N >= 15, 100, rng.normal(800, 100, len(survey)))
    output_N = np.where(step_N >= 18, -1, np.arange(len(survey))).tolist()
    *_, short, same = trace(survey, step_N, length_N=length_N, output_N=output_N).alarms
    assert 15 <= short.step < 20
    assert 19 <= same.step < 23  # the favourite is known one step later


def test_rows_may_come_in_any_order():
    """Recent rates and alarms do not depend on the order of rows."""
    survey, step_N = log(3, steps=12, rise=8)
    order = np.random.default_rng(0).permutation(len(survey))
    one, other = trace(survey, step_N), trace(survey.where(order), step_N[order])
    assert [point.step for point in other.points] == list(range(12))
    for left, right in zip(one.points, other.points, strict=True):
        assert left.recent_fn.point == pytest.approx(right.recent_fn.point, nan_ok=True)
    assert [alarm.step for alarm in one.alarms] == [alarm.step for alarm in other.alarms]


def test_labels_that_depend_on_the_verdict_watch_accepted_rows():
    """With other chances for accepted and rejected rows, PPV is watched and rates are composed."""
    survey, step_N = log(1)
    chance_N = np.where(survey.accepted_N, 0.9, 0.5)
    told = trace(replace(survey, probability_N=chance_N), step_N)
    assert told.alarms[0].what == "wrong answers among accepted"
    assert told.points[-1].running_fp.method == "confidence sequence, composed"
    assert any("composed" in note for note in told.notes)


def test_labels_of_different_chances_have_no_rates_so_far():
    """Where rows of one verdict had different chances, the trace says so and does not raise."""
    survey, step_N = log(1)
    cell_N = np.arange(len(survey)) % 2
    uneven = replace(survey, probability_N=0.4 + 0.2 * cell_N, cell_N=cell_N)
    told = trace(uneven, step_N)
    assert all(math.isnan(point.running_fp.point) for point in told.points)
    assert not math.isnan(told.points[-1].recent_fp.point)
    assert any("different chances" in note for note in told.notes)


@pytest.mark.parametrize(("steps", "chance", "why"), [(4, 1.0, "4 steps"), (12, 0.001, "too few")])
def test_what_cannot_be_learned_is_said(steps, chance, why):
    """A log that is too short, or has too few labels, gets no limit, and says why."""
    survey, step_N = log(0, steps=steps, prompts=3, chance=chance)
    alarm = trace(survey, step_N).alarms[0]
    assert (alarm.limit, alarm.step) == (None, None)
    assert why in alarm.why


def test_a_given_limit_needs_no_reference():
    """With a limit, an alarm watches from the first step on."""
    survey, step_N = log(0, steps=8, prompts=16, rise=0)
    fp, _ = trace(survey, step_N, limits={"false_positives": 0.1}).alarms
    assert fp.limit == 0.1
    assert fp.step <= 3


def test_a_log_without_rows_has_an_empty_trace():
    """No rows make no points and no alarms."""
    told = trace(Survey(accepted_N=[], rejected_N=[], correct_N=[]), [])
    assert (told.points, told.alarms) == ((), ())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"step_N": [0.0, math.nan]}, "number of its training step"),
        ({"step_N": [0.0]}, "one entry a row"),
        ({"length_N": [1]}, "one entry a row"),
        ({"output_N": ["a"]}, "one entry a row"),
        ({"limits": {"wrong": 0.1}}, "there are limits for"),
        ({"reference": 1}, "2 steps or more"),
        ({"decay": 0.0}, "decay is a factor"),
    ],
)
def test_misuse_is_told(change, why):
    """Columns that do not fit, and figures out of range, are errors that say what is wanted."""
    survey = Survey(accepted_N=[1, 0], rejected_N=[0, 1], correct_N=[1, 0])
    with pytest.raises(UsageError, match=why):
        trace(survey, **{"step_N": [0, 1]} | change)


def test_a_long_log_is_told_at_some_of_its_steps(monkeypatch):
    """Every step counts in the rates; of many, so many are told, the last among them."""
    survey, step_N = log(0, steps=40)
    every = trace(survey, step_N)
    monkeypatch.setattr(sys.modules["unflip.noise.online.trace"], "MOST", 10)
    some = trace(survey, step_N)
    assert len(some.points) == 10
    assert all(point in every.points for point in some.points)
    assert some.points[-1] == every.points[-1]
    assert some.alarms == every.alarms
    assert any("10 of 40 steps" in note for note in some.notes)


def test_a_limit_for_what_cannot_be_watched_is_refused():
    """Without a judge there is no disagreement to limit, and the message says what there is."""
    survey, step_N = log(0, steps=10)
    with pytest.raises(UsageError, match=r"no limit for disagreements here: .* false_"):
        trace(replace(survey, judge_N=None), step_N, limits={"disagreements": 0.1})
