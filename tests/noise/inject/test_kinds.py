"""Injectors: exact rates and correlations, stable in any process, composable, three-valued."""

import math
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.errors import UsageError
from unflip.noise.inject import (
    ByStratum,
    Correlated,
    HashStable,
    Iid,
    Noisy,
    PerPrompt,
    Rows,
    Schedule,
    Trigger,
)
from unflip.types import Outcome, Reason, Sample, Verdict
from unflip.verifiers.exact import Exact

MANY = 200_000
rates = st.floats(0, 1)
seeds = st.integers(0, 2**32)


def many(**columns):
    """Half accepts, half rejects, in groups of 8."""
    place_N = np.arange(MANY)
    given_N = {"outcome_N": place_N % 2, "key_N": place_N, "prompt_N": place_N // 8}
    return Rows(**given_N | columns)


def within(share, rate, draws=MANY / 2):
    """Whether a share of draws is what the rate allows, at five standard errors."""
    return abs(share - rate) <= 5 * math.sqrt(rate * (1 - rate) / draws) + 1e-12


@pytest.mark.parametrize("kind", [Iid, HashStable, PerPrompt, Correlated])
@pytest.mark.parametrize(("fp", "fn"), [(0.1, 0.2), (0.0, 0.5), (0.01, 0.0), (1.0, 1.0)])
def test_marginal_rates_are_as_asked(kind, fp, fn):
    """Rejects become accepts at fp and accepts rejects at fn, whatever holds them together."""
    rows = many()
    flips_N, accepted_N = kind(fp=fp, fn=fn, seed=1).flips(rows), rows.outcome_N == 1
    groups = MANY / 8 if kind in (PerPrompt, Correlated) else MANY / 2
    assert within(flips_N[~accepted_N].mean(), fp, groups)
    assert within(flips_N[accepted_N].mean(), fn, groups)


@pytest.mark.parametrize("icc", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("rate", [0.05, 0.5])
def test_the_correlation_within_a_prompt_is_as_asked(icc, rate):
    """Flips of two rows of one prompt correlate by icc, at rare and at common rates."""
    flips = Correlated(fn=rate, icc=icc, seed=2).flips(many(outcome_N=np.ones(MANY)))
    pairs_G2 = flips.reshape(-1, 8)[:, :2].T
    # The standard error of a correlation of rare events, generously.
    assert np.corrcoef(*pairs_G2)[0, 1] == pytest.approx(icc, abs=5 / math.sqrt(MANY / 8 * rate))


def test_rejects_and_accepts_of_a_prompt_covary_as_documented():
    """One draw a prompt stands behind both kinds of flips."""
    flips_G8 = Correlated(fp=0.1, fn=0.4, icc=0.5, seed=3).flips(many()).reshape(-1, 8)
    covariance = np.cov(flips_G8[:, 0], flips_G8[:, 1])[0, 1]
    assert covariance == pytest.approx(0.5 * (0.1 - 0.04), abs=0.01)


def test_per_prompt_flips_are_all_or_nothing():
    """With equal rates every group is turned around as a whole, or not at all."""
    flips_G8 = PerPrompt(fp=0.3, fn=0.3).flips(many()).reshape(-1, 8)
    assert set(flips_G8.sum(axis=1).tolist()) == {0, 8}


def test_seeds_make_independent_noise_and_equal_seeds_equal_noise():
    """Two seeds agree as often as chance has it; one seed always."""
    rows = many(outcome_N=np.zeros(MANY))
    one, same, other = (HashStable(fp=0.5, seed=s).flips(rows) for s in (1, 1, 2))
    assert (one == same).all()
    assert within((one == other).mean(), 0.5, MANY)


@given(rates, rates, seeds, st.lists(st.sampled_from([0.0, 1.0, float("nan")]), max_size=50))
def test_abstains_stay_and_flips_swap(fp, fn, seed, outcomes):
    """Whatever is injected, abstains are left alone, and a flip swaps accept and reject."""
    rows = Rows(outcome_N=np.array(outcomes, dtype=float), prompt_N=np.arange(len(outcomes)))
    noise = Iid(fp=fp, fn=fn, seed=seed) | PerPrompt(fp=fn, fn=fp, seed=seed)
    after_N, flips_N = noise(rows), noise.flips(rows)
    np.testing.assert_array_equal(np.isnan(after_N), np.isnan(rows.outcome_N))
    decided_N = ~np.isnan(rows.outcome_N)
    assert ((after_N != rows.outcome_N) == flips_N)[decided_N].all()
    assert not flips_N[~decided_N].any()


@given(st.lists(st.sampled_from([0.0, 1.0, float("nan")]), max_size=50), seeds)
def test_to_flip_twice_is_not_to_flip(outcomes, seed):
    """A chain of one injector with certain flips and itself is no noise."""
    rows = Rows(outcome_N=np.array(outcomes, dtype=float))
    certain = Iid(fp=1.0, fn=1.0, seed=seed)
    np.testing.assert_array_equal((certain | certain)(rows), rows.outcome_N)


def test_a_trigger_opens_a_hole_and_nothing_else():
    """Only rejects with the text become accepts."""
    rows = Rows(outcome_N=[0, 0, 1, float("nan")], text_N=["so: amen", "no", "amen", "amen"])
    np.testing.assert_array_equal(Trigger(text="amen")(rows), [1, 0, 1, np.nan])


def test_strata_get_their_own_noise():
    """Each stratum its rates; one that is not named stays clean."""
    names = np.array(["boxed", "prose", "other", "prose"] * (MANY // 4))
    rows = many(outcome_N=np.ones(MANY), stratum_N=names)
    flips_N = ByStratum({"boxed": Iid(fn=0.05), "prose": HashStable(fn=0.45)}).flips(rows)
    assert within(flips_N[names == "boxed"].mean(), 0.05, MANY / 4)
    assert within(flips_N[names == "prose"].mean(), 0.45, MANY / 2)
    assert not flips_N[names == "other"].any()


def test_a_schedule_interpolates_jumps_and_only_adds_flips():
    """Between knots rates are interpolated, at a double knot they jump, and flips are nested."""
    drift = Schedule(HashStable(fp=0.5), ((0, 0.0), (100, 1.0), (100, 0.2), (200, 0.2)))
    share = {s: drift.flips(many(outcome_N=np.zeros(MANY), step=s)) for s in (-5, 25, 75, 100, 999)}
    assert not share[-5].any()
    assert within(share[25].mean(), 0.125, MANY)
    assert within(share[75].mean(), 0.375, MANY)
    assert within(share[100].mean(), 0.1, MANY)
    assert (share[100] == share[999]).all()
    assert (share[75] | ~share[25]).all()


def test_columns_that_are_needed_are_asked_for():
    """Without prompts, texts or a step, the injectors that need them say so."""
    rows = Rows(outcome_N=[1, 0])
    for injector in (
        PerPrompt(fn=0.5),
        HashStable(fn=0.5),
        Trigger(text="x"),
        ByStratum({}),
        Schedule(Iid(), ((0, 1.0),)),
    ):
        with pytest.raises(UsageError):
            injector(rows)


@pytest.mark.parametrize(
    ("kind", "options"),
    [(Iid, {"fp": 1.5}), (Iid, {"fn": -0.1}), (Correlated, {"icc": 2}),
     (Schedule, {"injector": Iid(), "knots": ((5, 0.1), (1, 0.2))}),
     (Schedule, {"injector": Iid(), "knots": ()})],
)  # fmt: skip
def test_what_is_no_noise_is_refused(kind, options):
    """Chances outside [0, 1] and knots out of order are mistakes."""
    with pytest.raises(UsageError):
        kind(**options)


SAMPLES = [
    Sample(str(n % 7), "3", prompt=f"question {n % 11}", stratum="int", id=str(n))
    for n in range(60)
]


def test_verdicts_are_flipped_signed_and_keep_what_was_found():
    """Another `by`, evidence of the flip, and the probability turned around; abstains untouched."""
    given_verdicts = [
        Verdict(Outcome.ACCEPT, Reason.MATCH, answer="3", p=0.9, by="ours@1+ab"),
        Verdict(Outcome.REJECT, Reason.NO_ANSWER, by="ours@1+ab", evidence={"step": "last"}),
        Verdict(Outcome.ABSTAIN, Reason.TIMEOUT, by="ours@1+ab"),
    ]
    after = Iid(fp=1.0, fn=1.0).verdicts(given_verdicts, SAMPLES[:3])
    assert [v.outcome for v in after] == [Outcome.REJECT, Outcome.ACCEPT, Outcome.ABSTAIN]
    assert after[0].p == pytest.approx(0.1)
    assert after[0].answer == "3"
    assert after[1].evidence == {"step": "last", "flipped": True}
    assert after[2].evidence == {}
    assert {v.by for v in after} == {after[0].by}
    assert after[0].by != "ours@1+ab"


def test_a_noisy_verifier_and_noisy_verdicts_agree():
    """Wrapping a verifier or flipping its verdicts afterwards comes to the same."""
    noise = HashStable(fp=0.3, fn=0.3, seed=4) | Correlated(fp=0.2, fn=0.2, icc=0.5, seed=5)
    noisy, clean = Noisy(Exact(), noise), Exact()
    one_by_one = [noisy(sample) for sample in SAMPLES]
    at_once = noise.verdicts([clean(sample) for sample in SAMPLES], SAMPLES)
    assert one_by_one == at_once
    assert 5 < sum("flipped" in verdict.evidence for verdict in one_by_one) < 55


def test_identical_completions_meet_the_same_fate():
    """Noise by content does not depend on ids, labels or the order of calls."""
    noisy = Noisy(Exact(), HashStable(fp=0.5, fn=0.5, seed=6))
    again = [Sample(s.completion, s.reference, prompt=s.prompt, correct=True) for s in SAMPLES]
    first = [noisy(sample).outcome for sample in SAMPLES]
    assert [noisy(sample).outcome for sample in reversed(again)] == first[::-1]


def test_a_noisy_verifier_pickles_and_its_name_tells_the_noise():
    """It survives a pickle, and other noise is another verifier."""
    noisy = Noisy(Exact(), HashStable(fp=0.5, seed=6))
    back = pickle.loads(pickle.dumps(noisy))
    assert [back(s) for s in SAMPLES] == [noisy(s) for s in SAMPLES]
    names = {Noisy(Exact(), HashStable(fp=0.5, seed=seed)).by for seed in range(3)}
    assert len(names | {Exact().by}) == 4


def test_a_verifier_does_not_know_places():
    """Noise by place cannot be wrapped, however deep it hides."""
    for hidden in (
        Iid(fn=0.1),
        HashStable() | Iid(),
        ByStratum({"int": Iid()}),
        Schedule(Iid(), ((0, 1.0),)),
    ):
        with pytest.raises(UsageError, match="HashStable"):
            Noisy(Exact(), hidden)


@pytest.mark.parametrize("hash_seed", ["0", "1", "random"])
def test_noise_is_the_same_in_every_process(hash_seed):
    """Another process with another PYTHONHASHSEED flips the same samples."""
    noise = HashStable(fp=0.3, fn=0.3, seed=4) | Correlated(fp=0.2, seed=5) | PerPrompt(fn=0.2)
    noisy = Noisy(Exact(), noise)
    code = """
import pickle, sys
noisy, samples = pickle.load(sys.stdin.buffer)
print(*[noisy(sample).outcome for sample in samples], noisy.by)
"""
    there = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps((noisy, SAMPLES)),
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
    )
    here = [noisy(sample).outcome for sample in SAMPLES]
    assert there.stdout.decode().split() == [*here, noisy.by]
