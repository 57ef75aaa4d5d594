"""Tests that talk with the program: what they may do, whose fault what is, and who cannot forge."""

import tomllib
from pathlib import Path

import pytest

from unflip.errors import UsageError
from unflip.sandbox import Level, SandboxUnavailable, shared
from unflip.types import Outcome, Reason, Sample
from unflip.verifiers.code import Code
from unflip.verifiers.code.asserting import read_tests
from unflip.verifiers.code.exchange import names_of
from unflip.verifiers.code.records import told_of
from unflip.verifiers.code.tasks import Asserted, Called, Conversed
from unflip.verifiers.code.weakly import passed

HOSTILE = Path(__file__).parents[2] / "fixtures" / "hostile"
CODE = Code(cpu=2)
WEAK = Code(cpu=2, trust="weak")


def verdict(code, row, verifier=CODE):
    """What becomes of a program on a row; a file of tests if the row is text."""
    return verifier(Sample(code, meta={"test": row} if isinstance(row, str) else row))


TALKS = [
    ("for n in range(3):\n    y = f(n)\n    if y > 1:\n        assert y == n * 2",
     "def f(n): return n * 2", "def f(n): return 7"),
    ("assert f(f(2)) == 8", "def f(n): return n * 2", "def f(n): return n + 4"),
    ("a = [3, 1]\nf(a)\nassert a == [1, 3]", "def f(a): a.sort()", "def f(a): return [1, 3]"),
    ("a = [3, 1]\nassert f(a) == [1, 3]\nassert a == [3, 1]",
     "def f(a): return sorted(a)", "def f(a):\n    a.sort()\n    return a"),
    ("a = [3]\nassert f(a) is a", "def f(a): return a", "def f(a): return list(a)"),
    ("a = [1]\ns = f(a)\ns.run()\nassert a == [1, 2]\ns.run()\nassert a == [1, 2, 2]",
     "class f:\n    def __init__(s, a): s.a = a\n    def run(s): s.a.append(2)",
     "class f:\n    def __init__(s, a): s.a = list(a)\n    def run(s): s.a.append(2)"),
    ("a = [1]\ntry:\n    f(a)\nexcept ValueError:\n    pass\nassert a == []",
     "def f(a):\n    a.clear()\n    raise ValueError", "def f(a): raise ValueError"),
    ("import numpy as np\na = f(np.array([1.0, 2.0]))\n"
     "np.testing.assert_allclose(a, [2, 4])\nassert a.dtype == float and a.shape == (2,)",
     "def f(a): return a * 2", "def f(a): return list(a * 2) + [0.0]"),
    ("grid = [[1], [2]]\nrow = grid[0]\nf(grid)\nassert row == [5]",
     "def f(g): g[0][0] = 5", "def f(g): g[0] = [6]"),
    ("try:\n    f(-1)\n    assert 0\nexcept ValueError as why:\n    assert 'neg' in str(why)",
     "def f(n): raise ValueError('neg')", "def f(n): raise TypeError('neg')"),
    ("out = {}\nfor w in f('a b'):\n    out[w] = len(out)\nassert out == {'a': 0, 'b': 1}",
     "def f(s): return s.split()", "def f(s): return ['b', 'a']"),
    ("n = 6\nwhile n != 1:\n    n = f(n)\nassert f(1) == 4",
     "def f(n): return n // 2 if n % 2 == 0 else 3 * n + 1", "def f(n): return 1"),
    ("assert all(map(f, [2, 4]))", "def f(n): return n % 2 == 0", "def f(n): return n > 2"),
    ("assert ''.join(f(3)) == 'xxx'", "def f(n): return ['x'] * n", "def f(n): return ['x']"),
    ("g = f(2)\nassert next(g) == 0\nassert next(g) == 1",
     "def f(n):\n    while True:\n        yield from range(n)", "def f(n): return [0, 1]"),
    ("a, b = f(), f()\nassert a is b\nassert a.x == 1 and a is not None",
     "class One: x = 1\none = One()\ndef f(): return one",
     "class One: x = 1\ndef f(): return One()"),
    ("n = f(1)\nn.next = f(2)\nassert n.next.value == 2 and n.next.next is None",
     "class f:\n    def __init__(self, value): self.value, self.next = value, None",
     "class f:\n    next = property(lambda s: f(3), lambda s, v: None)\n"
     "    def __init__(self, value): self.value = value"),
    ("with f(5) as got:\n    assert got == 5\nwith f(1):\n    [][1]",
     "class f:\n    def __init__(s, n): s.n = n\n    def __enter__(s): return s.n\n"
     "    def __exit__(s, kind, error, trace): return kind is IndexError",
     "class f:\n    def __init__(s, n): s.n = n\n    def __enter__(s): return s.n\n"
     "    def __exit__(s, kind, error, trace): return kind is KeyError"),
    ("from decimal import Decimal as D\nassert f(D('0.1')) == D('0.3')",
     "def f(d): return d * 3", "def f(d): return 0.1 * 3"),
    ("import datetime as d\nassert f(d.date(2024, 2, 28)) == d.date(2024, 2, 29)",
     "import datetime as d\ndef f(day): return day + d.timedelta(1)",
     "def f(day): return day"),
    ("p = f(1, 2)\nassert p.x == 1 and p == (1, 2)\nassert [q.y for q in [p]] == [2]",
     "from collections import namedtuple\nf = namedtuple('f', 'x y')",
     "from collections import namedtuple\nf = namedtuple('f', 'y x')"),
    ("s = f([2])\ns.append(3)\nassert s == [2, 3]\nassert len(s) == s.size() == 2",
     "class f(list):\n    def size(self): return len(self)",
     "class f(list):\n    def append(self, one): pass\n    def size(self): return 2"),
]  # fmt: skip


