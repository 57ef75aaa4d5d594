"""What endpoints to one host share in a process: connections, threads, and limits a minute."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from unflip.judges.asking import Answer, Reply, Request, Silence
from unflip.judges.backends import wire
from unflip.judges.backends.crew import Crew
from unflip.judges.backends.errand import Errand
from unflip.judges.backends.pace import Again, Meter
from unflip.judges.backends.transport import Transport

_LIST_SECONDS = 10.0
_HOPELESS_ROUNDS = 2
_LOST = (Silence.UNREACHABLE, Silence.GARBLED, Silence.TIMEOUT)


class Terms(NamedTuple):
    """Whose endpoints share a line: those that agree in all of this."""

    url: str
    key: str | None
    parallel: int
    requests_per_minute: float | None
    tokens_per_minute: float | None


class Line:
    """Connections, threads and limits of a process to a host; made by `line`."""

    def __init__(self, terms: Terms) -> None:
        self.transport = Transport(terms.url, terms.parallel)
        self.requests = Meter(terms.requests_per_minute)
        self.tokens = Meter(terms.tokens_per_minute)
        self.heard = False
        self._parallel = terms.parallel
        self._crew = Crew(terms.parallel)
        self._errands: set[Errand] = set()
        self._ending = False
        self._lost_in_a_row = 0

    def pull(self, errand: Errand, answer: Callable[[Request], Answer]) -> None:
        """Have an errand's requests answered by as many threads as it is worth."""

        def work() -> None:
            while taken := errand.take():
                place, request = taken
                try:
                    said = answer(request)
                except BaseException as why:
                    errand.fail(why)
                else:
                    errand.tell(place, said)
                if self._crew.waiting:
                    # Others come in between: a long errand keeps no short one waiting.
                    self._crew.put(work)
                    return

        if self._ending:
            errand.cancel()
        self._errands.add(errand)
        errand.then(lambda: self._errands.discard(errand))
        for _ in range(min(self._parallel, errand.size)):
            self._crew.put(work)

    @property
    def hopeless(self) -> bool:
        """Whether so many requests were lost in a row that retries are no use."""
        return self._lost_in_a_row >= _HOPELESS_ROUNDS * self._parallel

    def learn(self, answer: Answer) -> None:
        """How a request went in the end."""
        if isinstance(answer, Reply):
            self._lost_in_a_row = 0
        elif answer.why in _LOST:
            self._lost_in_a_row += 1

    def models(self, headers: Mapping[str, str]) -> tuple[str, ...]:
        """The models that the host lists; empty if it lists none."""
        sent = self.transport.send("GET", "/models", None, headers, _LIST_SECONDS)
        try:
            listed = [] if isinstance(sent, Again) else wire.parse(sent.data)["data"]
            return tuple(str(one["id"]) for one in listed)
        except (wire.Garbled, KeyError, TypeError):
            return ()

    def close(self) -> None:
        """Send nothing more of what is under way."""
        for errand in list(self._errands):
            errand.cancel()

    def end(self) -> list[Errand]:
        """Send nothing ever again, and say what is under way yet."""
        self._ending = True
        self.close()
        return list(self._errands)


_lines: dict[tuple[int, Terms], Line] = {}
_lock = threading.Lock()


def line(terms: Terms) -> Line:
    """The line on these terms, one for each process."""
    # A forked process has none of its parent's threads, and must not write to its sockets.
    key = os.getpid(), terms
    with _lock:
        if key not in _lines:
            _lines[key] = Line(terms)
        return _lines[key]


def settle(seconds: float = 30.0) -> bool:
    """Before a program ends: send nothing more, and wait for replies that are on their way.

    They are paid for, and whoever keeps replies keeps these, too. Who asks again after that gets
    lines anew.

    Args:
        seconds: How long, at most.

    Returns:
        Whether all have come.

    Example:
        >>> settle()
        True
    """
    end = time.monotonic() + seconds
    with _lock:
        mine = [_lines.pop(key) for key in list(_lines) if key[0] == os.getpid()]
    under_way = [errand for one in mine for errand in one.end()]
    return all(errand.settled(end - time.monotonic()) for errand in under_way)
