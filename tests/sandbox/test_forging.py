"""The forgers: no program is accepted for anything but right answers, at both levels."""

import platform
import tomllib
from pathlib import Path

import pytest

from unflip.types import Outcome, Sample
from unflip.verifiers.code import Code, How

HOSTILE = Path(__file__).parents[2] / "fixtures" / "hostile"
PROGRAMS = tomllib.loads((HOSTILE / "forging.toml").read_text())["program"]
OTHERS = [
    one
    for one in tomllib.loads((HOSTILE / "escaping.toml").read_text())["program"]
    if one.get("machine", platform.machine()) == platform.machine()
]
TASKS = {
    "add": {"test_list": ["assert add(1, 2) == 3", "assert add(-4, 9) == 5",
                          "assert add(10**9, 11) == 1000000011"]},
    "sum": {"inputs": ["1\n2", "-4\n9"], "outputs": ["3", "5"]},
    "rows": {"inputs": [""], "outputs": ["1\n2\n3"]},
    "root": {"inputs": ["2"], "outputs": ["1.41421356"]},
}  # fmt: skip
RIGHT = {
    "add": "def add(a, b):\n    return a + b",
    "sum": "print(int(input()) + int(input()))",
    "rows": "print(1, 2, 3, sep='\\n')",
    "root": "print(float(input()) ** 0.5)",
}
LEVELS = pytest.mark.parametrize("level", ["namespaces", "landlock"])


def verifier(level, cpu=0.5):
    """A verifier with tight limits, at one level."""
    return Code(cpu=cpu, memory=256, output=4, minimum=level, most=level, how=How.FLOATS)


@LEVELS
@pytest.mark.parametrize("hostile", PROGRAMS, ids=[one["name"] for one in PROGRAMS])
def test_no_forger_is_accepted(level, hostile):
    """A program that solves nothing is rejected, and for what it did."""
    row = hostile.get("meta") or TASKS[hostile["task"]]
    verdict = verifier(level, hostile.get("cpu", 0.5))(Sample(hostile["code"], meta=row))
    assert verdict.outcome is Outcome.REJECT
    assert verdict.evidence["verdict"] in hostile["verdict"], verdict.evidence


@LEVELS
@pytest.mark.parametrize("task", TASKS)
def test_the_tasks_can_be_solved(level, task):
    """The same verifier accepts an honest solution of every task that the forgers are given."""
    verdict = verifier(level)(Sample(RIGHT[task], meta=TASKS[task]))
    assert verdict.accepted, verdict.evidence


@pytest.mark.parametrize(
    "hostile", [one for one in PROGRAMS if "right" in one], ids=lambda one: one["name"]
)
def test_their_own_tasks_can_be_solved(hostile):
    """Where a forger brings its own row, an honest program is accepted on it."""
    verdict = verifier("namespaces")(Sample(hostile["right"], meta=hostile["meta"]))
    assert verdict.accepted, verdict.evidence


@pytest.mark.parametrize("hostile", OTHERS, ids=[one["name"] for one in OTHERS])
def test_what_does_not_answer_is_rejected(hostile):
    """Programs with other aims are rejected as wrong, whatever becomes of them."""
    verdict = verifier("namespaces")(Sample(hostile["code"], meta=TASKS["sum"]))
    assert verdict.outcome is Outcome.REJECT, verdict.evidence
