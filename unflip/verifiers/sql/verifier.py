"""Queries: accepted if they give what the row's own query gives, on every database."""

from __future__ import annotations

import importlib.metadata
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from string import whitespace
from typing import Any, ClassVar

from unflip.errors import UsageError
from unflip.sandbox import (
    Call,
    Container,
    Level,
    Limits,
    Program,
    Result,
    SandboxError,
    SandboxUnavailable,
    Status,
    shared,
)
from unflip.sandbox.languages import Language, Way
from unflip.types import Reason, Sample, Verdict
from unflip.verifiers.base import TEXT_LIMIT, Rule
from unflip.verifiers.code.batch import decide_all
from unflip.verifiers.code.bench import Bench
from unflip.verifiers.code.comparing import Tolerance
from unflip.verifiers.code.reading import program
from unflip.verifiers.code.records import RECORDS_LIMIT, answers_of
from unflip.verifiers.code.remembering import key_of
from unflip.verifiers.code.tasks import BadTask
from unflip.verifiers.code.where import container_of
from unflip.verifiers.sql.comparing import same_rows
from unflip.verifiers.sql.tasks import DIALECTS, ORDERS, Task, passing, task_of
from unflip.workers import cores

_SQL = Language(
    "sql",
    Way.INSIDE,
    also=frozenset({"sqlite", "sqlite3", "duckdb", "postgresql", "postgres", "mysql", "tsql"}),
)
_RUNNER = Path(__file__).with_name("runner.py").read_bytes()
_LIMITS = frozenset({Status.CPU, Status.WALL, Status.MEMORY, Status.OUTPUT})
_MEGABYTE = 1 << 20
_PER_CORE = 32
_BACKENDS = ("embedded", "docker")
_NO_DUCKDB = "DuckDB needs: pip install 'unflip[duckdb]', where queries run"
_RESTLESS = "the row's own query gives other rows each time: it depends on chance, or on the time"
_EXACT = Tolerance(0, 0)
_MOMENTS = 2
"""So often is a query tried between two runs of the row's own that have to give the same."""
Given = tuple[int, list[tuple[Any, ...]]]
"""How many columns a query gave, and its rows."""


