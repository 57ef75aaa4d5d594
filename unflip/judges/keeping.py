"""A store of replies for judges that are paid by the reply and have none of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from unflip.judges.store import Stored
from unflip.types import Verifier


def keeping(verifier: Verifier, path: str | Path) -> Verifier:
    """The same verifier, with a store before each backend that costs and has none.

    What a verdict says and who gives it stays as it is. Backends say that they cost with `paid`.

    Args:
        verifier: A judge, what is made of one, or any other, which is left as it is.
        path: The file of the store.

    Example:
        >>> from unflip.judges import Judge, template
        >>> from unflip.judges.backends import Endpoint
        >>> judge = Judge(template("yes-no"), Endpoint("http://localhost:8000/v1", "m"))
        >>> kept = keeping(judge, "replies.sqlite")
        >>> kept.by == judge.by, kept.backend.path
        (True, 'replies.sqlite')
    """
    kept: Verifier = _kept(verifier, str(path))
    return kept


def _kept(one: Any, path: str) -> Any:
    if not is_dataclass(one) or isinstance(one, type):
        return one
    names = [field.name for field in fields(one) if field.name in _HELD]
    held = {name: getattr(one, name) for name in names}
    inner = {name: _HELD[name](value, path) for name, value in held.items()}
    changed = {name: value for name, value in inner.items() if value is not held[name]}
    return replace(one, **changed) if changed else one


def _all_kept(parts: Any, path: str) -> Any:
    inner = tuple(_kept(part, path) for part in parts)
    return parts if all(a is b for a, b in zip(parts, inner, strict=True)) else inner


def _stored(backend: Any, path: str) -> Any:
    """The backend with a store in its inmost place: what is recalled is then counted as free."""
    if getattr(backend, "recalls", False):
        return backend
    if getattr(backend, "paid", False) is True:
        return Stored(backend, path)
    return _kept(backend, path)


_HELD: Mapping[str, Callable[[Any, str], Any]] = {
    "backend": _stored,
    "judge": _kept,
    "parts": _all_kept,
}
"""What verifiers and backends call those that they ask."""
