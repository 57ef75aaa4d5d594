"""Runs a task's tests against the other end of a line; itself runs in the sandbox.

Tests are statements, a function `check(candidate)`, or a file of pytest's: functions and classes,
with parameters and plain fixtures. They are run as they stand, except that as long as an answer is
only guessed, a statement that fails is passed over. This file is sent into a sandbox as it is.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

from unflip.verifiers.code.inside import small_pytest
from unflip.verifiers.code.inside.line import Line
from unflip.verifiers.code.inside.objects import Ended, Stuck, Unreadable

SOLUTION = ("solution", "answer", "candidate", "main", "submission", "your_module")
"""Names of modules that tests import the answer from."""


def play(spec: dict[str, Any], calls: list[Any], answers: list[Any]) -> dict[str, Any]:
    """Run the tests on the answers that are known.

    Args:
        spec: `tests`, a list of source; `names` to put in their scope; `prompt` and `entry`, or
            None; `file`, whether it is a file of pytest's; `ids`, the tests it has to have, if any.
        calls: The calls that the answers are for.
        answers: As many of the answers as came back.

    Returns:
        `outcome`: passed, failed, guessed, ended or unreadable; `calls` if guessed, `passed` tests
        of `tests`, and the `error`.
    """
    trees = [ast.parse(one) for one in spec["tests"]]
    line = Line(calls, answers, _caught(trees))
    line_up = _LineUp(spec, line)
    error: BaseException | None = None
    try:
        line_up.run([_careful(tree) for tree in trees])
    except BaseException as why:
        error = line.why or why
    error = line.why or error
    return {
        "outcome": _outcome(line, error), "calls": line.made if line.guessing else [],
        "tests": line_up.tests, "passed": line_up.passed, "made": len(line.made),
        "error": f"{type(error).__name__}: {error}"[:300] if error else "",
    }  # fmt: skip


def _outcome(line: Line, error: BaseException | None) -> str:
    if isinstance(error, Unreadable):
        return "unreadable"
    if line.guessing:
        return "guessed"
    if isinstance(error, Ended):
        return "ended"
    return "passed" if error is None else "failed"


class _LineUp:
    """Runs everything that a spec names, and counts."""

    def __init__(self, spec: dict[str, Any], line: Line) -> None:
        self.tests, self.passed = len(spec["tests"]), 0
        self._spec, self._line = spec, line
        self._scope: dict[str, Any] = {"__name__": "tests", "_passed_over": self._passed_over}

    def run(self, trees: list[ast.Module]) -> None:
        spec, scope = self._spec, self._scope
        if spec["file"]:
            small_pytest.install()
            sys.modules.update({name: _Solution(name, self._line) for name in SOLUTION})
        if spec["entry"] is not None:
            _helpers(spec["prompt"], scope)
        for name in spec["names"]:
            scope[name] = self._line.named(name)
        for tree in trees:
            self._one(partial(exec, compile(tree, "tests", "exec"), scope))
        if spec["file"]:
            self._file()
        elif "check" in scope and spec["entry"] not in (None, "check"):
            self.passed = 0
            self._one(lambda: scope["check"](scope[spec["entry"]]))

    def _one(self, test: Callable[[], object]) -> None:
        try:
            test()
        except BaseException as why:
            if not self._passed_over(why):
                raise
        self.passed += 1

    def _passed_over(self, why: BaseException) -> bool:
        """Whether a failure says nothing, since an answer was guessed."""
        return self._line.guessing and not isinstance(self._line.why or why, (Unreadable, Stuck))

    def _file(self) -> None:
        found = dict(collected(self._scope))
        self.tests, self.passed = len(found), 0
        wanted = self._spec["ids"]
        if not found:
            raise Unreadable("the file has no test")
        if wanted and not _covered(set(found), wanted):
            raise Unreadable(f"the file's tests are not those that the row names: {list(found)}")
        for test in found.values():
            self._one(test)


def _covered(found: set[str], wanted: list[str]) -> bool:
    """Whether what was found is what is wanted: by name, and how often with which parameters."""
    bare = [one.partition("[")[0] for one in found]
    if any("[" in one for one in wanted):
        return sorted(bare) == sorted(one.partition("[")[0] for one in wanted)
    return set(bare) == set(wanted)


class _Solution(ModuleType):
    """The module that tests import the answer from."""

    def __init__(self, name: str, line: Line) -> None:
        super().__init__(name)
        self.__dict__["_names"] = {}
        self.__dict__["_line"] = line

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        names = self.__dict__["_names"]
        if name not in names:
            names[name] = self.__dict__["_line"].named(name)
        return names[name]

    def __setattr__(self, name: str, value: Any) -> None:
        raise self.__dict__["_line"].over(Unreadable(f"the tests change the program's {name}"))

    __delattr__ = __setattr__  # type: ignore[assignment]


def _helpers(prompt: str, scope: dict[str, Any]) -> None:
    """Functions of the prompt, if it is source, that the tests may use."""
    try:
        tree = ast.parse(prompt)
    except SyntaxError:
        return
    exec(compile(tree, "prompt", "exec", dont_inherit=True), scope)  # noqa: S102


def _caught(trees: list[ast.Module]) -> set[str]:
    """Names of exceptions that the tests expect or catch."""
    names: set[str] = set()
    for node in (one for tree in trees for one in ast.walk(tree)):
        caught: list[ast.AST | None] = []
        if isinstance(node, ast.ExceptHandler):
            caught = [node.type]
        elif isinstance(node, ast.Call) and _name(node.func).lower().endswith(_RAISES):
            caught = [*node.args[:1]]
        for one in caught:
            names |= {_name(part) for part in ast.walk(one)} if one is not None else set()
    return names - {""}


_RAISES = ("raises", "assertraises", "assertraisesregex")


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


class _Careful(ast.NodeTransformer):
    """Puts every statement where its failure can be passed over."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for part in ("body", "orelse", "finalbody"):
            held = getattr(node, part, None)
            if isinstance(held, list) and not isinstance(node, ast.ClassDef):
                setattr(node, part, [_guarded(one) for one in held])
        return node


