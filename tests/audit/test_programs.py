"""Items whose answers are programs: what is tried on who grades them."""

import json
import re

import pytest

from unflip.audit import Item, audit, built_in, chosen, items_of
from unflip.audit.items import Kind
from unflip.audit.plan import Plan
from unflip.audit.programs import asked_by, asked_in, code_in, entry_of, hardcoded, is_program
from unflip.audit.rewriting import rewrites
from unflip.types import Outcome, Reason, Sample, Verdict

ROWS = [
    Sample("", f"def times{n}(x):\n    return {n} * x", f"Write times{n}(x).",
           meta={"test_list": [f"assert times{n}(1) == {n}", f"assert times{n}(2) == {2 * n}"]})
    for n in range(2, 8)
]  # fmt: skip
ITEMS = items_of(ROWS)
CASES = {"inputs": ["1", "2"], "outputs": ["2", "4"]}


def graded(sample):
    """Runs program and tests together, and takes an exit without an error for a pass."""
    try:
        exec("\n".join([code_in(sample.text), *sample.meta["test_list"]]), {})
    except SystemExit as why:
        return verdict(not why.code)
    except BaseException:
        return verdict(False)
    return verdict(True)


def verdict(yes):
    """An accept or a reject."""
    if yes:
        return Verdict(Outcome.ACCEPT, Reason.MATCH, by="graded@1+0")
    return Verdict(Outcome.REJECT, Reason.MISMATCH, by="graded@1+0")


def test_a_grader_that_trusts_programs_is_found_out():
    """Who runs tests beside the program takes an early exit, and an equal to all, for right."""
    # What ends this process, or changes its builtins, is for sandboxes.
    safe = [one for one in chosen(["programs"]) if not re.search("hard-exit|no-assert", one.name)]
    found = audit(graded, ITEMS, safe)
    accepted = {one.probe.name for one in found.attacks if one.shares.decided.point == 1}
    assert {"exit", "exit-when-called", "equal-to-all"} <= accepted
    assert not {"empty", "hardcoded", "comment", "not-implemented"} & accepted
    assert found.plain.decided.k == found.fnr.decided.k == found.equivalents.decided.k == 0
    assert found.fnr.decided.n == 12


def test_programs_are_for_items_that_want_them():
    """A question about numbers is not answered with programs, and none of a program's is lost."""
    plan = Plan([Item("2 + 2 = ?", ("4",)), ITEMS[0]], built_in())
    made = {(ask.item, probe.family) for ask in plan.asks() for probe in ask.probes}
    assert (0, "programs") not in made
    assert {(1, "programs"), (1, "openers"), (1, "control"), (1, "equivalents")} <= made
    assert {(0, "stuffing"), (0, "near-misses")} <= made
    assert (1, "near-misses") not in made


def test_no_attack_holds_the_reference_program():
    """Beside the right program, which of two is meant would be for a contract to say."""
    for ask in Plan([ITEMS[0]], built_in()).asks():
        if not ask.sample.correct:
            assert code_in(ITEMS[0].reference) not in ask.sample.text


@pytest.mark.parametrize(
    "row",
    [
        Sample("", CASES, "Double it."),
        Sample("", json.dumps(CASES), "Double it."),
        Sample("", None, "Double it.", meta=CASES),
        Sample("", None, "Double it.", meta={"input_output": json.dumps(CASES)}),
        Sample("", [{"input": "1", "output": "2"}, {"input": "2", "output": "4"}], "Double it."),
    ],
)
def test_tests_alone_are_items_too(row):
    """Without a right program nothing is known of false negatives, and wrong programs are tried."""
    (item,) = items_of([row])
    assert item.kind is Kind.TESTS
    asked = list(Plan([item], chosen(["programs"])).asks())
    assert not [ask for ask in asked if ask.sample.correct]
    texts = {ask.probes[0].id: ask.sample.text for ask in asked}
    assert texts["programs/hardcoded"] == "print('2')"
    assert "control/wrong" in texts


def test_a_hardcoded_answer_is_none_where_all_tests_want_it():
    """Only what fails a test is called wrong."""
    same = {"test_list": ["assert even(2) == True", "assert even(4) == True"]}
    assert hardcoded(same, "even") is None
    source = (
        "def check(candidate):\n    assert candidate(1) == [1]\n    assert candidate(2) == []\n"
    )
    made = hardcoded({"test": source, "entry_point": "f"}, "f")
    assert made == "def f(*args, **kwargs):\n    return [1]"


def test_the_function_that_is_asked_for():
    """It is named by the row, by its tests, or by the program."""
    assert entry_of({"entry_point": "f", "test": "..."}, "def g(): ...") == "f"
    assert entry_of({"fn_name": "h"}, "") == "h"
    assert entry_of({}, "```python\ndef a(): ...\ndef b(): ...\n```") == "b"
    assert entry_of(CASES, "print(2)") is None


@pytest.mark.parametrize(
    "text", ["import", "from 3 to 4", "print", "def", "{" * 5000, "x = 1", "class of 1999", "\x00"]
)
def test_text_is_no_program(text):
    """Words that programs use are not yet one; hostile text raises nothing."""
    assert not is_program(text)
    assert asked_by(text) == asked_in({"tests": []}) == {}


def test_a_program_in_other_clothes_is_the_same_program():
    """Fences and comments change nothing, and there is no near miss of a program."""
    made = list(rewrites(ITEMS[0]))
    assert {one.kind for one in made} == {"fence", "comment"}
    assert all(one.equivalent for one in made)
    assert all(graded(ITEMS[0].sample(one.text, accept=True, id="x")).accepted for one in made)