@dataclass(frozen=True)
class Sql(Rule):
    """Accept a query that gives the same rows as the row's own, on each of its databases.

    Attributes:
        cpu: Seconds of processor time of a query, on all databases.
        memory: Megabytes of it.
        minimum: The weakest level of isolation that will do, as for `code`.
        most: The strongest level to try.
        dialect: What a row is in that does not say: `sqlite`, or `duckdb`, which needs an extra,
            and namespaces.
        order: When the order of rows counts: `by_gold`, if the row's own query orders its rows;
            `exact`, always; `any`, never.
        absolute: By how much two numbers may differ if one of them is a float.
        relative: Or by what share of the expected one.
        backend: Where queries run: `embedded`, or `docker`, as for `code`.
        image: With `docker`, the image; python:3.12-slim if not given.
        runtime: With `docker`, what runs containers; the engine's default if not given.

    Raises:
        UsageError: An option is not of its kind.

    Example:
        >>> row = {"schema": "CREATE TABLE t (x); INSERT INTO t VALUES (1), (2), (2)"}
        >>> gold = "SELECT DISTINCT x FROM t"
        >>> Sql()(Sample("SELECT x FROM t GROUP BY x", gold, meta=row)).accepted
        True
        >>> Sql()(Sample("SELECT x FROM t", gold, meta=row)).evidence["verdict"]
        'wrong rows'
    """

    name: ClassVar[str] = "sql"
    version: ClassVar[int] = 2

    cpu: float = 5.0
    memory: int = 1024
    minimum: str = "landlock"
    most: str = "namespaces"
    dialect: str = "sqlite"
    order: str = "by_gold"
    absolute: float = 1e-9
    relative: float = 1e-9
    backend: str = "embedded"
    image: str = ""
    runtime: str = ""

    def __post_init__(self) -> None:
        choices = {"dialect": DIALECTS, "order": ORDERS, "backend": _BACKENDS}
        for name, words in choices.items():
            if getattr(self, name) not in words:
                raise UsageError(f"{name}={getattr(self, name)!r}: there are {', '.join(words)}")
        if Level.named(self.minimum) > Level.named(self.most):
            raise UsageError(f"at least {self.minimum} and at most {self.most} is nothing")
        if Level.REMOTE in (Level.named(self.minimum), Level.named(self.most)):
            raise UsageError("queries run on this machine; there is no level `remote` for them")
        Tolerance(self.absolute, self.relative)
        self._limits()
        self._container()

    def engines(self) -> dict[str, str]:
        """The versions of what runs queries."""
        found = {"sqlite": sqlite3.sqlite_version}
        if find_spec("duckdb") is not None:
            found["duckdb"] = importlib.metadata.version("duckdb")
        return found

    def __call__(self, sample: Sample) -> Verdict:
        """Decide one sample.

        Raises:
            SandboxUnavailable: This machine cannot isolate as `minimum` asks, or has no DuckDB.
        """
        asked = self._asked(sample)
        return asked if isinstance(asked, Verdict) else self._answered(asked)

    def verify_batch(self, samples: Sequence[Sample]) -> list[Verdict]:
        """Decide many samples, as many at a time as the sandbox runs, the same query once.

        Raises:
            SandboxUnavailable: This machine cannot isolate as `minimum` asks, or has no DuckDB.
        """
        size = self._bench("sqlite").backend.size
        return decide_all(samples, self._asked, self._answered, size)

    @property
    def parallel(self) -> int:
        """How many samples are worth handing over at once."""
        return _PER_CORE * cores()

    def warm_up(self) -> None:
        """Start the sandbox, find its level, and run a query in the dialect of the options.

        Raises:
            SandboxUnavailable: This machine cannot isolate as `minimum` asks, or has no DuckDB.
        """
        least = Task(("CREATE TABLE t (x INTEGER)",), "SELECT 1", self.dialect, ordered=False)
        _given(self._bench(self.dialect), least)

    def _asked(self, sample: Sample) -> _Asked | Verdict:
        """What is to be run for a sample, or the verdict if nothing is."""
        try:
            task = task_of(sample, self.dialect, self.order)
        except BadTask as why:
            return self._unreadable(str(why))
        if task is None:
            return self.abstain(Reason.NO_REFERENCE)
        # After one semicolon another would be a second statement.
        query = program(sample.text, None, _SQL).rstrip(f";{whitespace}")
        if len(query) > TEXT_LIMIT:
            return self.reject(Reason.OVER_LIMIT)
        if not query.strip():
            return self.reject(Reason.NO_ANSWER)
        return _Asked(query, task, key_of([self.by, repr(task), query]))

    def _answered(self, asked: _Asked) -> Verdict:
        try:
            bench = self._bench(asked.task.dialect)
            for _ in range(_MOMENTS):
                gold = (_given if asked.task.timed else _gold)(bench, asked.task)
                if isinstance(gold, str):
                    return self._unreadable(gold)
                ended = bench.run(_program(asked.task, asked.query))
                if not asked.task.timed or _still(bench, asked.task, gold):
                    return self._decided(ended, asked, gold)
            return self._unreadable(_RESTLESS)
        except SandboxUnavailable:
            raise
        except SandboxError as why:
            return self.abstain(Reason.CRASH, evidence={"error": str(why)[:500]})

    def _unreadable(self, why: str) -> Verdict:
        return self.abstain(Reason.UNREADABLE_REFERENCE, evidence={"error": why[:500]})

    def _bench(self, dialect: str) -> Bench:
        least, most = Level.named(self.minimum), Level.named(self.most)
        sandbox = shared(least, most, self._container())
        if dialect == "duckdb":
            if self.backend == "embedded" and find_spec("duckdb") is None:
                raise SandboxUnavailable(_NO_DUCKDB)
            if sandbox.level < Level.NAMESPACES:
                # Where /proc can be seen and not read, it ends the process.
                raise SandboxUnavailable(
                    "DuckDB runs with namespaces only, which are not to be had"
                )
        return Bench(sandbox, self._limits())

    def _container(self) -> Container | None:
        return container_of(self.backend, self.image, self.runtime, self.memory)

    def _limits(self) -> Limits:
        return Limits(cpu=self.cpu, memory=self.memory * _MEGABYTE)

    def _decided(self, ended: Result, asked: _Asked, gold: Sequence[Given]) -> Verdict:
        task = asked.task
        given, forged = answers_of(ended.records[: RECORDS_LIMIT + 1], len(task.databases))
        passed = self._agreeing(given, gold, task)
        if ended.status in _LIMITS or len(ended.records) > RECORDS_LIMIT:
            word, reason = "over the limit", Reason.OVER_LIMIT
        elif ended.status is not Status.FINISHED:
            word, reason = "query error", Reason.MISMATCH
        elif forged or passed < len(gold):
            word, reason = "wrong rows", Reason.MISMATCH
        else:
            return self.accept(evidence=_evidence(_Said("accepted", passed), ended, asked))
        return self.reject(reason, evidence=_evidence(_Said(word, passed), ended, asked))

    def _agreeing(self, given: Sequence[Any], gold: Sequence[Given], task: Task) -> int:
        """On how many databases, from the first on, a query gave what it should."""
        near = Tolerance(self.absolute, self.relative)
        for number, (columns, rows) in enumerate(gold):
            match given[number : number + 1]:
                case [(int(width), list(found))] if width == columns and all(
                    isinstance(one, tuple) and len(one) == columns for one in found
                ):
                    if not same_rows(found, rows, near, ordered=task.ordered):
                        return number
                case _:
                    return number
        return len(gold)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A sample that was read: what is to be run, and a hash of all that the verdict depends on."""

    query: str
    task: Task
    key: bytes


@dataclass(frozen=True)
class _Said:
    """A verdict in a word, and on how many databases the query was right."""

    verdict: str
    passed: int


def _evidence(said: _Said, ended: Result, asked: _Asked) -> dict[str, Any]:
    wrong = said.verdict in ("accepted", "wrong rows")
    return asdict(said) | {
        "level": ended.level.word,
        "databases": len(asked.task.databases),
        "timed": asked.task.timed or passing(asked.query),
        "cpu": round(ended.cpu, 4),
        "error": "" if wrong else ended.last_error,
    }


def _program(task: Task, query: str) -> Program:
    calls = [Call("rows", (task.dialect, one, query)) for one in task.databases]
    return Program(_RUNNER, calls=calls)


@lru_cache(maxsize=256)
def _gold(bench: Bench, task: Task) -> Sequence[Given] | str:
    """What the row's own query gives, or why it is of no use; as long as it gives that twice.

    Raises:
        SandboxError: The sandbox failed.
    """
    found = _given(bench, task)
    return found if isinstance(found, str) or _still(bench, task, found) else _RESTLESS


def _still(bench: Bench, task: Task, found: Sequence[Given]) -> bool:
    """Whether the row's own query gives the same again.

    Raises:
        SandboxError: The sandbox failed.
    """
    again = _given(bench, task)
    return not isinstance(again, str) and all(
        one == other and same_rows(rows, more, _EXACT, ordered=task.ordered)
        for (one, rows), (other, more) in zip(found, again, strict=True)
    )


def _given(bench: Bench, task: Task) -> Sequence[Given] | str:
    """What the row's own query gives now, or why it is of no use; in a run no answer is near.

    Raises:
        SandboxError: The sandbox failed.
    """
    ended = bench.run(_program(task, task.gold))
    if ended.last_error == "ModuleNotFoundError: No module named 'duckdb'":
        raise SandboxUnavailable(_NO_DUCKDB)
    if ended.status is Status.WALL:
        raise SandboxError("the row's own query took too long by the clock on the wall")
    if len(ended.records) > RECORDS_LIMIT:
        return f"the row's own query gives more than {RECORDS_LIMIT // _MEGABYTE} megabytes of rows"
    given, forged = answers_of(ended.records, len(task.databases))
    if ended.status is not Status.FINISHED or forged or len(given) < len(task.databases):
        return f"the row's own query failed: {ended.status}: {ended.last_error}"
    if not any(rows for _, rows in given):
        return "the row's own query gives no rows on any database: give some that are not empty"
    return tuple(given)
