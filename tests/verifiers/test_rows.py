"""Rows as the field's datasets have them, and checkers of a row's own."""

import base64
import json
import pickle
import zlib

import pytest

from unflip.sandbox import Limits, shared
from unflip.types import Outcome, Reason, Sample
from unflip.verifiers.code import Code, How, packed
from unflip.verifiers.code.bench import Bench
from unflip.verifiers.code.judging import ACCEPTED, judge_checked
from unflip.verifiers.code.packed import unpacked
from unflip.verifiers.code.rows import task_of
from unflip.verifiers.code.tasks import BadTask, Printed

CODE = Code(cpu=2)
ADD = "def add(a, b):\n    return a + b"
SUM = "print(sum(map(int, input().split())))"
PAIRED = {"inputs": ["1 2", "2 2"], "outputs": ["3", "4"]}
CALLED = {"fn_name": "add", "inputs": [[1, 2], [2, 2]], "outputs": [3, 4]}
DEEP = json.loads("[" * 70 + "]" * 70)
SHOWN = [{"input": "1\n2", "output": "3", "testtype": "functional"}]
HIDDEN = [{"input": "2\n2", "output": "4", "testtype": "functional"}]
LISTED = [{"input": "1 2", "output": "3", "type": "stdin_stdout"},
          {"input": "2 2", "output": "4", "type": "stdin_stdout"}]  # fmt: skip


def zipped(data):
    """Bytes as some datasets pack them."""
    return base64.b64encode(zlib.compress(data)).decode()


ASSERTS = ["assert add(1, 2) == 3", "assert add(2, 2) == 4"]
FUNCTIONS = {
    "AceCoder": {"test_cases": ASSERTS},
    "asserts as JSON": {"test_cases": json.dumps(ASSERTS)},
    "asserts beside placeholders": {"inputs": [""], "outputs": [""], "assert_case": ASSERTS},
    "one text of asserts": {"functional": "assert add(1, 2) == 3\nassert add(2, 2) == 4"},
    "KodCode": {"test": "from solution import add\n\ndef test_add():\n    assert add(1, 2) == 3\n\n"
                        "def test_more():\n    assert add(2, 2) == 4",
                "test_info": [{"function_name": "add"}]},
    "EvalPlus": {"entry_point": "add", "test": "import numpy as np\n\ndef check(candidate):\n"
                 "    for inp, exp in zip([[1, 2], [2, 2]], [3, 4]):\n"
                 "        out = candidate(*inp)\n"
                 "        if out != exp:\n            assert np.allclose(out, exp, atol=1e-6)"},
    "BigCodeBench": {"entry_point": "add", "test": "import unittest\n\nclass TestCases("
                     "unittest.TestCase):\n    def test_one(self):\n"
                     "        self.assertEqual(add(1, 2), 3)\n    def test_two(self):\n"
                     "        self.assertEqual(add(2, 2), 4)"},
    "verl": {"reward_model": {"style": "rule", "ground_truth": json.dumps(CALLED)}},
    "verl, opened": {"ground_truth": CALLED},
    "APPS": {"input_output": json.dumps(CALLED), "starter_code": "def add(a, b):"},
    "DeepCoder": {"tests": json.dumps(CALLED)},
    "SYNTHETIC": {"verification_info": {"language": "python", "test_cases": [
        {"type": "function_call", "fn_name": "add", "input": [1, 2], "output": 3},
        {"type": "function_call", "fn_name": "add", "input": [2, 2], "output": 4}]}},
    "LiveCodeBench": {"public_test_cases": json.dumps(SHOWN),
                      "private_test_cases": json.dumps(HIDDEN),
                      "metadata": json.dumps({"func_name": "add"})},
    "LiveCodeBench, packed": {"public_test_cases": json.dumps(SHOWN),
                              "private_test_cases": zipped(json.dumps(HIDDEN).encode()),
                              "metadata": {"func_name": "add"}},
}  # fmt: skip
PRINTED = {
    "verl": {"reward_model": {"ground_truth": json.dumps(PAIRED)}},
    "TACO": {"input_output": json.dumps(PAIRED)},
    "tests": {"tests": json.dumps(LISTED)},
    "verification_info": {"verification_info": json.dumps({"test_cases": LISTED})},
    "CodeContests": {"public_tests": {"input": ["1 2"], "output": ["3\n"]},
                     "private_tests": {"input": ["2 2"], "output": ["4\n"]},
                     "generated_tests": {"input": [], "output": []}},
    "LiveCodeBench": {"public_test_cases": json.dumps(LISTED[:1]),
                      "private_test_cases": zipped(json.dumps(json.dumps(LISTED[1:])).encode())},
}  # fmt: skip