@pytest.mark.parametrize(("tests", "right", "wrong"), TALKS)
def test_tests_may_use_an_answer_as_they_like(tests, right, wrong):
    """Loops, branches, nested calls, raises and changed arguments mean what they always mean."""
    assert verdict(right, {"test_list": [tests]}).accepted
    found = verdict(wrong, {"test_list": [tests]})
    assert (found.outcome, found.reason) == (Outcome.REJECT, Reason.MISMATCH), found.evidence


def in_one_process(code, tests):
    """Whether the tests pass where they share a process with the program, as they are meant to."""
    scope = {}
    exec(code, scope)
    try:
        exec(tests, scope)
    except Exception:
        return False
    return True


@pytest.mark.parametrize(("tests", "right", "wrong"), TALKS)
def test_at_a_distance_is_as_in_one_process(tests, right, wrong):
    """The same programs pass the same tests where nothing is between them."""
    assert in_one_process(right, tests)
    assert not in_one_process(wrong, tests)


STACK = """
class Empty(IndexError): pass
class Stack:
    def __init__(self): self.items = []
    def push(self, item): self.items.append(item)
    def pop(self):
        if not self.items: raise Empty("nothing left")
        return self.items.pop()
    def __len__(self): return len(self.items)
"""
FILE = """
import pytest
from solution import Empty, Stack

@pytest.fixture
def stack():
    made = Stack()
    made.push(1)
    yield made
    assert len(made) <= 2

def test_push(stack):
    stack.push(5)
    assert stack.pop() == 5
    assert len(stack) == 1

@pytest.mark.parametrize("n, last", [(1, 0), pytest.param(3, 2)])
def test_many(n, last):
    made = Stack()
    for one in range(n):
        made.push(one)
    assert [made.pop() for _ in range(n)][0] == last

class TestEmpty:
    def setup_method(self):
        self.stack = Stack()

    def test_raises(self):
        with pytest.raises(Empty, match="nothing"):
            self.stack.pop()
        with pytest.raises(IndexError):
            self.stack.pop()
"""


def test_a_file_of_tests_is_run_at_a_distance():
    """Objects, fixtures, parameters, classes and raises work, and the verdict is strong."""
    found = verdict(STACK, FILE)
    assert found.accepted, found.evidence
    assert (found.evidence["trust"], found.evidence["cases"]) == ("strong", 4)


@pytest.mark.parametrize(
    ("old", "new"),
    [("Empty(IndexError)", "Empty(KeyError)"), ("nothing left", "gone"),
     ("self.items.pop()", "self.items.pop(0)"), ("len(self.items)", "3"),
     ("class Stack:", "class Heap:"), ("def push", "def add")],
)  # fmt: skip
def test_a_file_of_tests_finds_what_is_wrong(old, new):
    """Each single fault is a reject."""
    assert verdict(STACK.replace(old, new), FILE).outcome is Outcome.REJECT


