"""Alarms: they go off when a rate rises, and rarely when it does not."""

import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.errors import UsageError
from unflip.noise.online.alarms import (
    Alarm,
    collapsed,
    disagreements,
    dominated,
    false_discoveries,
    false_positives,
    favourite,
)
from unflip.noise.survey import Survey


def watch(alarm, share_TG):
    """The alarm after it has seen every step."""
    for share_G in share_TG:
        alarm = alarm.update(share_G)
    return alarm


def raised(rate_T, *, runs, limit=0.1, patience=2000.0):
    """How many runs raise an alarm, with 8 groups a step whose shares are clustered."""
    rng = np.random.default_rng(5)
    count = 0
    for _ in range(runs):
        # Groups of 8 rows that are all alike in half of the cases: correlated inside.
        alike_TG = rng.random((len(rate_T), 8)) < 0.5
        rate_TG = np.repeat(np.asarray(rate_T)[:, None], 8, axis=1)
        mixed_TG = rng.binomial(8, rate_TG) / 8
        whole_TG = rng.random(rate_TG.shape) < rate_TG
        share_TG = np.where(alike_TG, whole_TG, mixed_TG)
        count += watch(Alarm(limit=limit, patience=patience), share_TG).raised is not None
    return count


def test_false_alarms_stay_below_steps_over_patience():
    """At the limit for 100 steps with patience 2,000, at most 5% of runs raise a false alarm."""
    assert raised([0.1] * 100, runs=300) < 30  # 15 expected at most


def test_a_rise_is_found():
    """When the rate trebles halfway, every run raises the alarm."""
    assert raised([0.1] * 50 + [0.3] * 50, runs=40) == 40


@given(
    share_G=st.lists(st.floats(0, 1), max_size=12),
    cut=st.integers(0, 12),
    limit=st.floats(0.01, 0.9),
)
def test_ranks_sum_their_evidence(share_G, cut, limit):
    """Groups split over ranks, in any order, say what they say together."""
    alarm = Alarm(limit=limit, patience=100)
    apart = alarm.evidence(share_G[cut:]) + alarm.evidence(share_G[:cut])
    assert np.allclose(apart, alarm.evidence(share_G), atol=1e-9)
    assert np.allclose(alarm.evidence(share_G[::-1]), alarm.evidence(share_G), atol=1e-9)


@given(share_TG=st.lists(st.lists(st.floats(0, 1), max_size=5), max_size=20))
def test_a_checkpoint_restores_the_alarm_exactly(share_TG):
    """Through JSON text and back, an alarm is equal to the last bit, raised or not."""
    alarm = watch(Alarm(limit=0.05, patience=50), share_TG)
    assert Alarm.from_json(json.loads(json.dumps(alarm.to_json()))) == alarm


@given(share_G=st.lists(st.floats(0, 1), min_size=1, max_size=8), limit=st.floats(0.01, 0.9))
def test_evidence_is_fair_at_the_limit(share_G, limit):
    """A group whose expected share is the limit multiplies wealth by 1 on average, whatever bet."""
    alarm = Alarm(limit=limit, patience=100)
    share = share_G[0]
    # A two-point distribution with mean `limit`: `share`, and 0 or 1 on the other side.
    other = 1.0 if share < limit else 0.0
    if abs(share - other) < 1e-9:
        return
    chance = (limit - other) / (share - other)
    factor_B = chance * np.exp(alarm.evidence([share]))
    factor_B = factor_B + (1 - chance) * np.exp(alarm.evidence([other]))
    assert np.allclose(factor_B, 1)


def test_wealth_grows_by_one_a_step_at_the_limit():
    """Over all courses of four draws at the limit, expected wealth is 4: the bound rests on it."""
    expected = 0.0
    for course in product((0.0, 1.0), repeat=4):
        alarm = watch(Alarm(limit=0.2, patience=1e30), [[share] for share in course])
        chance = np.prod([0.2 if share else 0.8 for share in course])
        expected += chance * np.mean(alarm.wealth)
    assert expected == pytest.approx(4)


def test_an_alarm_stays_raised_until_somebody_resets_it():
    """The step of the alarm is kept; after a reset it watches on from where it is."""
    alarm = watch(Alarm(limit=0.05, patience=100), [[1.0] * 20, [0.0] * 20])
    assert (alarm.raised, alarm.step) == (1, 2)
    assert alarm.reset().update([0.0]).raised is None
    assert alarm.reset().step == 2


