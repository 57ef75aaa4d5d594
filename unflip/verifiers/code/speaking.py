"""Says what language a row wants its program in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from unflip.sandbox.languages import WRITTEN, Language, named
from unflip.types import Sample
from unflip.verifiers.code.claims import Claim
from unflip.verifiers.code.tasks import BadTask, Called

COLUMNS = ("language", "lang", "programming_language")


def language_of(sample: Sample, default: Language) -> Language:
    """The language that a row names, in `meta` or in a reference that is an object.

    Args:
        sample: The row.
        default: What a row is in that names none.

    Raises:
        BadTask: It names one that no program is run in.

    Example:
        >>> from unflip.sandbox.languages import PYTHON
        >>> language_of(Sample("", meta={"language": "C++"}), PYTHON).name
        'cpp'
    """
    for row in (_opened(sample.reference), sample.meta):
        for column in COLUMNS if isinstance(row, Mapping) else ():
            if isinstance(word := row.get(column), str) and word.strip():
                found = named(word)
                if found is None:
                    known = ", ".join(one.name for one in WRITTEN)
                    raise BadTask(f"{column} is {word[:50]!r}; programs are run in {known}")
                return found
    return default


def check_called(task: Called, language: Language) -> None:
    """Refuse calls that a language cannot answer, however right its program is.

    Raises:
        BadTask: Its functions are not called, or a tuple or a frozenset is expected of it.
    """
    if not language.calls:
        raise BadTask(f"functions in {language.name} are not called: give inputs and outputs")
    if any(map(_has_tuple, task.claims)):
        raise BadTask(f"the tests expect a tuple, which {language.name} does not have")


def _has_tuple(claim: Claim) -> bool:
    match claim:
        case ("value", value):
            return _holds_tuple(value)
        case ("tuple", _):
            return True
        case ("list", parts) | ("op", _, parts):
            return any(map(_has_tuple, parts))
    return False


def _holds_tuple(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_tuple, (*value, *value.values())))
    if isinstance(value, (list, set)):
        return any(map(_holds_tuple, value))
    return isinstance(value, (tuple, frozenset))


def _opened(reference: Any) -> Any:
    if not isinstance(reference, str) or reference[:1] != "{":
        return reference
    try:
        return json.loads(reference)
    except (ValueError, RecursionError):
        return None
