"""Decides, once for a source, which column is which field of a sample; asks where it cannot."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from typing import Any

from unflip.data.lines import Row
from unflip.errors import DataError
from unflip.types import look_up

FIELDS = ("prompt", "completion", "reference", "correct", "stratum", "id", "meta")
ALIASES: Mapping[str, tuple[str, ...]] = {
    "prompt": ("question", "input", "problem"),
    "completion": ("response", "output", "generation", "solution_str"),
    "reference": ("solution", "ground_truth", "target", "reward_model.ground_truth"),
    "correct": ("is_correct",),
}
"""Other tools' names for our fields. `answer` and `label` mean different things in different
tools, and are no plain aliases."""
_KNOWN = {*FIELDS, *chain.from_iterable(ALIASES.values()), "answer", "label"}
_SHARED = ("prompt", "reference")
_SHOWN = 30


@dataclass(frozen=True)
class Columns:
    """Where each field of a sample is read from.

    Attributes:
        of: The column of every field; dots lead into nested columns.
        encoded: Fields whose column holds chat messages as JSON text.
        late: Columns that would have been taken for a field, had they occurred in time.
        used: Columns that are not kept in `meta` as well. A prompt or a reference whose column
            only the mapping knows is kept: a reward function may ask for it by that name.
    """

    of: Mapping[str, str]
    encoded: frozenset[str]
    late: Mapping[str, str]
    used: frozenset[str]


def decide(rows: Sequence[Row], mapping: Mapping[str, str] | None = None) -> Columns:
    """The columns of a source, from its first rows and what its owner says about them.

    A field's own name wins over its aliases. `label` is `correct` if its values are 0, 1 or
    booleans, else it may be the reference. `answer` is taken only if no other reading is possible.

    Args:
        rows: The first rows, at least one.
        mapping: Field to column, for what cannot be guessed; it wins over every guess.

    Raises:
        DataError: Columns are missing, ambiguous or misspelt; the message is a question, and the
            `--map` that answers it.

    Example:
        >>> decide([{"question": "1 + 1", "response": "2", "answer": "2"}]).of["reference"]
        'answer'
    """
    guess = _Guess(rows, dict(mapping or {}))
    guess.check_mapping()
    guess.read_label()
    guess.read_answer()
    of = {field: guess.column(field) for field in FIELDS}
    chats = {field for field in ("prompt", "completion") if _holds_encoded_chats(rows, of[field])}
    missing = [field for field in ALIASES if not guess.candidates[field]]
    taken = set(of.values())
    late = {alias: field for field in missing for alias in ALIASES[field] if alias not in taken}
    used = {of[field] for field in FIELDS if field not in _SHARED or of[field] in _KNOWN}
    return Columns(of, frozenset(chats), late, frozenset(used))


def is_chat(value: Any) -> bool:
    """Whether the value is a list of chat messages, each with a role.

    Example:
        >>> is_chat([{"role": "user", "content": "1 + 1?"}])
        True
    """
    return bool(
        isinstance(value, list)
        and value
        and all(isinstance(message, dict) and "role" in message for message in value)
    )


def decoded_chat(text: str) -> Any:
    """The chat messages that the text spells as JSON, else None.

    Example:
        >>> decoded_chat('[{"role": "user", "content": "1 + 1?"}]')
        [{'role': 'user', 'content': '1 + 1?'}]
        >>> decoded_chat("[1, 2]") is None
        True
    """
    if not text.lstrip().startswith("["):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if is_chat(value) else None


def is_truth(value: Any) -> bool:
    """Whether the value is a truth value as data sets write them: a boolean, 0 or 1.

    Example:
        >>> [is_truth(value) for value in (True, 0, 1.0, "yes", 2)]
        [True, True, True, False, False]
    """
    return isinstance(value, (bool, int, float)) and value in (0, 1)


class _Guess:
    """The columns that each field may be read from, narrowed down step by step."""

    def __init__(self, rows: Sequence[Row], mapping: dict[str, str]) -> None:
        self.rows = rows
        self.mapping = mapping
        self.names = list(dict.fromkeys(name for row in rows for name in row))
        self.candidates = {field: self._candidates(field) for field in FIELDS}

    def _candidates(self, field: str) -> list[str]:
        if field in self.mapping:
            return [self.mapping[field]]
        if self._free(field):
            return [field]
        found = [alias for alias in ALIASES.get(field, ()) if self._free(alias)]
        return [name for name in found if self._values(name)] or found[:1]

    def _free(self, column: str) -> bool:
        return self._exists(column) and column not in self.mapping.values()

    def _exists(self, column: str) -> bool:
        return column in self.names or bool(self._values(column))

    def _values(self, column: str) -> list[Any]:
        values = (look_up(row, column) for row in self.rows)
        return [value for value in values if value is not None]

    def _settled(self, field: str) -> bool:
        """Whether the owner said which column it is: by the mapping, or by the field's own name."""
        return field in self.mapping or self.candidates[field] == [field]

    def check_mapping(self) -> None:
        """Every name in the mapping exists, on both sides."""
        for field, column in self.mapping.items():
            said = f"--map {field}={column}"
            if field not in FIELDS:
                near = f"{column}={field}" if column in FIELDS else _nearest(field, FIELDS)
                raise DataError(
                    f"{said}: there is no field {field!r}{_meant(near)}. "
                    f"It is --map FIELD=COLUMN, and the fields are {', '.join(FIELDS)}"
                )
            if not self._exists(column):
                near = _nearest(column, self.names)
                raise DataError(
                    f"{said}: there is no column {column!r}{_meant(near)}. {self._listed()}"
                )

    def read_label(self) -> None:
        """`label` is a truth value in some tools, and the reference in others."""
        if not self._free("label"):
            return
        if all(is_truth(value) for value in self._values("label")):
            self.candidates["correct"] = self.candidates["correct"] or ["label"]
        elif not self._settled("reference"):
            self.candidates["reference"].append("label")

    def read_answer(self) -> None:
        """`answer` is the model's in some tools, and the reference in others."""
        if not self._free("answer"):
            return
        settled = self._settled("reference")
        if self.candidates["completion"]:
            self.candidates["reference"] += [] if settled else ["answer"]
        elif settled:
            self.candidates["completion"] = ["answer"]
        else:
            raise DataError(
                "is column 'answer' the model's completion or the dataset's reference? "
                f"Say {_options(['completion=answer', 'reference=answer'])}"
            )

    def column(self, field: str) -> str:
        """The one column of a field; its own name if there is none so far."""
        found = self.candidates[field]
        if len(found) > 1:
            says = _options([f"{field}={name}" for name in found])
            raise DataError(f"which column is the {field}? Say {says}")
        if not found and field == "completion":
            raise DataError(
                "which column is the completion, the model's text? "
                f"Say --map completion=COLUMN. {self._listed()}"
            )
        # A field's own name is read even where it first occurs after the rows that were looked at.
        return found[0] if found else field

    def _listed(self) -> str:
        more = f" and {len(self.names) - _SHOWN} more" if len(self.names) > _SHOWN else ""
        return f"The columns are {', '.join(self.names[:_SHOWN])}{more}"


def _options(pairs: Sequence[str]) -> str:
    return " or ".join(f"--map {pair}" for pair in pairs)


def _nearest(name: str, names: Sequence[str]) -> str | None:
    return next(iter(get_close_matches(name, names, n=1)), None)


def _meant(name: str | None) -> str:
    return f" (did you mean {name}?)" if name else ""


def _holds_encoded_chats(rows: Sequence[Row], column: str) -> bool:
    values = [value for row in rows if (value := look_up(row, column)) is not None]
    return bool(values) and all(isinstance(one, str) and decoded_chat(one) for one in values)