_AS_IT_IS = (ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.Pass, ast.Break,
             ast.Continue, ast.FunctionDef, ast.ClassDef)  # fmt: skip


def _guarded(statement: ast.stmt) -> ast.stmt:
    if isinstance(statement, _AS_IT_IS):
        return statement
    why = ast.Name("_why", ast.Load())
    asked = ast.Call(ast.Name("_passed_over", ast.Load()), [why], [])
    again = ast.If(ast.UnaryOp(ast.Not(), asked), [ast.Raise()], [])
    caught = ast.ExceptHandler(ast.Name("BaseException", ast.Load()), "_why", [again])
    return ast.Try([statement], [caught], [], [])


def _careful(tree: ast.Module) -> ast.Module:
    _Careful().visit(tree)
    return ast.fix_missing_locations(tree)


def collected(scope: dict[str, Any]) -> Iterator[tuple[str, Callable[[], object]]]:
    """The tests of a file that has been run, by their ids, in order."""
    fixtures = {name: _fixture(one) for name, one in scope.items() if _fixture(one) is not None}
    unittest = sys.modules.get("unittest")
    for name, one in list(scope.items()):
        if unittest and inspect.isclass(one) and issubclass(one, unittest.TestCase):
            for method in unittest.TestLoader().getTestCaseNames(one):
                yield f"{name}::{method}", _case(one, method)
        elif inspect.isclass(one) and name.startswith("Test"):
            for method in [key for key in vars(one) if key.startswith("test")]:
                yield from _expanded(f"{name}::{method}", vars(one)[method], fixtures, one)
        elif inspect.isfunction(one) and name.startswith("test"):
            yield from _expanded(name, one, fixtures)


def _case(kind: Any, method: str) -> Callable[[], object]:
    def run() -> None:
        kind.setUpClass()
        kind(method).debug()

    return run


def _expanded(
    name: str, test: Any, fixtures: dict[str, Any], home: Any = None
) -> Iterator[tuple[str, Callable[[], object]]]:
    """A test once for each set of parameters."""
    if inspect.iscoroutinefunction(test):
        raise Unreadable(f"{name} is a coroutine")
    marks = list(getattr(test, "pytestmark", ())) + list(getattr(home, "pytestmark", ()))
    others = {one.name for one in marks} - {"parametrize"}
    if others & {"skip", "skipif", "xfail", "usefixtures"}:
        raise Unreadable(f"{name} is marked {', '.join(sorted(others))}")
    rows: list[dict[str, Any]] = [{}]
    for mark in (one for one in marks if one.name == "parametrize"):
        rows = [old | new for old in rows for new in _parameters(*mark.args[:2])]
    for number, row in enumerate(rows):
        shown = f"{name}[{number}]" if row else name
        yield shown, partial(_run, test, row, fixtures, home)


def _parameters(names: Any, values: Any) -> Iterator[dict[str, Any]]:
    keys = [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)
    for one in values:
        held = one.values if type(one).__name__ == "ParameterSet" else one
        row = held if len(keys) > 1 or held is not one else (held,)
        yield dict(zip(keys, row, strict=True))


def _fixture(value: Any) -> Any:
    """The function of one of pytest's fixtures, in its old form or in its new one."""
    if type(value).__name__ == "FixtureFunctionDefinition":
        if value._fixture_function_marker.autouse:
            raise Unreadable("a fixture is used by itself")
        return value._fixture_function
    return getattr(getattr(value, "__pytest_wrapped__", None), "obj", None)


def _run(test: Any, row: dict[str, Any], fixtures: dict[str, Any], home: Any) -> None:
    """Run a test with its fixtures, and what goes before and after it."""
    ends: list[Iterator[Any]] = []
    made: dict[str, Any] = {}
    instance = home() if home is not None else None
    if isinstance(test, staticmethod):
        test, instance = test.__func__, None
    for before in ("setup_class", "setup_method"):
        if hasattr(instance, before):
            _flexible(getattr(instance, before))
    given = {} if instance is None else {next(iter(inspect.signature(test).parameters)): instance}
    for key, one in inspect.signature(test).parameters.items():
        if key not in given and one.default is inspect.Parameter.empty:
            given[key] = row[key] if key in row else _made(key, fixtures, made, ends)
    test(**(given | {key: one for key, one in row.items() if key not in given}))
    if instance is not None and hasattr(instance, "teardown_method"):
        _flexible(instance.teardown_method)
    for end in reversed(ends):
        next(end, None)


def _flexible(method: Any) -> None:
    method(*[None] * len(inspect.signature(method).parameters))


def _made(
    name: str, fixtures: dict[str, Any], made: dict[str, Any], ends: list[Iterator[Any]]
) -> Any:
    """What a fixture gives, made once for each test."""
    if name in made:
        return made[name]
    if name not in fixtures:
        raise Unreadable(f"the fixture {name} is not the file's own")
    function = fixtures[name]
    needs = inspect.signature(function).parameters
    value = function(**{one: _made(one, fixtures, made, ends) for one in needs})
    if inspect.isgenerator(value):
        ends.append(value)
        value = next(value)
    made[name] = value
    return value
