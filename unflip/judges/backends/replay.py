"""Answers that were recorded, played back offline; and their recording."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from unflip.errors import DataError, UsageError
from unflip.judges.asking import Answer, Backend, Request, Silence, Unanswered, Usage
from unflip.judges.backends import errand, rows
from unflip.judges.backends.errand import Errand, Gate, Told
from unflip.judges.backends.wrapping import Wrapping


@dataclass(frozen=True)
class Replay:
    """A backend that knows some answers by heart, and says so of the others.

    Attributes:
        answers: By the request's key.
        by: Whose answers they are: verdicts are as theirs.
        kind: Of those that were recorded.
        parallel: How many requests are worth having under way at once.

    Example:
        >>> from unflip.judges.asking import Reply, Said
        >>> four = Request(raw="2 + 2 =")
        >>> replay = Replay({four.key: Reply((Said("4"),))}, by="tiny@1")
        >>> replay.ask([four])[0].said[0].text, replay.ask([Request(raw="?")])[0].why
        ('4', <Silence.UNRECORDED: 'unrecorded'>)
    """

    answers: Mapping[str, Answer] = field(repr=False, hash=False)
    by: str
    kind: str = "real"
    parallel: int = 256

    @classmethod
    def read(cls, path: str | os.PathLike[str], by: str | None = None) -> Self:
        """A recording from a file of JSON lines, as `recording` writes it.

        Of several answers to a request the last counts. A line that was torn when the recording
        was interrupted is left out: its request is unrecorded.

        Args:
            path: The file.
            by: Whose answers to play back, if the file has those of several.

        Raises:
            DataError: The file cannot be read, or holds no recording.
            UsageError: The file has the answers of several backends, or none by that one.
        """
        found: dict[str, list[dict[str, Any]]] = {}
        for row in _recorded(Path(path)):
            found.setdefault(row["by"], []).append(row)
        if (by or len(found) == 1) and (chosen := found.get(by or next(iter(found)))):
            answers = {row["key"]: rows.from_row(row["answer"]) for row in chosen}
            return cls(answers, chosen[-1]["by"], chosen[-1]["kind"])
        raise UsageError(f"{path} has the answers of {', '.join(found)}: name one of them with by=")

    def ask(self, requests: Sequence[Request], deadline: float | None = None) -> list[Answer]:
        """What is recorded for each request; recalling it takes nothing."""
        return [self._recall(request.key) for request in requests]

    async def ask_async(
        self, requests: Sequence[Request], deadline: float | None = None
    ) -> list[Answer]:
        """`ask` for asyncio."""
        return self.ask(requests, deadline)

    def _recall(self, key: str) -> Answer:
        if key in self.answers:
            return replace(self.answers[key], usage=Usage())
        return Unanswered(Silence.UNRECORDED, f"no answer by {self.by} is recorded under {key}")


@dataclass(frozen=True)
class Recording(Wrapping):
    """A backend whose answers are written to a file while it gives them; made by `recording`."""

    backend: Backend
    path: str

    def post(
        self,
        requests: Sequence[Request],
        told: Told,
        deadline: float | None = None,
        gate: Gate | None = None,
    ) -> Errand:
        """Start on the requests; each answer is recorded, and then told."""

        def tell(place: int, answer: Answer) -> None:
            self._write(requests[place], answer)
            told(place, answer)

        return errand.post(self.backend, requests, tell, deadline, gate)

    def _write(self, request: Request, answer: Answer) -> None:
        if isinstance(answer, Unanswered) and answer.why is Silence.CANCELLED:
            return
        row = {"key": request.key, "by": self.by, "kind": self.kind}
        text = json.dumps({**row, "request": asdict(request), "answer": rows.to_row(answer)})
        try:
            # One write to a file opened for appending: threads and processes may share it.
            with Path(self.path).open("ab", buffering=0) as file:
                file.write(text.encode() + b"\n")
        except OSError as why:
            raise DataError(f"{self.path} cannot be written: {why.strerror}") from why


def recording(backend: Backend, path: str | os.PathLike[str]) -> Recording:
    """A backend whose answers are also written to a file of JSON lines, for `Replay.read`.

    What is recorded holds the whole of each request, and what failed as well; what was cancelled
    is left out.

    Args:
        backend: Who is asked.
        path: The file; what it holds already stays.

    Raises:
        DataError: The file cannot be written; from `ask`.
    """
    target = Path(path)
    torn = target.exists() and not _ends_a_line(target)
    if torn:
        with target.open("ab") as file:
            file.write(b"\n")
    return Recording(backend, os.fspath(path))


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _recorded(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as why:
        raise DataError(f"{path} cannot be read: {why.strerror}") from why
    found = [row for line in lines if (row := _row(line)) is not None]
    if not found:
        raise DataError(f"{path} holds no recorded answers")
    return found


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    texts = isinstance(row, dict) and all(
        isinstance(row.get(n), str) for n in ("key", "by", "kind")
    )
    return row if texts and "answer" in row else None
