"""Code: tests of every shape, what is accepted, whose fault what is, and what never enters."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.errors import UsageError
from unflip.sandbox import (
    Call,
    Level,
    Limits,
    Program,
    SandboxError,
    SandboxUnavailable,
    Status,
    shared,
)
from unflip.sandbox.codec import text, unpacked
from unflip.sandbox.results import Result
from unflip.types import Fault, Outcome, Reason, Sample
from unflip.verifiers.code import Code, How, Tolerance, judging
from unflip.verifiers.code.asserting import read_tests
from unflip.verifiers.code.bench import Bench
from unflip.verifiers.code.claims import Unknown, equal, holds, same_json
from unflip.verifiers.code.comparing import same
from unflip.verifiers.code.judging import judge_called, judge_printed
from unflip.verifiers.code.reading import completed, program
from unflip.verifiers.code.records import answers_of
from unflip.verifiers.code.rows import task_of
from unflip.verifiers.code.tasks import Asserted, BadTask, Called, Printed

CODE = Code(cpu=2)
ADD = "def add(a, b):\n    return a + b"
WRONG = "def add(a, b):\n    return a - b"
PROMPT = 'def half(n):\n    return n / 2\n\n\ndef add(a, b):\n    """Add two numbers."""\n'
# One task in all the shapes in which datasets write it.
SHAPES = {
    "HumanEval": {"test": "def check(candidate):\n    assert candidate(1, 2) == 3\n"
                          "    assert add(2, 2) == 4", "entry_point": "add"},
    "MBPP": {"test_list": ["assert add(1, 2) == 3", "assert add(2, 2) == 4"]},
    "MBPP, with a setup": {"test_list": ["assert add(one, 2) == 3", "assert add(2, 2) == 4"],
                           "test_setup_code": "one = 1", "test_imports": ["import math"]},
    "MBPP+": {"test": "def same(got, wanted):\n    assert got == wanted\n\n"
                      "for given, wanted in (((1, 2), 3), ((2, 2), 4)):\n"
                      "    same(add(*given), wanted)", "test_list": ["assert add(1, 0) == 1"]},
    "asserts": {"assert_case": "assert add(1, 2) == 3\nassert add(2, 2) == 4"},
    "APPS": {"input_output": json.dumps({"fn_name": "add", "inputs": [[1, 2], [2, 2]],
                                         "outputs": [[3], [4]]})},
    "TACO": {"fn_name": "add", "inputs": [[1, 2], [2, 2]], "outputs": [3, 4]},
    "verl": {"fn_name": "add", "inputs": ["1\n2", "2\n2"], "outputs": ["3", "4"]},
    "functional": {"cases": [{"input": "1\n2", "output": "3", "testtype": "functional"},
                             {"input": "2\n2", "output": "4", "testtype": "functional"}],
                   "func_name": "add"},
    "typed": {"cases": [{"function": "add", "arguments": [1, 2], "expected": 3},
                        {"function": "add", "arguments": [2], "named": {"b": 2}, "expected": 4}]},
}  # fmt: skip
PRINTED = {
    "paired": {"inputs": ["1 2", "2 2"], "outputs": ["3", "4"]},
    "listed": {"cases": [{"input": "1 2", "output": "3\n"}, {"input": "2 2", "output": "4\n"}]},
}
SUM = "print(sum(map(int, input().split())))"


@pytest.mark.parametrize("row", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("place", ["meta", "reference", "text"])
def test_every_shape_is_read(row, place):
    """Wherever the tests stand, the right program is accepted and the wrong one rejected."""
    where = {"meta": {"meta": row}, "reference": {"reference": row}, "text": {"reference": row}}
    if place == "text":
        where["text"] = {"reference": json.dumps(row)}
    assert CODE(Sample(ADD, prompt=PROMPT, **where[place])).accepted
    verdict = CODE(Sample(WRONG, prompt=PROMPT, **where[place]))
    assert (verdict.outcome, verdict.reason) == (Outcome.REJECT, Reason.MISMATCH)


@pytest.mark.parametrize("row", PRINTED.values(), ids=PRINTED)
def test_a_program_that_prints_is_judged_by_its_output(row):
    """The right program is accepted, and the first case that fails is counted up to."""
    assert CODE(Sample(SUM, row)).accepted
    verdict = CODE(Sample("a, b = map(int, input().split()); print(2 * b - a)", row))
    assert verdict.reason is Reason.MISMATCH
    assert (verdict.evidence["passed"], verdict.evidence["cases"]) == (1, 2)


@pytest.mark.parametrize(
    ("completion", "reason", "word"),
    [
        ("print(", Reason.MALFORMED, "compile error"),
        ("1 / 0", Reason.MISMATCH, "runtime error"),
        ("while True: pass", Reason.OVER_LIMIT, "cpu time"),
        ("x = bytearray(1 << 40)", Reason.OVER_LIMIT, "memory"),
        ("while True: print('x' * 100000)", Reason.OVER_LIMIT, "output"),
        ("import os; os.abort()", Reason.MISMATCH, "runtime error"),
        ("print('\ud800')", Reason.MALFORMED, "compile error"),
    ],
)
def test_what_a_program_does_is_its_own_fault(completion, reason, word):
    """Each way to fail is a reject, with its reason and its word."""
    verdict = Code(cpu=0.3, memory=256, output=1)(Sample(completion, PRINTED["paired"]))
    assert (verdict.outcome, verdict.reason) == (Outcome.REJECT, reason)
    assert verdict.evidence["verdict"] in (word, "wall time")
    assert verdict.evidence["level"] in ("namespaces", "landlock")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (None, Reason.NO_REFERENCE),
        ({"inputs": [], "outputs": []}, Reason.UNREADABLE_REFERENCE),
        ({"inputs": ["1"], "outputs": []}, Reason.UNREADABLE_REFERENCE),
        ({"cases": [{"input": 1}]}, Reason.UNREADABLE_REFERENCE),
        ({"test_list": []}, Reason.UNREADABLE_REFERENCE),
        ({"test_list": ["assert True"]}, Reason.UNREADABLE_REFERENCE),
        ({"test_list": ["assert add(1, 2) =="]}, Reason.UNREADABLE_REFERENCE),
        ({"test_list": ["assert False"]}, Reason.UNREADABLE_REFERENCE),
        ({"test": "def check(candidate): pass", "entry_point": "add"}, Reason.UNREADABLE_REFERENCE),
        ({"test_list": 7}, Reason.UNREADABLE_REFERENCE),
        ({"fn_name": "add", "inputs": [1], "outputs": [1]}, Reason.UNREADABLE_REFERENCE),
    ],
)
def test_tests_that_say_nothing_are_nobodys_fault(row, reason):
    """Without tests that can be read, nobody is accepted or rejected."""
    verdict = CODE(Sample(ADD, row))
    assert (verdict.outcome, verdict.reason) == (Outcome.ABSTAIN, reason)
    assert verdict.fault is Fault.REFERENCE


@pytest.mark.parametrize("completion", ["", " \n", "<think>def add", "```python\n```"])
def test_no_program_is_no_answer(completion):
    """A completion without code is rejected as such."""
    assert CODE(Sample(completion, PRINTED["paired"])).reason is Reason.NO_ANSWER


def test_a_program_beyond_the_limit_is_not_run():
    """Millions of characters are the completion's own doing."""
    assert CODE(Sample("#" * 2_000_000, PRINTED["paired"])).reason is Reason.OVER_LIMIT


