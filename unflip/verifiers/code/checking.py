"""Asks a row's own checker what a program's outputs are worth: in a run of its own, afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unflip.sandbox import Call, Program, Result, Status
from unflip.verifiers.code.bench import Bench
from unflip.verifiers.code.records import told_of
from unflip.verifiers.code.tasks import BadTask

OUTPUTS_LIMIT = 4 << 20
"""So many bytes of output are given to a checker."""
_EXITS = {"": True, "None": True, "0": True, "1": False, "2": False}
"""What exit statuses mean, as testlib has it: right, wrong, and wrong in its form."""


class Slow(BadTask):
    """The clock on the wall ended the checker, which may be due to what it was given."""


def checked(bench: Bench, checker: str, cases: Sequence[tuple[str, str, str]]) -> list[bool]:
    """Whether each output is right, as `check(input, output, expected)` has it.

    The program is dead by then, and what it printed is data to the checker. A checker returns True
    or False, or exits with 0, 1 or 2 as testlib's do.

    Args:
        bench: Where the checker runs.
        checker: Its source.
        cases: Input, output and expected output.

    Raises:
        BadTask: It has no such function, raises, says something else, or ends at a limit.
        SandboxError: The sandbox failed.
    """
    program = Program(checker, calls=[Call("check", one) for one in cases], conversing=True)
    found = bench.run(program)
    if found.status is Status.WALL:
        raise Slow("the checker took too long by the clock on the wall")
    answers, forged = told_of(found.records, len(cases))
    if forged or len(answers) < len(cases):
        raise BadTask(f"the checker broke: {_why(found)}")
    return [_right(one) for one in answers]


def sound(bench: Bench, checker: str, cases: Sequence[tuple[str, str]]) -> bool:
    """Whether a checker takes every expected output for right: then it is no broken one.

    Args:
        bench: Where it runs.
        checker: Its source.
        cases: Input and expected output.

    Raises:
        SandboxError: The sandbox failed.
    """
    try:
        return all(checked(bench, checker, [(given, wanted, wanted) for given, wanted in cases]))
    except BadTask:
        return False


def _why(found: Result) -> str:
    return f"{found.status}: {found.last_error or 'it left before all outputs were checked'}"


def _right(answer: Any) -> bool:
    kind, _, value, last = answer
    if kind == "value" and isinstance(value, bool):
        return value
    if kind == "raised" and value[0] == "SystemExit" and last in _EXITS:
        return _EXITS[last]
    if kind == "raised":
        raise BadTask(f"the checker raised {value[0]}: {last}")
    raise BadTask("the checker returned neither True nor False")
