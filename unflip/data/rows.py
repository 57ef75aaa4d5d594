"""Turns rows into samples, one at a time, and keeps an account of the rows that are none."""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, TypeGuard

from unflip.data.columns import Columns, decide, decoded_chat, is_chat, is_truth
from unflip.data.lines import BadRow, Item, NoRow, Row
from unflip.data.sources import items_of
from unflip.errors import DataError
from unflip.types import JSON, Message, Sample, look_up

PEEKED = 100
"""Rows that are looked at to decide the columns."""
SHOWN = 100
"""Bad rows that are kept in full; all of them are counted."""
_TRUTHS = {"true": True, "false": False}


def read(
    source: str | Path,
    *,
    mapping: Mapping[str, str] | None = None,
    keep: Collection[str] | None = None,
    split: str | None = None,
    config: str | None = None,
) -> Rows:
    """The samples of a file or a dataset, lazily; a bad row is reported and loses no other.

    A row has a `completion` and, as far as somebody knows them, `prompt`, `reference`, `correct`,
    `stratum`, `id` and `meta`. Other tools' names for them are understood: `docs/data.md` lists
    them. The columns are decided once, from the first rows. Every further column goes to `meta`,
    which is part of `Sample.key`: a verifier may read it, so a change there asks for a new verdict.
    Name the ones that your verifier reads in `keep`, and the others change nothing.

    Args:
        source: A path to JSON Lines (gzipped or not), a JSON array or Parquet; `-` for JSON Lines
            on standard input; a folder that `save_to_disk` wrote; a dataset's name on the hub.
        mapping: Field to column where the names do not say it, such as
            `{"completion": "answer", "stratum": "level"}`; dots lead into nested columns.
        keep: The further columns that go to `meta`; all of them if not given.
        split: Which split of a Hugging Face dataset, if it has several.
        config: Which configuration of a dataset on the hub, if it has several.

    Raises:
        DataError: There is no such source, no row in it can be read, or its columns leave a
            question open; the message asks it, with the `--map` that answers.
        MissingExtra: Parquet or Hugging Face datasets without the extra `data`.

    Example:
        >>> rows = read("fixtures/rewards/rollouts.jsonl")
        >>> next(rows)
        Sample('2 + 2 = 4', '4', correct=True)
        >>> rows.columns["completion"], rows.bad
        ('response', [])
    """
    items = items_of(source, split=split, config=config)
    return Rows(items, source=str(source), mapping=mapping, keep=keep)


class Rows(Iterator[Sample]):
    """The samples of a source, to be read once, and what was wrong with the other rows.

    Attributes:
        columns: Where each field is read from.
        count: Samples so far.
        bad: The first rows that could not be read.
        bad_count: Rows so far that could not be read.
    """

    def __init__(
        self,
        items: Iterator[Item],
        *,
        source: str = "rows",
        mapping: Mapping[str, str] | None = None,
        keep: Collection[str] | None = None,
    ) -> None:
        self.count = 0
        self.bad: list[BadRow] = []
        self.bad_count = 0
        self._source = source
        self._keep = keep
        self._ids = array("q")
        peeked = self._peek(items)
        self._items = chain(peeked, items)
        self._columns = self._decide(peeked, mapping)

    @property
    def columns(self) -> Mapping[str, str]:
        """The column of every field; one that no row has yet is the field's own name."""
        return self._columns.of

    @property
    def notes(self) -> list[str]:
        """What else is worth knowing about the samples so far."""
        import numpy as np

        repeated = len(self._ids) - np.unique(np.asarray(self._ids)).size
        return [f"{repeated} of {self.count} samples repeat an earlier id"] if repeated else []

    def __next__(self) -> Sample:
        for item in self._items:
            found = self._read(item)
            if isinstance(found, Sample):
                self.count += 1
                if found.id is not None:
                    # Eight bytes a row: a hash tells repeated ids well enough to count them.
                    self._ids.append(hash(found.id))
                return found
            self.bad_count += 1
            if len(self.bad) < SHOWN:
                self.bad.append(found)
        if not self.count:
            raise DataError(f"{self._source}: no row can be read; {self.bad[0]}")
        raise StopIteration

    def _read(self, item: Item) -> Sample | BadRow:
        if isinstance(item, BadRow):
            return item
        line, row = item
        try:
            return sample_of(row, self._columns, keep=self._keep)
        except NoRow as why:
            return BadRow(line, str(why))

    def _peek(self, items: Iterator[Item]) -> list[Item]:
        """The rows up to the last one that is looked at; at least one of them is good."""
        peeked: list[Item] = []
        good = 0
        for item in items:
            peeked.append(item)
            good += not isinstance(item, BadRow)
            if good == PEEKED:
                break
        if not good:
            raise DataError(
                f"{self._source}: no row can be read; {peeked[0]}"
                if peeked
                else f"{self._source}: there are no rows"
            )
        return peeked

    def _decide(self, peeked: list[Item], mapping: Mapping[str, str] | None) -> Columns:
        rows = [item[1] for item in peeked if not isinstance(item, BadRow)]
        try:
            return decide(rows, mapping)
        except DataError as why:
            raise DataError(f"{self._source}: {why}") from why


