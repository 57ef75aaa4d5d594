"""Reads what a run's calls recorded: strictly, since the program may have written there itself."""

from __future__ import annotations

import contextlib
from typing import Any

from unflip.sandbox.codec import Unreadable, parse

RECORDS_LIMIT = 4 << 20
"""So many bytes of answers are read here; more is over the limit."""

FOREIGN = (b'{"o":', b'{"g":', b'{"x":')
"""How a value stands in a record that is no plain data; quotes within text have a backslash."""
_HEAD, _TAIL = b'{"d":[["id",%d],["value",', b"]]}"


def answers_of(records: bytes, count: int) -> tuple[list[Any], bool]:
    """What the calls returned, as far as it can be read, and whether there is anything else."""
    lines = records.split(b"\n")
    answers: list[Any] = []
    for number, line in enumerate(lines[:-1]):
        record = _record(line, number) if number < count else None
        if record is None:
            return answers, True
        if "value" not in record:
            return answers, False
        answers.append(record["value"])
    return answers, bool(lines[-1])


def told_of(records: bytes, count: int) -> tuple[list[Any], bool]:
    """What a conversation's calls came to, in order, and whether there is anything else.

    Example:
        >>> told_of(b'{"d":[["id",0],["value",7]]}' + bytes([10]), 1)
        ([['value', [], 7, None]], False)
    """
    lines = records.split(b"\n")
    answers: list[Any] = []
    for number, line in enumerate(lines[:-1]):
        record = _record(line, number) if number < count else None
        answer = _told(record) if record is not None else None
        if answer is None:
            return answers, True
        answers.append(answer)
    # A run that was killed may have been in the middle of a line.
    return answers, False


def _record(line: bytes, number: int) -> dict[str, Any] | None:
    """The record of a call; None if it is not the driver's, or another call's."""
    head = _HEAD % number
    if line.startswith(head) and line.endswith(_TAIL):
        # As nearly all are: only the value has to be read. Whatever it is not is read in full.
        with contextlib.suppress(Unreadable):
            return {"id": number, "value": parse(line[len(head) : -len(_TAIL)])}
    try:
        record = parse(line)
    except Unreadable:
        return None
    right = isinstance(record, dict) and type(record.get("id")) is int and record["id"] == number
    return record if right else None


def _told(record: dict[str, Any]) -> list[Any] | None:
    """One record of a conversation as an answer; None if it is not in the driver's form."""
    changed = record.get("changed", [])
    if not isinstance(changed, list) or not all(map(_is_change, changed)):
        return None
    if "raised" in record:
        names, said = record["raised"], record.get("said")
        right = isinstance(names, list) and names and all(isinstance(one, str) for one in names)
        return ["raised", changed, names, said] if right and isinstance(said, str) else None
    same = record.get("same")
    right = same is None or type(same) is int
    if not right or ("value" in record) is (same is not None):
        return None
    return ["value", changed, record.get("value"), same]


def _is_change(change: Any) -> bool:
    match change:
        case [int(), list(), dict()]:
            return True
    return False
