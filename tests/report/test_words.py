"""Words: how rates came about, what doubt there is, and how many labels are missing."""

from dataclasses import replace

import numpy as np
import pytest

from unflip.intervals import wilson
from unflip.noise.few import begg_greenes, prediction_powered
from unflip.noise.few.shares import between, known
from unflip.noise.gold import estimate
from unflip.noise.survey import Survey
from unflip.rates import PRECISE, Status
from unflip.report import Collector, Spending, to_html, to_markdown
from unflip.report.budget import more_labels
from unflip.report.numbers import counted
from unflip.report.terminal import rates_table
from unflip.report.words import METHODS, advice, explained, headline, how, in_short
from unflip.types import Outcome, Reason, Sample, Verdict


def survey(accepted, rejected, *, rows=2000, seed=0):
    """A survey with so many labels on accepted and on rejected rows, and its whole truth."""
    rng = np.random.default_rng(seed)
    truth_N = rng.random(rows) < 0.5
    accepted_N = rng.random(rows) < np.where(truth_N, 0.75, 0.06)
    correct_N = np.full(rows, np.nan)
    for class_N, labels in ((accepted_N, accepted), (~accepted_N, rejected)):
        chosen = rng.permutation(np.flatnonzero(class_N))[:labels]
        correct_N[chosen] = truth_N[chosen]
    judge_N = np.where(rng.random(rows) < 0.9, truth_N, ~truth_N).astype(float)
    few = Survey(
        accepted_N=accepted_N,
        rejected_N=~accepted_N,
        correct_N=correct_N,
        judge_N=judge_N,
        by="toy@1+ab",
    )
    return few, truth_N


def told(few, *, budget=None, waiting=0, skipped=0, **options):
    """The findings of a few-label estimate."""
    collector = Collector()
    for accepted, label in zip(few.accepted_N, few.correct_N, strict=True):
        outcome = Outcome.ACCEPT if accepted else Outcome.REJECT
        reason = Reason.MATCH if accepted else Reason.MISMATCH
        correct = None if np.isnan(label) else bool(label)
        collector.add(Sample("7", "7", correct=correct), Verdict(outcome, reason))
    return collector.findings(
        begg_greenes(few, **options),
        spent=Spending(
            budget=budget,
            labels=few.labels,
            accepted=few.where(few.accepted_N).labels,
            rejected=few.where(few.rejected_N).labels,
            skipped=skipped,
            waiting=waiting,
        ),
    )


def test_doubt_is_told_as_it_is(findings):
    """Every report says what wrong labels could make of the rates, if somebody has told it."""
    for told_of, shown in (("If some are wrong, so what?", True), ("", False)):
        doubted = replace(findings, doubt=told_of)
        for page in (to_html(doubted), to_markdown(doubted)):
            assert ("so what?" in page) is shown


def test_how_tells_method_labels_and_assumptions():
    """One line each: the method in plain words, where labels went, and all that is assumed."""
    few, _ = survey(40, 60)
    findings = told(few, budget=150, skipped=3, waiting=47)
    lines = how(findings)
    assert lines[:2] == [
        "Method: estimated from labels on some rows of either verdict (begg-greenes)",
        "Labels: 100 of 150 asked for, 40 on accepted rows and 60 on rejected ones; "
        "3 could not be told; 47 rows wait for a label",
    ]
    assert lines[2:] == [f"Assumed: {line}" for line in findings.rates.assumptions]


def test_how_counts_the_labels_of_all_rows(findings):
    """Without a budget, labels are those of the data, on rows left open too."""
    assert how(findings)[0] == "Method: counted on the rows that have a label (gold)"
    assert how(findings)[1] == (
        "Labels: 240, 105 on accepted rows and 132 on rejected ones, 3 on rows left open"
    )


def test_methods_are_short_and_known():
    """Each estimator's name has a phrase of at most ten words; another name stands for itself."""
    few, _ = survey(40, 60)
    assert {begg_greenes(few).method, prediction_powered(few).method, "gold"} <= set(METHODS)
    assert all(len(phrase.split()) <= 10 for phrase in METHODS.values())
    other = told(few)
    other = replace(other, rates=replace(other.rates, method="mine\u202e"))
    assert how(other)[0] == "Method: mine⟨U+202E⟩"