def test_all_cases_together_have_a_limit():
    """A program that takes nearly its time in every case does not take it for ever."""
    many = {"inputs": ["1"] * 50, "outputs": ["1"] * 50}
    slow = "import time\nwhile time.process_time() < 0.1: pass\nprint(1)"
    verdict = Code(total=0.3)(Sample(slow, many))
    assert (verdict.reason, verdict.evidence["verdict"]) == (Reason.OVER_LIMIT, "cpu time")
    assert verdict.evidence["passed"] < 50


def test_expected_answers_never_enter_the_sandbox():
    """What is sent with a program holds its inputs, and no answer."""
    sent = []

    class Watched:
        level = Level.LANDLOCK

        def run(self, program, limits, *, alone=False):
            sent.append(b"".join(program.blobs))
            return Result(Status.FAILED, self.level, b"", b"", b"", 1, 0, 0, 0)

        def close(self):
            """Nothing to end."""

    bench = Bench(Watched(), Limits())
    # Texts, which stand in every form of the wire as they are.
    task = read_tests(Asserted(("assert add('11', '22') == '424242'",)), shared())
    judge_called(bench, bench, ADD, task)
    judge_printed(bench, SUM, Printed((("11 22", "424242"),)), How.EXACT, Tolerance())
    assert len(sent) == 2
    assert all(b"11" in one and b"424242" not in one for one in sent)


