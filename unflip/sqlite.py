"""Opens a SQLite file that many threads and processes may read and write at once."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from typing import Any

from unflip.errors import DataError

_PATIENCE_SECONDS = 60.0


class Database:
    """A connection to a file that others may use as well; made ready with its tables.

    Any thread may use it, one at a time. A forked process needs a connection of its own.

    Args:
        path: The file; it is made if it does not exist.
        purpose: What the file is, for messages: "a cache of verdicts".
        *tables: Statements that make the tables, where they are missing.

    Raises:
        DataError: The file does not work as that; also from `execute`.

    Example:
        >>> base = Database(":memory:", "a list", "CREATE TABLE words (word TEXT)")
        >>> base.execute("INSERT INTO words VALUES (?)", "yes")
        []
        >>> base.execute("SELECT word FROM words")
        [('yes',)]
    """

    def __init__(self, path: str, purpose: str, *tables: str) -> None:
        self._path = path
        self._purpose = purpose
        self._lock = threading.Lock()
        self._base = self._connect(tables)

    def execute(self, statement: str, *values: str | int) -> list[Any]:
        """The rows that a statement gives; what it writes is kept at once."""
        with self._lock, self._explained():
            return self._base.execute(statement, values).fetchall()

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def _connect(self, tables: tuple[str, ...]) -> sqlite3.Connection:
        with self._explained(), contextlib.ExitStack() as undo:
            base = sqlite3.connect(
                self._path, timeout=_PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
            )
            undo.callback(base.close)
            _use_write_ahead_log(base)
            # A crash of the machine may lose what came last; one of the program loses nothing.
            base.execute("PRAGMA synchronous = NORMAL")
            for table in tables:
                base.execute(table)
            undo.pop_all()
        return base

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as why:
            raise DataError(f"{self._path} does not work as {self._purpose}: {why}") from why


def _use_write_ahead_log(base: sqlite3.Connection) -> None:
    """Let readers and a writer go on beside each other; the first to open a file decides."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            base.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as why:
            # SQLite does not wait by itself while another process makes the same switch.
            if why.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return
