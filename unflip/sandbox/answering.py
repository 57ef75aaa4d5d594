"""Answers a conversation of calls: one that raises does not end it, and objects can be asked on.

It runs beside the foreign code, so nothing that it writes is trusted. What is no plain data stays
here: the other side names it by the number of the call that returned it, and a path into it.
"""

from __future__ import annotations

import builtins
import importlib
import itertools
import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any

from unflip.sandbox import codec

OBJECT = "\0object"
"""The only key of a dict that stands for an object: the number of a call, and a path are in it."""
ARRAY = "\0array"
"""The only key of a dict that stands for an array of numpy's: its type, and what is in it."""
_ITEMS = 100_000
_MUTABLE = (list, dict, set, bytearray)
_MOST = 50
"""So many calls' arguments are watched for what becomes of them later."""
_OURS = 4
_DATA = (str, bytes, int, float, complex, list, tuple, dict, set, frozenset)
_FOREIGN = "solution"
_LAZY = ("builtins", "itertools")
"""Where iterators are from that are told by their place: telling what is in them would take it."""
_OPERATIONS: dict[str, Callable[..., Any]] = {
    "@call": lambda function, *given, **named: function(*given, **named),
    "@plain": lambda value: value,
    "@list": lambda items: list(itertools.islice(items, _ITEMS)),
    "@getattr": getattr, "@setattr": setattr, "@len": len, "@str": str, "@repr": repr,
    "@enter": lambda one: one.__enter__(), "@exit": lambda one, *raised: _left(one, *raised),
    "@bool": bool, "@next": next, "@isinstance": isinstance, "@neg": operator.neg,
    **{f"@{name}": getattr(operator, f"__{name}__")
       for name in ("getitem", "setitem", "delitem", "eq", "ne", "lt", "le", "gt", "ge", "add",
                    "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor")},
}  # fmt: skip


class Conversation:
    """The calls so far, and the objects that they returned.

    Args:
        find: Finds what has a name in the foreign code.
    """

    def __init__(self, find: Callable[[str], Any]) -> None:
        self._find = find
        self._kept: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._watched: list[_Watched] = []

    def answer(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> str:
        """Make the next call, and say as one line what it returned or raised, and what it changed.

        A name is a function's, or one of our operations: `@name`, `@call`, `@getattr` and so on.
        """
        number = len(self._kept)
        self._kept.append(None)
        given = [self._opened(one) for one in arguments]
        options = {key: self._opened(one) for key, one in named.items()}
        watched = _Watched(number, given, options)
        if watched.changeable:
            self._watched.append(watched)
        record = {"id": number} | self._outcome(number, name, given, options)
        if changed := [one.news() for one in self._watched if one.changed()]:
            record["changed"] = changed
        self._watched = [one for one in self._watched[:_MOST] if one.retained]
        return codec.text(record)

    def _outcome(
        self, number: int, name: str, given: list[Any], named: dict[str, Any]
    ) -> dict[str, Any]:
        try:
            value = self._find(given[0]) if name == "@name" else self._called(name)(*given, **named)
            self._kept[number] = value
            if name == "@plain":
                return {"value": codec.parse(codec.text(value))}
            for place, one in enumerate(given):
                if one is value and type(value) in _MUTABLE:
                    return {"same": place}
            shown = self._again(number, value)
            codec.text(shown)
        except BaseException as why:
            return {"raised": [one.__name__ for one in type(why).__mro__], "said": _said(why)}
        return {"value": shown}

    def _again(self, number: int, value: Any) -> Any:
        """A value as it is told: an object that was told before, by its first place."""
        if value is None or type(value) is bool or type(value) in _DATA:
            return _shown(value)
        if is_array(value):
            return _shown(value)
        first = self._numbers.setdefault(id(value), number)
        return _shown(value) if first == number else {OBJECT: [first]}

    def _called(self, name: str) -> Callable[..., Any]:
        return _OPERATIONS[name] if name.startswith("@") else self._find(name)

    def _opened(self, value: Any) -> Any:
        """Plain data, with the objects that it names put in."""
        if type(value) is dict and value.keys() == {OBJECT}:
            number, *path = value[OBJECT]
            found = self._kept[number]
            for key in path:
                found = found[key]
            return found
        if type(value) is dict and value.keys() == {ARRAY}:
            kind, held = value[ARRAY]
            return importlib.import_module("numpy").array(held, dtype=kind)
        if type(value) in (list, tuple):
            return type(value)(self._opened(one) for one in value)
        if type(value) is dict:
            return {key: self._opened(one) for key, one in value.items()}
        return value


class _Watched:
    """A call's arguments, which the program may change, then or later."""

    def __init__(self, number: int, given: list[Any], named: dict[str, Any]) -> None:
        self._call = (number, given, named)
        self._lists = [one for one in (*given, *named.values()) if type(one) in _MUTABLE]
        self._text = codec.text(self._call) if self._lists else ""

    @property
    def changeable(self) -> bool:
        """Whether there is anything in them that can be changed."""
        return bool(self._lists)

    @property
    def retained(self) -> bool:
        """Whether somebody else has kept one: besides us and this loop."""
        return any(sys.getrefcount(one) > _OURS for one in self._lists)

    def changed(self) -> bool:
        """Whether they are not what they were when this was last asked."""
        before, self._text = self._text, codec.text(self._call)
        return before != self._text

    def news(self) -> list[Any]:
        """The call's number, and the arguments as they are now."""
        return list(self._call)


def _left(block: Any, kind: str | None = None, said: str = "") -> bool:
    """Leave a block, with an exception of Python's or without one."""
    if kind is None:
        return bool(block.__exit__(None, None, None))
    error = getattr(builtins, kind, Exception)
    return bool(block.__exit__(error, error(said), None))


class Opaque:
    """Stands for an object that can be asked on, such as a generator that may have no end."""


class Based:
    """Stands for an object of the foreign code's that is also data: `@plain` gives the data."""


def is_array(value: Any) -> bool:
    """Whether it is an array of numpy's that holds numbers, truths or text."""
    kind = type(value)
    return (kind.__module__, kind.__name__) == ("numpy", "ndarray") and value.dtype.kind in "biufcU"


def _shown(value: Any) -> Any:
    """A value as it is told: data by value, the foreign code's own objects by their place."""
    if type(value).__module__ in _LAZY and isinstance(value, Iterator):
        return Opaque()
    if is_array(value):
        return {ARRAY: [value.dtype.str, value.tolist()]}
    if type(value) in (list, tuple):
        return type(value)(_shown(one) for one in value)
    if type(value) is dict:
        return {key: _shown(one) for key, one in value.items()}
    if isinstance(value, _DATA) and type(value).__module__ == _FOREIGN:
        return Based()
    return value


def _said(why: BaseException) -> str:
    try:
        return str(why)[:500]
    except BaseException:
        return ""
