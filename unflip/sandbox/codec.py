"""Plain data as JSON with its types kept: what arguments and answers travel as, never pickle."""

from __future__ import annotations

import json
import marshal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii
from math import isfinite
from typing import Any

from unflip.sandbox import kinds

DEPTH = 60
"""So deep may data be nested."""
ITEMS = 2_000_000
"""So many values may one piece of data hold."""
_SMALL = 1 << 53
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode
_CONSTANTS = {None: "null", True: "true", False: "false"}
_PLAIN_ATOMS = {int, float, complex, bool, str, bytes, type(None)}
_PLAIN_HOLDERS = {list, tuple, set, frozenset}
_MARSHALLED = b"m"
# Every Python reads this version of marshal's format, and what is in it twice is two when read.
_VERSION = 2
_SAME_HASH = 64


@dataclass(frozen=True)
class Other:
    """Stands for a value that is no plain data; equal to nothing, itself included.

    Attributes:
        kind: The name of its type.
    """

    kind: str

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class Stream:
    """What a generator or another one-way iterable gave; equal to nothing, but can be iterated.

    Attributes:
        items: What it gave, in order.
    """

    items: tuple[Any, ...]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)


class Unreadable(ValueError):
    """This is no data that `dump` wrote, or more of it than is read."""


def dump(value: Any) -> Any:
    """A value as JSON; of a subclass, only what its built-in base holds.

    Raises:
        Unreadable: It is nested too deep, or too large.

    Example:
        >>> dump([1, (2.0, "x"), {3}])
        {'l': [1, {'t': [2.0, 'x']}, {'s': [3]}]}
    """
    return _Dump().value(value, DEPTH)


def text(value: Any) -> str:
    """What `dump` gives, as one line."""
    # Most answers are atoms: these are written without what has to be set up for anything else.
    if value is None or type(value) is bool:
        return _CONSTANTS[value]
    if type(value) is int and -_SMALL < value < _SMALL:
        return int.__repr__(value)
    if type(value) is float and isfinite(value):
        return float.__repr__(value)
    if type(value) is str:
        return encode_basestring_ascii(value)
    return _ENCODE(dump(value))


def record(number: int, kind: str, value: Any) -> str:
    """What `text` gives of `{"id": number, kind: value}`.

    Example:
        >>> record(3, "value", [1]) == text({"id": 3, "value": [1]})
        True
    """
    return f'{{"d":[["id",{number}],["{kind}",{text(value)}]]}}'


class _Dump:
    """Writes one value, and counts."""

    def __init__(self) -> None:
        self._left = ITEMS

    def value(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if depth < 0 or self._left < 0:
            raise Unreadable("too deep or too large")
        if value is None or value is True or value is False:
            return value
        # The base's own methods are called, so what a subclass overrides is never asked.
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, int):
            return _int(int.__pos__(value))
        if isinstance(value, float):
            return float.__pos__(value)
        return self._compound(value, depth - 1)

    def _compound(self, value: Any, depth: int) -> Any:
        if isinstance(value, dict):
            pairs = [[self.value(k, depth), self.value(v, depth)] for k, v in dict.items(value)]
            return {"d": pairs}
        for base, tag in _BASES:
            if isinstance(value, base):
                return {tag: [self.value(one, depth) for one in base.__iter__(value)]}
        if isinstance(value, (bytes, bytearray)):
            return {"b": bytes(value).hex()}
        if isinstance(value, complex):
            return {"c": [complex.__pos__(value).real, complex.__pos__(value).imag]}
        if (parts := kinds.dumped(value)) is not None:
            return {"x": parts}
        if type(value) is Other:
            return {"o": value.kind}
        streams = type(value).__name__ in _STREAMS and type(value).__module__ in _STREAM_HOMES
        if streams or type(value) is Stream:
            return {"g": [self.value(one, depth) for one in value]}
        if type(value).__module__ == "numpy" and hasattr(value, "item") and not value.shape:
            return self.value(value.item(), depth)
        return {"o": str(type(value).__name__)[:200]}


_BASES: tuple[tuple[Any, str], ...] = ((list, "l"), (tuple, "t"), (set, "s"), (frozenset, "z"))
_STREAMS = {
    "generator", "range", "map", "filter", "zip", "enumerate", "reversed", "list_iterator",
    "list_reverseiterator", "dict_keys", "dict_values", "dict_items", "deque", "chain", "islice",
}  # fmt: skip
_STREAM_HOMES = {"builtins", "itertools", "collections"}


