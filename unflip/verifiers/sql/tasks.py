"""Reads what a row wants of a query: databases, and the query that is right."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from unflip.types import Sample
from unflip.verifiers.code.tasks import BadTask

DIALECTS = ("sqlite", "duckdb")
ORDERS = ("by_gold", "exact", "any")
_SCHEMA = ("schema", "sql_context", "context")
_GOLD = ("gold", "gold_sql", "sql", "SQL", "query", "answer")
_DATABASES = 100
_BY_CHANCE = frozenset({"random", "randomblob", "uuid", "gen_random_uuid", "uuidv4", "uuidv7"})
# What looks like the time of day, in a query or a script. What only looks so costs a run more.
_CLOCK = re.compile(
    r"""\b(?:now|today|current_\w+|localtime\w*|get_current_\w+|transaction_timestamp)\b
    | \b(?:date|time|datetime|julianday|unixepoch|strftime)\s*\(\s*\)
    | \bstrftime\s*\(\s*(?:'[^']*'|"[^"]*")\s*\) | \bage\s*\([^(),]*\)""",
    re.IGNORECASE | re.VERBOSE,
)
# Text, names in quotes, comments, brackets, words; of the rest nothing is asked.
_TOKEN = re.compile(
    r"""'(?:[^']|'')*+'?|"(?:[^"]|"")*+"?|`[^`]*+`?|\[[^\]]*+\]?|--[^\n]*|/\*.*?(?:\*/|\Z)|[()]|\w+""",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Task:
    """What a row wants.

    Attributes:
        databases: Scripts, each of which makes a database.
        gold: The query that is right.
        dialect: `sqlite` or `duckdb`.
        ordered: Whether the order of rows counts.
        timed: Whether what is right may change with the time of day.
    """

    databases: tuple[str, ...]
    gold: str
    dialect: str
    ordered: bool
    timed: bool = False


def task_of(sample: Sample, dialect: str, order: str) -> Task | None:
    r"""The task that a row describes, in `meta` or in its reference; None if it describes none.

    Args:
        sample: The row. `schema` is a script that all databases begin with, `databases` holds a
            script for each, and `gold`, or a reference that is text, is the query.
        dialect: What a row is in that does not say.
        order: When order counts, where a row does not say.

    Raises:
        BadTask: There is a task, and it cannot be read.

    Example:
        >>> row = {"schema": "CREATE TABLE t (x)", "databases": ["INSERT INTO t VALUES (1)"]}
        >>> task_of(Sample("", "SELECT x FROM t", meta=row), "sqlite", "by_gold").databases
        ('CREATE TABLE t (x);\nINSERT INTO t VALUES (1)',)
    """
    row = {**sample.meta, **_object(sample.reference)}
    gold = next((row[name] for name in _GOLD if isinstance(row.get(name), str)), None)
    if gold is None and isinstance(sample.reference, str):
        gold = sample.reference
    if gold is None or not gold.strip():
        return None
    if function := _by_chance(gold):
        raise BadTask(f"the row's own query gives other rows each time: it calls {function}()")
    databases = _databases(row)
    return Task(
        databases=databases,
        gold=gold,
        dialect=_one_of(row.get("dialect", dialect), DIALECTS, "dialect"),
        ordered=_counts(_one_of(row.get("order", order), ORDERS, "order"), gold),
        timed=any(_CLOCK.search(one) for one in (gold, *databases)),
    )


def passing(query: str) -> bool:
    """Whether a query may give other rows the next time, by the clock or by chance.

    Example:
        >>> passing("SELECT date('now')"), passing("SELECT date(day) FROM t")
        (True, False)
    """
    return _CLOCK.search(query) is not None or bool(_by_chance(query))


def _object(reference: Any) -> Mapping[str, Any]:
    if isinstance(reference, str) and reference.lstrip()[:1] == "{":
        try:
            reference = json.loads(reference)
        except (ValueError, RecursionError):
            return {}
    return reference if isinstance(reference, Mapping) else {}


def _databases(row: Mapping[str, Any]) -> tuple[str, ...]:
    schema = next((row[name] for name in _SCHEMA if name in row), "")
    scripts = row.get("databases", [""])
    if not isinstance(schema, str) or not isinstance(scripts, (list, tuple)):
        raise BadTask("schema is a script, and databases are a list of scripts")
    if not all(isinstance(one, str) for one in scripts):
        raise BadTask("a database is a script")
    if not 0 < len(scripts) <= _DATABASES:
        raise BadTask(f"{len(scripts)} databases; a task has between 1 and {_DATABASES}")
    made = tuple(f"{schema.rstrip().rstrip(';')};\n{one}" if one else schema for one in scripts)
    if not all(one.strip(" ;\n\t") for one in made):
        raise BadTask("there is no schema, and a database is empty")
    return made


def _by_chance(query: str) -> str:
    """The first function that a query calls whose values are anybody's guess; empty if none."""
    tokens = [one.lower() for one in _TOKEN.findall(query)]
    calls = (one for one, after in pairwise(tokens) if after == "(")
    return next((one for one in calls if one in _BY_CHANCE), "")


def _one_of(word: Any, words: tuple[str, ...], name: str) -> str:
    if word not in words:
        raise BadTask(f"{name} is {str(word)[:50]!r}; there are {', '.join(words)}")
    return str(word)


def _counts(order: str, gold: str) -> bool:
    return order == "exact" or (order == "by_gold" and orders(gold))


def orders(query: str) -> bool:
    """Whether a query orders its own rows, not only those of a part in brackets.

    Example:
        >>> orders("SELECT x FROM t ORDER BY x"), orders("SELECT * FROM (SELECT 1 ORDER BY 1)")
        (True, False)
        >>> orders("SELECT 'a) order by' -- order by"), orders("select 1 /* ( */ order /**/ by 1")
        (False, True)
    """
    depth, last = 0, ""
    for token in _TOKEN.findall(query):
        word = token.lower()
        if word.startswith(("--", "/*")):
            continue
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth == 0 and (last, word) == ("order", "by"):
            return True
        last = word
    return False