class Failing:
    """A backend that answers with what it is given, one after the other."""

    level = Level.LANDLOCK

    def __init__(self, *answers, cpu=1.0):
        self.answers, self.alone, self.cpu = list(answers), [], cpu

    def run(self, program, limits, *, alone=False):
        """The next answer."""
        self.alone.append(alone)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Result(answer, self.level, b"3\n", b"", b"", 0, self.cpu, 4.0, 0)

    def close(self):
        """Nothing to end."""


@pytest.mark.parametrize(("cpu", "alone"), [(1.0, True), (0.01, False)])
def test_a_timeout_on_the_wall_is_tried_again(cpu, alone):
    """A neighbour does not decide: what had computed is run alone, what waited need not be."""
    backend = Failing(Status.WALL, Status.FINISHED, cpu=cpu)
    task = Printed((("1 2", "3"),))
    found = judge_printed(Bench(backend, Limits()), SUM, task, How.EXACT, Tolerance())
    assert (found.verdict, backend.alone) == (judging.ACCEPTED, [False, alone])


@pytest.mark.parametrize("raised", [SandboxError("lost"), SandboxUnavailable("nothing here")])
def test_the_sandboxs_failure_is_not_the_programs(monkeypatch, raised):
    """A run that failed is an abstain; a machine that cannot isolate is an error."""
    monkeypatch.setattr(Code, "_bench", lambda self: Bench(Failing(raised), Limits()))
    if isinstance(raised, SandboxUnavailable):
        with pytest.raises(SandboxUnavailable):
            CODE(Sample(SUM, PRINTED["paired"]))
    else:
        verdict = CODE(Sample(SUM, PRINTED["paired"]))
        assert (verdict.reason, verdict.fault) == (Reason.CRASH, Fault.SYSTEM)


