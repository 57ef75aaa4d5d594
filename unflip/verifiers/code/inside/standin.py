"""Reads a task's tests by running them on a stand-in for the answer; itself runs in the sandbox.

The stand-in answers nothing: it notes what it is called with, and hands out symbols that note what
is done with them. An assert about a symbol becomes a claim, as plain data: `candidate(2) == 4` is
`("op", "eq", (("call", 0), ("value", 4)))`. So the calls can be made where the foreign code is, and
the claims be checked where it never was. Only the standard library is imported: this file is sent
into a sandbox as it is.
"""

from __future__ import annotations

import ast
import builtins
import copy
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

_OPERATORS = {
    ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge",
    ast.Is: "is", ast.IsNot: "is_not", ast.In: "in", ast.NotIn: "not_in",
}  # fmt: skip
_PLAIN: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le,
    "gt": operator.gt, "ge": operator.ge, "is": operator.is_, "is_not": operator.is_not,
    "in": lambda one, many: one in many, "not_in": lambda one, many: one not in many,
}  # fmt: skip
_BUILTINS = (
    "abs", "all", "any", "bool", "dict", "float", "frozenset", "int", "len", "list", "max",
    "min", "round", "set", "sorted", "str", "sum", "tuple",
)  # fmt: skip
_LIFTED: dict[Any, str] = {getattr(builtins, name): name for name in _BUILTINS}
_LIFTED |= {
    getattr(math, name): f"math.{name}" for name in ("fabs", "isclose", "isnan", "pow", "sqrt")
}
_METHODS = {"lower", "upper", "strip", "split", "splitlines", "keys", "values", "items", "tolist"}
_ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")
_SINGLE = (type(None), bool)
_KINDS = (bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset)
_BEARING = (zip, enumerate, reversed, iter)
"""What hands a symbol on as it is."""
_OPTIONS = ("sorted", "math.isclose")
"""What takes arguments by name where claims are checked."""
_DEPTH = 4
_LENT: dict[int, Any] = {}
"""What was given to the answer and can be changed, kept so that no other has its number."""
SOLUTION = ("solution", "answer", "candidate", "main", "submission", "your_module")
"""Names of modules that tests import the answer from."""


class Unreadable(BaseException):
    """The tests do something with an answer that a symbol cannot note."""


class Symbol:
    """What a call returns here: whatever is done with it is noted."""

    def __init__(self, *said: Any) -> None:
        self._said = said

    def __getattribute__(self, name: str) -> Any:
        if name == "_said":
            return object.__getattribute__(self, name)
        if name in _METHODS:
            return lambda *given: _noted(f"method.{name}", self, *given)
        # Not Python's own attributes either: `__class__` would be ours.
        raise Unreadable(f"the answer's {name}")

    def __getitem__(self, key: Any) -> Symbol:
        return _noted("getitem", self, key)

    def __neg__(self) -> Symbol:
        return _noted("neg", self)

    def _no(self, *_given: Any) -> Any:
        raise Unreadable("the tests use an answer in a way that cannot be noted")

    __bool__ = __iter__ = __len__ = __contains__ = __float__ = __int__ = __index__ = _no
    __str__ = __repr__ = __format__ = __hash__ = __call__ = __eq__ = _no


def _arithmetic(name: str) -> None:
    setattr(Symbol, f"__{name}__", lambda self, other: _noted(name, self, other))
    setattr(Symbol, f"__r{name}__", lambda self, other: _noted(name, other, self))


for _name in _ARITHMETIC:
    _arithmetic(_name)


def _noted(operation: str, *given: Any) -> Symbol:
    return Symbol("op", operation, tuple(_said(one) for one in given))


def _said(value: Any) -> tuple[Any, ...]:
    """A value, or the symbols in it, as plain data."""
    if type(value) is Symbol:
        return value._said
    if _symbolic(value):
        return (type(value).__name__, tuple(_said(one) for one in value))
    if not _plain(value):
        raise Unreadable(f"an answer is compared with a {type(value).__name__}")
    if not _LENT.keys().isdisjoint(_changeable(value)):
        raise Unreadable("an answer is compared with what was an argument")
    return ("value", copy.deepcopy(value))


def _changeable(value: Any) -> dict[int, Any]:
    """The lists, dicts and sets in plain data, by their numbers."""
    found: dict[int, Any] = {}
    left = [value]
    while left:
        one = left.pop()
        if type(one) in (list, dict, set):
            found[id(one)] = one
        if type(one) in (list, tuple):
            left += one
        elif type(one) is dict:
            left += one.values()
    return found