def test_endless_evidence_does_not_overflow():
    """A run that is hacked for good raises once, and stays finite."""
    alarm = watch(Alarm(limit=0.01, patience=100), [[1.0] * 1000] * 20)
    assert alarm.raised == 1
    assert np.isfinite(alarm.wealth).all()


def test_a_learned_limit_lies_above_the_reference_rate():
    """The limit is the upper end of the reference rate, and too short a reference teaches none."""
    assert 0.1 < Alarm.learned([0.1] * 400, patience=100).limit < 0.2
    with pytest.raises(UsageError, match="so few groups"):
        Alarm.learned([1.0], patience=100)


def test_false_positives_and_discoveries_are_told_apart():
    """Per prompt: accepts among the wrong rows, and wrong rows among the accepted ones."""
    survey = Survey(
        accepted_N=[1, 1, 0, 1, 0],
        rejected_N=[0, 0, 1, 0, 1],
        correct_N=[0, 1, 0, 1, np.nan],
        cluster_N=[0, 0, 0, 1, 1],
    )
    assert false_positives(survey).tolist() == [0.5]
    assert false_discoveries(survey).tolist() == [0.5, 0.0]


def test_false_positives_need_even_labels():
    """If accepted rows are looked at more often, the share of accepts is no rho0: refused."""
    survey = Survey(
        accepted_N=[1, 0], rejected_N=[0, 1], correct_N=[0, 0], probability_N=[0.5, 0.1]
    )
    with pytest.raises(UsageError, match="false_discoveries"):
        false_positives(survey)


def test_disagreement_is_the_distance_of_judge_and_rule():
    """Abstains of either side are left out; a judge is needed."""
    survey = Survey(
        accepted_N=[1, 0, 0, 1],
        rejected_N=[0, 1, 0, 0],
        correct_N=[np.nan] * 4,
        judge_N=[0.25, 1, 1, np.nan],
        cluster_N=[0, 0, 0, 0],
    )
    assert disagreements(survey).tolist() == [0.875]
    with pytest.raises(UsageError, match="judge_N"):
        disagreements(Survey(accepted_N=[1], rejected_N=[0], correct_N=[1]))


def test_a_text_that_takes_over_raises_the_alarm():
    """One output under ever more prompts: found by the favourite of the step before."""
    rng = np.random.default_rng(1)
    alarm, before = Alarm(limit=0.05, patience=10_000), None
    for step in range(30):
        share = 0.0 if step < 10 else (step - 10) / 20
        outputs = [
            "Solution" if rng.random() < share else f"so it is {rng.integers(10**6)}"
            for _ in range(64)
        ]
        groups = np.repeat(np.arange(16), 4)
        if before is not None:
            alarm = alarm.update(dominated(outputs, groups, by=before))
        before = favourite(outputs, groups.tolist())
    assert alarm.raised is not None
    assert 10 < alarm.raised < 20


def test_collapsed_lengths_are_shares_per_group():
    """Each group says which part of it is short."""
    assert collapsed([1, 9, 9, 9, 1, 1], [0, 0, 0, 0, 1, 1], below=5).tolist() == [0.25, 1.0]


@pytest.mark.parametrize(
    "call",
    [
        lambda: Alarm(limit=0, patience=100),
        lambda: Alarm(limit=0.1, patience=1),
        lambda: Alarm(limit=0.1, patience=100).update([1.5]),
        lambda: Alarm(limit=0.1, patience=100).advance([1.0]),
        lambda: Alarm.from_json({"limit": 0.1}),
        lambda: favourite([], []),
    ],
    ids=["limit", "patience", "share", "evidence", "file", "outputs"],
)
def test_misuse_is_refused(call):
    """Limits, patience, shares, evidence and files that mean nothing are errors."""
    with pytest.raises(UsageError):
        call()


def test_a_wealth_of_another_length_is_no_alarm():
    """A damaged checkpoint is refused, not spread over all bets."""
    row = Alarm(limit=0.1, patience=100).to_json()
    with pytest.raises(UsageError):
        Alarm.from_json(row | {"wealth": [0.0]})
