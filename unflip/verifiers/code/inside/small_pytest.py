"""The part of pytest that tests of functions use, in a file that loads at once.

It stands in for the real one where tests run at a distance from the answer: pytest takes a tenth of
a second to import, for every answer anew. Whatever else a test asks for is taken from the real one,
if it is installed. This file is sent into a sandbox as it is.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

from unflip.verifiers.code.inside.objects import Unreadable


class FixtureFunctionDefinition:
    """A fixture, as pytest marks one."""

    def __init__(self, function: Any, *, autouse: bool) -> None:
        self._fixture_function = function
        self._fixture_function_marker = SimpleNamespace(autouse=autouse)


def fixture(function: Any = None, *, autouse: bool = False, **others: Any) -> Any:
    """Mark a function as a fixture."""
    if others.keys() - {"scope"}:
        raise Unreadable(f"a fixture has {', '.join(others)}")
    if function is not None:
        return FixtureFunctionDefinition(function, autouse=autouse)
    return lambda one: FixtureFunctionDefinition(one, autouse=autouse)


class ParameterSet:
    """One row of parameters."""

    def __init__(self, values: tuple[Any, ...], marks: Any) -> None:
        self.values, self.marks = values, marks


def param(*values: Any, marks: Any = (), **_: Any) -> ParameterSet:
    """A row of parameters with marks."""
    return ParameterSet(values, marks)


class _Marks:
    def __getattr__(self, name: str) -> Any:
        def mark(*given: Any, **named: Any) -> Any:
            if name != "parametrize" and len(given) == 1 and not named and callable(given[0]):
                return _marked(given[0], SimpleNamespace(name=name, args=(), kwargs={}))
            made = SimpleNamespace(name=name, args=given, kwargs=named)
            return lambda one: _marked(one, made)

        return mark


def _marked(test: Any, mark: Any) -> Any:
    test.pytestmark = [*getattr(test, "pytestmark", ()), mark]
    return test


mark = _Marks()


class raises:  # noqa: N801 - as it is called
    """A block, or a call, that has to raise."""

    def __init__(self, kind: Any, *call: Any, match: str | None = None, **named: Any) -> None:
        self.kind, self.match = kind, match
        self.value: Any = None
        if call:
            with self:
                call[0](*call[1:], **named)

    @property
    def type(self) -> Any:
        """The type of what was raised."""
        return type(self.value)

    def __enter__(self) -> raises:
        return self

    def __exit__(self, kind: Any, value: Any, _trace: Any) -> bool:
        if kind is None:
            raise AssertionError(f"DID NOT RAISE {self.kind}")
        if not issubclass(kind, self.kind):
            return False
        if self.match is not None and not re.search(self.match, str(value)):
            raise AssertionError("what was raised says something else")
        self.value = value
        return True


class _Approx:
    """A number, or numbers in a list or a dict, each within a tolerance."""

    __array_ufunc__ = None
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, expected: Any, rel: Any, absolute: Any, *, nan_ok: bool) -> None:
        self._expected, self._bounds, self._nan = expected, (rel, absolute), nan_ok

    def __eq__(self, other: Any) -> bool:
        return self._near(other, self._expected)

    def _near(self, got: Any, expected: Any) -> bool:
        if isinstance(expected, Mapping):
            same = isinstance(got, Mapping) and got.keys() == expected.keys()
            return same and all(self._near(got[key], one) for key, one in expected.items())
        if isinstance(expected, Sequence) and not isinstance(expected, (str, bytes)):
            same = isinstance(got, Sequence) and len(got) == len(expected)
            return same and all(map(self._near, got, expected))
        if not _number(got) or not _number(expected) or got == expected:
            return bool(got == expected)
        if got != got or expected != expected:
            return self._nan and got != got and expected != expected
        return self._within(got, expected)

    def _within(self, got: Any, expected: Any) -> bool:
        rel, absolute = self._bounds
        if abs(expected) == float("inf"):
            return False
        bound = 1e-12 if absolute is None else absolute
        if rel is not None or absolute is None:
            bound = max(bound, (1e-6 if rel is None else rel) * abs(expected))
        return bool(abs(expected - got) <= bound)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float, complex)) and not isinstance(value, bool)


def approx(expected: Any, rel: Any = None, abs: Any = None, nan_ok: bool = False) -> _Approx:
    """What equals this within a tolerance."""
    return _Approx(expected, rel, abs, nan_ok=nan_ok)


def fail(reason: str = "", **_: Any) -> None:
    """Fail the test."""
    raise AssertionError(reason)


class Small(ModuleType):
    """The module under pytest's name: ours where we have it, else the real one's."""

    def __init__(self, names: Sequence[Callable[..., Any]]) -> None:
        super().__init__("pytest")
        self.__dict__.update({one.__name__: one for one in names}, mark=mark)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        sys.modules.pop("pytest", None)
        try:
            return getattr(importlib.import_module("pytest"), name)
        finally:
            sys.modules["pytest"] = self


def install() -> None:
    """Have tests that import pytest find this."""
    sys.modules["pytest"] = Small([fixture, param, raises, approx, fail])
