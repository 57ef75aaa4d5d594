"""Reads what a row's tests are, in the shapes that the field's datasets have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unflip.sandbox import Call
from unflip.types import Sample, text_of
from unflip.verifiers.code.claims import Claim, equal, same_json

CASES = 10_000
"""So many cases may a task have."""


class BadTask(Exception):
    """The row's tests cannot be read; nobody's answer is to blame."""


@dataclass(frozen=True, slots=True)
class Printed:
    """Cases of an input and what the program should print.

    Attributes:
        cases: Input and expected output.
    """

    cases: tuple[tuple[str, str], ...]
    entry: None = None


@dataclass(frozen=True, slots=True)
class Called:
    """Calls, and claims about what they return.

    Attributes:
        calls: The calls; only they enter the sandbox.
        claims: What must hold of the answers.
        entry: The function that is asked for.
    """

    calls: tuple[Call, ...]
    claims: tuple[Claim, ...]
    entry: str | None = None


@dataclass(frozen=True, slots=True)
class Asserted:
    """Source with asserts, to be read in a sandbox of its own.

    Attributes:
        tests: Statements, or a function `check(candidate)`.
        prompt: Source that goes before the answer, if the prompt is source.
        entry: The function that is asked for, where the row says so.
    """

    tests: tuple[str, ...]
    prompt: str = ""
    entry: str | None = None


Task = Printed | Called | Asserted


def task_of(sample: Sample) -> Task | None:
    """The task that a sample's row describes; None if it describes none.

    The tests stand in `meta`, or in the reference, as a mapping or as its JSON text.

    Raises:
        BadTask: There are tests, and they cannot be read.

    Example:
        >>> task_of(Sample("", meta={"test_list": ["assert f(2) == 4"]})).tests
        ('assert f(2) == 4',)
        >>> task_of(Sample("", {"inputs": ["1 2"], "outputs": ["3"]})).cases
        (('1 2', '3'),)
    """
    prompt = text_of(sample.prompt)
    for row in (_opened(sample.reference), sample.meta):
        if isinstance(row, Sequence) and not isinstance(row, str) and row:
            row = {"cases": row}
        if isinstance(row, Mapping) and (found := _task(row, prompt)) is not None:
            return found
    return None


def _opened(value: Any) -> Any:
    """What JSON text holds; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _task(row: Mapping[str, Any], prompt: str) -> Task | None:
    if isinstance(row.get("test"), str) and isinstance(row.get("entry_point"), str):
        return Asserted((_full(row["test"]),), prompt, row["entry_point"])
    for name in ("test_list", "assert_case", "asserts"):
        if name in row:
            return _asserted(row, _texts(row[name]))
    if "input_output" in row:
        row = _mapping(_opened(row["input_output"]))
    if "inputs" in row and "outputs" in row:
        return _paired(row)
    for name in ("cases", "test_cases", "tests"):
        if name in row:
            return _listed(row, _opened(row[name]))
    return None


def _asserted(row: Mapping[str, Any], tests: Sequence[str]) -> Asserted:
    before = [row[name] for name in ("test_setup_code",) if isinstance(row.get(name), str)]
    before += _texts(row.get("test_imports", ()))
    return Asserted((*filter(None, before), *map(_full, tests)))


def _paired(row: Mapping[str, Any]) -> Task:
    """APPS, TACO and verl's form: as many inputs as outputs, of a program or of a function."""
    given, expected = row["inputs"], row["outputs"]
    if not isinstance(given, list | tuple) or not isinstance(expected, list | tuple):
        raise BadTask("inputs and outputs are lists")
    if len(given) != len(expected):
        raise BadTask(f"{len(given)} inputs and {len(expected)} outputs")
    _counted(given)
    name = row.get("fn_name")
    if name is None:
        pairs = zip(given, expected, strict=True)
        return Printed(tuple((_lines(one), _lines(other)) for one, other in pairs))
    if not isinstance(name, str):
        raise BadTask("fn_name is a name")
    calls = tuple(Call(name, tuple(_list(one))) for one in given)
    return Called(calls, tuple(_wrapped(n, one) for n, one in enumerate(expected)), name)


def _wrapped(number: int, expected: Any) -> Claim:
    """The claim of a row whose outputs stand in a list of their own, or do not."""
    claim = same_json(number, expected)
    if isinstance(expected, list | tuple) and len(expected) == 1:
        return ("op", "or", (claim, same_json(number, expected[0])))
    return claim


def _listed(row: Mapping[str, Any], cases: Any) -> Task:
    """A list of cases: `input` and `output`, or `arguments` and `expected`."""
    given = [_mapping(one) for one in _list(cases)]
    _counted(given)
    name = row.get("fn_name") or row.get("func_name") or row.get("entry_point")
    if all("expected" in one for one in given):
        calls = tuple(_typed_call(one, name) for one in given)
        claims = tuple(equal(n, one["expected"]) for n, one in enumerate(given))
        return Called(calls, claims, calls[0].function)
    if not all("input" in one and "output" in one for one in given):
        raise BadTask("a case has input and output, or arguments and expected")
    if any(one.get("testtype") == "functional" for one in given):
        if not isinstance(name, str):
            raise BadTask("functional cases, and no func_name")
        return _functional(given, name)
    return Printed(tuple((_lines(one["input"]), _lines(one["output"])) for one in given))


def _functional(cases: Sequence[Mapping[str, Any]], name: str) -> Called:
    """LiveCodeBench's form: an argument is a line of JSON."""
    try:
        calls = tuple(
            Call(name, tuple(json.loads(line) for line in str(one["input"]).splitlines() if line))
            for one in cases
        )
        claims = tuple(same_json(n, json.loads(one["output"])) for n, one in enumerate(cases))
    except (ValueError, TypeError, RecursionError) as why:
        raise BadTask(f"a functional case is no JSON: {why}") from why
    return Called(calls, claims, name)


def _typed_call(case: Mapping[str, Any], name: Any) -> Call:
    function, named = case.get("function", name), case.get("named", {})
    if not isinstance(function, str):
        raise BadTask("a call needs the name of a function")
    return Call(function, tuple(_list(case.get("arguments", []))), _mapping(named))


def _counted(cases: Sequence[Any]) -> None:
    if not 0 < len(cases) <= CASES:
        raise BadTask(f"{len(cases)} cases; a task has between 1 and {CASES}")


def _lines(value: Any) -> str:
    """An input or an output as text; a list of lines is joined."""
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return "\n".join(value)
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise BadTask("an input or an output is no text")


def _full(text: Any) -> str:
    if not isinstance(text, str) or not text.strip():
        raise BadTask("a test is empty, or no text")
    return text


def _texts(value: Any) -> list[str]:
    opened = _opened(value) if isinstance(value, str) and value[:1] == "[" else value
    if isinstance(opened, str):
        return [opened]
    if not isinstance(opened, Sequence):
        raise BadTask("tests are a list of text")
    return [_full(one) for one in opened]


def _list(value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise BadTask("a list was expected")
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadTask("a case is an object with names")
    return value