@pytest.mark.parametrize(
    ("tests", "right", "wrong"),
    [
        ("assert f(2)", "1", "0"),
        ("assert not f(2)", "[]", "[0]"),
        ("assert f(2) is True", "True", "1"),
        ("assert f(2) is None", "None", "0"),
        ("assert f(2) is not None", "0", "None"),
        ("assert 1 < f(2) < 3", "2", "3"),
        ("assert f(2) == 1 or f(2) == 2", "2", "3"),
        ("assert f(2) in (1, 2)", "1", "3"),
        ("assert f(2) not in [1]", "2", "1"),
        ("assert abs(f(2) - 0.5) < 1e-6", "0.5000001", "0.6"),
        ("import math\nassert math.isclose(f(2), 0.5, rel_tol=1e-3)", "0.5001", "0.51"),
        ("assert set(f(2)) == {1, 2}", "[2, 1, 2]", "[1]"),
        ("assert sorted(f(2), reverse=True) == [2, 1]", "(1, 2)", "(1, 1)"),
        ("assert len(f(2)) == 2 and f(2)[0] == 1", "[1, 5]", "[5, 1]"),
        ("assert f(2).lower() == 'a'", "'A'", "'B'"),
        ("assert round(f(2), 1) == 0.3", "0.1 + 0.2", "0.4"),
        ("assert tuple(f(2)) == tuple([1, 2])", "(n for n in (1, 2))", "[1]"),
        ("assert (f(2), f(3)) == (1, 1)", "1", "2"),
        ("assert isinstance(f(2), str)", "'1'", "1"),
        ("for n in range(3):\n    assert f(n) == 7", "7", "8"),
        ("want = [n for n in range(2)]\nassert f(want) == want", "[0, 1]", "[1]"),
        ("assert f(2) == {'a': 1}", "__import__('collections').Counter('a')", "{'a': 2}"),
        ("assert f(2) == (1, 2)", "(1, 2)", "[1, 2]"),
        ("assert f(2) is None or f(2)[0] == 3", "None", "[4]"),
        ("assert not (f(2) is not None and len(f(2)) > 1)", "None", "[1, 2]"),
        ("assert isinstance(f(2), (int, complex))", "2j", "'2'"),
        ("assert int(f(2), base=2) == round(f(3), ndigits=1) == 5", "5 if x - 2 else '101'", "5"),
        ("assert max(f(2), default=0) == sum(f(2), -1) == 2", "[2, 1]", "[2]"),
        ("assert f(2) * 2 == 'abab'", "'ab'", "'ba'"),
        ("assert set(f(2)) - {1} == {2}", "[1, 2]", "[1]"),
        ("assert f(2).keys() == {1}", "{1: 2}", "{2: 1}"),
        ("assert len(f(2)) == 2 and f(2)[1] == 1", "range(2)", "range(1)"),
        ("assert list(f(2)) == [0, 1]", "__import__('numpy').arange(2)", "range(3)"),
        ("assert str(f(2)) == '1' and f(2) < 2", "__import__('decimal').Decimal(1)", "'1'"),
        ("assert type(f(2)) != float", "2", "2.0"),
        ("assert f(2).__class__ != float", "2", "2.0"),
        ("assert type(f(2)) == type(f(3))", "x", "x if x > 2 else '2'"),
        ("assert not callable(f(2)) and hasattr(f(2), 'lower')", "''", "2"),
        (
            "import unittest\nassert f(3)\nunittest.TestCase().assertIsNotNone(f(2))",
            "x",
            "x if x > 2 else None",
        ),
        ("match f(2):\n    case str():\n        raise ValueError\nassert f(2)", "1", "'1'"),
        ("try:\n    f(0)\nexcept ZeroDivisionError:\n    pass\nassert f(2) == 1", "2 // x", "0"),
        (
            "import contextlib\nwith contextlib.suppress(ArithmeticError):\n    f(0)\n"
            "assert f(2) == 1",
            "2 // x",
            "0",
        ),
        ("a = [1, 2]\nassert f(a) == 2\nassert f(a) == 2", "x[-1]", "x.pop()"),
        ("a = [1, 2]\nassert f(a) == a", "x.reverse() or x", "x.reverse() or [1, 2]"),
        ("for g in [3]:\n    assert list(f(g)) == [0, 1, 2]", "map(int, range(x))", "range(x - 1)"),
        ("for g in [9000]:\n    assert f(f(g)) == g", "x if x > 1e9 else x", "x + 1"),
    ],
)
def test_asserts_are_read_as_they_are_meant(tests, right, wrong):
    """Whatever an assert does with an answer is done outside, and means the same."""
    for body, accepted in ((right, True), (wrong, False)):
        verdict = CODE(Sample(f"def f(x): return {body}", meta={"test_list": [tests]}))
        assert verdict.accepted is accepted, verdict.evidence


def test_helpers_are_the_prompts_and_not_the_programs():
    """A program cannot replace a function of the prompt that the tests count with."""
    row = {"test": "def check(candidate):\n    assert half(candidate(2, 2)) == 2",
           "entry_point": "add"}  # fmt: skip
    cheat = "def half(n): return 2\ndef add(a, b): return 0"
    assert CODE(Sample(ADD, prompt=PROMPT, meta=row)).accepted
    assert not CODE(Sample(cheat, prompt=PROMPT, meta=row)).accepted


def test_a_function_may_have_the_name_of_one_of_pythons():
    """Where the tests call nothing unknown, the first function asserted about is asked for."""
    row = {"test_list": ["assert sum(1, 2) == 3"]}
    assert CODE(Sample("def sum(a, b): return a + b", meta=row)).accepted


@given(st.recursive(st.integers() | st.text(max_size=3), st.lists, max_leaves=8))
def test_a_value_equals_itself_and_nothing_longer(value):
    """The claim of equality holds of the value, and not of a list with it."""
    assert holds(equal(0, value), [value])
    assert not holds(equal(0, value), [[value, value]])
    assert holds(same_json(0, [value]), [(value,)])


