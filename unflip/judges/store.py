"""Replies that were given before, in a SQLite file that threads and processes may share."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, cast

from unflip.errors import DataError
from unflip.judges.asking import (
    Answer,
    Backend,
    Finish,
    Reply,
    Request,
    Scorer,
    Unanswered,
    Usage,
)
from unflip.judges.backends import errand, rows
from unflip.judges.backends.errand import Errand, Gate, Told
from unflip.judges.backends.wrapping import Wrapping
from unflip.judges.flights import Flights
from unflip.sqlite import Database
from unflip.types import digest

_REPLIES = """
CREATE TABLE IF NOT EXISTS replies_1 (
    by TEXT, key TEXT, reply TEXT NOT NULL, read INTEGER, written INTEGER, requests INTEGER,
    PRIMARY KEY (by, key)
) WITHOUT ROWID
"""
_WEIGHTS = """
CREATE TABLE IF NOT EXISTS weights_1 (
    by TEXT, key TEXT, weights TEXT NOT NULL, PRIMARY KEY (by, key)
) WITHOUT ROWID
"""
_AT_ONCE = 500
"""Keys in one question to the file."""


class Store:
    """Replies by who gave them and to what; one for each file and process, see `store`.

    Args:
        path: The file; it is made if it does not exist.

    Raises:
        DataError: The file is no store of this version, or cannot be written.
    """

    def __init__(self, path: str) -> None:
        self._base = Database(path, "a store of replies", _REPLIES, _WEIGHTS)
        self._flights = Flights()

    def get(self, by: str, keys: Sequence[str]) -> dict[str, Reply]:
        """The replies that are known, by the request's key."""
        found: dict[str, Reply] = {}
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(part))
            question = f"SELECT key, reply FROM replies_1 WHERE by = ? AND key IN ({marks})"  # noqa: S608
            for key, text in self._base.execute(question, by, *part):
                if (reply := _reply(text)) is not None:
                    found[key] = reply
        return found

    def put(self, by: str, key: str, reply: Reply) -> None:
        """Keep a reply, unless the server broke it off; the first one to a request stays."""
        if any(said.finish is Finish.OTHER for said in reply.said):
            return
        took = reply.usage
        text = json.dumps(rows.to_row(reply))
        values = by, key, text, took.read, took.written, took.requests
        self._base.execute("INSERT OR IGNORE INTO replies_1 VALUES (?, ?, ?, ?, ?, ?)", *values)

    def meanwhile(self, by: str, key: str) -> Reply | None:
        """The reply that another call gets at this moment, waited for; None if there is none.

        Then the caller asks, and others wait until it has told `landed`.
        """
        if self._flights.board((by, key)):
            return None
        return self.get(by, [key]).get(key)

    def landed(self, by: str, key: str, answer: Answer) -> None:
        """Let those go on who wait for an answer."""
        self._flights.land((by, key), answered=isinstance(answer, Reply))

    def weights(self, by: str, key: str) -> tuple[float, ...] | None:
        """The weights that are known of some endings after a request."""
        found = self._base.execute(
            "SELECT weights FROM weights_1 WHERE by = ? AND key = ?", by, key
        )
        return tuple(map(float, json.loads(found[0][0]))) if found else None

    def put_weights(self, by: str, key: str, weights: Sequence[float]) -> None:
        """Keep the weights of some endings after a request."""
        values = by, key, json.dumps(weights)
        self._base.execute("INSERT OR IGNORE INTO weights_1 VALUES (?, ?, ?)", *values)

    def spent(self, by: str) -> tuple[int, Usage]:
        """How many replies by somebody are kept, and what they took when they were given."""
        question = """
            SELECT count(*), coalesce(sum(read), 0), coalesce(sum(written), 0),
                   coalesce(sum(requests), 0) FROM replies_1 WHERE by = ?
        """
        count, *took = self._base.execute(question, by)[0]
        return count, Usage(*took)

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()