@pytest.mark.parametrize(
    "file",
    [
        "from solution import f\n\ndef test_f():\n    assert f(2) == 4\n\ndef test_g():\n"
        "    want = [f(n) for n in range(2)]\n    assert want == [0, 2]",
        "from solution import *\n\ndef test_f():\n    assert f(2) == 4 and f(3) == 6",
        "import solution\n\ndef test_f():\n    assert solution.f(2) == 4",
        "import unittest\nfrom solution import f\n\nclass T(unittest.TestCase):\n"
        "    def test_f(self):\n        self.assertEqual(f(2), 4)",
        "import pytest\nfrom solution import f\n\ndef test_f():\n"
        "    assert f(0.15) == pytest.approx(0.3)\n"
        "    assert [f(0.1)] == pytest.approx([0.2], rel=1e-3)",
    ],
)
def test_files_as_people_write_them(file):
    """However they import and assert, the right answer is accepted and the wrong one not."""
    assert verdict("def f(n): return n * 2", file).accepted
    assert verdict("def f(n): return n + 3", file).outcome is Outcome.REJECT


def test_plain_files_are_read_once():
    """Plain asserts in plain functions become claims: the tests are not run for every answer."""
    for wanted in ("f", "*"):
        file = f"from solution import {wanted}\n\ndef test_f():\n    assert f(2) == 4"
        assert isinstance(read_tests(Asserted((file,), file=True), shared()), Called)
    branching = "from solution import f\n\ndef test_f():\n    if f(2):\n        assert f(1)"
    assert isinstance(read_tests(Asserted((branching,), file=True), shared()), Conversed)


def test_a_loop_takes_few_rounds():
    """Answers are guessed by what the same call came to before, not asked for one by one."""
    tests = "for n in range(200):\n    assert back(there(n)) == n"
    code = "def there(n): return [n]\n\ndef back(n): return n[0]"
    found = verdict(code, {"test_list": [tests]})
    assert found.accepted
    assert found.evidence["cpu"] < 2


@pytest.mark.parametrize(
    "row",
    [
        {"test_list": ["assert f(lambda n: n) == 3"]},
        {"test_list": ["assert f(object()) == 3"]},
        {"test_list": ["x = 1\nassert x"]},
        {"test": "from solution import f\n\ndef test_f(tmp_path):\n    assert f(tmp_path)"},
        {"test": "import nothing_like_that\n\ndef test_f():\n    assert 1"},
        {"test": "from solution import f\n\ndef test_f():\n    assert f(1)", "test_ids": ["g"]},
        {"test": "from solution import f\n\ndef test_f():\n    assert f(1)", "test_ids": []},
        {"test": "import solution\n\ndef test_f():\n    solution.f = 3\n    assert solution.f"},
        {"test": "from solution import f\n\nclass C(f): pass\n\ndef test_f():\n    assert f(1)"},
        {"test": "import copy\nfrom solution import F\n\ndef test_f():\n"
                 "    assert copy.copy(F(1)) == 3"},
        {"test_list": ["open('x', 'w').write('3')\nassert f('x') == 3"]},
        {"test": "from contextlib import redirect_stdout\nfrom solution import f\nimport io\n\n"
                 "def test_f():\n    with redirect_stdout(io.StringIO()) as said:\n        f(1)\n"
                 "    assert said.getvalue() == '3'"},
        {"test": "from solution import f\n\nasync def test_f():\n    assert f(1)"},
        {"test": "import pytest\nfrom solution import f\n\n@pytest.mark.skip\ndef test_f():\n"
                 "    assert f(1)"},
    ],
)  # fmt: skip
def test_what_cannot_be_done_at_a_distance_is_nobodys_fault(row):
    """Functions as arguments, foreign fixtures and marks, and files without tests: an abstain."""
    found = verdict("def f(n): return 3", row)
    assert (found.outcome, found.reason) == (Outcome.ABSTAIN, Reason.UNREADABLE_REFERENCE)


def test_a_manifest_has_to_be_met():
    """The ids that a row names are those of the file, with parameters or without."""
    row = {"test": FILE, "test_ids": ["test_push", "test_many", "TestEmpty::test_raises"]}
    assert verdict(STACK, row).accepted
    assert verdict(STACK, row | {"test_ids": ["test_push"]}).outcome is Outcome.ABSTAIN


