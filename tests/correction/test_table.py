"""The table of rates: what it takes from measured rates, and what it refuses."""

import numpy as np
import pytest

from unflip.correction import RateTable, anchored, backward
from unflip.correction.table import NO_STRATUM
from unflip.errors import UsageError
from unflip.noise.few import begg_greenes, between
from unflip.noise.gold import NO_VALUE, estimate
from unflip.noise.survey import Survey
from unflip.types import Outcome, Reason, Sample, Verdict

BY = "ours@1+ab12cd"
ACCEPT = Verdict(Outcome.ACCEPT, Reason.MATCH, by=BY)
REJECT = Verdict(Outcome.REJECT, Reason.MISMATCH, by=BY)
ABSTAIN = Verdict(Outcome.ABSTAIN, Reason.TIMEOUT, by=BY)
# Accepts, rejects and abstains of wrong and of correct answers.
CLEAR = {False: (10, 190, 20), True: (160, 40, 30)}
BLIND = {False: (50, 50, 0), True: (52, 48, 0)}
INVERTED = {False: (80, 20, 0), True: (10, 90, 0)}


def rates(**strata):
    """Measured rates with these counts in each stratum."""
    rows = [
        (verdict, Sample(f"{name}{number}", "4", correct=correct, stratum=name or None))
        for name, counts in strata.items()
        for correct, of_verdicts in counts.items()
        for verdict, count in zip((ACCEPT, REJECT, ABSTAIN), of_verdicts, strict=True)
        for number in range(count)
    ]
    return estimate(*zip(*rows, strict=True))


def test_rates_and_shares_are_those_of_decided_rows():
    """rho0, rho1, q and m, with abstains left out of all four; and J's standard error."""
    table = RateTable.of(rates(boxed=CLEAR), by=BY)
    assert table.strata == ("boxed",)
    assert table.rho0_S == pytest.approx([10 / 200])
    assert table.rho1_S == pytest.approx([40 / 200])
    assert table.accept_S == pytest.approx([170 / 400])
    assert table.pass_S == pytest.approx([200 / 400])
    assert table.se_S == pytest.approx([np.sqrt(0.05 * 0.95 / 200 + 0.2 * 0.8 / 200)], rel=0.1)


def test_q_and_m_fit_together():
    """With no ridge, anchored is backward for measured rates too."""
    table = RateTable.of(rates(boxed=CLEAR), by=BY)
    both = anchored(table, ridge=0).line_S2, backward(table).line_S2
    np.testing.assert_allclose(*both, atol=1e-9)


def test_rates_without_strata_are_one_line():
    """One stratum, which rows need not name."""
    pooled = rates(boxed=CLEAR).strata["boxed"]
    table = RateTable.of(pooled, by=BY)
    assert (table.strata, table.codes([None, "", "any"]).tolist()) == (("",), [0, 0, 0])


def test_a_line_numbers_strata_as_its_table_does():
    """And one stratum with a name is no rate for all."""
    table = RateTable.of(rates(a=CLEAR, b=CLEAR), by=BY, strata=["b", "a"])
    assert backward(table).codes(["a", "b"]).tolist() == table.codes(["a", "b"]).tolist()
    with pytest.raises(UsageError, match="no rates for stratum 'b'"):
        backward(RateTable.of(rates(a=CLEAR), by=BY)).codes(["b"])


def test_rows_without_a_stratum_have_the_one_that_estimate_gave_them():
    """Its name is the same on both sides."""
    table = RateTable.of(rates(a=CLEAR, **{"": CLEAR}), by=BY)
    assert table.strata[table.codes([None])[0]] == NO_STRATUM == NO_VALUE


def test_strata_keep_the_order_that_they_are_given_in():
    """Codes are places in that order."""
    table = RateTable.of(rates(a=CLEAR, b=CLEAR), by=BY, strata=["b", "a"])
    assert table.codes(["a", "b", "b"]).tolist() == [1, 0, 0]
    with pytest.raises(UsageError, match="no rates for stratum 'c'"):
        table.codes(["a", "c"])


def test_rates_of_another_verifier_are_refused():
    """A new version of the verifier needs rates of its own."""
    with pytest.raises(UsageError, match=r"measure 'ours@2\+ab12cd'"):
        RateTable.of(rates(a=CLEAR), by="ours@2+ab12cd")


def test_a_stratum_without_rates_is_refused_unless_pooled():
    """Pooling is asked for, and noted."""
    measured = rates(a=CLEAR, b=CLEAR)
    with pytest.raises(UsageError, match="no rates for stratum 'new'"):
        RateTable.of(measured, by=BY, strata=["a", "new"])
    table = RateTable.of(measured, by=BY, strata=["a", "new"], missing="pooled")
    assert table.rho0_S.tolist() == [0.05, 0.05]
    assert "'new' has no rates of its own" in table.notes[0]


