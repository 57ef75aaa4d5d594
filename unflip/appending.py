"""Files of JSON rows that only ever grow: what interrupts a writer tears the last row at most."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from unflip.errors import DataError

_BLOCK = 1 << 16


def opened(path: Path, mode: str, buffering: int = -1) -> BinaryIO:
    """The file; unbuffered (0) for writing, so that what cannot be written is told at once.

    Raises:
        DataError: It cannot be opened.
    """
    try:
        return cast("BinaryIO", path.open(mode, buffering))
    except OSError as why:
        raise DataError(f"{path} cannot be opened: {why.strerror}") from why


def lock(file: BinaryIO, path: Path) -> None:
    """Keep every other process from writing the file, until it is closed.

    Raises:
        DataError: Another one is writing it already.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as why:
        raise DataError(f"another run is writing {path}: wait for it, or stop it") from why


def append(file: BinaryIO, path: Path, row: Mapping[str, Any]) -> None:
    """Write a row to an unbuffered file that is open for appending.

    Raises:
        DataError: It cannot be written, as on a full disk; a part of it may stand there.
    """
    line = json.dumps(row).encode() + b"\n"
    try:
        while line:
            line = line[file.write(line) :]
    except OSError as why:
        raise DataError(f"{path} cannot be written: {why.strerror}") from why


def row_in(line: bytes, where: str) -> dict[str, Any]:
    """The row of a line, which has a key; `where` is named if it has none.

    Raises:
        DataError: The line is no JSON, or no row.

    Example:
        >>> row_in(b'{"key": "00"}', "labels.jsonl, line 1")
        {'key': '00'}
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as why:
        raise DataError(f"{where}: this row is not JSON: {why}") from why
    if not isinstance(row, dict) or not isinstance(row.get("key"), str):
        raise DataError(f"{where}: this row has no key: {line[:60]!r}")
    return row


def end_of_last_line(file: BinaryIO) -> int:
    r"""Where the last line that has an end has it; behind it there may be a torn one.

    Example:
        >>> import io
        >>> end_of_last_line(io.BytesIO(b'{"key": "00"}\n{"ke'))
        14
    """
    place = file.seek(0, os.SEEK_END)
    while place > 0:
        start = max(0, place - _BLOCK)
        file.seek(start)
        found = file.read(place - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        place = start
    return 0