def _int(value: int) -> Any:
    return value if -_SMALL < value < _SMALL else {"i": hex(value)}


def parse(data: bytes | str) -> Any:
    """The inverse of `text`.

    Raises:
        Unreadable: It is nothing that `text` wrote.

    Example:
        >>> parse(text({"a": (1, 2)}))
        {'a': (1, 2)}
    """
    try:
        return load(json.loads(data))
    except (ValueError, RecursionError) as why:
        raise Unreadable(f"no data of ours: {type(why).__name__}") from why


def packed(value: Any) -> bytes:
    """Data of ours for a Python that trusts us: read there in one step, where it is plain.

    Nothing that comes from a sandbox is read like this.

    Raises:
        Unreadable: It is nested too deep, or too large.

    Example:
        >>> unpacked(packed([("f", (1, {2: {3}}))]))
        [('f', (1, {2: {3}}))]
    """
    if _plain(value):
        return _MARSHALLED + marshal.dumps(value, _VERSION)
    return text(value).encode()


def unpacked(data: bytes) -> Any:
    """The inverse of `packed`.

    Raises:
        Unreadable: It is nothing that `packed` wrote.
    """
    if data.startswith(_MARSHALLED):
        return marshal.loads(memoryview(data)[1:])  # noqa: S302 - it is ours
    return parse(data)


def _plain(value: Any) -> bool:
    """Whether it is data of the built-in types themselves, neither too deep nor too large."""
    waiting, seen = [(value, DEPTH)], 0
    while waiting:
        one, depth = waiting.pop()
        kind = type(one)
        if kind in _PLAIN_ATOMS:
            continue
        if kind is dict:
            parts = [*one.keys(), *one.values()]
        elif kind in _PLAIN_HOLDERS:
            parts = [*one]
        else:
            return False
        seen += len(parts)
        if depth == 0 or seen > ITEMS:
            return False
        waiting += [(part, depth - 1) for part in parts]
    return True


def load(value: Any) -> Any:
    """The inverse of `dump`.

    Raises:
        Unreadable: It is nothing that `dump` wrote.
    """
    try:
        return _load(value, DEPTH)
    except (TypeError, KeyError, RecursionError, ArithmeticError) as why:
        raise Unreadable(f"no data of ours: {type(why).__name__}") from why
    except ValueError as why:
        raise Unreadable(str(why)) from why


def _load(value: Any, depth: int) -> Any:
    if depth < -1:
        raise Unreadable("too deep")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if not isinstance(value, dict) or len(value) != 1:
        raise Unreadable("a tag was expected")
    ((tag, held),) = value.items()
    if tag == "d":
        return dict(hashable([(_load(k, depth - 1), _load(v, depth - 1)) for k, v in held], 0))
    if tag in _ATOMS:
        return _ATOMS[tag](held)
    items = [_load(one, depth - 1) for one in _listed(held)]
    return _COMPOUND[tag](hashable(items) if tag in "sz" else items)


def hashable(items: list[Any], part: int | None = None) -> list[Any]:
    """The items, unless so many share a hash that a set of them would take forever.

    Args:
        items: What a set, or the keys of a dict, is to be made of.
        part: Which part of each is hashed; None for all of it.

    Raises:
        Unreadable: They do.

    Example:
        >>> hashable([n * (2**61 - 1) for n in range(100)])
        Traceback (most recent call last):
        ...
        unflip.sandbox.codec.Unreadable: too many equal hashes
    """
    hashes = Counter(hash(one if part is None else one[part]) for one in items)
    if hashes and max(hashes.values()) > _SAME_HASH:
        raise Unreadable("too many equal hashes")
    return items


def _listed(held: Any) -> list[Any]:
    if not isinstance(held, list):
        raise Unreadable("a list was expected")
    return held


_COMPOUND: dict[str, Callable[[list[Any]], Any]] = {
    "l": list,
    "t": tuple,
    "s": set,
    "z": frozenset,
    "g": lambda items: Stream(tuple(items)),
}
_ATOMS: dict[str, Callable[[Any], Any]] = {
    "i": lambda digits: int(digits, 16),
    "b": bytes.fromhex,
    "c": lambda parts: complex(*parts),
    "o": lambda name: Other(str(name)),
    "x": kinds.loaded,
}