@pytest.mark.parametrize("row", FUNCTIONS.values(), ids=FUNCTIONS)
def test_rows_about_a_function_are_read(row):
    """In each dataset's form, both cases count."""
    assert CODE(Sample(ADD, meta=row)).accepted
    wrong = CODE(Sample("def add(a, b):\n    return 3", meta=row))
    assert wrong.outcome is Outcome.REJECT
    assert wrong.evidence["cases"] == (1 if "check" in row.get("test", "") else 2)


@pytest.mark.parametrize("row", PRINTED.values(), ids=PRINTED)
def test_rows_about_a_program_are_read(row):
    """In each dataset's form, both cases count."""
    assert CODE(Sample(SUM, meta=row)).accepted
    wrong = CODE(Sample("print(3)", meta=row))
    assert (wrong.outcome, wrong.evidence["passed"]) == (Outcome.REJECT, 1)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"input_output": ""}, "input_output"),
        ({"input_output": "{"}, "input_output"),
        ({"tests": "[]"}, "0 cases"),
        ({"tests": {"nothing": 1}}, "none of a shape"),
        ({"public_test_cases": "[]", "private_test_cases": ""}, "0 cases"),
        ({"private_test_cases": "not packed"}, "neither JSON nor packed"),
        ({"private_test_cases": zipped(b"\xff\xfe")}, "neither JSON nor packed"),
        ({"private_test_cases": "7"}, "no list"),
        ({"public_tests": {"input": ["1"], "output": []}}, "1 inputs and 0 outputs"),
        (PAIRED | {"interactive": True}, "interactive"),
        (PAIRED | {"input_mode": "file"}, "files"),
        (PAIRED | {"output_file": "out.txt"}, "files"),
        (CALLED | {"checker": "def check(*given): return True"}, "checker"),
        (PAIRED | {"checker": 7}, "checker"),
        (PAIRED | {"outputs": ["", "\n"]}, "nothing would be right"),
        ({"cases": [{"function": "f", "arguments": [10**5000], "expected": 1}]}, "written down"),
        ({"cases": [{"function": "f", "named": {1: 2}, "expected": 1}]}, "no text"),
        ({"fn_name": "f", "inputs": [[DEEP]], "outputs": [1]}, "written down"),
    ],
)
def test_what_cannot_be_read_says_why(row, said):
    """Empty, undecodable and impossible tests are an abstain with the reason in words."""
    found = CODE(Sample(SUM, meta=row))
    assert (found.outcome, found.reason) == (Outcome.ABSTAIN, Reason.UNREADABLE_REFERENCE)
    assert said in found.evidence["error"]


@pytest.mark.parametrize("more", ["", "\n    if candidate(2, 2):\n        pass"])
def test_a_method_may_be_asked_for(more):
    """An entry such as `Solution().add` is a method of a fresh instance, in both ways."""
    row = {"entry_point": "Solution().add",
           "test": f"def check(candidate):\n    assert candidate(a=1, b=2) == 3{more}"}  # fmt: skip
    right = "class Solution:\n    def add(self, a, b):\n        return a + b"
    assert CODE(Sample(right, meta=row)).accepted
    assert CODE(Sample(right.replace("+", "-"), meta=row)).outcome is Outcome.REJECT


@pytest.mark.parametrize(
    ("value", "near"),
    [
        ("0.1 + 0.2", True),
        ("0.31", False),
        ("float('nan')", False),
        ("'0.3'", False),
        ("None", False),
    ],
)
def test_values_of_functions_have_the_tolerance_that_is_asked_for(value, near):
    """By default they are exact; numbers within lists and objects count, whole ones stay exact."""
    row = {"fn_name": "f", "inputs": [[1]], "outputs": [[{"a": [0.3, 7]}]]}
    program = f"def f(n):\n    return {{'a': ({value}, 7)}}"
    assert CODE(Sample(program, meta=row)).outcome is Outcome.REJECT
    assert Code(how=How.FLOATS)(Sample(program, meta=row)).accepted is near
    assert not Code(how=How.FLOATS, absolute=2)(
        Sample(program.replace("7", "8"), meta=row)
    ).accepted