def test_waiting_rows_come_first():
    """While rows wait for a label, the next step is to label them."""
    assert advice(told(survey(5, 9)[0], waiting=86)) == (
        "86 rows wait for a label: label them (unflip label), and run this again. Until then, "
        "read the rates as a direction, not as a figure."
    )
    assert advice(told(survey(200, 300)[0], waiting=1)) == (
        "1 row waits for a label: label it (unflip label), and run this again."
    )


def test_bands_ask_for_accepted_rows():
    """Where no accepted row is labelled, some of those are what is missing."""
    findings = told(survey(0, 100)[0])
    assert advice(findings).startswith(
        "No accepted row carries a label, so the rates are only known to lie between bounds. "
        "Label about 50 accepted rows, drawn at random."
    )
    assumed = told(survey(0, 300)[0], assume_ppv=known(0.95))
    assert "No accepted row" not in advice(assumed)


@pytest.mark.parametrize("seed", range(6))
def test_the_labels_that_advice_asks_for_suffice(seed):
    """With as many more labels as advised, the wider rate is within about a tenth."""
    few, truth_N = survey(12, 20, seed=seed)
    findings = told(few)
    assert findings.rates.status is Status.IMPRECISE
    more = more_labels(findings.rates, findings.spent)
    assert f"{more.rejected} more rejected" in advice(findings)
    rng = np.random.default_rng(seed)
    correct_N = few.correct_N.copy()
    for class_N, labels in ((few.accepted_N, more.accepted), (few.rejected_N, more.rejected)):
        fresh = rng.permutation(np.flatnonzero(class_N & ~few.labelled_N))[:labels]
        correct_N[fresh] = truth_N[fresh]
    rates = begg_greenes(replace(few, correct_N=correct_N))
    assert max(rates.fp.width, rates.fn.width) < 1.25 * PRECISE


def test_where_no_plan_is_possible_words_remain():
    """Rates that fit no verifier leave the advice to label more, and no number."""
    few, _ = survey(3, 3)
    findings = told(few)
    rates = replace(findings.rates, fp=wilson(9, 10), fn=wilson(9, 10), status=Status.IMPRECISE)
    assert more_labels(rates, findings.spent) is None
    assert "Label more rows of either verdict." in advice(replace(findings, rates=rates))


@pytest.mark.parametrize("status", [Status.ANTI, Status.UNINFORMATIVE])
def test_a_useless_verifier_is_told_before_labels_are_asked_for(status):
    """That verdicts carry no signal matters more than rows that wait."""
    findings = told(survey(40, 60)[0], waiting=9)
    findings = replace(findings, rates=replace(findings.rates, status=status))
    assert "do not train on these verdicts" in advice(findings).lower()


def test_composed_rates_show_no_counts():
    """K of n would count rows of both kinds: an estimate shows its share and its ends."""
    few, _ = survey(40, 60)
    findings = told(few)
    assert not counted(findings.rates.fp)
    assert headline(findings).startswith("toy accepts about ")
    assert " of 100" not in to_html(findings).split("</header>")[0]
    assert "/100" not in str(list(rates_table(findings.rates).columns[1].cells))
    fp = next(why for name, rate, why in explained(findings.rates) if rate is findings.rates.fp)
    assert "labelled wrong answers would make it" in fp


def test_rates_in_short_stand_beside_those_of_all_labels():
    """Two lines, one a rate; with bounds there is no point to tell."""
    few, truth_N = survey(40, 60)
    everything = begg_greenes(replace(few, correct_N=truth_N))
    lines = in_short(begg_greenes(few), beside=everything)
    assert len(lines) == 2
    assert all("; from all labels " in line for line in lines)
    bounds = replace(everything, fp=between(0.1, 0.3))
    assert in_short(bounds)[0] == "accepts wrong answers (rho0): (10.0–30.0%)"


def test_a_run_without_labels_says_so():
    """Nothing is asked of a planner before there is a label."""
    findings = replace(told(survey(9, 9)[0]), rates=estimate([], []), counts=())
    assert "Check the path" in advice(findings)
    blank = Collector()
    blank.add(Sample("7", "7"), Verdict(Outcome.ACCEPT, Reason.MATCH))
    assert "No row carries a label" in advice(blank.findings(estimate([], [])))