TALKING = tomllib.loads((HOSTILE / "talking.toml").read_text())["program"]
FORGING = [
    one
    for one in tomllib.loads((HOSTILE / "forging.toml").read_text())["program"]
    if one["task"] == "add"
]
TASKS = {
    "even": {"test_list": ["assert all(map(even, [2, 4])) and not even(3)\nif even(2): pass",
                           "assert all(map(even, [2, 4]))"]},
    "greet": {"test_list": ["if len(greet('you')) == 11:\n"
                            "    assert greet('you').startswith('hello')\nelse:\n    assert 0"]},
    "half": {"test_list": ["x = half(1)\nif x: pass\nassert abs(x - 0.5) < 1e-9",
                           "x = half(3)\nif x: pass\nassert x == 1.5"]},
    "chain": {"test_list": ["n = 6\nwhile n != 1:\n    n = step(n)\nassert step(2) == 1"]},
    "rows": {"test_list": ["out = []\nfor n in rows(3):\n    out += [n] * n\nassert out == [1]"]},
    "stack": {"test": FILE},
    "copied": {"test_list": ["from copy import deepcopy\nassert deepcopy(rows(1)) == [1]"]},
    "passed": {"test_list": ["assert total(rows(3)) == 6"]},
    "chosen": {"test_list": ["assert double(rows(3)[0]) == 6"]},
    "members": {"test_list": ["for n in [2]:\n    found = members(n)\n    assert len(found) == 2\n"
                              "    assert found.symmetric_difference({0, 1}) == set()"]},
    "add": {"test_list": ["for a in (1, -4, 10**9):\n    s = add(a, 2)\n    if s: pass\n"
                          "    assert s == a + 2"]},
}  # fmt: skip
RIGHT = {
    "even": "def even(n): return n % 2 == 0",
    "greet": "def greet(name): return 'hello, ' + name + '!'",
    "half": "def half(n): return n / 2",
    "chain": "def step(n): return n // 2 if n % 2 == 0 else 3 * n + 1",
    "rows": "def rows(n): return [1]",
    "stack": STACK,
    "copied": "def rows(n): return [1]",
    "passed": "def rows(n): yield from (1, 2, n)\ndef total(items): return sum(items)",
    "chosen": "import numpy\ndef rows(n): return numpy.array([n])\ndef double(n): return 2 * n",
    "members": "def members(n): return set(range(n))",
    "add": "def add(a, b): return a + b",
}
TIGHT = Code(cpu=0.5, total=1, memory=256, output=4)
LOW = Code(cpu=0.5, total=1, memory=256, output=4, most="landlock")


@pytest.mark.parametrize("verifier", [TIGHT, LOW], ids=lambda one: one.most)
@pytest.mark.parametrize("task", TASKS)
def test_the_tasks_can_be_solved(task, verifier):
    """Honest answers to what the forgers are asked are accepted."""
    assert verdict(RIGHT[task], TASKS[task], verifier).accepted


@pytest.mark.parametrize("hostile", [*TALKING, *FORGING], ids=lambda one: one["name"])
def test_nobody_talks_the_tests_over(hostile):
    """A program that solves nothing is rejected, never abstained on."""
    found = verdict(hostile["code"], TASKS[hostile["task"]], TIGHT)
    assert found.outcome is Outcome.REJECT, found.evidence


@pytest.mark.parametrize("hostile", TALKING, ids=lambda one: one["name"])
def test_nobody_talks_them_over_at_the_lower_level(hostile):
    """Landlock alone is no better place for it."""
    found = verdict(hostile["code"], TASKS[hostile["task"]], LOW)
    assert found.outcome is Outcome.REJECT, found.evidence


def test_answers_are_read_strictly():
    """A record with another number, or not in the driver's form, is no answer."""

    def line(*pairs):
        inner = ",".join(f'["{name}",{value}]' for name, value in pairs)
        return f'{{"d":[{inner}]}}\n'.encode()

    right = line(("id", 0), ("value", 7))
    assert told_of(right, 1) == ([["value", [], 7, None]], False)
    assert all(forged for _, forged in (told_of(right + right, 2), told_of(right, 0)))
    for wrong in (line(("id", 0)), line(("id", 0), ("value", 1), ("same", 0)), b"[]\n",
                  line(("id", 0), ("value", 1), ("changed", 3)), line(("id", 0), ("raised", 3)),
                  line(("id", 0), ("raised", '{"l":[]}'), ("said", '"x"'))):  # fmt: skip
        assert told_of(wrong, 1) == ([], True)


