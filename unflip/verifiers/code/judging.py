"""Runs a program on a task, and says what came of it: `Finding`, before it is a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from unflip.sandbox import Level, Program, Result, Status
from unflip.sandbox.codec import Unreadable
from unflip.sandbox.languages import PYTHON
from unflip.verifiers.code import checking, exchange, weakly
from unflip.verifiers.code.bench import Bench, Spending
from unflip.verifiers.code.claims import calls_of, holds
from unflip.verifiers.code.comparing import How, Tolerance, same
from unflip.verifiers.code.records import FOREIGN, RECORDS_LIMIT, answers_of
from unflip.verifiers.code.tasks import BadTask, Beside, Called, Conversed, Printed

ACCEPTED = "accepted"
WRONG = "wrong answer"
RAISED = "runtime error"
COMPILE = "compile error"
FORGED = "records that are not the driver's"
ENDLESS = "no end of calls"
_WORDS = {
    Status.FAILED: RAISED,
    Status.SIGNALLED: RAISED,
    Status.CPU: "cpu time",
    Status.WALL: "wall time",
    Status.MEMORY: "memory",
    Status.OUTPUT: "output",
    Status.POLICY: "policy violation",
    Status.BROKEN: COMPILE,
}
LIMITS = frozenset({"cpu time", "wall time", "memory", "output", ENDLESS})
_EXHAUSTED = frozenset({Status.CPU, Status.WALL, Status.MEMORY, Status.OUTPUT})


@dataclass(frozen=True)
class Finding:
    """What came of a program.

    Attributes:
        verdict: In a word; `ACCEPTED` or what was wrong.
        level: How strongly the runs were isolated.
        cases: How many cases or claims there are.
        passed: How many held, up to the first that did not, or of all.
        cpu: Seconds of processor time, of all runs.
        wall: Seconds by the clock on the wall, of all runs.
        memory: The largest peak of resident memory in bytes.
        error: The last line that the failing run said as an error.
        trust: What the verdict can be trusted with: `strong` if the program had no hand in it,
            `weak` if it ran beside its tests, `unsafe` if it was not shut in.
    """

    verdict: str
    level: str
    cases: int
    passed: int
    cpu: float
    wall: float
    memory: int
    error: str = ""
    trust: str = "strong"

    def to_json(self) -> dict[str, Any]:
        """A JSON object of all fields."""
        # What a program says may be no text that can be written to a file.
        said = self.error.encode("utf-8", "backslashreplace").decode()
        times = {"cpu": round(self.cpu, 4), "wall": round(self.wall, 4)}
        return vars(self) | times | {"error": said}


def judge_printed(
    bench: Bench, code: str, task: Printed, how: How, tolerance: Tolerance
) -> Finding:
    """Run a program on one case after the other, up to the first that fails, or on every one."""
    runs: list[Result] = []
    words: list[str] = []
    spending = Spending(bench.total)
    for given, expected in task.cases:
        found = bench.run(_program(bench, code, given))
        runs.append(found)
        if found.status is not Status.FINISHED:
            words.append(_word(found))
        elif not same(found.stdout, expected, how, tolerance):
            words.append(WRONG)
        if words and not bench.every:
            break
        if over := spending.add(found):
            return _finding(runs, _WORDS[over], len(task.cases), len(runs) - len(words))
    return _finding(runs, [*words, ACCEPTED][0], len(task.cases), len(runs) - len(words))


def judge_checked(bench: Bench, checking_bench: Bench, code: str, task: Printed) -> Finding:
    """Run a program on all cases, and then ask the row's checker what it printed.

    Raises:
        BadTask: The checker gives no verdict, and none on the expected outputs either. One that
            breaks on these outputs alone was broken by them.
    """
    runs: list[Result] = []
    outputs: list[tuple[str, str, str]] = []
    spending = Spending(bench.total)
    for given, expected in task.cases:
        found = bench.run(_program(bench, code, given))
        runs.append(found)
        if word := _failure(found, spending):
            return _finding(runs, word, len(task.cases), len(runs) - 1)
        try:
            outputs.append((given, found.stdout.decode(), expected))
        except UnicodeDecodeError:
            return _finding(runs, WRONG, len(task.cases), len(runs) - 1)
    if sum(len(one.stdout) for one in runs) > checking.OUTPUTS_LIMIT:
        return _finding(runs, _WORDS[Status.OUTPUT], len(task.cases), 0)
    try:
        right = checking.checked(checking_bench, task.checker, outputs)
    except BadTask as why:
        if not checking.sound(checking_bench, task.checker, task.cases):
            raise
        word = _WORDS[Status.WALL] if isinstance(why, checking.Slow) else WRONG
        return replace(_finding(runs, word, len(outputs), 0), error=str(why))
    return _finding(runs, ACCEPTED if all(right) else WRONG, len(right), sum(right))


def _program(bench: Bench, code: str, given: str) -> Program:
    return Program(code, given.encode("utf-8", "surrogatepass"), language=bench.language)


def _failure(found: Result, spending: Spending) -> str:
    """What was wrong with the last run, or with all of them together; empty if nothing."""
    if found.status is not Status.FINISHED:
        return _word(found)
    over = spending.add(found)
    return _WORDS[over] if over else ""


def judge_called(bench: Bench, tests: Bench, code: str, task: Called) -> Finding:
    """Run a program's calls in one process, and check the claims about them here.

    A claim can only be checked here of plain data. Where one does not hold and an answer is
    something else, such as an array or a range, the tests are asked that it was read from.

    Raises:
        BadTask: The row's own calls are too deep or too large.
    """
    try:
        found = bench.run(Program(code, calls=task.calls, language=bench.language))
    except Unreadable as why:
        raise BadTask(f"the calls cannot be written down: {why}") from why
    if len(found.records) > RECORDS_LIMIT:
        return _finding([found], _WORDS[Status.OUTPUT], len(task.claims), 0)
    answers, forged = answers_of(found.records, len(task.calls))
    passed, whole = 0, len(answers) == len(task.calls)
    for claim in task.claims:
        known = whole or max(calls_of(claim), default=-1) < len(answers)
        if known and holds(claim, answers):
            passed += 1
        elif not bench.every:
            break
    if found.status is not Status.FINISHED:
        verdict = _word(found)
    elif forged or len(answers) < len(task.calls):
        verdict = FORGED
    else:
        verdict = ACCEPTED if passed == len(task.claims) else WRONG
    here = _finding([found], verdict, len(task.claims), passed)
    foreign = bench.language == PYTHON.name and any(one in found.records for one in FOREIGN)
    return _second(bench, tests, code, task, here) if verdict == WRONG and foreign else here


def _second(bench: Bench, tests: Bench, code: str, task: Called, first: Finding) -> Finding:
    """What the tests themselves say, where they can be asked."""
    if task.tests is None:
        return first
    try:
        return judge_conversed(bench, tests, code, exchange.asked(task.tests, tests))
    except BadTask:
        return first


def judge_conversed(bench: Bench, tests: Bench, code: str, task: Conversed) -> Finding:
    """Run the tests in one place and the program in another, until both have had their say.

    Raises:
        BadTask: The tests do what cannot be done at a distance.
    """
    played = exchange.converse(bench, tests, code, task)
    last = played.runs[-1]
    word = {"passed": ACCEPTED, "forged": FORGED, "endless": ENDLESS}.get(played.outcome, WRONG)
    if played.outcome == "ended" or (played.outcome == "broken" and last.status in _EXHAUSTED):
        word = _word(last)
    if any(len(one.records) > RECORDS_LIMIT for one in played.runs):
        word = _WORDS[Status.OUTPUT]
    found = _finding(played.runs, word, played.tests, played.passed)
    return replace(found, error=played.error) if word == WRONG else found


def judge_beside(bench: Bench, code: str, task: Beside) -> Finding:
    """Run pytest and the program in one process: the program may have had a hand in the verdict."""
    run, tests, passed, forged = weakly.run_beside(bench, code, task)
    if run.status is not Status.FINISHED:
        word = _word(run)
    elif forged:
        word = FORGED
    else:
        word = ACCEPTED if tests == passed else WRONG
    found = _finding([run], word, tests, passed)
    return found if found.trust == "unsafe" else replace(found, trust="weak")


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
        trust="unsafe" if last.level is Level.UNSAFE else "strong",
    )
