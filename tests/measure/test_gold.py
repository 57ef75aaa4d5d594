"""Which labels a measurement uses, and what it makes of them."""

import math
from dataclasses import replace

import numpy as np
import pytest

from unflip.errors import UsageError
from unflip.labelling.book import Book
from unflip.measure import LABELS, Settings, measure, read_findings, sitting
from unflip.noise.few import Goal, known
from unflip.noise.gold import estimate
from unflip.report.findings import Truth
from unflip.run import verify_all
from unflip.types import Sample
from unflip.verifiers.recorded import Recorded

VERIFIER, JUDGE = Recorded("verdict"), Recorded("judge")


def population(rows=400, seed=0):
    """Rows of two completions a prompt, with a verifier that errs one way and a judge another."""
    rng = np.random.default_rng(seed)
    samples = []
    for row in range(rows):
        correct = bool(rng.random() < 0.5)
        verdict = correct if rng.random() < (0.75 if correct else 0.95) else not correct
        judge = correct if rng.random() < 0.9 else not correct
        meta = {"verdict": bool(verdict), "judge": bool(judge), "step": row // 20}
        samples.append(
            Sample(f"answer {row}", "7", prompt=f"q {row // 2}", correct=correct, meta=meta)
        )
    return samples


ROWS = population()
TRUE = estimate(verify_all(VERIFIER, ROWS), ROWS)


def measured(rows, folder, **settings):
    """The findings of a measurement of the recorded verdicts."""
    return measure(VERIFIER, lambda: rows, folder, Settings(**settings))


def without_labels(rows, where=lambda _: True):
    """The rows, some of which nobody has looked at."""
    return [replace(row, correct=None) if where(row) else row for row in rows]


def test_rates_are_counted_where_every_row_has_a_label(tmp_path):
    """All labels: the method is gold, and nothing is said of spending."""
    findings = measured(ROWS, tmp_path)
    assert (findings.rates.method, findings.spent) == ("gold", None)
    assert findings.rates.fn == TRUE.fn


def test_labels_on_rejects_only_are_no_random_draw(tmp_path):
    """Appeals without an audit: rho0 is open and rho1 a band, where a count would say 0 and 1."""
    appealed = without_labels(ROWS, lambda row: row.meta["verdict"])
    rates = measured(appealed, tmp_path).rates
    assert math.isnan(rates.fp.point)
    assert math.isnan(rates.fn.point)
    assert rates.fn.low <= TRUE.fn.point <= rates.fn.high
    assumed = measured(appealed, tmp_path, assume_ppv=known(0.94)).rates
    assert assumed.fn.low <= TRUE.fn.point <= assumed.fn.high


def test_a_ppv_is_not_assumed_where_it_is_known(tmp_path):
    """Measured or assumed, never both; that holds for full labels too."""
    for rows in (ROWS, without_labels(ROWS, lambda row: row.prompt < "q 2")):
        with pytest.raises(UsageError, match="PPV"):
            measured(rows, tmp_path, assume_ppv=known(0.9))


def test_a_budget_uses_so_many_labels_and_shows_no_other(tmp_path):
    """Of 400 labels 60 are used; the report's examples and counts come from those alone."""
    findings = measured(ROWS, tmp_path, budget=60, judge=JUDGE)
    seen = findings.count(truth=Truth.CORRECT) + findings.count(truth=Truth.WRONG)
    assert findings.spent.labels == seen == 60
    assert findings.spent.accepted + findings.spent.rejected == 60
    assert findings.spent.waiting == 0
    assert findings.rows == 400
    assert findings.rates.method == "ppi++"
    assert {cost.method for cost in findings.costs} == {"labels alone", "labels and judge"}
    assert read_findings(tmp_path) == findings


def test_an_audit_takes_its_part_of_the_budget(tmp_path):
    """So many accepted rows are labelled as the audit says."""
    spent = measured(ROWS, tmp_path, budget=60, audit=15).spent
    assert (spent.accepted, spent.rejected) == (15, 45)
    with pytest.raises(UsageError, match="say its size"):
        Settings(audit=5)


def test_what_people_said_counts_as_if_it_stood_in_the_data(tmp_path):
    """Rates from a sitting are those that the same labels in the data give."""
    blank = without_labels(ROWS)
    settings = Settings(budget=40, judge=JUDGE)
    truths = {row.key: row.correct for row in ROWS}
    with Book(tmp_path / LABELS) as book:
        session = sitting(VERIFIER, lambda: blank, tmp_path, settings, book=book)
        for _ in range(25):
            session.answer(truths[session.question().sample.key])
    stopped = measured(blank, tmp_path, judge=JUDGE)
    assert (stopped.spent.labels, stopped.spent.waiting) == (25, 15)
    with Book(tmp_path / LABELS) as book:
        # The folder knows its budget.
        session = sitting(VERIFIER, lambda: blank, tmp_path, Settings(judge=JUDGE), book=book)
        while question := session.question():
            session.answer(truths[question.sample.key])
        assert session.answered == 15
    said = measured(blank, tmp_path, judge=JUDGE)
    given = measured(ROWS, tmp_path / "other", judge=JUDGE, budget=40)
    assert said.rates.fp == given.rates.fp
    assert said.rates.fn == given.rates.fn
    assert said.spent == given.spent


def test_a_goal_ends_a_sitting_and_widens_what_is_said(tmp_path):
    """Labelling stops at the goal; nothing waits, and the intervals hold at any stop."""
    blank, truths = without_labels(ROWS), {row.key: row.correct for row in ROWS}
    settings = Settings(budget=200, goal=Goal(fn_below=0.6))
    with Book(tmp_path / LABELS) as book:
        session = sitting(VERIFIER, lambda: blank, tmp_path, settings, book=book)
        while question := session.question():
            session.answer(truths[question.sample.key])
        assert "rejects correct" in " ".join(session.lines())
    findings = measured(blank, tmp_path)
    assert findings.spent.labels == 50
    assert findings.spent.waiting == 0
    assert any("looks were planned" in said for said in findings.rates.assumptions)
    with pytest.raises(UsageError, match="drop one"):
        Settings(budget=20, audit=5, goal=Goal(fn_width=0.1))


def test_rows_that_nobody_could_tell_are_told_apart(tmp_path):
    """A shrug spends budget, is no label, and is counted."""
    blank = without_labels(ROWS)
    with Book(tmp_path / LABELS) as book:
        settings = Settings(budget=10)
        session = sitting(VERIFIER, lambda: blank, tmp_path, settings, book=book)
        answers = iter([None, True, False, None] * 3)
        while session.question():
            session.answer(next(answers))
    spent = measured(blank, tmp_path).spent
    assert (spent.labels, spent.skipped, spent.waiting) == (5, 5, 0)


def test_without_any_label_there_are_shares_and_no_rates(tmp_path):
    """The accept share is known, rho0 and rho1 are not, with a budget or without one."""
    for folder, how in (("a", {}), ("b", {"budget": 40})):
        findings = measured(without_labels(ROWS), tmp_path / folder, **how)
        assert math.isnan(findings.rates.fn.point)
        assert findings.rates.accept.point == TRUE.accept.point
    assert findings.spent.waiting == 40


@pytest.mark.parametrize(
    "other", [{"budget": 80}, {"budget": 40, "audit": 10}, {"budget": 40, "judge": JUDGE}]
)
def test_what_people_said_serves_other_plans_too(tmp_path, other):
    """A larger budget, an audit or a judge chooses anew, and asks only for what nobody has said."""
    blank, truths = without_labels(ROWS), {row.key: row.correct for row in ROWS}

    def asked(settings):
        with Book(tmp_path / LABELS) as book:
            session = sitting(VERIFIER, lambda: blank, tmp_path, settings, book=book)
            while question := session.question():
                session.answer(truths[question.sample.key])
            return session.answered

    assert asked(Settings(budget=40)) == 40
    assert asked(Settings(**other)) < other["budget"]
    given = measured(ROWS, tmp_path / "given", **other)
    said = measured(blank, tmp_path, judge=other.get("judge"))
    assert said.spent == given.spent
    assert said.rates.fn == given.rates.fn


def test_a_judge_must_be_somebody_else_and_say_something(tmp_path):
    """A verifier cannot be its own judge, and one that abstains throughout is a slip."""
    with pytest.raises(UsageError, match="the verifier itself"):
        measured(ROWS, tmp_path, judge=VERIFIER)
    with pytest.raises(UsageError, match="decided no row"):
        measured(ROWS, tmp_path, judge=Recorded("jugde"))


def test_rates_are_traced_over_a_column(tmp_path):
    """A step column makes a trace of as many points; a column without numbers is a slip."""
    assert len(measured(ROWS, tmp_path, over="step").trace.points) == 20
    with pytest.raises(UsageError, match="no number"):
        measured(ROWS, tmp_path, over="stepp")
    endless = [replace(row, meta={**row.meta, "step": 10**400}) for row in ROWS]
    with pytest.raises(UsageError, match="no number"):
        measured(endless, tmp_path / "endless", over="step")


def test_recorded_verdicts_are_not_asked_about_references(tmp_path):
    """A column says nothing of the reference as an answer: there is no self-check to pass."""
    assert measured(ROWS, tmp_path).self_check is None


def test_a_small_file_gets_a_small_budget(tmp_path):
    """Nobody said how many: 200, and where there are fewer rows, all of them."""
    with Book(tmp_path / LABELS) as book:
        session = sitting(VERIFIER, lambda: ROWS[:30], tmp_path, Settings(), book=book)
        assert session.done == 0
    assert measured(ROWS[:30], tmp_path).spent.budget == 30


@pytest.mark.parametrize("goal", [None, Goal(fn_width=0.01)])
def test_other_slices_use_the_labels_that_were_asked_for(tmp_path, goal):
    """Rates by any column rest on the rows that were chosen, whatever they are sliced by."""
    rows = [replace(row, stratum=f"s{n % 3}", correct=None) for n, row in enumerate(ROWS)]
    truths = {row.key: row.correct for row in ROWS}
    settings = Settings(budget=60, goal=goal)
    with Book(tmp_path / LABELS) as book:
        session = sitting(VERIFIER, lambda: rows, tmp_path, settings, book=book)
        while question := session.question():
            session.answer(truths[question.sample.key])
    for per, slices in (("stratum", 3), ("step", 20)):
        found = measured(rows, tmp_path, per=per)
        assert (found.spent.labels, found.spent.waiting) == (60, 0)
        assert len(found.rates.strata) == slices


def test_a_shrug_counts_for_the_rows_that_were_asked(tmp_path):
    """Rows alike that nobody asked about are no part of the budget."""
    blank = [replace(row, correct=None) for row in ROWS[:40] for _ in range(5)]
    with Book(tmp_path / LABELS) as book:
        session = sitting(VERIFIER, lambda: blank, tmp_path, Settings(budget=20), book=book)
        while session.question():
            session.answer(None if session.answered % 2 else True)
    spent = measured(blank, tmp_path).spent
    assert spent.waiting == 0
    assert spent.labels + spent.skipped == 20


def test_a_label_of_the_data_stays_although_a_twin_got_another(tmp_path):
    """People are asked where the data say nothing, and their word holds there alone."""
    rows = [row for row in ROWS[:40] for _ in range(2)]
    rows = [replace(row, correct=None if n % 2 else row.correct) for n, row in enumerate(rows)]
    with Book(tmp_path / LABELS) as book:
        session = sitting(VERIFIER, lambda: rows, tmp_path, Settings(budget=80), book=book)
        while session.question():
            session.answer(None)
    spent = measured(rows, tmp_path).spent
    assert (spent.labels, spent.skipped, spent.waiting) == (40, 40, 0)


def test_a_goal_does_not_silence_a_wrong_assumption(tmp_path):
    """A PPV is refused where accepted rows are labelled, whatever ended the labelling."""
    with pytest.raises(UsageError, match="PPV"):
        measured(ROWS, tmp_path, budget=60, goal=Goal(fn_below=0.6), assume_ppv=known(0.9))
