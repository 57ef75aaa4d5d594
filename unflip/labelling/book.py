"""The labels that people gave, one appended row an answer."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

from unflip.appending import append, end_of_last_line, lock, opened, row_in
from unflip.errors import DataError
from unflip.types import Sample

_FIRST_BYTES = b'{"key": '


class Label(NamedTuple):
    """What a person said about a completion.

    Attributes:
        key: `Sample.key`: what was looked at.
        id: The sample's name in its dataset, if it has one.
        correct: Whether the answer is; None if the person could not tell.
        seconds: How long it took, if somebody measured it.
        at: When it was said, as ISO 8601 in UTC.
    """

    key: str
    id: str | None
    correct: bool | None
    seconds: float | None
    at: str


class Book:
    """A file of labels, read into memory and open for one writer.

    An answer is in the file before `put` returns. A later one on the same content replaces the
    earlier; both rows stay. A last row that was torn by an interruption is cut off.

    Args:
        path: The file of rows, `labels.jsonl`; it is made if it does not exist.

    Raises:
        DataError: The file holds something else, which stays as it is, or another process is
            writing it, or it cannot be opened.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "labels.jsonl")
        ...     with Book(path) as book:
        ...         book.put(Sample("so it is 4", "4"), False)
        ...         book.put(Sample("so it is 4", "4"), True)  # on second thoughts
        ...     list(read_labels(path).values())
        [True]
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        with contextlib.ExitStack() as stack:
            self._file = stack.enter_context(opened(self._path, "ab+", 0))
            lock(self._file, self._path)
            with opened(self._path, "rb") as file:
                self._end = end_of_last_line(file)
                self._labels = {label.key: label for label in _labels(file, self._path)}
                _refuse_another_kind_of_file(file, self._path, self._end)
            self._file.truncate(self._end)
            self._close = stack.pop_all().close

    def get(self, key: str) -> Label | None:
        """What was said last about the content with this key."""
        return self._labels.get(key)

    def put(self, sample: Sample, correct: bool | None, seconds: float | None = None) -> None:
        """Keep an answer; None says that the person looked, and could not tell.

        Raises:
            DataError: It cannot be written, as on a full disk; nothing of it is kept.
        """
        at = datetime.now(UTC).isoformat(timespec="seconds")
        label = Label(sample.key, sample.id, correct, seconds, at)
        try:
            append(self._file, self._path, label._asdict())
        except DataError:
            self._file.truncate(self._end)
            raise
        self._end = self._file.tell()
        self._labels[label.key] = label

    def __len__(self) -> int:
        return len(self._labels)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let others write the file."""
        self._close()


def read_labels(path: str | os.PathLike[str]) -> dict[str, bool | None]:
    """What was said last about each key, while others may write; a torn last row is left out.

    Raises:
        DataError: The file cannot be read, or a row is no label; the message has its line.

    Example:
        >>> import tempfile
        >>> row = '{"key": "00", "id": "7", "correct": null, "seconds": 2.5, "at": "2026-01-01"}'
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "labels.jsonl")
        ...     _ = path.write_text(row + chr(10))
        ...     read_labels(path)
        {'00': None}
    """
    with opened(Path(path), "rb") as file:
        return {label.key: label.correct for label in _labels(file, Path(path))}


def _labels(file: BinaryIO, path: Path) -> Iterator[Label]:
    file.seek(0)
    for number, line in enumerate(file, start=1):
        if not line.endswith(b"\n"):
            return
        where = f"{path}, line {number}"
        yield _label(row_in(line, where), where)


def _label(row: dict[str, Any], where: str) -> Label:
    try:
        label = Label(**row)
    except TypeError as why:
        raise DataError(f"{where}: this row is no label: choose another file") from why
    if not (label.correct is None or isinstance(label.correct, bool)):
        raise DataError(f"{where}: correct is true, false or null, not {label.correct!r}")
    return label


def _refuse_another_kind_of_file(file: BinaryIO, path: Path, end: int) -> None:
    """Behind the last whole row, what there is must be the torn start of one: it will be cut."""
    file.seek(end)
    start = file.read(len(_FIRST_BYTES))
    if not _FIRST_BYTES.startswith(start):
        raise DataError(f"{path} is no file of labels: choose another one")
