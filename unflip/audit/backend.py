"""What is behind a verifier: a real model, a tiny one, a stub or none; and it without guards."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from unflip.types import Verifier

LikelyNext = Callable[[Sequence[str], int], Sequence[Sequence[str]]]
RULE = "rule"
_ORDER = ("real", "tiny", "stub")
_DEEPEST = 4
_HELD = ("parts", "judge")
"""What compositions call theirs: whoever wraps one has fields of its own, and passes these on."""


def backend_of(verifier: Verifier) -> str:
    """`real`, `tiny` or `stub` of a judge, the least of them in a composition; else `rule`.

    A judge says it with `kind`, or its `backend` does.

    Example:
        >>> backend_of(print)
        'rule'
    """
    kinds = [kind for kind in _kinds(verifier, _DEEPEST) if kind in _ORDER]
    return max(kinds, key=_ORDER.index) if kinds else RULE


def recalls(verifier: Verifier) -> bool:
    """Whether a judge answers from replies that are kept, so that asking again says nothing new.

    A backend says it with `recalls`.

    Example:
        >>> recalls(print)
        False
    """
    return any(getattr(one, "recalls", False) is True for one in _held(verifier, _DEEPEST))


def likely_next(verifier: Verifier) -> LikelyNext | None:
    """Of a judge with a local model, how it is asked for the likeliest tokens after some texts.

    Example:
        >>> likely_next(print) is None
        True
    """
    asks = (getattr(one, "likely_next", None) for one in _held(verifier, _DEEPEST))
    return next((one for one in asks if callable(one)), None)


def unguarded(verifier: Verifier) -> Verifier | None:
    """The same judge without its guards; None if it has none that can be switched off.

    A verifier says it with a method or attribute `unguarded`, or has a field `guards`.

    Example:
        >>> unguarded(print) is None
        True
    """
    judge: Any = verifier
    if not getattr(judge, "guards", True):
        return None
    bare: Verifier | None = getattr(judge, "unguarded", None)
    if bare is not None:
        return judge.unguarded() if _is_method(bare) else bare
    # A wrapper may pass attributes through that are no fields of its own.
    if "guards" in _fields(judge):
        bare = dataclasses.replace(judge, guards=())
    return bare


def _is_method(found: Any) -> bool:
    return getattr(found, "__self__", None) is not None


def _fields(one: Any) -> tuple[str, ...]:
    if not dataclasses.is_dataclass(one) or isinstance(one, type):
        return ()
    return tuple(field.name for field in dataclasses.fields(one))


def _kinds(one: Any, depth: int) -> Iterator[str]:
    for holder in _held(one, depth):
        kind = getattr(holder, "kind", None)
        if isinstance(kind, str):
            yield kind


def _held(one: Any, depth: int) -> Iterator[Any]:
    """A verifier with its backends, and what it is composed of."""
    yield one
    backend = getattr(one, "backend", None)
    for _ in range(_DEEPEST):
        if backend is None:
            break
        yield backend
        # A wrapped backend may speak for the one inside.
        backend = getattr(backend, "backend", None)
    if depth:
        for name in {*_fields(one), *_HELD}:
            held = getattr(one, name, ())
            for part in held if isinstance(held, (tuple, list)) else (held,):
                if callable(part):
                    yield from _held(part, depth - 1)