def _symbolic(value: Any, depth: int = _DEPTH) -> bool:
    """Whether it is a symbol, or a list or tuple with one in it."""
    if type(value) is Symbol:
        return True
    inside = type(value) in (list, tuple) and depth > 0
    return inside and any(_symbolic(one, depth - 1) for one in value)


def _plain(value: Any) -> bool:
    if type(value) in (list, tuple, set, frozenset):
        return all(map(_plain, value))
    if type(value) is dict:
        return all(_plain(one) for pair in value.items() for one in pair)
    return value is None or type(value) in (bool, int, float, complex, str, bytes)


class _Book:
    """Collects the calls and the claims."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.claims: list[Any] = []

    def stand_in(self, name: str) -> Callable[..., Symbol]:
        """A function that only notes that it was called."""

        def called(*given: Any, **named: Any) -> Symbol:
            if any(_symbolic(one) for one in (*given, *named.values())):
                raise Unreadable("an answer is an argument of the next call")
            if not all(_plain(one) for one in (*given, *named.values())):
                raise Unreadable("an argument is no plain data")
            lent = _changeable((*given, *named.values()))
            if not _LENT.keys().isdisjoint(lent):
                raise Unreadable("two calls share an argument that can be changed")
            _LENT.update(lent)
            self.calls.append((name, copy.deepcopy(given), copy.deepcopy(named)))
            return Symbol("call", len(self.calls) - 1)

        return called

    def claim(self, value: Any) -> None:
        """What an assert says."""
        if _symbolic(value):
            self.claims.append(_said(value))
        elif not value or _LENT:
            # It may be about an argument that the answer changed, or should not have changed.
            raise Unreadable("an assert is not about what a call returned")


def _apply(function: Any, /, *given: Any, **named: Any) -> Any:
    if not any(_symbolic(one) for one in (*given, *named.values())):
        return function(*given, **named)
    if function is print:
        return None
    if function is isinstance:
        return _noted("isinstance", given[0], *_kinds(given[1]))
    try:
        lifted = _LIFTED.get(function)
    except TypeError:
        lifted = None
    if lifted is None:
        return _passed(function)(*given, **named)
    if (named and lifted not in _OPTIONS) or (lifted == "sum" and len(given) > 1):
        raise Unreadable(f"an answer goes to {lifted}, with options")
    return _noted(lifted, *given, *([named] if named else []))


def _kinds(wanted: Any) -> list[str]:
    kinds = wanted if type(wanted) is tuple else (wanted,)
    if not all(any(one is kind for kind in _KINDS) for one in kinds):
        raise Unreadable("it is asked whether an answer is of a class")
    return [one.__name__ for one in kinds]


def _passed(function: Any) -> Any:
    """A function that may have a symbol: of the tests' own, where all that is done is noted.

    Python's own would take the symbol for the answer: `callable` of it is always true.
    """
    home = getattr(getattr(function, "__func__", function), "__globals__", None)
    ours = home is not None and (home is globals() or home.get("_apply") is _apply)
    made = isinstance(function, type) and function.__module__ == "tests"
    kept = type(getattr(function, "__self__", None)) in (list, dict)
    if ours or made or kept or any(function is one for one in _BEARING):
        return function
    raise Unreadable("an answer goes to a function that is not the tests' own")


def _compare(operation: str, left: Any, right: Any) -> Any:
    if _symbolic(left) or _symbolic(right):
        if operation.startswith("is") and not any(type(one) in _SINGLE for one in (left, right)):
            raise Unreadable("it is asked whether an answer is the same object")
        return _noted(operation, left, right)
    return _PLAIN[operation](left, right)


def _either(operation: str, *parts: Callable[[], Any]) -> Any:
    """`and` and `or`, lazy as long as no symbol is among them."""
    value: Any = None
    for number, part in enumerate(parts):
        value = part()
        if _symbolic(value):
            return _noted(operation, value, *(one() for one in parts[number + 1 :]))
        if bool(value) == (operation == "or"):
            return value
    return value


def _not(value: Any) -> Any:
    return _noted("not", value) if _symbolic(value) else not value


class _Rewrite(ast.NodeTransformer):
    """Turns what Python gives no hook for into calls of ours."""

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        if isinstance(node.test, ast.Constant):
            return node
        self.generic_visit(node)
        return ast.Expr(_call("_claim", node.test))

    def visit_With(self, node: ast.With) -> ast.AST:
        return _blind(node)

    def visit_Match(self, node: ast.Match) -> ast.AST:
        return _blind(node)

    def visit_Try(self, node: ast.Try) -> ast.AST:
        if any(isinstance(one, ast.Call) for part in node.body for one in ast.walk(part)):
            return _blind(node)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in ("super", "_claim"):
            return node
        return ast.Call(ast.Name("_apply", ast.Load()), [node.func, *node.args], node.keywords)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        sides = [node.left, *node.comparators]
        parts = [
            _call("_compare", ast.Constant(_OPERATORS[type(op)]), sides[at], sides[at + 1])
            for at, op in enumerate(node.ops)
        ]
        return parts[0] if len(parts) == 1 else _lazy("and", parts)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        return _lazy("and" if isinstance(node.op, ast.And) else "or", node.values)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        return _call("_not", node.operand) if isinstance(node.op, ast.Not) else node


def _blind(node: ast.AST) -> ast.AST:
    """Refuse what goes by an answer with no hook: no call raises here, no symbol has a shape."""
    raise Unreadable(f"what the tests do in {type(node).__name__} may depend on an answer")


def _call(name: str, *given: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(given), [])


def _lazy(operation: str, parts: list[Any]) -> ast.Call:
    nothing = ast.arguments([], [], None, [], [], None, [])
    return _call("_either", ast.Constant(operation), *(ast.Lambda(nothing, one) for one in parts))


def read(
    tests: list[str],
    names: Sequence[str],
    prompt: str = "",
    entry: str | None = None,
    file: bool = False,
    ids: Sequence[str] = (),
) -> tuple[list[Any], list[Any]]:
    """The calls that the tests make, and the claims about what they return.

    Args:
        tests: Python source: statements, a function `check(candidate)`, or a file of pytest's.
        names: The names of what the tests ask for.
        prompt: Source of helpers that the tests may use, if it is source.
        entry: The name of the function that is asked for, where the row says so.
        file: Whether it is a file of pytest's; only plain functions in it are read here.
        ids: The tests that have to be in the file; none if any will do.
    """
    book = _Book()
    _LENT.clear()
    scope: dict[str, Any] = {
        "_apply": _apply, "_claim": book.claim, "_compare": _compare, "_either": _either,
        "_not": _not, "__name__": "tests",
    }  # fmt: skip
    trees = [ast.parse(one) for one in tests]
    if entry is not None:
        _run_helpers(prompt, scope)
    scope |= {name: book.stand_in(name) for name in names}
    if file:
        return _read_file(trees, book, scope, ids)
    scope.pop("check", None)
    for tree in trees:
        _execute(tree, scope)
    if "check" in scope and entry is not None and entry != "check":
        scope["check"](scope[entry])
    return book.calls, book.claims


def _read_file(
    trees: list[ast.Module], book: _Book, scope: dict[str, Any], ids: Sequence[str]
) -> tuple[list[Any], list[Any]]:
    """What a file of functions without arguments, and nothing else that pytest knows, claims."""
    names: list[str] = []
    for node in [one for tree in trees for one in tree.body]:
        if isinstance(node, ast.ImportFrom) and node.module in SOLUTION:
            for one in node.names:
                scope[one.asname or one.name] = book.stand_in(one.name)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)) and _tested(node):
            names.append(node.name)
    for tree in trees:
        tree.body = [one for one in tree.body if getattr(one, "module", None) not in SOLUTION]
        _execute(tree, scope)
    if not names or (ids and set(ids) != set(names)) or len(set(names)) < len(names):
        raise Unreadable("the file's tests are not plain functions with the names that are asked")
    for name in names:
        before = len(book.claims)
        scope[name]()
        if len(book.claims) == before:
            raise Unreadable(f"{name} claims nothing about an answer")
    return book.calls, book.claims


def _tested(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """Whether pytest would take it for a test; all but plain functions are not for us."""
    if isinstance(node, ast.ClassDef) or node.decorator_list:
        raise Unreadable(f"{node.name} is more than a plain function")
    return node.name.startswith("test")


def _execute(tree: ast.Module, scope: dict[str, Any]) -> None:
    changed = ast.fix_missing_locations(_Rewrite().visit(tree))
    exec(compile(changed, "tests", "exec", dont_inherit=True), scope)  # noqa: S102 - in the sandbox


def _run_helpers(prompt: str, scope: dict[str, Any]) -> None:
    try:
        tree = ast.parse(prompt)
    except SyntaxError:
        return
    _execute(tree, scope)
