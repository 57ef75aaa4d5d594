"""Runs one query on a fresh database. It is sent into the sandbox as text, and runs only there."""

from __future__ import annotations

import contextlib
import decimal
import sqlite3
import uuid
from collections.abc import Sequence
from typing import Any

# What a query may do: select, read, call a function, and recur.
_ALLOWED = frozenset({20, 21, 31, 33})
_PRAGMA, _FUNCTION = 19, 31
_NOT_CALLED = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"})


def rows(dialect: str, script: str, query: str) -> tuple[int, list[tuple[Any, ...]]]:
    """How many columns a query gives, and its rows, on a database that a script makes."""
    columns, found = _DIALECTS[dialect](script, query)
    return columns, [tuple(map(_plain, one)) for one in found]


def _sqlite(script: str, query: str) -> tuple[int, Sequence[Any]]:
    base = sqlite3.connect(":memory:", isolation_level=None)
    base.text_factory = lambda data: data.decode("utf-8", "backslashreplace")
    base.executescript(script)
    with contextlib.suppress(sqlite3.OperationalError):
        # These make themselves known at their first use, which would be a change.
        base.execute("SELECT 1 FROM json_each('[]'), json_tree('[]')")
    base.set_authorizer(_may)
    cursor = base.execute(query)
    if cursor.description is None:
        raise ValueError("no query")
    return len(cursor.description), cursor.fetchall()


def _may(action: int, one: str | None, other: str | None, *_more: str | None) -> int:
    called = action == _FUNCTION and str(other).lower() in _NOT_CALLED
    # The search of text asks itself whether its table has changed.
    asked = action == _PRAGMA and (one, other) == ("data_version", None)
    allowed = (action in _ALLOWED and not called) or asked
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _duckdb(script: str, query: str) -> tuple[int, Sequence[Any]]:
    import duckdb

    base = duckdb.connect(":memory:", config={"threads": 1})
    base.execute("SET enable_external_access = false")
    if script.strip():
        base.execute(script)
    base.execute("SET lock_configuration = true")
    statements = base.extract_statements(query)
    if [one.type for one in statements] != [duckdb.StatementType.SELECT]:
        raise ValueError("not one query")
    try:
        found = base.execute(statements[0])
        return len(found.description), found.fetchall()
    except duckdb.Error as why:
        raise ValueError(str(why).partition("\n")[0]) from None


_DIALECTS = {"sqlite": _sqlite, "duckdb": _duckdb}


def _plain(value: Any) -> Any:
    """A value as plain data; dates and times are such already, and no text."""
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, uuid.UUID):
        return {"uuid": str(value)}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    return value