@pytest.mark.parametrize(
    "claim",
    [
        ("op", "mul", (("value", "a"), ("call", 0))),
        ("op", "pow", (("value", 10), ("call", 0))),
        ("op", "eq", (("op", "getitem", (("call", 0), ("value", 3))), ("value", 1))),
    ],
)
def test_an_answer_cannot_make_a_comparison_expensive(claim):
    """An operation that would take long on this answer makes the claim false."""
    assert not holds(claim, [10**12])


@pytest.mark.parametrize("kind", ["set", "frozenset", "dict"])
def test_equal_hashes_do_not_stall_a_comparison(kind):
    """A list made to collide is never put into a set: the claim is false at once."""
    pairs = [(n * (2**61 - 1), n) for n in range(30_000)]
    answer = pairs if kind == "dict" else [key for key, _ in pairs]
    claim = ("op", "eq", (("op", kind, (("call", 0),)), ("value", set())))
    assert not holds(claim, [answer])


def test_an_output_far_too_long_is_not_taken_apart():
    """Blanks count as nothing, but not by the megabyte."""
    assert same(b"3" + b" " * 1000, "3", How.TOKENS)
    assert not same(b"3" + b" " * 100_000, "3", How.TOKENS)


def test_answers_beyond_the_limit_are_not_read():
    """Megabytes of records are the program's own doing."""
    tests = {"test_list": ["assert f(2) == [1]"]}
    verdict = CODE(Sample("def f(x): return ['x' * 1000] * 5000", meta=tests))
    assert (verdict.reason, verdict.evidence["verdict"]) == (Reason.OVER_LIMIT, "output")


def test_an_unknown_claim_is_no_verdict():
    """What cannot be checked is neither true nor false."""
    with pytest.raises(Unknown):
        holds(("op", "system", (("value", "ls"),)), [])


@pytest.mark.parametrize(
    ("got", "expected", "how", "wanted"),
    [
        (b"1\n2\n", "1\n2", How.EXACT, True),
        (b"1  \n2", "1\n2\n\n", How.EXACT, True),
        (b"1 2", "1\n2", How.EXACT, False),
        (b"1 2", "1\n2", How.TOKENS, True),
        (b"yes", "YES", How.TOKENS, False),
        (b"1", "1 2", How.FLOATS, False),
        (b"0.33333331", "0.33333333", How.FLOATS, True),
        (b"nan", "0.5", How.FLOATS, False),
        (b"inf", "0.5", How.FLOATS, False),
        (b"Infinity 5 -0.0", "inf 5.0 0", How.FLOATS, True),
        (b"1e400", "9" * 400, How.FLOATS, False),
        (b"1e400", "1" + "0" * 400 + ".5", How.FLOATS, False),
        (b"1000000008", "1000000007", How.FLOATS, False),
        (b"+007 -0", "7 0", How.FLOATS, True),
        (b"1_000", "1000", How.FLOATS, False),
        ("\uff11".encode(), "1.0", How.FLOATS, False),
        (b"\xff", "1", How.EXACT, False),
        (b"", "1", How.TOKENS, False),
    ],
)
def test_outputs_are_compared_as_declared(got, expected, how, wanted):
    """Blanks at ends never count; case always does; numbers only with a tolerance."""
    assert same(got, expected, how) is wanted


@pytest.mark.parametrize(
    ("said", "entry", "code"),
    [
        ("print(1)", None, "print(1)"),
        ("```\na\n```\nthen\n```\nb\n```", None, "b\n"),
        ("```python\na\n```\nIt prints:\n```\n3\n```", None, "a\n"),
        ("1. So:\n   ```python\n   a\n     b\n   ```", None, "a\n  b\n"),
        ("```python\na```", None, "a"),
        ("```python\ndef f(): 1\n```\nuse it:\n```python\nf()\n```", "f", "def f(): 1\n"),
        ("```python\na\n```\n```bash\nls\n```", None, "a\n"),
        ("```python\nopen", None, "open"),
        ("<think>```python\nno\n```</think>```py\nyes\n```", None, "yes\n"),
        ("````python\n```\nx\n````", None, "```\nx\n"),
    ],
)
def test_a_program_is_found(said, entry, code):
    """The last block in Python, or the last that defines what is asked for."""
    assert program(said, entry) == code


