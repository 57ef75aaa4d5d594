"""Runs one query on a fresh database. It is sent into the sandbox as text, and runs only there."""

from __future__ import annotations

import contextlib
import datetime
import importlib
import resource
import sqlite3
import sys
import uuid
from collections.abc import Sequence
from types import ModuleType
from typing import Any

# What a query may do: select, read, call a function, and recur.
_ALLOWED = frozenset({20, 21, 31, 33})
_PRAGMA, _FUNCTION = 19, 31
_NOT_CALLED = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"})
_ROWS, _AT_ONCE = 500_000, 10_000
# Nothing is asked of files, networks, packages, or the Python around it.
_SETTINGS = {
    "threads": 1,
    "enable_external_access": False,
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "temp_directory": "",
}
# Of later versions. Each of these threads would reserve memory that the query is to have.
_LATER = {"async_threads": 0}


def rows(dialect: str, script: str, query: str) -> tuple[int, list[tuple[Any, ...]]]:
    """How many columns a query gives, and its rows, on a database that a script makes."""
    columns, found = _DIALECTS[dialect](script, query)
    return columns, [tuple(map(_plain, one)) for one in found]


def _sqlite(script: str, query: str) -> tuple[int, Sequence[Any]]:
    base = sqlite3.connect(":memory:", isolation_level=None)
    base.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    # What is sorted stays in memory, as there is no disk at every level, and little of one.
    base.execute("PRAGMA temp_store = MEMORY")
    base.executescript(script)
    with contextlib.suppress(sqlite3.OperationalError):
        # These make themselves known at their first use, which would be a change.
        base.execute("SELECT 1 FROM json_each('[]'), json_tree('[]')")
    base.set_authorizer(_may)
    return _fetched(base.execute(query))


def _may(action: int, one: str | None, other: str | None, *_more: str | None) -> int:
    called = action == _FUNCTION and str(other).lower() in _NOT_CALLED
    # The search of text asks itself whether its table has changed.
    asked = action == _PRAGMA and (one, other) == ("data_version", None)
    allowed = (action in _ALLOWED and not called) or asked
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _fetched(cursor: Any) -> tuple[int, Sequence[Any]]:
    """The columns and rows of a query, unless they are more than anybody reads."""
    if cursor.description is None:
        raise ValueError("no query")
    found: list[Any] = []
    while more := cursor.fetchmany(_AT_ONCE):
        found += more
        if len(found) > _ROWS:
            raise MemoryError("more rows than are read")
    return len(cursor.description), found


def _duckdb(script: str, query: str) -> tuple[int, Sequence[Any]]:
    duckdb = _library()
    base = _connected(duckdb)
    if script.strip():
        base.execute(script)
    base.execute("SET lock_configuration = true")
    # A query may hold a change, as WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone.
    base.execute("BEGIN TRANSACTION READ ONLY")
    try:
        statements = base.extract_statements(query)
        if [one.type for one in statements] != [duckdb.StatementType.SELECT]:
            raise ValueError("not one query")
        return _fetched(base.execute(statements[0]))
    except duckdb.OutOfMemoryException:
        raise MemoryError("the database's own limit") from None
    except duckdb.Error as why:
        raise ValueError(str(why).partition("\n")[0]) from None


def _library() -> ModuleType:
    """DuckDB without what its package has around it, which takes most of its time to load."""
    try:
        return importlib.import_module("_duckdb")
    except ImportError:
        # An earlier version, or none.
        return importlib.import_module("duckdb")


def _connected(duckdb: ModuleType) -> Any:
    """A database in memory that asks nobody outside, and ends a query that takes too much."""
    _zones()
    settings = dict(_SETTINGS)
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most != resource.RLIM_INFINITY:
        # The rest is for what it does not count.
        settings["memory_limit"] = f"{most // 2_000_000}MB"
    try:
        return duckdb.connect(":memory:", config=settings | _LATER)
    except duckdb.Error:
        return duckdb.connect(":memory:", config=settings)


class _Utc(datetime.tzinfo):
    """The zone that times with a zone are told in: as an instant, whatever zone was set."""

    def utcoffset(self, when: datetime.datetime | None) -> datetime.timedelta:
        """None."""
        return datetime.timedelta(0)

    dst = utcoffset

    def tzname(self, when: datetime.datetime | None) -> str:
        """Its name."""
        return "UTC"

    def localize(self, when: datetime.datetime) -> datetime.datetime:
        """A time that is of this zone already, and does not say so."""
        return when.replace(tzinfo=self)


def _zones() -> None:
    """What tells DuckDB zones: it would look for a package that may not be there."""
    stand_in = ModuleType("pytz")
    stand_in.__dict__.update(timezone=lambda _name: _Utc(), utc=_Utc())
    sys.modules["pytz"] = stand_in


_DIALECTS = {"sqlite": _sqlite, "duckdb": _duckdb}


def _plain(value: Any) -> Any:
    """A value as plain data; exact numbers, dates and times are such already."""
    if isinstance(value, uuid.UUID):
        return {"uuid": str(value)}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        items = [(name, _plain(one)) for name, one in value.items()]
        if all(isinstance(name, str) for name in value):
            return dict(items)
        # Of a map whose keys are no text.
        return {"map": [[_plain(name), one] for name, one in items]}
    return value
