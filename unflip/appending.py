"""Files of JSON rows that grow by whole rows: what interrupts a writer tears the last at most."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
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


def thinned(file: BinaryIO, path: Path, unwanted: Callable[[bytes], bool]) -> BinaryIO:
    """The file, or, if it has unwanted rows, another in its place without them.

    The other one is whole before it takes the place, so that nothing is lost whenever this stops.

    Args:
        file: It, open for appending, and locked.
        path: Where it is.
        unwanted: Whether a line is to go.

    Returns:
        A file that is open for appending, and locked. The one that was given stays open and locked:
        whoever waits for it must not write where nobody will read.

    Raises:
        DataError: The other one cannot be written.
    """
    end = end_of_last_line(file)
    if not any(map(unwanted, _lines(file, end))):
        return file
    place = path.resolve()
    beside = place.with_name(f".{place.name}.thinned")
    try:
        with beside.open("wb") as writer:
            writer.writelines(line for line in _lines(file, end) if not unwanted(line))
            writer.flush()
            os.fsync(writer.fileno())
        shutil.copymode(place, beside)
        other = opened(beside, "ab+", 0)
        lock(other, beside)
        beside.replace(place)
    except OSError as why:
        raise DataError(f"{beside} cannot be written: {why.strerror}") from why
    return other


def _lines(file: BinaryIO, end: int) -> Iterator[bytes]:
    """The lines up to there, read through a buffer of their own."""
    with os.fdopen(os.dup(file.fileno()), "rb") as reader:
        reader.seek(0)
        left = end
        while left > 0:
            line = reader.readline()
            left -= len(line)
            yield line
