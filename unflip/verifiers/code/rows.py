"""Reads what a row's tests are, in the shapes that the field's datasets have."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from unflip.sandbox import Call
from unflip.types import Sample, text_of
from unflip.verifiers.code.claims import Claim, equal, same_json
from unflip.verifiers.code.packed import unpacked
from unflip.verifiers.code.reading import stub_of
from unflip.verifiers.code.tasks import Asserted, BadTask, Called, Printed, Task

CASES = 10_000
"""So many cases may a task have."""
_ASSERTS = ("test_list", "assert_case", "asserts", "functional")
_CASES = ("cases", "test_cases", "tests")
_FILES = ("test", "tests", "test_file", "test_code")
_WRAPPED = ("reward_model", "ground_truth", "verification_info", "input_output")
_SPLIT = ("public_tests", "private_tests", "generated_tests")
_CALLED = ("functional", "function_call", "fn_call")
_STANDARD = (None, "", "stdin", "stdout", "stdio", "standard input", "standard output")
_TEST = re.compile(r"^[ \t]*(?:async +)?def test", re.MULTILINE)
_CHECK = re.compile(r"^def check\b", re.MULTILINE)
_ASSERT = re.compile(r"^[ \t]*assert\b", re.MULTILINE)
_FILE = re.compile(r"^[^:\[]*\.py::")
_DEPTH = 4


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


def _task(row: Mapping[str, Any], prompt: str, depth: int = _DEPTH) -> Task | None:
    _possible(row)
    if isinstance(row.get("test"), str) and isinstance(row.get("entry_point"), str):
        return _pointed(row["test"], row["entry_point"], prompt)
    for name in _FILES:
        if isinstance(row.get(name), str) and _TEST.search(row[name]):
            return _filed(row, row[name])
    if isinstance(row.get("test"), str) and _ASSERT.search(row["test"]):
        return _asserted(row, [row["test"]])
    for name in _ASSERTS:
        if row.get(name) is not None and (row[name] or "inputs" not in row):
            return _asserted(row, _texts(row[name]))
    if "inputs" in row and "outputs" in row:
        return _paired(row)
    if any(name in row for name in ("public_test_cases", "private_test_cases")):
        return _split_cases(row)
    if any(isinstance(row.get(name), Mapping) for name in _SPLIT):
        return _split_lists(row)
    return _held(row, prompt, depth)


def _held(row: Mapping[str, Any], prompt: str, depth: int) -> Task | None:
    """A task in what a column holds."""
    for name in _WRAPPED:
        held = _opened(row.get(name))
        if isinstance(held, Mapping) and depth and (found := _task(held, prompt, depth - 1)):
            return found
        if name == "input_output" and name in row:
            raise BadTask("input_output is empty, or no JSON of inputs and outputs")
    for name in _CASES:
        if name in row:
            held = _opened(row[name])
            return _cases(row, row[name] if held is None else held, prompt, depth)
    return None


def _possible(row: Mapping[str, Any]) -> None:
    """Refuse the tasks that are no programs from input to output."""
    if row.get("interactive") or row.get("interactor") or row.get("type") == "interactive":
        raise BadTask("an interactive task: programs are not run against an interactor here")
    for name in ("input_mode", "input_file", "output_file"):
        if row.get(name) not in _STANDARD:
            raise BadTask(f"{name}: only standard input and output are read here, and no files")


def _cases(row: Mapping[str, Any], cases: Any, prompt: str, depth: int) -> Task | None:
    """What stands as cases: cases, asserts, or an object in one of the other shapes."""
    if isinstance(cases, Mapping) and depth:
        found = _task(cases, prompt, depth - 1)
        if found is None:
            raise BadTask("there are tests, and none of a shape that is known")
        return found
    if isinstance(cases, str) and _ASSERT.search(cases):
        return _asserted(row, [cases])
    if isinstance(cases, list | tuple) and cases and all(isinstance(one, str) for one in cases):
        return _asserted(row, cases)
    return _listed(row, cases)


def _pointed(test: str, entry: str, prompt: str) -> Asserted:
    """HumanEval's form, BigCodeBench's with a class of tests, or LeetCode's with a `Solution()`."""
    file = _TEST.search(test) is not None and _CHECK.search(test) is None
    name = entry.replace("()", "")
    return Asserted((_full(test),), stub_of(prompt, name), name, file=file)


def _filed(row: Mapping[str, Any], source: str) -> Asserted:
    """A file of pytest's, with the ids that it has to have if the row names them."""
    named = row.get("test_ids")
    if named is None:
        return Asserted((source,), file=True)
    ids = tuple(_FILE.sub("", one) for one in _texts(named))
    if not ids:
        raise BadTask("test_ids is empty: leave it out if any test will do")
    return Asserted((source,), file=True, ids=ids)


def _asserted(row: Mapping[str, Any], tests: Sequence[str]) -> Asserted:
    before = [row[name] for name in ("test_setup_code",) if isinstance(row.get(name), str)]
    before += _texts(row.get("test_imports") or ())
    return Asserted((*filter(None, before), *map(_full, tests)))


def _paired(row: Mapping[str, Any]) -> Task:
    """APPS, TACO and verl's form: as many inputs as outputs, of a program or of a function."""
    given, expected = row["inputs"], row["outputs"]
    if not isinstance(given, list | tuple) or not isinstance(expected, list | tuple):
        raise BadTask("inputs and outputs are lists")
    if len(given) != len(expected):
        raise BadTask(f"{len(given)} inputs and {len(expected)} outputs")
    _counted(given)
    name = row.get("fn_name") or None
    if name is None:
        return _printed(row, [(one, other) for one, other in zip(given, expected, strict=True)])
    if not isinstance(name, str):
        raise BadTask("fn_name is a name")
    calls, expected = _typed(name, given, expected)
    # One that is no list of one value shows that none has a list around it.
    wrapped = all(isinstance(one, list | tuple) and len(one) == 1 for one in expected)
    claims = [(_wrapped if wrapped else same_json)(*one) for one in enumerate(expected)]
    return _called(row, calls, tuple(claims))