def test_names_are_what_nobody_defines():
    """Imports, definitions, arguments and loop variables are not asked of the answer."""
    source = "import math as m\nfor n in (1,):\n    def g(x): return f(x, m, n)\nassert g(len([]))"
    assert names_of([source]) == ("f",)


BESIDE = """
import solution

def test_reads(tmp_path):
    (tmp_path / "x").write_text("3")
    assert solution.read(tmp_path / "x") == 3

def test_more():
    assert solution.LIMIT == 3
"""
READS = "LIMIT = 3\n\ndef read(path):\n    return int(path.read_text())"


def test_the_weak_way_is_only_for_those_who_ask():
    """By default such tests are an abstain that says what would run them; asked for, it is told."""
    refused = verdict(READS, BESIDE)
    assert refused.reason is Reason.UNREADABLE_REFERENCE
    assert "trust='weak'" in refused.evidence["error"]
    found = verdict(READS, BESIDE, WEAK)
    assert found.accepted
    assert (found.evidence["trust"], found.evidence["cases"]) == ("weak", 2)
    assert verdict(READS.replace("int(", "str("), BESIDE, WEAK).evidence["trust"] == "weak"


def test_the_strong_way_comes_first():
    """What can be judged at a distance is, also where the weak way is allowed."""
    assert verdict(STACK, FILE, WEAK).evidence["trust"] == "strong"


@pytest.mark.parametrize(
    "code",
    ["import sys\nsys.exit(0)", "import os\nos._exit(0)",
     "import pytest\npytest.skip('no', allow_module_level=True)",
     "LIMIT = 3\n\ndef read(path):\n    import pytest\n    pytest.skip('no')",
     "LIMIT = 3\n\ndef read(path):\n    import pytest\n    pytest.xfail('no')",
     "LIMIT = 3\n\ndef read(path):\n    import pytest\n    pytest.exit('done', returncode=0)",
     "open('/tmp/conftest.py', 'w').write('collect_ignore = [1]')\nLIMIT = 3"],
)  # fmt: skip
def test_the_weak_way_still_counts(code):
    """Every test has to be reported as passed, once: leaving, skipping and hiding do not pass."""
    assert verdict(code, BESIDE, WEAK).outcome is Outcome.REJECT


FORGED = """
LIMIT = 3

def read(path):
    from _pytest.reports import TestReport
    honest = TestReport.from_item_and_call.__func__
    def forged(cls, item, call):
        report = honest(cls, item, call)
        report.outcome = "passed"
        return report
    TestReport.from_item_and_call = classmethod(forged)
"""


def test_the_weak_way_can_be_forged_and_says_so():
    """A program that takes pytest apart is accepted: that is why the way is off by default."""
    found = verdict(FORGED, BESIDE, WEAK)
    assert (found.outcome, found.evidence["trust"]) == (Outcome.ACCEPT, "weak")
    assert verdict(FORGED, BESIDE).outcome is Outcome.ABSTAIN


def test_reports_are_counted_strictly():
    """Extra tests, double reports and other outcomes do not pass; sets of parameters do."""
    once = [("test_a[1]", when, "passed") for when in ("setup", "call", "teardown")]
    assert passed(["test_a"], once) == 1
    assert passed(["test_a"], [*once, ("test_b", "call", "passed")]) == 0
    assert passed(["test_a"], [*once, ("test_a[1]", "call", "passed")]) == 0
    assert passed(["test_a"], [*once[:1], ("test_a[1]", "call", "xfail"), once[2]]) == 0
    assert passed(["test_a"], ["test_a"]) == 0


def test_pytest_needs_files():
    """Where nothing can be written, asking for the weak way is an error that says so."""
    low = Code(trust="weak", minimum="landlock", most="landlock")
    with pytest.raises(SandboxUnavailable, match="namespaces"):
        verdict(READS, BESIDE, low)
    assert shared(Level.LANDLOCK, Level.LANDLOCK).level is Level.LANDLOCK


def test_without_isolation_nothing_is_trusted():
    """Whatever the way, the verdict says that programs were not shut in."""
    found = verdict(STACK, FILE, Code(cpu=2, minimum="unsafe", most="unsafe"))
    assert (found.outcome, found.evidence["trust"]) == (Outcome.ACCEPT, "unsafe")


def test_trust_is_a_word():
    """Another word is refused when the verifier is made."""
    with pytest.raises(UsageError):
        Code(trust="none")
