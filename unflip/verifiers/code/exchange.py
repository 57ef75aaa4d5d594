"""Lets tests and a program talk, each in a run of its own: the one asks, the other answers.

First the tests are run on guesses, only to see what they ask. The program answers that, in a
process that it has for itself, and the tests are run on its answers, in one where it never was.
If they ask something else then, it goes round again. A verdict rests on one run of the tests and
one of the program that agree in every call.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unflip.sandbox import Call, Program, Result, SandboxError, Status
from unflip.sandbox.codec import Unreadable, parse
from unflip.verifiers.code.bench import Bench, Spending
from unflip.verifiers.code.records import RECORDS_LIMIT, told_of
from unflip.verifiers.code.sent import sent
from unflip.verifiers.code.tasks import Asserted, BadTask, Conversed

_FILES = ("objects", "line", "small_pytest", "testing")
_ROUNDS = 100
_CALLS = 20_000
_SETTLED = ("passed", "failed", "ended")


@dataclass(frozen=True)
class Played:
    """What came of the tests on a program's answers.

    Attributes:
        outcome: `passed`, `failed`, `ended` where the program ended during a call, `broken` where
            the tests' own run ended on an answer, `endless`, or `forged`.
        tests: How many tests there are.
        passed: How many passed, up to the first that did not.
        runs: The program's runs, one for each round, and last the one that decided.
        error: What the failing test raised.
    """

    outcome: str
    tests: int
    passed: int
    runs: tuple[Result, ...]
    error: str = ""


def asked(task: Asserted, bench: Bench) -> Conversed:
    """What a task's tests ask first, as far as that depends on no answer.

    Raises:
        BadTask: They cannot be run at a distance, or ask nothing.
        SandboxError: The sandbox failed.
    """
    names = names_for(task)
    asking = Conversed(task, names, ())
    told, run = _told(asking, (), (), bench)
    if run.status is Status.WALL:
        raise SandboxError("the tests took too long by the clock on the wall")
    if told is None:
        raise BadTask(f"the tests cannot be run: {run.status}: {run.last_error}")
    if told["outcome"] == "unreadable" or not any(_real(one) for one in told["calls"]):
        raise BadTask(told["error"] or "the tests ask nothing of the answer")
    return Conversed(task, names, tuple(Call(*one) for one in told["calls"]))


def names_for(task: Asserted) -> tuple[str, ...]:
    """What the program's names are bound to before the tests run; files import them."""
    if task.entry is not None:
        return (task.entry,)
    starred = any("import *" in one for one in task.tests)
    return () if task.file and not starred else names_of(task.tests)


def _real(call: Any) -> bool:
    return bool(call[0] != "@name")


def converse(bench: Bench, tests: Bench, code: str, task: Conversed) -> Played:
    """Go round until the tests have their answers.

    Args:
        bench: Where the program runs.
        tests: Where the tests run.
        code: The program.
        task: What the tests ask first.

    Raises:
        BadTask: The tests turn out to do what cannot be done at a distance.
        SandboxError: The sandbox failed.
    """
    calls: tuple[Call, ...] = task.calls
    runs: list[Result] = []
    spending = Spending(bench.total)
    # An answer may be nested so deep that what holds it cannot be sent on.
    with contextlib.suppress(Unreadable):
        for _ in range(_ROUNDS):
            found = bench.run(Program(code, calls=calls, conversing=True))
            runs.append(found)
            if len(found.records) > RECORDS_LIMIT:
                return Played("endless", 1, 0, tuple(runs))
            answers, forged = told_of(found.records, len(calls))
            if forged:
                return Played("forged", 1, 0, tuple(runs))
            if not answers and found.status is not Status.FINISHED:
                return Played("ended", 1, 0, tuple(runs))
            told, run = _told(task, calls, answers, tests)
            if told is None:
                return Played("broken", 1, 0, (*runs, run), f"{run.status}: {run.last_error}")
            if told["outcome"] == "unreadable":
                raise BadTask(told["error"])
            over = spending.add(found, run) or len(told["calls"]) > _CALLS
            if told["outcome"] in _SETTLED or over:
                return _played(told, runs)
            calls = tuple(Call(*one) for one in told["calls"])
    if not runs:
        raise BadTask("the tests' own arguments are nested too deep")
    return Played("endless", 1, 0, tuple(runs))


def _played(told: Mapping[str, Any], runs: Sequence[Result]) -> Played:
    outcome = told["outcome"] if told["outcome"] in _SETTLED else "endless"
    # Finished, and yet without an answer that the tests waited for: it wrote its records itself.
    if outcome == "ended" and runs[-1].status is Status.FINISHED:
        outcome = "forged"
    return Played(outcome, told["tests"], told["passed"], tuple(runs), told["error"])


def _told(
    task: Conversed, calls: Sequence[Call], answers: Sequence[Any], bench: Bench
) -> tuple[Mapping[str, Any] | None, Result]:
    """What the tests' run said, or None if it said nothing; and the run."""
    asserted = task.tests
    spec = {
        "tests": list(asserted.tests), "prompt": asserted.prompt, "entry": asserted.entry,
        "names": list(task.names), "file": asserted.file, "ids": list(asserted.ids or ()),
    }  # fmt: skip
    given = [(one.function, one.arguments, dict(one.named)) for one in calls]
    found = bench.run(sent(_FILES, "play", spec, given, list(answers)))
    try:
        record = parse(found.records.split(b"\n")[0])
        told = record["value"]
    except (Unreadable, KeyError, TypeError):
        return None, found
    return told if isinstance(told, Mapping) else None, found


def nodes_of(tests: Sequence[str]) -> list[ast.AST]:
    """Every part of the tests' source.

    Raises:
        BadTask: It is no Python.
    """
    try:
        return [node for one in tests for node in ast.walk(ast.parse(one))]
    except (SyntaxError, ValueError, RecursionError, MemoryError) as why:
        raise BadTask(f"the tests are no Python: {why}") from why


def names_of(tests: Sequence[str]) -> tuple[str, ...]:
    """The functions that tests call and nobody defines.

    Raises:
        BadTask: It is no Python.

    Example:
        >>> names_of(["n = 3", "assert f(n) == len([n])"])
        ('f',)
    """
    nodes = nodes_of(tests)
    names = [one for one in nodes if isinstance(one, ast.Name)]
    made = {one.id for one in names if not isinstance(one.ctx, ast.Load)}
    made |= {name for node in nodes for name in _defined(node)}
    free = {one.id for one in names if one.id not in made and not hasattr(builtins, one.id)}
    return tuple(sorted(free)) or _first_called(nodes)


def _defined(node: ast.AST) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(one.asname or one.name).split(".")[0] for one in node.names]
    if isinstance(node, ast.ExceptHandler):
        return [node.name or ""]
    return [node.arg] if isinstance(node, ast.arg) else []


def _first_called(nodes: Sequence[ast.AST]) -> tuple[str, ...]:
    """The function of the first assert, which may have the name of one of Python's own."""
    for node in (one for one in nodes if isinstance(one, ast.Assert)):
        left = node.test.left if isinstance(node.test, ast.Compare) else node.test
        if isinstance(left, ast.Call) and isinstance(left.func, ast.Name):
            return (left.func.id,)
    return ()
