"""Programs as answers: what a row's tests ask for, and programs that certainly do not do it."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

TESTS = ("test_list", "assert_case", "asserts", "input_output", "cases", "test_cases", "tests")
"""Columns that hold tests; besides them `inputs` with `outputs`, and `test` with `entry_point`."""
_NAMES = ("entry_point", "fn_name", "func_name")
_PAIRS = (("inputs", "outputs"), ("test", "entry_point"))
_EXPECTED = ("output", "expected")
_LONGEST = 200_000
_CODE = re.compile(r"^[ \t]*(?:(?:async def|def|class|import|from)\b|print ?\()", re.MULTILINE)
_FENCED = re.compile(r"\s*```[^\n]*\n(?P<code>.*?)\n?```\s*", re.DOTALL)


def asked_in(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a row that hold tests; none if it has no tests.

    Example:
        >>> asked_in({"test_list": ["assert f(1) == 2"], "level": 3})
        {'test_list': ['assert f(1) == 2']}
    """
    found = {name: row[name] for name in TESTS if row.get(name)}
    for pair in _PAIRS:
        if all(row.get(name) for name in pair):
            found |= {name: row[name] for name in pair}
    return found | {name: row[name] for name in _NAMES if found and row.get(name)}


@lru_cache(maxsize=4096)
def asked_by(reference: str) -> dict[str, Any]:
    """The tests that a reference is, as JSON text; empty if it is something else.

    Example:
        >>> asked_by('{"inputs": ["1"], "outputs": ["2"]}'), asked_by("[1, 2]")
        ({'inputs': ['1'], 'outputs': ['2']}, {})
    """
    if reference.lstrip()[:1] not in ("{", "["):
        return {}
    try:
        row = json.loads(reference)
    except (ValueError, RecursionError):
        return {}
    if isinstance(row, list) and row and all(isinstance(one, dict) for one in row):
        row = {"cases": row}
    return asked_in(row) if isinstance(row, dict) else {}


@lru_cache(maxsize=4096)
def is_program(text: str) -> bool:
    r"""Whether a text is a Python program: it defines or imports something, or prints.

    Example:
        >>> is_program("def f(x):\n    return x"), is_program("important"), is_program("42")
        (True, False, False)
    """
    if not _CODE.search(code_in(text)):
        return False
    return bool(parsed(code_in(text)))


def code_in(text: str) -> str:
    r"""The program in a fence, or the text as it is.

    Example:
        >>> code_in("```python\nx = 1\n```")
        'x = 1'
    """
    found = _FENCED.fullmatch(text)
    return found["code"] if found else text


def entry_of(tests: Mapping[str, Any], program: str) -> str | None:
    """The function that is asked for; None if the program reads and prints, or nobody knows.

    Example:
        >>> entry_of({"test_list": ["assert double(4) == 8"]}, "")
        'double'
    """
    named = (tests.get(name) for name in _NAMES)
    for name in (*named, *(call for call, _ in _claims(tests)), _last_function(program)):
        if isinstance(name, str) and name.isidentifier():
            return name
    return None


def hardcoded(tests: Mapping[str, Any], entry: str | None) -> str | None:
    """A program that always says what the first test wants; None if that might be right.

    Example:
        >>> print(hardcoded({"test_list": ["assert f(1) == 2", "assert f(2) == 4"]}, "f"))
        def f(*args, **kwargs):
            return 2
    """
    wanted = [value for _, value in _claims(tests)] or list(_outputs(tests))
    if len({repr(value) for value in wanted}) < 2:
        return None
    if entry is None:
        return f"print({str(wanted[0])!r})"
    return f"def {entry}(*args, **kwargs):\n    return {wanted[0]!r}"


def wrong(entry: str | None) -> str:
    """A plain wrong program: what it returns equals nothing, what it prints is not asked for.

    Example:
        >>> print(wrong("f"))
        def f(*args, **kwargs):
            return object()
    """
    if entry is None:
        return 'print("there is no output 60418")'
    return f"def {entry}(*args, **kwargs):\n    return object()"


def parsed(text: str) -> list[ast.stmt]:
    """The statements of a program; none if it is no Python."""
    if len(text) > _LONGEST:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _claims(tests: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Of tests that are source: the function that is called, and the literal it must equal."""
    sources = [tests.get(name) for name in ("test", *TESTS)]
    for source in sources:
        for text in source if isinstance(source, list) else [source]:
            if isinstance(text, str):
                for node in (n for top in parsed(text) for n in ast.walk(top)):
                    yield from _claim(node)


def _claim(node: ast.AST) -> Iterator[tuple[str, Any]]:
    if not isinstance(node, ast.Assert) or not isinstance(node.test, ast.Compare):
        return
    left, right = node.test.left, node.test.comparators[0]
    if isinstance(node.test.ops[0], ast.Eq) and isinstance(left, ast.Call):
        try:
            value = ast.literal_eval(right)
        except (ValueError, TypeError, RecursionError, MemoryError):
            return
        if isinstance(left.func, ast.Name):
            yield left.func.id, value


def _outputs(tests: Mapping[str, Any]) -> Iterator[Any]:
    """Of tests that are cases: what each wants."""
    inner = tests.get("input_output")
    if isinstance(inner, str):
        yield from _outputs(asked_by(inner))
    elif isinstance(inner, Mapping):
        yield from _outputs(inner)
    if isinstance(tests.get("outputs"), list):
        yield from tests["outputs"]
    for name in TESTS:
        rows = tests.get(name)
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, Mapping):
                yield from (row[key] for key in _EXPECTED if key in row)


def _last_function(program: str) -> str | None:
    defined = [one.name for one in parsed(code_in(program)) if isinstance(one, ast.FunctionDef)]
    return defined[-1] if defined else None
