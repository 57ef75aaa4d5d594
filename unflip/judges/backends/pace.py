"""When to send: so many units a minute, and how long to persist with what fails."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from unflip.judges.asking import Answer, Silence, Unanswered, Usage

_ONE = Usage(requests=1)
# A generator of its own: the caller's seeded draws go on as if nothing had failed.
_dice = random.Random()
_BURST_SECONDS = 1.0
"""What a second may hold is sent at once; the rest is spread."""
_LONGEST_BACKOFF_SECONDS = 30.0

Clock = Callable[[], float]
Sleep = Callable[[float], bool]
"""Waits so many seconds, and says whether it was told to stop meanwhile."""


class Meter:
    """So many units a minute, for all threads together.

    Args:
        per_minute: How many; None for no limit.
        clock: Seconds that only grow.

    Example:
        >>> meter = Meter(60, clock=lambda: 0.0)
        >>> [meter.book(1) for _ in range(4)]
        [0.0, 0.0, 1.0, 2.0]
    """

    def __init__(self, per_minute: float | None, clock: Clock = time.monotonic) -> None:
        self.limited = per_minute is not None
        self._seconds = 60 / per_minute if per_minute else 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._busy_until = float("-inf")

    def book(self, units: float) -> float:
        """Take some units; the seconds to wait before they may be used."""
        if not self.limited:
            return 0.0
        with self._lock:
            now = self._clock()
            start = max(now, self._busy_until)
            self._busy_until = start + units * self._seconds
        return max(0.0, start - now - _BURST_SECONDS)

    def settle(self, units: float) -> None:
        """Units that were booked and not used, or (below 0) used and not booked."""
        with self._lock:
            self._busy_until -= units * self._seconds


@dataclass(frozen=True, slots=True)
class Again:
    """An attempt that failed in a way that another one may not.

    Attributes:
        why: What to say if it was the last.
        detail: The same for people.
        wait: Seconds that the server asked to wait, if it did.
        usage: What it took.
    """

    why: Silence
    detail: str
    wait: float | None = None
    usage: Usage = _ONE


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on with a request that fails.

    Attributes:
        retries: Attempts after the first.
        backoff: Seconds that the first wait has at most; each further one, twice as many. The
            wait itself is drawn evenly between 0 and that ("full jitter"), so that those who
            failed together do not come back together.
        seconds: The deadline of all attempts and waits together.
    """

    retries: int
    backoff: float
    seconds: float

    def persist(
        self,
        attempt: Callable[[float], Answer | Again],
        sleep: Sleep,
        clock: Clock = time.monotonic,
    ) -> Answer:
        """Try until there is an answer, or no retry or no time is left.

        Args:
            attempt: One attempt; it is given the seconds that are left.
            sleep: Waits; says whether to stop.
            clock: Seconds that only grow.

        Example:
            >>> from unflip.judges.asking import Reply, Said
            >>> attempts = iter([Again(Silence.UNREACHABLE, "500"), Reply((Said("YES"),))])
            >>> patient = Patience(retries=2, backoff=0.0, seconds=60)
            >>> patient.persist(lambda left: next(attempts), lambda seconds: False).said[0].text
            'YES'
        """
        end, spent = clock() + self.seconds, Usage()
        last = Again(Silence.TIMEOUT, "no time was given")
        for tries in range(self.retries + 1):
            left = end - clock()
            if left <= 0:
                return _too_late(last, spent)
            said = attempt(left)
            spent += said.usage
            if not isinstance(said, Again):
                return replace(said, usage=spent) if tries else said
            last, wait = said, self._wait(said, tries)
            if clock() + wait >= end:
                return _too_late(last, spent)
            if tries < self.retries and sleep(wait):
                return Unanswered(Silence.CANCELLED, f"the run was ended: {last.detail}", spent)
        tried = f"{self.retries + 1} attempts, last: " if self.retries else ""
        return Unanswered(last.why, f"{tried}{last.detail}", spent)

    def _wait(self, said: Again, tries: int) -> float:
        if said.wait is not None:
            return said.wait + _dice.uniform(0, self.backoff)
        return _dice.uniform(0, min(_LONGEST_BACKOFF_SECONDS, self.backoff * 2**tries))


def _too_late(said: Again, spent: Usage) -> Unanswered:
    told_to_wait = said.why is Silence.THROTTLED
    why = Silence.THROTTLED if told_to_wait else Silence.TIMEOUT
    return Unanswered(why, f"the deadline does not allow another attempt: {said.detail}", spent)
