"""Finds the files of logged rollouts, in the order of their steps, and reads their rows."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from unflip.data.lines import LINE_LIMIT, Item, read_json_lines
from unflip.data.sources import items_of
from unflip.errors import DataError

SUFFIXES = (".parquet", ".jsonl", ".ndjson", ".jsonl.gz")
_PACKED = (b"PAR1", b"\x1f\x8b")
_NUMBER = re.compile(r"\d+")
# Text is stepped over whole, so that a NaN in it stays; nothing here backtracks.
_TEXT_OR_NAN = re.compile(rb'"(?:[^"\\]|\\.?)*+(?:"|\Z)|NaN', re.DOTALL)


def files_of(source: str | Path) -> list[Path]:
    """The files of a source, in the order of the steps that their names tell.

    Args:
        source: A file; `-` for standard input; or a folder of files, such as TRL's
            `completions_00010.parquet` (also the folder above) or verl's `10.jsonl`.

    Raises:
        DataError: There is no such file, or nothing to read in the folder.

    Example:
        >>> [path.name for path in files_of("fixtures/rewards/rollouts.jsonl")]
        ['rollouts.jsonl']
    """
    path = Path(source).expanduser()
    if str(source) == "-" or path.is_file():
        return [path]
    if not path.exists():
        raise DataError(f"{source}: there is no such file or folder")
    for folder in (path, path / "completions"):
        files = [one for one in folder.glob("*") if one.name.endswith(SUFFIXES)]
        if files:
            return sorted(files, key=_in_order)
    raise DataError(f"{source}: there is no file here that ends in {', '.join(SUFFIXES)}")


def step_named(path: Path) -> str | None:
    """The step that a file's name ends with, if it does.

    Example:
        >>> step_named(Path("completions_00010.parquet")), step_named(Path("rollouts.jsonl"))
        ('10', None)
    """
    found = _NUMBER.findall(path.name.partition(".")[0])
    return str(int(found[-1])) if found else None


def rows_of(path: Path) -> Iterator[Item]:
    """The rows of a file, with their numbers; NaN reads as null, since some loggers write it.

    Raises:
        DataError: The file cannot be read as what it is.
        MissingExtra: Parquet without the extra `data`.
    """
    if str(path) == "-":
        yield from read_json_lines(_without_nans(sys.stdin.buffer))
        return
    with path.open("rb") as stream:
        if not stream.peek(4).startswith(_PACKED):
            yield from read_json_lines(_without_nans(stream))
            return
    yield from items_of(path)


def _in_order(path: Path) -> tuple[int, str]:
    return int(step_named(path) or 0), path.name


def _without_nans(stream: BinaryIO) -> BinaryIO:
    return io.BufferedReader(_NullForNaN(stream))


class _NullForNaN(io.RawIOBase):
    """A stream of JSON in which null stands where NaN stood."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            line = self._stream.readline(LINE_LIMIT + 1)
            self._rest = _TEXT_OR_NAN.sub(_null, line) if b"NaN" in line else line
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


def _null(found: re.Match[bytes]) -> bytes:
    return b"null" if found[0] == b"NaN" else found[0]
