"""Threads that wait for replies: as many as there is work for, up to a number."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

_IDLE_SECONDS = 10.0

Job = Callable[[], None]


class Crew:
    """Up to `size` threads that do jobs in the order of their coming.

    They are daemons: a program that ends does not wait for a server that hangs.

    Args:
        size: How many jobs are done at once, at most.

    Example:
        >>> crew, done = Crew(2), threading.Event()
        >>> crew.put(done.set)
        >>> done.wait(10)
        True
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._lock = threading.Lock()
        self._alive = 0
        self._idle = 0

    @property
    def waiting(self) -> bool:
        """Whether a job waits for a thread."""
        return not self._jobs.empty()

    def put(self, job: Job) -> None:
        """Have a job done; it must not raise."""
        with self._lock:
            self._jobs.put(job)
            if self._idle:
                self._idle -= 1
            elif self._alive < self._size:
                self._alive += 1
                threading.Thread(target=self._work, name="unflip-judge", daemon=True).start()

    def _work(self) -> None:
        while job := self._next():
            job()

    def _next(self) -> Job | None:
        """A job, waited for a while; None if none comes, and then this thread no longer counts."""
        with self._lock:
            if job := self._at_once():
                return job
            self._idle += 1
        try:
            return self._jobs.get(timeout=_IDLE_SECONDS)
        except Empty:
            return self._last_look()

    def _last_look(self) -> Job | None:
        with self._lock:
            job = self._at_once()
            if job is None:
                self._idle = max(0, self._idle - 1)
                self._alive -= 1
            return job

    def _at_once(self) -> Job | None:
        try:
            return self._jobs.get_nowait()
        except Empty:
            return None