class Bomb:
    """Says so if it is unpickled."""

    opened = False

    def __reduce__(self):
        return (setattr, (Bomb, "opened", True))


def test_a_pickle_is_never_opened():
    """Packed or not, and whatever it would do; the message says how to get JSON of it."""
    with pytest.raises(BadTask, match="pickle"):
        unpacked(zipped(pickle.dumps(Bomb())), "private_test_cases")
    assert not Bomb.opened


def test_packed_cases_are_opened_up_to_a_size(monkeypatch):
    """A small text that would be gigabytes is refused, and not opened."""
    monkeypatch.setattr(packed, "MOST", 1000)
    with pytest.raises(BadTask, match="larger"):
        unpacked(zipped(b" " * 100_000), "private_test_cases")


def test_standard_streams_by_name_are_no_files():
    """A row that says stdin and stdout is as any other."""
    row = PAIRED | {"input_mode": "stdio", "input_file": "standard input", "output_file": None}
    assert len(task_of(Sample("", meta=row)).cases) == 2


CHECKED = PAIRED | {
    "checker": "def check(input, output, expected):\n"
    "    try:\n        a, b = map(int, output.split())\n"
    "    except ValueError:\n        return False\n"
    "    return a + b == int(expected)"
}


@pytest.mark.parametrize(
    ("program", "accepted"),
    [
        ("print(*input().split())", True),
        ("print(*reversed(input().split()))", True),
        ("print(1, 2)", False),
        ("print(*input().split(), 0)", False),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", False),
    ],
)
def test_a_checker_decides(program, accepted):
    """What it says of all outputs is the verdict, whatever the outputs look like."""
    found = CODE(Sample(program, meta=CHECKED))
    assert (found.outcome is Outcome.ACCEPT) is accepted
    assert found.reason in (Reason.MATCH, Reason.MISMATCH)


@pytest.mark.parametrize(("status", "accepted"), [(0, True), (1, False), (2, False)])
def test_exit_statuses_are_testlibs(status, accepted):
    """A checker may exit as those of testlib do."""
    checker = f"import sys\ndef check(*given): sys.exit({status})"
    assert CODE(Sample(SUM, meta=PAIRED | {"checker": checker})).accepted is accepted


@pytest.mark.parametrize(
    "checker",
    ["def check(*given): return 1", "def check(*given): return None", "def check(a): return True",
     "def check(*given): 1 / 0", "import os\ndef check(*given): os._exit(0)", "x = 1", "def check(",
     "import sys\ndef check(*given): sys.exit(3)", "def check(*given): return [0] * 10**12"],
)  # fmt: skip
def test_a_broken_checker_is_nobodys_fault(checker):
    """It raises, leaves, takes too much or says neither yes nor no: an abstain."""
    found = CODE(Sample(SUM, meta=PAIRED | {"checker": checker}))
    assert (found.outcome, found.reason) == (Outcome.ABSTAIN, Reason.UNREADABLE_REFERENCE)
    assert "checker" in found.evidence["error"]


def test_an_output_that_breaks_a_sound_checker_is_a_reject():
    """Nobody gets out of a reject by what a checker cannot read."""
    checker = "def check(given, output, expected): return int(output) == int(expected)"
    found = CODE(Sample("print('x')", meta=PAIRED | {"checker": checker}))
    assert (found.outcome, found.reason) == (Outcome.REJECT, Reason.MISMATCH)
    assert "ValueError" in found.evidence["error"]


def test_an_output_that_holds_a_sound_checker_up_is_a_reject():
    """Nobody gets out of a reject by what keeps a checker busy, or asleep."""
    checker = "import time\ndef check(given, output, expected): return not time.sleep(int(output))"
    bench = Bench(shared(), Limits(cpu=5, wall=0.5))
    for said, verdict in (("0", ACCEPTED), ("60", "wall time")):
        task = Printed((("", "0"),), checker)
        assert judge_checked(bench, bench, f"print({said})", task).verdict == verdict


def test_a_program_that_fails_never_meets_the_checker():
    """Its own failure is the verdict, also where the checker would say yes or break."""
    for checker in ("def check(*given): return True", "def check("):
        found = CODE(Sample("1 / 0", meta=PAIRED | {"checker": checker}))
        assert found.evidence["verdict"] == "runtime error"
