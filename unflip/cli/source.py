"""The rows that a verb works on, and where it runs: the arguments that most verbs share."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from unflip.cli.verb import options, say
from unflip.errors import UsageError

if TYPE_CHECKING:
    from unflip.data import Rows

DEADLINE = 30.0
_SHOWN = 5
_BLOCK = 1 << 20

reading = options(
    click.option(
        "--map",
        "mapping",
        multiple=True,
        metavar="FIELD=COLUMN",
        help="Where a field is read from, if its column has a name of its own.",
    ),
    click.option("--split", help="Which split of a Hugging Face dataset."),
    click.option("--config", help="Which configuration of a Hugging Face dataset."),
)
data = options(click.argument("data"), reading)
running = options(
    click.option(
        "--workers",
        type=click.IntRange(0),
        metavar="N",
        help="How many processes; one a core by default, 0 runs in this one. Judges need none.",
    ),
    click.option(
        "--deadline",
        type=click.FloatRange(0, min_open=True),
        metavar="SECONDS",
        help=f"For each row, {DEADLINE:g} by default; then it abstains.",
    ),
    click.option(
        "--keep-abstains",
        is_flag=True,
        help="Ask again of no recorded row; by default of those lost to an outage, a spent budget, "
        "a deadline or a crash.",
    ),
)


class Source:
    """DATA, once or as often as it is needed.

    Args:
        data: A path, `-`, or a dataset's name.
        mapping: What `--map` said.
        split: What `--split` said.
        config: What `--config` said.
    """

    def __init__(
        self, data: str, mapping: Iterable[str] = (), *, split: str | None, config: str | None
    ) -> None:
        # Absolute, since a verifier may change the folder before the rows are read again.
        self._data = str(Path(data).absolute()) if Path(data).exists() else data
        self._how: dict[str, Any] = {
            "mapping": dict(map(_pair, mapping)),
            "split": split,
            "config": config,
        }
        self._rows: Rows | None = None
        self._copy: IO[bytes] | None = None

    @property
    def name(self) -> str:
        """What a run on this data is called."""
        return "stdin" if self._data == "-" else Path(self._data).name.partition(".")[0]

    @property
    def streams(self) -> bool:
        """Whether rows come as somebody writes them, so that reading all of them has to wait."""
        return self._data == "-"

    @property
    def total(self) -> int | None:
        """How many rows there are, for a progress bar, where that is quickly told."""
        path = Path(self._copy.name if self._copy else self._data)
        if path.suffix not in (".jsonl", ".ndjson") or not path.is_file():
            return None
        with path.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))

    def once(self) -> Rows:
        """The rows as they come; standard input is not waited for."""
        return self._read(self._data)

    def again(self) -> Rows:
        """The rows from the start, however often; standard input is copied to a file for that."""
        if self._data == "-" and self._copy is None:
            self._copy = tempfile.NamedTemporaryFile(suffix=".jsonl")  # noqa: SIM115 (kept open)
            shutil.copyfileobj(sys.stdin.buffer, self._copy)
            self._copy.flush()
        return self._read(self._copy.name if self._copy else self._data)

    def complain(self) -> None:
        """Say which rows could not be read, and what else was odd."""
        if self._rows is not None:
            complain(self._rows)

    def _read(self, path: str) -> Rows:
        from unflip.data import read

        self._rows = read(path, **self._how)
        return self._rows


def complain(rows: Rows) -> None:
    """Say which of the rows could not be read, and what else was odd."""
    for bad in rows.bad[:_SHOWN]:
        say(f"not read: {bad}")
    if rows.bad_count > _SHOWN:
        say(f"not read: {rows.bad_count} rows in all")
    for note in rows.notes:
        say(f"note: {note}")


def where(workers: int | None, deadline: float | None) -> dict[str, Any]:
    """The keyword arguments `workers` and `deadline` of the runner."""
    from unflip.run import processes, serial, suited

    if workers == 0:
        return {"workers": serial(), "deadline": deadline}
    if workers is deadline is None:
        return {"workers": suited(), "deadline": DEADLINE}
    return {"workers": processes(workers), "deadline": deadline or DEADLINE}


def _pair(given: str) -> tuple[str, str]:
    name, equals, column = given.partition("=")
    if not equals:
        raise UsageError(f"--map takes FIELD=COLUMN, such as completion=answer, not {given!r}")
    return name, column
