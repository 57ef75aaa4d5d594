"""The collector: exact counts, a fair choice of examples, and a size that no run can raise."""

import json
import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.errors import UsageError
from unflip.noise.gold import estimate
from unflip.report import Collector, Findings, Spending, check_of
from unflip.report.collect import EXAMPLES, REFUSED
from unflip.report.findings import Truth
from unflip.types import Outcome, Reason, Sample, Verdict

NOTHING = estimate([], [])


def test_counts_are_the_rows(row, found):
    """Every cell of verdict and truth holds as many rows as were added to it."""
    rng = random.Random(1)
    cells = [
        (rng.choice(list(Outcome)), rng.choice([True, False, None]), rng.choice("ab"))
        for _ in range(500)
    ]
    findings = found(row(*cell, number) for number, cell in enumerate(cells))
    wanted = Counter((outcome, Truth.of(correct)) for outcome, correct, _ in cells)
    assert findings.rows == 500
    assert {(o, t): findings.count(o, t) for o in Outcome for t in Truth} == wanted
    assert findings.count(Outcome.ACCEPT, Truth.WRONG) == findings.rates.fp.k


@given(st.permutations(range(30)), st.integers(0, 3))
def test_examples_do_not_depend_on_the_order(order, seed):
    """Whatever order rows finish in, the same ones are shown."""

    def kept(numbers):
        collector = Collector(seed=seed)
        for number in numbers:
            sample = Sample(f"it is {number}", "7", correct=False, id=str(number))
            collector.add(sample, Verdict(Outcome.ACCEPT, Reason.MATCH))
        return {example.name for example in collector.findings(NOTHING).false_accepts}

    assert kept(order) == kept(range(30))
    assert len(kept(order)) == EXAMPLES


def test_every_row_has_the_same_chance_to_be_shown():
    """Over many seeds, each of 16 rows is shown about half of the time when 8 can be."""
    shown = Counter()
    for seed in range(400):
        collector = Collector(seed=seed)
        for number in range(16):
            sample = Sample(f"it is {number}", "7", correct=True, id=str(number))
            collector.add(sample, Verdict(Outcome.REJECT, Reason.MISMATCH))
        shown.update(example.name for example in collector.findings(NOTHING).false_rejects)
    # Five standard deviations of a binomial of 400 draws at 1/2.
    assert all(abs(times - 200) < 50 for times in shown.values())
    assert len(shown) == 16


def test_repeated_rows_are_shown_once():
    """A thousand copies of one flip do not push the others out."""
    collector = Collector()
    for number in [0] * 1000 + list(range(4)):
        sample = Sample(f"it is {number}", "7", correct=False)
        collector.add(sample, Verdict(Outcome.ACCEPT, Reason.MATCH))
    findings = collector.findings(NOTHING)
    assert len(findings.false_accepts) == 4
    assert findings.count(Outcome.ACCEPT) == 1004


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50))
def test_the_slowest_rows_are_kept(seconds):
    """The slowest rows stand in order, slowest first."""
    collector = Collector()
    for one in seconds:
        verdict = Verdict(Outcome.ACCEPT, Reason.MATCH, seconds=one)
        collector.add(Sample("7", "7"), verdict)
    findings = collector.findings(NOTHING)
    assert [row.seconds for row in findings.slowest] == sorted(seconds, reverse=True)[:EXAMPLES]
    assert findings.timing.longest == max(seconds)
    assert findings.timing.n == len(seconds)


def test_size_does_not_grow_with_the_run():
    """A hundred times as many rows of ten times the length add next to nothing."""

    def size(rows, length):
        collector = Collector()
        for number in range(rows):
            sample = Sample("x" * length + str(number), "y" * length, prompt="z" * length)
            collector.add(sample, Verdict(Outcome.ABSTAIN, Reason.TIMEOUT, "a" * length, seconds=1))
        return len(json.dumps(collector.findings(NOTHING).to_json()))

    assert size(10_000, 10_000) < 1.1 * size(100, 1_000) < 40_000


def test_no_examples_can_be_asked_for(row):
    """With `examples=0` only counts are kept."""
    collector = Collector(examples=0)
    collector.add(*row(Outcome.ACCEPT, False, None))
    findings = collector.findings(NOTHING)
    assert not findings.false_accepts
    assert not findings.slowest
    assert findings.rows == 1


@pytest.mark.parametrize("text", ["plain", "\ud800 lone", "\x00\u202e", "</script>"])
def test_findings_survive_json(told, text):
    """Findings that went through a file equal themselves, whatever the rows say."""
    findings = told(text)
    back = Findings.from_json(json.loads(json.dumps(findings.to_json(), allow_nan=False)))
    assert back.to_json() == findings.to_json()
    assert (back.false_accepts, back.counts) == (findings.false_accepts, findings.counts)
    assert (back.timing, back.self_check) == (findings.timing, findings.self_check)


def test_what_labels_cost_survives_json(findings):
    """Costs, traces and spending come back from a file, NaN and bounds included."""
    spent = Spending(budget=None, labels=9, accepted=4, rejected=5, skipped=1, waiting=2)
    findings = replace(findings, spent=spent, doubt="If some are wrong.")
    back = Findings.from_json(json.loads(json.dumps(findings.to_json(), allow_nan=False)))
    assert repr(back.costs) == repr(findings.costs)
    assert repr(back.trace) == repr(findings.trace)
    assert (back.spent, back.doubt) == (spent, "If some are wrong.")


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 1},
        {"counts": None},
        {"rates": {}},
        {"false_accepts": [{}]},
        {"timing": 3},
        {"costs": [{}]},
        {"trace": {"points": 1}},
        {"spent": {"labels": 1}},
    ],
)
def test_another_file_is_refused(findings, change):
    """A file of another schema, or that holds no findings, is an error and not a guess."""
    with pytest.raises(UsageError):
        Findings.from_json(findings.to_json() | change)


def test_the_self_check_shows_the_worst_first():
    """References with most rows are shown; the others are counted."""
    check = check_of(900, [(f"{n}", Reason.MISMATCH, n) for n in range(100)])
    assert check.failed == 100
    assert [one.rows for one in check.refused] == list(range(99, 99 - REFUSED, -1))


@pytest.mark.parametrize(
    ("prompt", "question"),
    [
        ("2 + 2?", "2 + 2?"),
        ([{"role": "user", "content": "2 + 2?"}], "2 + 2?"),
        (
            [
                {"role": "user", "content": "1 + 1?"},
                {"role": "assistant", "content": "2"},
                {"role": "user", "content": "2 + 2?"},
            ],
            "2 + 2?",
        ),
        ([{"role": "system", "content": "Be brief."}], "Be brief."),
        ([], ""),
    ],
)
def test_the_question_is_what_the_user_asked_last(prompt, question):
    """Of a chat, the model's own earlier words are not the question."""
    collector = Collector()
    collector.add(Sample("5", "4", prompt=prompt), Verdict(Outcome.ABSTAIN, Reason.TIMEOUT))
    assert collector.findings(NOTHING).abstained[0].prompt.text == question


@pytest.mark.parametrize(
    ("reference", "shown"),
    [("4", "4"), (("4", "four"), "4 or four"), (4.5, "4.5"), ({"a": [1]}, '{"a": [1]}')],
)
def test_any_reference_can_be_shown(reference, shown):
    """References may be text, alternatives, numbers or structures."""
    collector = Collector()
    collector.add(Sample("5", reference), Verdict(Outcome.ABSTAIN, Reason.TIMEOUT))
    assert collector.findings(NOTHING).abstained[0].reference.text == shown
