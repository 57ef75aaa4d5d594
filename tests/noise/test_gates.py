"""Gates pass on what was shown, and say how much more it takes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from unflip.errors import UsageError
from unflip.intervals import wilson
from unflip.noise.clusters import clustered
from unflip.noise.compare import compare_arrays
from unflip.noise.few import begg_greenes, between, known
from unflip.noise.gates import gate, gate_change, rows_to_show, upper_bound
from unflip.noise.gold import rates_from_arrays
from unflip.noise.survey import Survey

limits = st.sampled_from([0.01, 0.02, 0.05, 0.1, 0.3])
NAN = float("nan")


def rates_of(accepted, rejected):
    """Rates of a verifier from wrong answers only."""
    return rates_from_arrays([1] * accepted + [0] * rejected, [0] * (accepted + rejected))


@pytest.mark.parametrize(("rows", "passes"), [(298, False), (299, True)])
def test_one_percent_takes_299_clean_rows(rows, passes):
    """Without an error, "below 1 % at 95 % confidence" takes 299 rows, and 298 do not do."""
    assert (gate(rates_of(0, rows), max_fp=0.01) == ()) is passes


@pytest.mark.parametrize("limit", [0.02, 0.1])
@pytest.mark.parametrize("n", [50, 400])
def test_a_verifier_at_the_limit_passes_rarely(n, limit):
    """Enumerated: with the true rate at the limit a gate passes in 5 % of all cases at most."""
    passed = [k for k in range(n + 1) if upper_bound(wilson(k, n)) <= limit]
    assert binom.pmf(passed, n, limit).sum() <= 0.05


@given(st.integers(0, 5), st.integers(0, 400), limits, st.sampled_from([0.8, 0.95, 0.99]))
def test_the_rows_that_it_asks_for_do_and_one_less_does_not(k, misses, limit, confidence):
    """`rows_to_show` is the least number of clean rows that make the gate pass."""
    n = k + misses
    more = rows_to_show(wilson(k, n), limit, confidence=confidence)
    assert upper_bound(wilson(k, n + more), confidence=confidence) <= limit
    if more:
        assert upper_bound(wilson(k, n + more - 1), confidence=confidence) > limit


def test_rows_that_share_prompts_show_less():
    """400 clean rows of 50 prompts count as 50, and eight times as many rows are needed."""
    rate = clustered([0] * 50, [8] * 50)
    assert upper_bound(rate) == upper_bound(wilson(0, 50))
    assert rows_to_show(rate, 0.01) == 8 * rows_to_show(wilson(0, 50), 0.01)
    rates = rates_from_arrays([0] * 400, [0] * 400, cluster_N=np.repeat(range(50), 8))
    (failure,) = gate(rates, max_fp=0.01)
    assert "0 of 400 = 0% (worth 50 independent rows)" in failure.message


def test_a_failure_says_counts_bound_and_what_it_takes():
    """Not shown to be below is another finding than above, and both name their numbers."""
    unsure, above = gate(
        rates_from_arrays([1, *[0] * 99, *[0] * 30, *[1] * 70], [0] * 100 + [1] * 100),
        max_fp=0.02,
        max_fn=0.2,
    )
    assert (unsure.rate, unsure.limit) == ("fp", 0.02)
    assert unsure.upper == pytest.approx(0.0466, abs=1e-4)
    assert unsure.message == (
        "fp: 1 of 100 = 1%, not shown to be below 2%: the upper bound at 95% confidence is "
        f"4.66%; {rows_to_show(wilson(1, 100), 0.02)} more wrong answers, none accepted, would "
        "show it"
    )
    assert above.message == "fn: 30 of 100 = 30%, above the limit of 20%"


def test_without_rows_nothing_is_shown():
    """A gate on a class without labels fails, and says how many labels would do."""
    (failure,) = gate(rates_of(0, 100), max_fn=0.05)
    assert failure.upper == 1
    assert failure.message.startswith("fn: no correct answer has a label and a verdict")
    assert "59 more correct answers, none rejected" in failure.message


def few(ppv):
    """Rates from labels on 100 rejected rows, all of wrong answers, and a PPV that is assumed."""
    accepted_N = np.arange(400) < 200
    correct_N = np.where(np.arange(400) >= 300, 0, NAN)
    survey = Survey(accepted_N=accepted_N, rejected_N=~accepted_N, correct_N=correct_N)
    return begg_greenes(survey, assume_ppv=ppv)


def test_a_band_is_judged_by_its_upper_end():
    """A rate that lies below the limit wherever it lies in its band has passed, and no other."""
    rates = few(between(0.9, 1))
    assert math.isnan(rates.fp.point)
    assert 0.05 < rates.fp.high < 0.2
    assert gate(rates, max_fp=rates.fp.high) == ()
    (unsure,) = gate(rates, max_fp=0.05)
    assert unsure.upper == rates.fp.high
    assert "fp: only known to lie between 0% and 10.9%" in unsure.message
    assert unsure.message.endswith("labels on rows of the verdict that has none would narrow that")
    assert gate(rates, max_fp=rates.fp.high, confidence=0.99)  # the band was made for less
    (above,) = gate(few(between(0.1, 0.2)), max_fp=0.05)
    assert above.message.endswith("above the limit of 5%")


def test_a_rate_from_few_labels_is_no_count():
    """What was composed of two shares and the accept share is not told as so many of so many."""
    (unsure,) = gate(few(known(0.95)), max_fp=0.0476)
    assert unsure.message.startswith("fp: about 4.76%, as sure as ")


def test_looking_often_does_not_help_through_a_gate():
    """A rate that holds at any of four looks is judged by a bound that does so, too."""
    rates = rates_from_arrays([0] * 75, [0] * 75, level=1 - 0.05 / 4)
    assert gate(rates_of(0, 75), max_fp=0.04) == ()
    (unsure,) = gate(rates, max_fp=0.04)
    assert unsure.upper == pytest.approx(1 - (0.05 / 4) ** (1 / 75))


def test_a_rate_by_assumption_is_judged_as_assumed():
    """A PPV that is taken to be 1 leaves no false positive, and needs no rows to say so."""
    assert gate(few(known(1.0)), max_fp=0.01) == ()
    assert gate(few(None), max_fp=0.5)


def test_abstaining_does_not_help_through_a_gate():
    """A verifier that abstains on nearly everything shows nothing about the rest."""
    rates = rates_from_arrays([0] * 5 + [NAN] * 995, [0] * 1000)
    assert [failure.rate for failure in gate(rates, max_fp=0.02, max_abstain=0.1)] == [
        "fp",
        "abstain",
    ]


def test_only_what_is_asked_is_judged():
    """No limit, no failure."""
    assert gate(rates_of(100, 0)) == ()


@pytest.mark.parametrize("wrong", [{"max_fp": 0}, {"max_fn": 1}, {"max_abstain": -0.1}])
def test_limits_that_mean_nothing_are_refused(wrong):
    """No number of rows shows a rate of 0, and every rate is at most 1."""
    with pytest.raises(UsageError, match=r"lies in \(0, 1\)"):
        gate(rates_of(0, 10), **wrong)


def test_a_confidence_of_a_coin_is_refused():
    """Half or less is no confidence."""
    with pytest.raises(UsageError, match="confidence"):
        gate(rates_of(0, 10), max_fp=0.1, confidence=0.5)


def test_a_change_passes_when_the_rise_is_shown_to_be_small():
    """The same rows, one more false reject of 500: shown to rise by less than 2 %, not by 0.5 %."""
    a, b = [1] * 450 + [0] * 50, [1] * 449 + [0] * 51
    found = compare_arrays(a, b, correct_N=[1] * 500)
    assert gate_change(found, max_fn_rise=0.02, max_abstain_rise=0.02) == ()
    (failure,) = gate_change(found, max_fn_rise=0.005)
    assert failure.rate == "fn_all"
    assert failure.message.startswith("fn_all: 10% with A, 10.2% with B, not shown to rise by less")


def test_a_better_verifier_passes_without_a_margin():
    """Forty false accepts fewer: shown not to rise at all."""
    found = compare_arrays([1] * 40 + [0] * 60, [0] * 100, correct_N=[0] * 100)
    assert gate_change(found, max_fp_rise=0) == ()


def test_a_change_without_rows_is_not_shown():
    """No wrong answers: nothing is known about their accepts."""
    (failure,) = gate_change(compare_arrays([1], [1], correct_N=[1]), max_fp_rise=0.1)
    assert "no labelled row" in failure.message


def test_margins_that_mean_nothing_are_refused():
    """A margin is a difference of rates from 0 up."""
    with pytest.raises(UsageError, match=r"fp_all lies in \[0, 1\)"):
        gate_change(compare_arrays([1], [1], correct_N=[1]), max_fp_rise=-0.1)
