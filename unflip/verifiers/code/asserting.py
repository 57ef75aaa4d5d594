"""Reads a task's asserts: as calls and claims if that can be, else as a conversation."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from unflip.sandbox import Backend, Call, Limits, Program, SandboxError, Status
from unflip.verifiers.code import exchange, weakly
from unflip.verifiers.code.bench import Bench
from unflip.verifiers.code.claims import Unknown, calls_of
from unflip.verifiers.code.records import answers_of
from unflip.verifiers.code.tasks import (
    Asserted,
    BadTask,
    Beside,
    Called,
    Conversed,
    Ready,
    Task,
)

READING = Limits(cpu=20, wall=40)
"""What a run of tests may use."""
_SHARED = frozenset({
    "MagicMock", "Mock", "Path", "Thread", "ThreadPoolExecutor", "anyio", "asyncio", "capfd",
    "caplog", "capsys", "concurrent", "environ", "mock", "monkeypatch", "multiprocessing", "open",
    "os", "patch", "pathlib", "redirect_stderr", "redirect_stdout", "shutil", "socket", "sqlite3",
    "stderr", "stdin", "stdout", "subprocess", "tempfile", "threading", "trio",
})  # fmt: skip
_STAND_IN = (Path(__file__).parent / "inside" / "standin.py").read_bytes()


def read_tests(task: Asserted, backend: Backend) -> Called | Conversed:
    """What a task's tests ask, by running them in the sandbox without an answer.

    Raises:
        BadTask: They cannot be read, or ask nothing.
        SandboxError: The sandbox failed.
    """
    key: Any = backend
    found: Called | Conversed | str = _read_tests(task, key)
    if isinstance(found, str):
        raise BadTask(found)
    return found


def read_task(task: Task, backend: Backend, *, weak: bool) -> Ready:
    """A task as it can be judged: in the strong way if there is one, else in the weak if allowed.

    Raises:
        BadTask: There is no way that is allowed.
        SandboxUnavailable: The weak way is allowed and needed, and this sandbox has none.
        SandboxError: The sandbox failed.
    """
    if not isinstance(task, Asserted):
        return task
    try:
        return read_tests(task, backend)
    except BadTask as why:
        if not task.file:
            raise
        return beside(task, backend, why, weak=weak)


def beside(task: Asserted, backend: Backend, why: BadTask, *, weak: bool) -> Beside:
    """A file that cannot be judged in the strong way, to be judged in the weak one.

    Raises:
        BadTask: That is not allowed.
        SandboxUnavailable: This sandbox cannot do it.
    """
    if not weak:
        raise BadTask(f"{why}; with trust='weak' it can be run beside the program") from why
    found = Beside(task)
    weakly.manifest(found)
    weakly.ready(Bench(backend, READING))
    return found


@lru_cache(maxsize=4096)
def _read_tests(task: Asserted, backend: Any) -> Called | Conversed | str:
    bench = Bench(backend, READING)
    if word := shared_by(task.tests):
        return f"the tests use {word}, which they would have to share with the program"
    claimed = _claimed(task, bench)
    if isinstance(claimed, Called):
        return claimed
    try:
        return exchange.asked(task, bench)
    except BadTask as why:
        return f"{why} ({claimed})" if claimed else str(why)


def shared_by(tests: Sequence[str]) -> str | None:
    """What tests use that only works in the program's own process, or on its own files.

    Raises:
        BadTask: It is no Python.

    Example:
        >>> shared_by(["assert f(open('x'))"]), shared_by(["assert f(2) == 4"])
        ('open', None)
    """
    for node in exchange.nodes_of(tests):
        word = node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)
        if word in _SHARED:
            return str(word)
    return None


def _claimed(task: Asserted, bench: Bench) -> Called | str:
    """The calls and claims that the tests make of a stand-in, or why they make none."""
    names = list(exchange.names_for(task))
    arguments = (list(task.tests), names, task.prompt, task.entry, task.file, list(task.ids or ()))
    found = bench.run(Program(_STAND_IN, calls=[Call("read", arguments)]))
    if found.status is Status.WALL:
        raise SandboxError("reading the tests took too long by the clock on the wall")
    answers, forged = answers_of(found.records, 1)
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
    return Called(tuple(Call(*one) for one in calls), tuple(claims), entry, task)
