"""Judges a file of pytest's by running it beside the program: only for those who ask for it.

A program in the same process can make pytest say anything. So this is off unless `trust='weak'`,
and every verdict that rests on it says so.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from unflip.sandbox import Level, Limits, Result, SandboxUnavailable, Status
from unflip.verifiers.code.bench import Bench
from unflip.verifiers.code.records import RECORDS_LIMIT, answers_of
from unflip.verifiers.code.sent import sent
from unflip.verifiers.code.tasks import BadTask, Beside

_TIMES = ("setup", "call", "teardown")


def ready(bench: Bench) -> None:
    """Check that pytest can be run.

    Raises:
        SandboxUnavailable: It is not installed where programs run, or there is no place for files.
    """
    if bench.backend.level is Level.LANDLOCK:
        raise SandboxUnavailable(
            "trust='weak' runs pytest, which writes files, and at the level landlock nobody can: "
            "leave trust at 'strong', or run where namespaces are allowed"
        )
    backend: Any = bench.backend
    if not _installed(backend):
        raise SandboxUnavailable(
            "trust='weak' runs pytest, and there is none where programs run: pip install pytest"
        )


@lru_cache(maxsize=16)
def _installed(backend: Any) -> bool:
    answers, _ = answers_of(_asked(Bench(backend, Limits(cpu=20)), "installed").records, 1)
    return answers == [True]


def _asked(bench: Bench, function: str, *given: Any) -> Result:
    return bench.run(sent(("beside",), function, *given))


def run_beside(bench: Bench, code: str, task: Beside) -> tuple[Result, int, int, bool]:
    """Run the file beside the program.

    Returns:
        The run, how many tests there have to be, how many passed, and whether what was reported is
        no report of ours.
    """
    wanted = manifest(task)
    found = _asked(bench, "run", code, task.tests.tests[0])
    if found.status is not Status.FINISHED or len(found.records) > RECORDS_LIMIT:
        return found, len(wanted), 0, False
    answers, forged = answers_of(found.records, 1)
    if forged or not answers or not isinstance(answers[0], list):
        return found, len(wanted), 0, True
    return found, len(wanted), passed(wanted, answers[0]), False


def manifest(task: Beside) -> tuple[str, ...]:
    """The tests that have to be reported: those that the row names, or those in the source.

    Raises:
        BadTask: There is none, or it is no Python.

    Example:
        >>> from unflip.verifiers.code.tasks import Asserted
        >>> manifest(Beside(Asserted(("def test_a(): assert f()",), file=True)))
        ('test_a',)
    """
    if task.tests.ids is not None:
        return task.tests.ids
    try:
        tree = ast.parse(task.tests.tests[0])
    except (SyntaxError, ValueError, RecursionError, MemoryError) as why:
        raise BadTask(f"the tests are no Python: {why}") from why
    names = [name for node in tree.body for name in _tests_in(node)]
    if not names or len(set(names)) < len(names):
        raise BadTask("the file has no test, or two of a name")
    return tuple(names)


def _tests_in(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ClassDef):
        inside = [name for one in node.body for name in _tests_in(one)]
        return [f"{node.name}::{name}" for name in inside]
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
        return [node.name]
    return []


def passed(wanted: Sequence[str], reports: Sequence[Any]) -> int:
    """How many of the wanted tests passed, each exactly once; none if there were others.

    A function that is wanted by its name alone may run for several sets of parameters.

    Example:
        >>> once = [("test_a", when, "passed") for when in ("setup", "call", "teardown")]
        >>> passed(["test_a"], once), passed(["test_a"], once * 2), passed(["test_b"], once)
        (1, 0, 0)
    """
    said: dict[str, list[Any]] = {}
    for one in reports:
        if not isinstance(one, tuple) or len(one) != 3 or not isinstance(one[0], str):
            return 0
        said.setdefault(one[0], []).append(one[1:])
    of = {name: name if name in wanted else name.partition("[")[0] for name in said}
    if set(of.values()) - set(wanted):
        return 0
    right = Counter((when, "passed") for when in _TIMES)
    failed = {of[name] for name, lines in said.items() if Counter(lines) != right}
    return len((set(wanted) & set(of.values())) - failed)
