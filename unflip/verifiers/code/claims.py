"""Checks claims about answers: here, and on plain data only."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, KeysView, Mapping, Sequence
from typing import Any

from unflip.sandbox.codec import Stream, hashable
from unflip.verifiers.code.comparing import Tolerance

Claim = tuple[Any, ...]
"""`("call", n)`, `("value", v)`, `("list" | "tuple", claims)` or `("op", name, claims)`."""
_KINDS: Mapping[str, type] = {one.__name__: one for one in (
    bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset)}  # fmt: skip
_BITS = 100_000
_ITEMS = 2_000_000
_SETS = (set, frozenset, KeysView)


class Unknown(Exception):
    """A claim of a kind that is not checked here: the tests cannot be read."""


def equal(call: int, expected: Any) -> Claim:
    """The claim that a call returns a value, equal as Python finds it, of the same type or not."""
    return ("op", "eq", (("call", call), ("value", expected)))


def same_json(call: int, expected: Any) -> Claim:
    """The claim that a call returns a value that JSON would write in the same way."""
    return ("op", "same_json", (("call", call), ("value", expected)))


def within(claim: Claim, tolerance: Tolerance) -> Claim:
    """A claim of the same JSON as one that lets numbers differ; other claims as they are.

    Example:
        >>> near = within(same_json(0, [0.3]), Tolerance())
        >>> holds(near, [[0.1 + 0.2]]), holds(same_json(0, [0.3]), [[0.1 + 0.2]])
        (True, False)
    """
    match claim:
        case ("op", "same_json", (one, other)):
            bounds = ("value", (tolerance.absolute, tolerance.relative))
            return ("op", "near_json", (one, other, bounds))
        case ("op", "or", (*parts,)):
            return ("op", "or", tuple(within(one, tolerance) for one in parts))
    return claim


def calls_of(claim: Claim) -> set[int]:
    """The numbers of the calls that a claim is about.

    Raises:
        Unknown: It is no claim.
    """
    match claim:
        case ("call", int(number)):
            return {number}
        case ("value", _):
            return set()
        case ("op", str(name), (*parts,)) if name in _OPERATIONS:
            return set().union(*(calls_of(one) for one in parts))
        case ("list" | "tuple", (*parts,)):
            return set().union(*(calls_of(one) for one in parts))
    raise _unknown(claim)


def _unknown(claim: Claim) -> Unknown:
    return Unknown(f"{str(claim)[:100]} is nothing that can be checked")


def holds(claim: Claim, answers: Sequence[Any]) -> bool:
    """Whether a claim is true of the answers; an operation that they do not have makes it false.

    Raises:
        Unknown: It is no claim.

    Example:
        >>> holds(equal(0, [1, 2]), [[1, 2]]), holds(equal(0, [1, 2]), [(1, 2)])
        (True, False)
        >>> holds(("op", "lt", (("op", "abs", (("call", 0),)), ("value", 1e-6))), ["no number"])
        False
    """
    try:
        return bool(_value(claim, answers))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError):
        return False


def _value(claim: Claim, answers: Sequence[Any]) -> Any:
    match claim:
        case ("call", number):
            return answers[number]
        case ("value", value):
            return value
        case ("list", parts):
            return [_value(one, answers) for one in parts]
        case ("tuple", parts):
            return tuple(_value(one, answers) for one in parts)
        case ("op", "and" | "or" as name, parts):
            # As far as Python would look: what comes later may be about no such answer.
            return _either(parts, answers, until=name == "or")
        case ("op", name, parts) if name in _OPERATIONS:
            return _OPERATIONS[name](*[_value(one, answers) for one in parts])
    raise _unknown(claim)


def _either(parts: Sequence[Claim], answers: Sequence[Any], *, until: bool) -> Any:
    value: Any = None
    for one in parts:
        value = _value(one, answers)
        if bool(value) is until:
            break
    return value


def _number(value: Any) -> Any:
    if not isinstance(value, (int, float, complex)):
        raise TypeError("a number was expected")
    if isinstance(value, int) and value.bit_length() > _BITS:
        raise OverflowError("too large to reckon with")
    return value


def _of_numbers(operation: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *given: operation(*map(_number, given))


def _add(left: Any, right: Any) -> Any:
    if type(left) in (str, list, tuple) and type(left) is type(right):
        if len(left) + len(right) > _ITEMS:
            raise OverflowError("too long")
        return left + right
    return _number(left) + _number(right)


def _sub(left: Any, right: Any) -> Any:
    if isinstance(left, _SETS) and isinstance(right, _SETS):
        return left - right
    return _number(left) - _number(right)


def _mul(left: Any, right: Any) -> Any:
    for many, times in ((left, right), (right, left)):
        if type(many) in (str, list, tuple) and isinstance(times, int):
            if len(many) * times > _ITEMS:
                raise OverflowError("too long")
            return many * times
    return _number(left) * _number(right)


def _power(base: Any, exponent: Any) -> Any:
    whole = isinstance(_number(exponent), int) and isinstance(_number(base), int)
    if whole and base.bit_length() * abs(exponent) > _BITS:
        raise OverflowError("too large to reckon with")
    return base**exponent


def _set(items: Any) -> set[Any]:
    given = list(items)
    # Members of the built-in kinds were looked at when they were read.
    return set(items if isinstance(items, (set, frozenset, dict)) else hashable(given))


def _dict(items: Any) -> dict[Any, Any]:
    return dict(items if isinstance(items, dict) else hashable([tuple(one) for one in items], 0))


def _sorted(items: Any, options: Mapping[str, Any] | None = None) -> list[Any]:
    return sorted(items, reverse=bool((options or {}).get("reverse", False)))


def _isclose(left: Any, right: Any, options: Mapping[str, Any] | None = None) -> bool:
    allowed = {name: _number(one) for name, one in (options or {}).items()}
    return math.isclose(_number(left), _number(right), **allowed)


def _is(left: Any, right: Any) -> bool:
    """As `is` finds of None, True and False, the only values of which a test may ask it."""
    return type(left) is type(right) and left == right


def _isinstance(value: Any, *names: str) -> bool:
    return any(isinstance(value, _KINDS[name]) for name in names)


def _same_json(left: Any, right: Any) -> bool:
    return bool(_jsonlike(left) == _jsonlike(right))


def _near_json(left: Any, right: Any, bounds: tuple[float, float]) -> bool:
    return _near(_jsonlike(left), _jsonlike(right), Tolerance(*bounds))


def _near(got: Any, expected: Any, tolerance: Tolerance) -> bool:
    if isinstance(expected, list) and isinstance(got, list):
        pairs = zip(got, expected, strict=False)
        return len(got) == len(expected) and all(_near(a, b, tolerance) for a, b in pairs)
    if isinstance(expected, dict) and isinstance(got, dict):
        same = got.keys() == expected.keys()
        return same and all(_near(got[key], one, tolerance) for key, one in expected.items())
    kinds = {type(got), type(expected)}
    # Two whole numbers are the same or are not.
    if float in kinds and kinds <= {int, float}:
        return tolerance.near(float(_number(got)), float(_number(expected)))
    return bool(got == expected)


def _jsonlike(value: Any) -> Any:
    if isinstance(value, (list, tuple, Stream)):
        return [_jsonlike(one) for one in value]
    if isinstance(value, dict):
        return {_key(name): _jsonlike(one) for name, one in value.items()}
    return value


def _key(name: Any) -> Any:
    return name if isinstance(name, str) else str(name)


def _method(name: str, kinds: tuple[type, ...]) -> Callable[..., Any]:
    def called(value: Any, *given: Any) -> Any:
        if not isinstance(value, kinds):
            raise TypeError(f"it has no {name}")
        return getattr(value, name)(*given)

    return called


_OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le,
    "gt": operator.gt, "ge": operator.ge, "is": _is, "is_not": lambda a, b: not _is(a, b),
    "in": lambda one, many: one in many, "not_in": lambda one, many: one not in many,
    "and": lambda *parts: all(parts), "or": lambda *parts: any(parts), "not": operator.not_,
    "add": _add, "sub": _sub, "mul": _mul,
    "truediv": _of_numbers(operator.truediv), "floordiv": _of_numbers(operator.floordiv),
    "mod": _of_numbers(operator.mod), "pow": _power, "neg": _of_numbers(operator.neg),
    "abs": _of_numbers(abs), "round": lambda value, digits=None: round(_number(value), digits),
    "getitem": operator.getitem, "len": len, "sum": lambda items: sum(map(_number, items)),
    "min": lambda *items: min(*items), "max": lambda *items: max(*items),
    "all": all, "any": any, "bool": bool, "int": int, "float": float, "str": str,
    "list": list, "tuple": tuple, "set": lambda items=(): _set(items),
    "frozenset": lambda items=(): frozenset(_set(items)), "dict": lambda items=(): _dict(items),
    "sorted": _sorted, "isinstance": _isinstance, "same_json": _same_json,
    "near_json": _near_json,
    "math.fabs": _of_numbers(math.fabs), "math.isnan": _of_numbers(math.isnan),
    "math.pow": _of_numbers(math.pow), "math.sqrt": _of_numbers(math.sqrt),
    "math.isclose": _isclose,
    **{f"method.{name}": _method(name, (str,))
       for name in ("lower", "upper", "strip", "split", "splitlines")},
    **{f"method.{name}": _method(name, (dict,)) for name in ("keys", "values", "items")},
}  # fmt: skip
