"""Recorded runs: one row per verdict, appended as it is given, so that a run can be resumed."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from unflip.appending import append, end_of_last_line, lock, opened, row_in, thinned
from unflip.errors import DataError, UsageError
from unflip.run import Cache, Workers, serial, verify_all
from unflip.types import Fault, Sample, Verdict, Verifier, identity

_SERIAL = serial()
_FIRST_BYTES = b'{"id": '
_AT_FAULT = b'"fault": "system"'


class Recorded(NamedTuple):
    """One row of a recorded run.

    Attributes:
        id: The sample's name in its dataset, if it has one.
        key: `Sample.key`: what was judged.
        verdict: How.
    """

    id: str | None
    key: str
    verdict: Verdict


def record_all(
    verifier: Verifier,
    samples: Iterable[Sample],
    path: str | os.PathLike[str],
    *,
    workers: Workers = _SERIAL,
    deadline: float | None = None,
    cache: Cache | None = None,
    keep_abstains: bool = False,
) -> Generator[tuple[Sample, Verdict], None, None]:
    """`verify_all` into a file, going on where an earlier run into the same file stopped.

    A verdict is in the file before it is yielded. However a run ends, the file can be resumed:
    rows are appended whole, and a last one that was torn is cut off. A row answers one sample of
    the same content, whatever its id and place, so nothing that is recorded is verified again;
    memory stays flat as long as the samples come in the order of the file.

    An abstain for which the system was at fault (no connection, a spent budget, a deadline, a dead
    worker) says nothing of its sample, and the next run tries it again: its row gives way to the
    new verdict. All others stay: whatever the reference or the reply was like, it is so again.

    Args:
        verifier: As for `verify_all`.
        samples: All of them, those of the earlier run too.
        path: The file of rows, `verdicts.jsonl`; it is made if it does not exist.
        workers: As for `verify_all`.
        deadline: As for `verify_all`.
        cache: Asked for what the file does not hold.
        keep_abstains: Whether those abstains stay, too; then a second look at a run is sure to
            find what the first has seen.

    Yields:
        Every sample with its verdict, old or new, in the order of the samples.

    Raises:
        DataError: The file holds verdicts by another verifier, or something else, or another run
            is writing it; or it cannot be written, as on a full disk.
        UsageError: As for `verify_all`.

    Example:
        >>> import tempfile
        >>> from unflip.types import Outcome, Reason
        >>> def never(sample):
        ...     return Verdict(Outcome.REJECT, Reason.MISMATCH)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "verdicts.jsonl")
        ...     first = list(record_all(never, [Sample("5", "4")], path))
        ...     again = list(record_all(never, [Sample("5", "4"), Sample("6", "4")], path))
        ...     len(first), len(again), len(path.read_text().splitlines())
        (1, 2, 2)
    """
    record = _Record(Path(path), identity(verifier), cache, keep_abstains=keep_abstains)
    pulled: deque[Sample] = deque()
    verdicts = verify_all(
        verifier, _noting(samples, pulled), workers=workers, deadline=deadline, cache=record
    )
    return _recorded(verdicts, pulled, record)


def row_of(sample: Sample, verdict: Verdict, *, key: str | None = None) -> dict[str, Any]:
    """A sample's row in a recorded run, as a JSON object; `key` spares the hashing if known.

    Example:
        >>> from unflip.types import Outcome, Reason
        >>> row_of(Sample("4", id="7"), Verdict(Outcome.REJECT, Reason.NO_ANSWER))["id"]
        '7'
    """
    return {"id": sample.id, "key": key or sample.key, **verdict.to_json()}


def read_verdicts(path: str | os.PathLike[str]) -> Iterator[Recorded]:
    """The rows of a recorded run, one after the other; a torn last one is left out.

    Raises:
        DataError: The file cannot be read, or a row is no verdict; the message has its line.

    Example:
        >>> import tempfile
        >>> row = '{"id": "7", "key": "00", "outcome": "accept", "reason": "match", "by": "x@1+0"}'
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "verdicts.jsonl")
        ...     _ = path.write_text(row + chr(10))
        ...     list(read_verdicts(path))
        [Recorded(id='7', key='00', verdict=Verdict(accept: match, by='x@1+0'))]
    """
    with opened(Path(path), "rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            where = f"{path}, line {number}"
            row = row_in(line, where)
            yield Recorded(row.get("id"), row["key"], _verdict(row, where))


def _noting(samples: Iterable[Sample], pulled: deque[Sample]) -> Iterator[Sample]:
    for sample in samples:
        pulled.append(sample)
        yield sample


def _recorded(
    verdicts: Generator[Verdict, None, None], pulled: deque[Sample], record: _Record
) -> Generator[tuple[Sample, Verdict], None, None]:
    with record.open(), contextlib.closing(verdicts):
        for verdict in verdicts:
            sample = pulled.popleft()
            record.note(sample, verdict)
            yield sample, verdict


class _Record:
    """The file of a run: a cache that answers from its old rows, and takes new ones."""

    def __init__(self, path: Path, by: str, cache: Cache | None, *, keep_abstains: bool) -> None:
        self._path = path
        self._by = by
        self._cache = cache
        self._keep_abstains = keep_abstains
        self._file: BinaryIO
        self._old: _OldRows
        # One for each sample that was asked for: its key, or None if it has a row already.
        self._unwritten: deque[str | None] = deque()

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        with contextlib.ExitStack() as files:
            found = files.enter_context(opened(self._path, "ab+", 0))
            lock(found, self._path)
            self._file = files.enter_context(self._without_bad_luck(found))
            old = files.enter_context(opened(self._path, "rb"))
            self._old = _OldRows(old, self._path, self._by)
            self._file.truncate(self._old.end)
            yield

    def _without_bad_luck(self, file: BinaryIO) -> BinaryIO:
        if self._keep_abstains:
            return file
        return thinned(file, self._path, lambda line: _by_bad_luck(line, self._by))

    def get(self, sample: Sample, by: str) -> Verdict | None:
        key = sample.key
        verdict = self._old.take(key)
        self._unwritten.append(None if verdict else key)
        if verdict is None and self._cache is not None:
            return self._cache.get(sample, by)
        return verdict

    def put(self, sample: Sample, by: str, verdict: Verdict) -> None:
        if self._cache is not None:
            self._cache.put(sample, by, verdict)

    def note(self, sample: Sample, verdict: Verdict) -> None:
        """Write the verdict on the next sample that was asked for, unless it has a row."""
        key = self._unwritten.popleft()
        if key is None:
            return
        append(self._file, self._path, row_of(sample, verdict, key=key))


class _OldRows:
    """The rows of earlier runs, each given out once to a sample of its content.

    While they are asked for in their own order, they are read alongside; from the first that is
    not, where the rest of them stand is kept in memory.
    """

    def __init__(self, file: BinaryIO, path: Path, by: str) -> None:
        self._file = file
        self._path = path
        self._by = by
        self.end = end_of_last_line(file)
        self._places: dict[str, int] | None = None
        self._earlier: dict[int, int] = {}
        self._rows = self._walk()
        self._next = next(self._rows, None)
        if self._next is None:
            self._refuse_another_kind_of_file()

    def take(self, key: str) -> Verdict | None:
        """The verdict of a row with this key, each row once; None if there is none left."""
        if self._places is None:
            if self._next is None:
                return None
            place, row = self._next
            if row["key"] == key:
                self._next = next(self._rows, None)
                return _verdict(row, self._where(place))
            self._places = self._index()
        if key not in self._places:
            return None
        place = self._places.pop(key)
        if place in self._earlier:
            self._places[key] = self._earlier.pop(place)
        self._file.seek(place)
        return _verdict(row_in(self._file.readline(), self._where(place)), self._where(place))

    def _walk(self) -> Iterator[tuple[int, dict[str, Any]]]:
        place = self._file.seek(0)
        while place < self.end:
            line = self._file.readline()
            row = row_in(line, self._where(place))
            if row.get("by") != self._by:
                raise DataError(
                    f"{self._path} holds verdicts by {row.get('by')}, and this run is by "
                    f"{self._by}: give it a file of its own"
                )
            yield place, row
            place += len(line)

    def _index(self) -> dict[str, int]:
        """Where the rows that are left stand, the last of each key; `_earlier` has the others."""
        places: dict[str, int] = {}
        for place, row in itertools.chain([self._next] if self._next else [], self._rows):
            if row["key"] in places:
                self._earlier[place] = places[row["key"]]
            places[row["key"]] = place
        return places

    def _where(self, place: int) -> str:
        return f"{self._path}, byte {place}"

    def _refuse_another_kind_of_file(self) -> None:
        """Without a whole row, what there is must be the torn start of one: it will be cut off."""
        self._file.seek(0)
        start = self._file.read(len(_FIRST_BYTES))
        if not _FIRST_BYTES.startswith(start):
            raise DataError(f"{self._path} is no file of recorded verdicts: choose another one")


def _by_bad_luck(line: bytes, by: str) -> bool:
    """Whether a line is an abstain of this verifier's for which the system was at fault."""
    if _AT_FAULT not in line:
        return False
    row = row_in(line, f"a row of {by}")
    return row.get("fault") == Fault.SYSTEM and row.get("by") == by


def _verdict(row: dict[str, Any], where: str) -> Verdict:
    try:
        return Verdict.from_json({k: v for k, v in row.items() if k not in ("id", "key")})
    except UsageError as why:
        raise DataError(f"{where}: {why}") from why
