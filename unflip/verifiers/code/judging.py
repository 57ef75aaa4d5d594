"""Runs a program on a task, and says what came of it: `Finding`, before it is a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from unflip.sandbox import (
    Backend,
    Call,
    Level,
    Limits,
    Program,
    Result,
    SandboxError,
    Status,
    shared,
)
from unflip.sandbox.codec import Unreadable, parse
from unflip.verifiers.code.claims import Unknown, calls_of, holds
from unflip.verifiers.code.comparing import How, Tolerance, same
from unflip.verifiers.code.tasks import Asserted, BadTask, Called, Printed

ACCEPTED = "accepted"
WRONG = "wrong answer"
RAISED = "runtime error"
COMPILE = "compile error"
FORGED = "records that are not the driver's"
_WORDS = {
    Status.FAILED: RAISED,
    Status.SIGNALLED: RAISED,
    Status.CPU: "cpu time",
    Status.WALL: "wall time",
    Status.MEMORY: "memory",
    Status.OUTPUT: "output",
    Status.POLICY: "policy violation",
}
LIMITS = frozenset({"cpu time", "wall time", "memory", "output"})
RECORDS_LIMIT = 4 << 20
"""So many bytes of answers are read here; more is over the limit."""
_READING = Limits(cpu=20)
_STAND_IN = Path(__file__).with_name("standin.py").read_bytes()


@dataclass(frozen=True)
class Finding:
    """What came of a program.

    Attributes:
        verdict: In a word; `ACCEPTED` or what was wrong.
        level: How strongly the runs were isolated.
        cases: How many cases or claims there are.
        passed: How many held, up to the first that did not.
        cpu: Seconds of processor time, of all runs.
        wall: Seconds by the clock on the wall, of all runs.
        memory: The largest peak of resident memory in bytes.
        error: The last line that the failing run said as an error.
    """

    verdict: str
    level: str
    cases: int
    passed: int
    cpu: float
    wall: float
    memory: int
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """A JSON object of all fields."""
        return asdict(self) | {"cpu": round(self.cpu, 4), "wall": round(self.wall, 4)}


@dataclass(frozen=True)
class Bench:
    """Where programs are run, and under what limits.

    Attributes:
        backend: The sandbox.
        limits: Those of one run.
        total: Seconds of processor time that all runs of a program may take together.
    """

    backend: Backend
    limits: Limits
    total: float = 60.0

    def run(self, program: Program) -> Result:
        """Run a program; one that only the clock on the wall stopped has a second try, alone."""
        found = self.backend.run(program, self.limits)
        if found.status is Status.WALL:
            found = self.backend.run(program, self.limits, alone=True)
        return found


def judge_printed(
    bench: Bench, code: str, task: Printed, how: How, tolerance: Tolerance
) -> Finding:
    """Run a program on one case after the other, up to the first that fails."""
    runs: list[Result] = []
    for given, expected in task.cases:
        found = bench.run(Program(code, given.encode("utf-8", "surrogatepass")))
        runs.append(found)
        if found.status is not Status.FINISHED:
            return _finding(runs, _word(found), len(task.cases), len(runs) - 1)
        if not same(found.stdout, expected, how, tolerance):
            return _finding(runs, WRONG, len(task.cases), len(runs) - 1)
        if sum(one.cpu for one in runs) > bench.total:
            return _finding(runs, _WORDS[Status.CPU], len(task.cases), len(runs))
    return _finding(runs, ACCEPTED, len(task.cases), len(runs))


def judge_called(bench: Bench, code: str, task: Called) -> Finding:
    """Run a program's calls in one process, and check the claims about them here."""
    found = bench.run(Program(code, calls=task.calls))
    if len(found.records) > RECORDS_LIMIT:
        return _finding([found], _WORDS[Status.OUTPUT], len(task.claims), 0)
    answers, forged = _answers(found.records, len(task.calls))
    passed = 0
    for claim in task.claims:
        if max(calls_of(claim), default=-1) >= len(answers) or not holds(claim, answers):
            break
        passed += 1
    if found.status is not Status.FINISHED:
        verdict = _word(found)
    elif forged or len(answers) < len(task.calls):
        verdict = FORGED
    else:
        verdict = ACCEPTED if passed == len(task.claims) else WRONG
    return _finding([found], verdict, len(task.claims), passed)


def _answers(records: bytes, count: int) -> tuple[list[Any], bool]:
    """What the calls returned, as far as it can be read, and whether there is anything else."""
    lines = records.split(b"\n")
    answers: list[Any] = []
    for number, line in enumerate(lines[:-1]):
        try:
            record = parse(line)
        except Unreadable:
            return answers, True
        if not isinstance(record, dict) or type(record.get("id")) is not int:
            return answers, True
        if record["id"] != number or number >= count:
            return answers, True
        if "value" not in record:
            return answers, False
        answers.append(record["value"])
    return answers, bool(lines[-1])


def read_tests(task: Asserted, minimum: Level, most: Level) -> Called:
    """The calls and claims of a task's asserts, by running them on a stand-in in the sandbox.

    Raises:
        BadTask: They cannot be read that way, or claim nothing.
        SandboxError: The sandbox failed.
    """
    found = _read_tests(task, minimum, most)
    if isinstance(found, str):
        raise BadTask(found)
    return found


@lru_cache(maxsize=4096)
def _read_tests(task: Asserted, minimum: Level, most: Level) -> Called | str:
    arguments = (list(task.tests), task.prompt, task.entry)
    bench = Bench(shared(minimum, most), _READING)
    found = bench.run(Program(_STAND_IN, calls=[Call("read", arguments)]))
    if found.status is Status.WALL:
        raise SandboxError("reading the tests took too long by the clock on the wall")
    answers, forged = _answers(found.records, 1)
    if found.status is not Status.FINISHED or forged or not answers:
        return f"{found.status}: {found.last_error}"
    calls, claims = answers[0]
    if not calls or not claims:
        return "the tests claim nothing about an answer"
    try:
        for claim in claims:
            calls_of(claim)
    except Unknown as why:
        return str(why)
    entry = task.entry or calls[0][0]
    return Called(tuple(Call(*one) for one in calls), tuple(claims), entry)


def _word(found: Result) -> str:
    if found.status is Status.FAILED and found.last_error.startswith(_SYNTAX):
        return COMPILE
    return _WORDS[found.status]


_SYNTAX = ("SyntaxError", "IndentationError", "TabError")


def _finding(runs: Sequence[Result], verdict: str, cases: int, passed: int) -> Finding:
    last = runs[-1]
    return Finding(
        verdict=verdict,
        level=last.level.word,
        cases=cases,
        passed=passed,
        cpu=sum(one.cpu for one in runs),
        wall=sum(one.wall for one in runs),
        memory=max(one.memory for one in runs),
        error="" if verdict in (ACCEPTED, WRONG) else last.last_error,
    )