@dataclass(frozen=True)
class Stored(Wrapping):
    """A backend that is asked only what it has not been asked before.

    Each reply is kept as soon as it is there, so an interrupted run loses nothing and pays nothing
    twice. What failed is not kept, and is asked again; so is a reply that the server broke off.
    Equal requests of one call are asked once; so are those of several calls at a time, where an
    endpoint is asked.
    A reply that was recalled has taken nothing: its usage is 0. If the backend weighs endings, so
    does this, and keeps the weights.

    Attributes:
        backend: Who is asked.
        path: The file of replies; it may hold those of many backends, and many may use it.

    Raises:
        DataError: The file does not work; from asking.

    Example:
        >>> import tempfile
        >>> from unflip.judges.backends import Scripted
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     judge = Stored(Scripted(["YES"]), f"{folder}/replies.sqlite")
        ...     [judge.ask([Request(raw="?")])[0].said[0].text for _ in range(3)]
        ['YES', 'YES', 'YES']
    """

    recalls: ClassVar[bool] = True
    """Asked again, it says the same again."""

    backend: Backend
    path: str

    def __new__(cls, backend: Backend | None = None, *_: Any, **__: Any) -> Stored:
        """One that weighs, if the backend does."""
        weighs = cls is Stored and isinstance(backend, Scorer)
        return object.__new__(_StoredScorer if weighs else cls)

    @property
    def spent(self) -> tuple[int, Usage]:
        """How many replies of this backend are kept, and what they took when they were given."""
        return store(self.path).spent(self.by)

    def close(self) -> None:
        """Let go of the file, in this process; asking again opens it again."""
        with _lock:
            kept = _stores.pop(_key(self.path), None)
        if kept:
            kept.close()

    def post(
        self,
        requests: Sequence[Request],
        told: Told,
        deadline: float | None = None,
        gate: Gate | None = None,
    ) -> Errand:
        """Tell what is known, and start on the rest; each reply is kept before it is told."""
        kept, by = store(self.path), self.by
        places: dict[str, list[int]] = {}
        for place, request in enumerate(requests):
            places.setdefault(request.key, []).append(place)
        known = kept.get(by, list(places))
        for key, reply in known.items():
            _tell_all(told, places[key], replace(reply, usage=Usage()))
        asked = [key for key in places if key not in known]
        sent: set[int] = set()

        def tell(number: int, answer: Answer) -> None:
            if isinstance(answer, Reply):
                kept.put(by, asked[number], answer)
            if number in sent:
                kept.landed(by, asked[number], answer)
            first, *others = places[asked[number]]
            told(first, answer)
            _tell_all(told, others, replace(answer, usage=Usage()))

        def may(number: int) -> Answer | None:
            instead = gate(places[asked[number]][0]) if gate else None
            if instead or not getattr(self.backend, "one_by_one", False):
                return instead
            told_meanwhile = kept.meanwhile(by, asked[number])
            if told_meanwhile is None:
                sent.add(number)
                return None
            return replace(told_meanwhile, usage=Usage())

        rest = [requests[places[key][0]] for key in asked]
        return errand.post(self.backend, rest, tell, deadline, may)


class _StoredScorer(Stored):
    """A store before a backend that weighs."""

    def weigh(
        self, requests: Sequence[Request], endings: Sequence[str]
    ) -> list[tuple[float, ...] | Unanswered]:
        """The weights of each ending after each request; only new ones are asked for."""
        kept, by = store(self.path), self.by
        keys = [digest([request.key, endings]) for request in requests]
        found: dict[str, tuple[float, ...] | Unanswered] = {}
        new: dict[str, Request] = {}
        for key, request in zip(keys, requests, strict=True):
            if (weights := kept.weights(by, key)) is not None:
                found[key] = weights
            else:
                new[key] = request
        scorer = cast("Scorer", self.backend)
        for start in range(0, len(new), self.parallel):
            part = dict(islice(new.items(), start, start + self.parallel))
            weighed = scorer.weigh(list(part.values()), endings)
            for key, said in zip(part, weighed, strict=True):
                found[key] = said
                if not isinstance(said, Unanswered):
                    kept.put_weights(by, key, said)
        return [found[key] for key in keys]


_stores: dict[tuple[int, str], Store] = {}
_lock = threading.Lock()


def store(path: str) -> Store:
    """The store in a file, opened when it is first used; each process has a connection of its own.

    Raises:
        DataError: The file is no store of this version, or cannot be written.
    """
    key = _key(path)
    with _lock:
        if key not in _stores:
            _stores[key] = Store(path)
        return _stores[key]


def _key(path: str) -> tuple[int, str]:
    # SQLite's connections do not survive a fork.
    return os.getpid(), str(Path(path).absolute())


def _tell_all(told: Told, places: Sequence[int], answer: Answer) -> None:
    for place in places:
        told(place, answer)


def _reply(text: str) -> Reply | None:
    """A kept reply; None if it was written with words that this version does not know."""
    try:
        answer = rows.from_row(json.loads(text))
    except (ValueError, DataError):
        return None
    return answer if isinstance(answer, Reply) else None
