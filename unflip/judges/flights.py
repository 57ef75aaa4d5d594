"""Requests that several calls want at the same time: one of them asks, the others wait for it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

_LONGEST_SECONDS = 30.0
"""Who waits for longer asks by itself: to pay twice is better than to hang."""
_REMEMBERED = 4096


class Flights:
    """Who is under way, and who has just landed.

    Example:
        >>> flights = Flights()
        >>> flights.board("a")
        True
        >>> flights.land("a", answered=True)
        >>> flights.board("a")
        False
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, threading.Event] = {}
        self._landed: OrderedDict[Hashable, None] = OrderedDict()

    def board(self, key: Hashable) -> bool:
        """Whether the caller is to ask; if another call is asking, once that is over.

        False says that another call has had an answer meanwhile.
        """
        while (flight := self._other(key)) is not None:
            if not flight.wait(_LONGEST_SECONDS):
                return True
        with self._lock:
            return key not in self._landed

    def land(self, key: Hashable, *, answered: bool) -> None:
        """Whoever asked has an answer, or none; those who wait for it go on."""
        with self._lock:
            flight = self._under_way.pop(key, None)
            if answered:
                self._landed[key] = None
                if len(self._landed) > _REMEMBERED:
                    self._landed.popitem(last=False)
        if flight:
            flight.set()

    def _other(self, key: Hashable) -> threading.Event | None:
        """The flight of another call; None where there is none, and then it is the caller's."""
        with self._lock:
            if key in self._under_way:
                return self._under_way[key]
            if key not in self._landed:
                self._under_way[key] = threading.Event()
            return None