def sample_of(row: Row, columns: Columns, *, keep: Collection[str] | None = None) -> Sample:
    """The sample that a row holds.

    Raises:
        NoRow: It holds none; the message says which column is to blame.

    Example:
        >>> row = {"question": "1 + 1", "response": "2", "answer": 2, "level": "easy"}
        >>> sample_of(row, decide([row])).meta
        {'level': 'easy'}
    """
    for name in columns.late.keys() & row.keys():
        raise NoRow(f"column {name!r} occurs late: say --map {columns.late[name]}={name}")
    of = columns.of
    completion = _said(row, "completion", columns)
    if completion is None:
        raise NoRow(f"there is no completion in column {of['completion']!r}")
    return Sample(
        completion,
        _reference(look_up(row, of["reference"])),
        prompt=_said(row, "prompt", columns) or "",
        correct=_truth(look_up(row, of["correct"]), of["correct"]),
        stratum=_name(look_up(row, of["stratum"]), of["stratum"]),
        id=_name(look_up(row, of["id"]), of["id"]),
        meta=_meta(row, columns, keep),
    )


def _said(row: Row, field: str, columns: Columns) -> str | list[Message] | None:
    """Text or chat messages."""
    column = columns.of[field]
    value = look_up(row, column)
    if field in columns.encoded and isinstance(value, str):
        value = decoded_chat(value)
    elif value is None or isinstance(value, str):
        return value
    if not is_chat(value) or not all(_is_content(one.get("content")) for one in value):
        raise NoRow(f"column {column!r} is neither text nor a list of chat messages")
    return [{k: v for k, v in one.items() if v is not None} for one in value]


def _is_content(content: Any) -> bool:
    if isinstance(content, list):
        return all(isinstance(part, dict) and _is_text(part.get("text")) for part in content)
    return _is_text(content)


def _is_text(value: Any) -> TypeGuard[str | None]:
    return value is None or isinstance(value, str)


def _reference(value: Any) -> JSON:
    return tuple(value) if isinstance(value, list) else value


def _truth(value: Any, column: str) -> bool | None:
    if value is None:
        return None
    if isinstance(value, str) and value.strip().lower() in _TRUTHS:
        return _TRUTHS[value.strip().lower()]
    if not is_truth(value):
        raise NoRow(f"column {column!r} is {value!r:.40}, and not true, false, 0, 1 or null")
    return bool(value)


def _name(value: Any, column: str) -> str | None:
    if _is_text(value):
        return value
    if isinstance(value, (dict, list)):
        raise NoRow(f"column {column!r} is neither text nor a number")
    return json.dumps(value)


def _meta(row: Row, columns: Columns, keep: Collection[str] | None) -> dict[str, JSON]:
    """The row's own `meta`, and the further columns that are kept."""
    rest = (name for name in row if name not in columns.used and (keep is None or name in keep))
    own = look_up(row, columns.of["meta"])
    if own is not None and not isinstance(own, dict):
        raise NoRow(f"column {columns.of['meta']!r} is no JSON object")
    return {**(own or {}), **{name: row[name] for name in rest}}