def test_the_block_that_defines_the_function_is_the_program():
    """A block that only shows how to use it comes after, and is not run."""
    said = f"```python\n{ADD}\n```\nFor example:\n```python\nprint(add(1, 2))\n```"
    assert CODE(Sample(said, SHAPES["MBPP"])).accepted


def test_a_body_goes_on_where_the_prompt_stops():
    """A completion without the function is one of its body."""
    assert completed("    return a + b", PROMPT, "add") == PROMPT + "    return a + b"
    assert completed(ADD, PROMPT, "add").startswith("def half")
    assert completed(ADD, "Add two numbers.", "add") == ADD


@pytest.mark.parametrize("answer", [ADD, "    return a + b"])
def test_a_prompt_in_words_holds_the_function_in_a_block(answer):
    """What is put before an answer, and what tests may call, is source, not the words around."""
    row = {"test": "def check(candidate):\n    assert candidate(2, 4) == half(12)",
           "entry_point": "add"}  # fmt: skip
    prompt = f"Write `add`.\n\n```python\n{PROMPT}```\nThink first."
    assert CODE(Sample(answer, prompt=prompt, meta=row)).accepted


@pytest.mark.parametrize("name", ["total", "gcd"])
def test_stubs_have_the_names_that_their_editor_imports(name):
    """LeetCode's stubs name `List`, and never import it; what is asked for is not imported."""
    row = {"fn_name": name, "inputs": [[[4, 6]]], "outputs": [10]}
    solved = f"class Solution:\n    def {name}(self, a: List[int]) -> int:\n        return sum(a)"
    assert CODE(Sample(solved, meta=row)).accepted
    assert CODE(Sample("x: List[int] = []", meta=row)).outcome is Outcome.REJECT


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["test", "entry_point", "test_list", "inputs", "outputs", "cases",
                                 "input", "output", "fn_name", "expected", "arguments"]),
                inner, max_size=4)
        ),
        max_leaves=8,
    )
)  # fmt: skip
def test_any_row_is_a_task_or_none_or_bad(row):
    """Whatever stands where tests should stand is read, or refused in one way."""
    try:
        task = task_of(Sample("", row))
    except BadTask:
        return
    assert task is None or isinstance(task, (Printed, Called, Asserted))


@pytest.mark.parametrize(
    "options",
    [{"cpu": 0}, {"minimum": "strong"}, {"minimum": "namespaces", "most": "landlock"},
     {"how": "exact"}, {"relative": 2}, {"total": 0}],
)  # fmt: skip
def test_an_option_that_means_nothing_is_refused(options):
    """When the verifier is made, not when it runs."""
    with pytest.raises(UsageError):
        Code(**options)


def test_it_pickles_and_names_itself():
    """A copy decides the same under the same name, and options are in the name."""
    copy = pickle.loads(pickle.dumps(CODE))
    assert copy.by == CODE.by != Code(cpu=3).by
    assert copy(Sample(ADD, SHAPES["MBPP"])).by == CODE.by


def test_records_are_read_strictly():
    """Each call exactly once and in order: anything else ends the answers."""
    lines = [text({"id": n, "value": n * n}).encode() + b"\n" for n in range(3)]
    assert answers_of(b"".join(lines), 3) == ([0, 1, 4], False)
    assert answers_of(b"".join(lines), 2) == ([0, 1], True)
    assert answers_of(lines[1], 3) == ([], True)
    assert answers_of(lines[0] * 2, 3) == ([0], True)
    assert answers_of(lines[0] + b"{", 3) == ([0], True)


def test_calls_are_what_is_sent():
    """A typed case is a call with arguments by place and by name."""
    task = task_of(Sample("", SHAPES["typed"]))
    assert task.calls == (Call("add", (1, 2)), Call("add", (2,), {"b": 2}))
    sent = unpacked(Program("", calls=task.calls).blobs[2])
    assert sent == [("add", (1, 2), {}), ("add", (2,), {"b": 2})]