def test_a_stratum_whose_j_may_be_0_weighs_nothing():
    """It is masked, and noted; or refused, if that is asked for."""
    measured = rates(a=CLEAR, b=BLIND)
    table = RateTable.of(measured, by=BY)
    assert table.trusted_S.tolist() == [True, False]
    assert "'b' weighs nothing" in table.notes[0]
    assert np.isnan(anchored(table)(np.ones(2), np.array([0, 1]))).tolist() == [False, True]
    with pytest.raises(UsageError, match="label more rows"):
        RateTable.of(measured, by=BY, untrusted="refuse")


def test_rates_that_say_nothing_anywhere_are_refused():
    """Masking everything is no training."""
    with pytest.raises(UsageError, match="label more rows"):
        RateTable.of(rates(a=BLIND), by=BY)


def test_a_stratum_without_wrong_answers_weighs_nothing():
    """A rate without a point is no rate of 0."""
    table = RateTable.of(rates(a=CLEAR, b={True: (9, 1, 0)}), by=BY)
    assert table.trusted_S.tolist() == [True, False]
    assert table.j_S.tolist() == pytest.approx([0.75, 0])


def test_an_inverted_stratum_is_used_only_by_request():
    """J clearly below 0 is a finding; turned around, it has a negative slope."""
    measured = rates(a=CLEAR, b=INVERTED)
    with pytest.raises(UsageError, match="allow_inverted=True"):
        RateTable.of(measured, by=BY)
    table = RateTable.of(measured, by=BY, allow_inverted=True)
    assert backward(table).line_S2[1, 1] < 0


def test_known_rates_are_probabilities():
    """And as many as there are strata."""
    percent = {"rho0": 0.1, "rho1": 0.2, "pass_rate": 40}
    for bad in ({"rho0": 1.2, "rho1": 0}, {"rho0": float("nan"), "rho1": 0}, percent):
        with pytest.raises(UsageError, match="probabilities"):
            RateTable.known(**bad)
    with pytest.raises(UsageError, match="need as many rates"):
        RateTable.known([0.1, 0.2], 0.1, strata=["a"])
    with pytest.raises(UsageError, match="one name of its own"):
        RateTable.known([0.1, 0.2], 0.1, strata=["a", "a"])


def test_known_rates_need_signal():
    """J below 0 by request only, J of 0 everywhere never."""
    with pytest.raises(UsageError, match="prefers wrong answers"):
        RateTable.known(0.7, 0.6)
    with pytest.raises(UsageError, match="J is 0 everywhere"):
        RateTable.known(0.5, 0.5)


def test_shares_follow_the_policy():
    """Both q and m are the policy's, and may be told anew, together; rates stay."""
    table = RateTable.known([0.1, 0.2], [0.1, 0.1], pass_rate=0.5)
    moved = table.observed(accept=[0.3, 0.4], pass_rate=[0.2, 0.6])
    assert (moved.accept_S.tolist(), moved.pass_S.tolist()) == ([0.3, 0.4], [0.2, 0.6])
    assert moved.rho0_S is table.rho0_S
    with pytest.raises(UsageError, match="one rate for each"):
        table.observed(pass_rate=[0.3])
    with pytest.raises(UsageError, match="probabilities"):
        table.observed(accept=[0.3, 1.3], pass_rate=0.5)


def test_an_accept_rate_that_nobody_observed_follows_from_the_pass_rate():
    """An old q beside a new m would pay a stratum for its progress twice, or not at all."""
    table = RateTable.known([0.1, 0.2], [0.1, 0.1], pass_rate=0.5)
    moved = table.observed(pass_rate=[0.2, 0.6])
    np.testing.assert_allclose(moved.accept_S, table.rho0_S + table.j_S * [0.2, 0.6])
    np.testing.assert_allclose(anchored(moved).line_S2, backward(table).line_S2)


def test_rates_that_are_known_as_bands_only_are_not_trusted():
    """J's band lies above 0, but there is no point to divide by: not a reward of 0 for all."""
    verdict_N, labels_N = np.repeat([1.0, 0.0], [500, 500]), np.full(1000, np.nan)
    labels_N[500:650] = np.arange(150) < 30
    survey = Survey(accepted_N=verdict_N == 1, rejected_N=verdict_N == 0, correct_N=labels_N)
    band = begg_greenes(survey, assume_ppv=between(0.9, 1))
    assert band.informativeness.low > 0.5
    with pytest.raises(UsageError, match="no point"):
        RateTable.of(band, by=band.by)


def test_an_inverted_stratum_can_be_masked():
    """As the refusal says; the others are corrected as before."""
    measured = rates(a=CLEAR, b=INVERTED)
    table = RateTable.of(measured, by=BY, allow_inverted=True).masked(["b"])
    assert np.isnan(backward(table).line_S2).all(1).tolist() == [False, True]
    np.testing.assert_array_equal(
        backward(table).line_S2[0], backward(RateTable.of(rates(a=CLEAR), by=BY)).line_S2[0]
    )


def test_masking_everything_is_refused():
    """Nothing would be trained, and no number would say so."""
    with pytest.raises(UsageError, match="nothing is left"):
        RateTable.known([0.1, 0.2], 0.1).masked(["0", "1"])
