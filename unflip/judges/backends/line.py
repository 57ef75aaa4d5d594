"""What endpoints to one host share in a process: connections, threads, and limits a minute."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import NamedTuple

from unflip.judges.asking import Answer, Request
from unflip.judges.backends import wire
from unflip.judges.backends.crew import Crew
from unflip.judges.backends.errand import Errand
from unflip.judges.backends.pace import Again, Meter
from unflip.judges.backends.transport import Transport

_LIST_SECONDS = 10.0


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

        self._errands.add(errand)
        errand.then(lambda: self._errands.discard(errand))
        for _ in range(min(self._parallel, errand.size)):
            self._crew.put(work)

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
