"""What stands in the tests for a program's values that are no plain data; runs in the sandbox.

Each knows where it is on the other side, and asks over there. Only the standard library is
imported: this file is sent into a sandbox as it is.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

OBJECT = "\0object"
"""The only key of a dict that stands for an object, when it is an argument."""
ARRAY = "\0array"
"""The only key of a dict that stands for an array of numpy's: its type, and what is in it."""
_YES = frozenset(
    name for kind in (str, set, float) for name in dir(kind) if name.startswith("is")
) | {
    "all", "any", "count", "difference", "endswith", "equals", "find", "index", "intersection",
    "rfind", "rindex", "startswith", "symmetric_difference",
}  # fmt: skip
"""What tests ask of plain data to hear yes: never asked of an object in the place of data."""

_TOLD = ("__name__", "__doc__", "__annotations__")
"""What is asked of an object although its name is Python's own."""


class Unreadable(BaseException):
    """The tests do something that cannot be done at a distance."""


class Ended(BaseException):
    """The program ended during this call."""


class Stuck(BaseException):
    """The tests have gone on guesses for long enough."""


class Unknown(Exception):
    """A guess would be an argument."""


class Flow:
    """What a generator or another iterable gave, to be taken once; equal to nothing."""

    def __init__(self, items: tuple[Any, ...]) -> None:
        self._items, self._left = items, iter(items)

    def rest(self) -> list[Any]:
        """What is left of it, taken."""
        return list(self._left)

    def __iter__(self) -> Iterator[Any]:
        return self._left

    def __next__(self) -> Any:
        return next(self._left)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, key: Any) -> Any:
        return self._items[key]


class Object:
    """Something of the program's that is no plain data: what is asked of it is asked over there.

    The tests' own values are never compared there: it could say yes to all of them.

    Args:
        line: Where to ask.
        path: The call that returned it, and where in what it returned it is; None if nowhere.
        free: Whether it is of a class that the tests name, so that methods may have any name.
    """

    __slots__ = ("_free", "_line", "_path")
    _line: Any
    _path: tuple[Any, ...] | None
    _free: bool

    def __init__(self, line: Any, path: tuple[Any, ...] | None, *, free: bool) -> None:
        for name, value in (("_line", line), ("_path", path), ("_free", free)):
            object.__setattr__(self, name, value)

    def _place(self) -> Any:
        if self._path is None:
            raise Unknown
        return {OBJECT: list(self._path)}

    def _ask(self, name: str, *given: Any, **named: Any) -> Any:
        return self._line.ask(name, (self, *given), named, free=self._free)

    def __getattr__(self, name: str) -> Any:
        special = name.startswith("__") and name not in _TOLD
        if special or (name in _YES and not self._free):
            raise AttributeError(name)
        return self._ask("@getattr", name)

    def _refused(self, what: str) -> BaseException:
        """Of the program's classes the tests ask too much; in the place of data it is a fault."""
        return self._line.over(Unreadable(what)) if self._free else TypeError(what)

    def __mro_entries__(self, _bases: Any) -> Any:
        raise self._refused("a class of the tests derives from the program's")

    def __reduce_ex__(self, _protocol: Any) -> Any:
        raise self._refused("an object of the program's is copied")

    def __enter__(self) -> Any:
        return self._ask("@enter")

    def __exit__(self, kind: Any, value: Any, _trace: Any) -> bool:
        if kind is None:
            return self._ask("@exit") is True
        return self._ask("@exit", kind.__name__, str(value)) is True

    def __setattr__(self, name: str, value: Any) -> None:
        self._ask("@setattr", name, value)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._ask("@setitem", key, value)

    def __delitem__(self, key: Any) -> None:
        self._ask("@delitem", key)

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Call it over there."""
        return self._ask("@call", *given, **named)

    def __getitem__(self, key: Any) -> Any:
        return self._ask("@getitem", key)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._ask("@list"))

    def __next__(self) -> Any:
        return self._ask("@next")

    def __contains__(self, item: Any) -> bool:
        return any(one == item for one in self)

    def __len__(self) -> int:
        return operator.index(self._ask("@len"))

    def __str__(self) -> str:
        return _text(self._ask("@str"))

    def __repr__(self) -> str:
        return _text(self._ask("@repr"))

    def __bool__(self) -> bool:
        return self._ask("@bool") is True

    def __hash__(self) -> int:
        return hash(self._path)

    def __neg__(self) -> Any:
        return self._ask("@neg")

    def __instancecheck__(self, one: Any) -> bool:
        return isinstance(one, Object) and self._with("isinstance", one) is True

    def _with(self, name: str, other: Any, *, turned: bool = False) -> Any:
        """Only two objects of the program are compared, or reckoned with, over there."""
        if isinstance(other, Object) and not turned:
            first, second = (other, self) if name == "isinstance" else (self, other)
            return first._ask(f"@{name}", second)
        return NotImplemented


class Based(Object):
    """An object of the program's that is also plain data, as a named tuple is: compared as data."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name in _YES and not self._free:
            return getattr(self._ask("@plain"), name)
        return super().__getattr__(name)

    def __hash__(self) -> int:
        return hash(self._ask("@plain"))

    def _with(self, name: str, other: Any, *, turned: bool = False) -> Any:
        if isinstance(other, Object):
            return super()._with(name, other, turned=turned)
        plain = self._ask("@plain")
        if isinstance(plain, Object):
            return NotImplemented
        first, second = (other, plain) if turned else (plain, other)
        return getattr(operator, f"__{name}__")(first, second)


class Guess(Object):
    """An answer that is not known yet: it bears whatever the tests do, and agrees to all of it."""

    __slots__ = ()

    def _part(self) -> Guess:
        self._line.step()
        return Guess(self._line, None, free=False)

    def __deepcopy__(self, _memo: Any) -> Any:
        if self._free:
            raise self._refused("an object of the program's is copied")
        return self._part()

    def __copy__(self) -> Any:
        return self.__deepcopy__(None)

    def _ask(self, name: str, *given: Any, **named: Any) -> Any:
        self._line.step()
        return self._part() if self._path is None else super()._ask(name, *given, **named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._part() if name in _YES and not self._free else self._ask("@getattr", name)

    def __getitem__(self, key: Any) -> Any:
        return self._part()

    def __iter__(self) -> Iterator[Any]:
        return iter([self._part()])

    def __contains__(self, item: Any) -> bool:
        return self.__bool__()

    def __len__(self) -> int:
        self._line.step()
        return 1

    def __bool__(self) -> bool:
        self._line.step()
        # Now and then no, so that loops come to an end.
        self._line.guesses += 1
        return bool(self._line.guesses % 50)

    def __str__(self) -> str:
        return "guess"

    __repr__ = __str__

    def __int__(self) -> int:
        self._line.step()
        return 1

    __index__ = __int__

    def __float__(self) -> float:
        return float(self.__int__())

    def _with(self, name: str, other: Any, *, turned: bool = False) -> Any:
        return self.__bool__() if name in _TRUTHS else self._part()


_TRUTHS = ("eq", "ne", "lt", "le", "gt", "ge", "isinstance")
_RECKONING = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor")


def _paired(name: str, *, turned: bool) -> None:
    def method(self: Object, other: Any) -> Any:
        return self._with(name, other, turned=turned)

    setattr(Object, f"__{'r' if turned else ''}{name}__", method)


for _name in (*_TRUTHS[:-1], *_RECKONING):
    _paired(_name, turned=False)
for _name in _RECKONING:
    _paired(_name, turned=True)


def _text(said: Any) -> str:
    if isinstance(said, str):
        return said
    raise TypeError("no text came back")
