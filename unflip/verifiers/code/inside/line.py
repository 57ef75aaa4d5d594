"""The program at the other end of a line, as a task's tests see it; runs in the sandbox with them.

What the tests call is noted, and answered from what was recorded, if that is the call that was
recorded. Where no answer is known, a guess that bears everything lets the tests go on, only to find
out what they will call next. So tests and foreign code never share a process. Only the standard
library is imported: this file is sent into a sandbox as it is.
"""

from __future__ import annotations

import builtins
import importlib
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from unflip.verifiers.code.inside.objects import (
    ARRAY,
    OBJECT,
    Based,
    Ended,
    Flow,
    Guess,
    Object,
    Stuck,
    Unreadable,
)

_PLAIN = (type(None), bool, int, float, complex, str, bytes, Decimal, Fraction, date, datetime,
          time, timedelta)  # fmt: skip
_AHEAD, _STEPS = 2_000, 100_000
_QUIET = ("StopIteration", "StopAsyncIteration", "GeneratorExit", "KeyboardInterrupt")
"""What ends loops and threads without a word; raised as an error, unless the tests name it."""
_KINDS: dict[str, type[Object]] = {"Based": Based}


class Line:
    """What was said so far between the tests and the program.

    Args:
        calls: The calls that were made of the program.
        answers: What came back: `["value", changed, data, same]` or `["raised", changed, names,
            text]`; changed is what became of the arguments of this call or of earlier ones.
        errors: Names of exceptions that the tests catch.
    """

    def __init__(self, calls: list[Any], answers: list[Any], errors: set[str]) -> None:
        self.made: list[Any] = []
        self.guessing, self.guesses = False, 0
        self.why: BaseException | None = None
        self._known = [_key(tuple(one)) for one in calls]
        self._answers, self._errors = answers, errors
        self._seen = dict(zip(self._known, answers, strict=False))
        self._kinds: dict[str, Any] = {}
        self._objects: dict[tuple[Any, ...], Object] = {}
        self._calls: dict[int, Any] = {}
        self._steps = 0

    def named(self, name: str) -> Any:
        """What the program has under a name: of a class, instances may have any method."""
        if name in self._errors and not hasattr(builtins, name):
            return self._kinds.setdefault(name, type(name, (Exception,), {}))
        kind = name.rpartition(".")[2]
        return self.ask("@name", (name,), {}, free=kind[:1].isupper())

    def ask(self, name: str, given: Any, named: Any, *, free: bool) -> Any:
        """The answer to a call, or a guess."""
        call = (name, tuple(map(self._sent, given)), {k: self._sent(v) for k, v in named.items()})
        number, key = len(self.made), _key(call)
        self.made.append(call)
        if not self.guessing and number < len(self._known) and self._known[number] == key:
            if number >= len(self._answers):
                raise self.over(Ended(f"call {number}"))
            return self._told(number, self._answers[number], (given, named), free=free)
        self.guessing = True
        self.step(_STEPS // _AHEAD)
        if key in self._seen:
            return self._told(number, self._seen[key], (given, named), free=free)
        return Guess(self, (number,), free=free)

    def step(self, weight: int = 1) -> None:
        """Count one step that rests on a guess."""
        self._steps += weight
        if self._steps > _STEPS:
            raise self.over(Stuck())

    def over(self, why: BaseException) -> BaseException:
        """Keep why the tests cannot go on: they may swallow what is raised in them."""
        self.why = self.why or why
        return why

    def _sent(self, value: Any) -> Any:
        """An argument by value."""
        if isinstance(value, Object):
            return value._place()
        if type(value) in _PLAIN:
            return value
        if type(value) is Flow:
            return self._sent(value.rest())
        if type(value) in (list, tuple, set, frozenset):
            return type(value)(self._sent(one) for one in value)
        if type(value) is dict:
            return {self._sent(key): self._sent(one) for key, one in value.items()}
        if type(value).__module__ == "numpy" and type(value).__name__ == "ndarray":
            return {ARRAY: [value.dtype.str, self._sent(value.tolist())]}
        if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
            return self._sent(value.item())
        raise self.over(Unreadable(f"an argument is a {type(value).__name__}"))

    def _told(self, number: int, answer: Any, call: Any, *, free: bool) -> Any:
        kind, changed, value, last = answer
        self._calls[number] = call
        for place, *after in changed:
            for old, new in zip(self._calls[place], after, strict=True):
                _change(_row(old), _row(new))
        if kind == "raised":
            raise self._error(value, last)
        if last is not None:
            return call[0][last]
        if type(value) is dict and value.keys() == {OBJECT}:
            return self._objects[tuple(value[OBJECT])]

        def at(kind: str, *path: Any) -> Object:
            place = (number, *path)
            made = _KINDS.get(kind, Object)(self, place, free=free)
            return self._objects.setdefault(place, made)

        return _opened(value, at)

    def _error(self, names: list[str], said: str) -> BaseException:
        """What the program raised, as the nearest kind that is known here."""
        ours = [self._kinds[name] for name in names if name in self._kinds]
        known = [getattr(builtins, name, None) for name in names if self._loud(name)]
        bases = [one for one in known if isinstance(one, type) and issubclass(one, BaseException)]
        for base in [one for one in bases if one is not BaseException]:
            kind: type[BaseException] = type(names[0], (*ours, base), {}) if ours else base
            try:
                return kind(said)
            except TypeError:
                # Some take more than a text: then the next that it derives from.
                continue
        return RuntimeError(said)

    def _loud(self, name: str) -> bool:
        return name not in _QUIET or name in self._errors or self.made[-1][0] == "@next"


def _row(arguments: Any) -> tuple[Any, ...]:
    return tuple(arguments.values() if isinstance(arguments, dict) else arguments)


def _key(value: Any) -> Any:
    """Something that is equal only for the same data of the same types, or the same object."""
    if type(value) is int:
        # In decimals, large ones are refused.
        return hex(value)
    if isinstance(value, Object) or type(value).__name__ == "Other":
        return "object"
    if type(value) in (set, frozenset):
        return repr((type(value).__name__, sorted(map(_key, value))))
    if type(value) in (list, tuple):
        return repr((type(value).__name__, [_key(one) for one in value]))
    if type(value) is dict:
        return repr(("dict", [(_key(key), _key(one)) for key, one in value.items()]))
    return repr(value)


def _change(old: Any, new: Any) -> None:
    """Make mutable data what the program made of it; lists within lists stay the lists they are."""
    if type(old) is not type(new):
        return
    if type(old) is tuple:
        for one, other in zip(old, new, strict=False):
            _change(one, other)
    elif type(old) is list and len(old) == len(new):
        for place, (one, other) in enumerate(zip(old, new, strict=True)):
            _change(one, other)
            if _key(one) != _key(other):
                old[place] = other
    elif type(old) is list:
        old[:] = new
    elif type(old) in (dict, set):
        old.clear()
        old.update(new)


def _opened(value: Any, at: Callable[..., Any], *path: Any) -> Any:
    """Plain data, with objects in it named by where they are."""
    kind = type(value).__name__
    if kind == "Other":
        return at(value.kind, *path)
    if kind == "Stream":
        return Flow(value.items)
    if type(value) is dict and value.keys() == {ARRAY}:
        kind, held = value[ARRAY]
        return importlib.import_module("numpy").array(held, dtype=kind)
    if type(value) in (list, tuple):
        return type(value)(_opened(one, at, *path, place) for place, one in enumerate(value))
    if type(value) is dict:
        return {key: _opened(one, at, *path, key) for key, one in value.items()}
    return value