def _typed(
    name: str, given: Sequence[Any], expected: Sequence[Any]
) -> tuple[tuple[Call, ...], Sequence[Any]]:
    """Calls and values, from lists of arguments, or from lines of JSON as verl has them."""
    if not all(isinstance(one, str) for one in given):
        return tuple(Call(name, tuple(_list(one))) for one in given), expected
    try:
        calls = tuple(Call(name, tuple(_arguments(one))) for one in given)
        return calls, [_value(one) for one in expected]
    except (ValueError, RecursionError) as why:
        raise BadTask(f"an argument or a value is no JSON: {why}") from why


def _printed(row: Mapping[str, Any], pairs: Sequence[tuple[Any, Any]]) -> Printed:
    checker = row.get("checker") or ""
    if not isinstance(checker, str):
        raise BadTask("checker is the source of a function check(input, output, expected)")
    cases = tuple((_lines(one), _lines(other)) for one, other in pairs)
    if not checker and not any(expected.strip() for _, expected in cases):
        raise BadTask("no case expects any output: a program that does nothing would be right")
    return Printed(cases, checker)


def _called(row: Mapping[str, Any], calls: tuple[Call, ...], claims: tuple[Claim, ...]) -> Called:
    if row.get("checker"):
        raise BadTask("a checker is for programs that print, and these tests call a function")
    return Called(calls, claims, calls[0].function)


def _wrapped(number: int, expected: Sequence[Any]) -> Claim:
    """The claim of a row whose outputs stand in a list of their own, or do not."""
    return ("op", "or", (same_json(number, expected), same_json(number, expected[0])))


def _split_cases(row: Mapping[str, Any]) -> Task:
    """LiveCodeBench's form: cases to show and cases to hide, the latter packed."""
    cases = [
        *unpacked(row.get("public_test_cases"), "public_test_cases"),
        *unpacked(row.get("private_test_cases"), "private_test_cases"),
    ]
    about = _opened(row.get("metadata"))
    name = about.get("func_name") if isinstance(about, Mapping) else None
    return _listed(row if name is None else {**row, "func_name": name}, cases)


def _split_lists(row: Mapping[str, Any]) -> Task:
    """CodeContests' form: lists of inputs and of outputs, in three groups."""
    groups = [row[name] for name in _SPLIT if isinstance(row.get(name), Mapping)]
    given = [one for group in groups for one in _list(group.get("input", []))]
    expected = [one for group in groups for one in _list(group.get("output", []))]
    return _paired({"inputs": given, "outputs": expected, "checker": row.get("checker")})


def _listed(row: Mapping[str, Any], cases: Any) -> Task:
    """A list of cases: `input` and `output`, or `arguments` and `expected`."""
    given = [_mapping(one) for one in _list(cases)]
    _counted(given)
    name = row.get("fn_name") or row.get("func_name") or row.get("entry_point")
    if all("expected" in one for one in given):
        calls = tuple(_typed_call(one, name) for one in given)
        return _called(row, calls, tuple(equal(n, one["expected"]) for n, one in enumerate(given)))
    if not all("input" in one and "output" in one for one in given):
        raise BadTask("a case has input and output, or arguments and expected")
    if any(one.get("testtype", one.get("type")) in _CALLED for one in given):
        return _functional(row, given, name or given[0].get("fn_name"))
    return _printed(row, [(one["input"], one["output"]) for one in given])


def _functional(row: Mapping[str, Any], cases: Sequence[Mapping[str, Any]], name: Any) -> Called:
    """LiveCodeBench's form: an argument is a line of JSON; or a list of arguments."""
    if not isinstance(name, str):
        raise BadTask("functional cases, and no func_name")
    try:
        calls = tuple(Call(name, tuple(_arguments(one["input"]))) for one in cases)
        expected = [_value(one["output"]) for one in cases]
    except (ValueError, TypeError, RecursionError) as why:
        raise BadTask(f"a functional case is no JSON: {why}") from why
    return _called(row, calls, tuple(same_json(n, one) for n, one in enumerate(expected)))


def _arguments(given: Any) -> list[Any]:
    if isinstance(given, list | tuple):
        return list(given)
    return [json.loads(line) for line in str(given).splitlines() if line]


def _value(expected: Any) -> Any:
    return json.loads(expected) if isinstance(expected, str) else expected


def _typed_call(case: Mapping[str, Any], name: Any) -> Call:
    function, named = case.get("function", name), case.get("named", {})
    if not isinstance(function, str):
        raise BadTask("a call needs the name of a function")
    if not all(isinstance(one, str) for one in _mapping(named)):
        raise BadTask("an argument's name is no text")
    return Call(function, tuple(_list(case.get("arguments", []))), named)


def _counted(cases: Sequence[Any]) -> None:
    if not 0 < len(cases) <= CASES:
        raise BadTask(f"{len(cases)} cases; a task has between 1 and {CASES}")


def _lines(value: Any) -> str:
    """An input or an output as text; a list of lines is joined."""
    if isinstance(value, list | tuple) and not any(isinstance(one, list | tuple) for one in value):
        return "\n".join(map(_lines, value))
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
