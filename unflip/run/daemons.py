"""Threads that work through what they are given, and keep no process from ending."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any

_Queue = SimpleQueue["tuple[Future[Any], Callable[[], Any]] | None"]


class Daemons:
    """Up to `n` threads; they end with `close`, at garbage collection, or with the process.

    Those of `concurrent.futures` are waited for at exit, so that Ctrl-C would wait for a judge's
    reply, or for a program to reach its limits.

    Args:
        n: How many.
        name: How their names begin.

    Example:
        >>> daemons = Daemons(2, "example")
        >>> daemons.submit(lambda: 6 * 7).result()
        42
        >>> daemons.close()
    """

    def __init__(self, n: int, name: str) -> None:
        self._n, self._name = n, name
        self._started = 0
        self._queue: _Queue = SimpleQueue()
        self._lock = threading.Lock()
        self.close = weakref.finalize(self, _end, self._queue, n, self._lock)

    def submit(self, call: Callable[[], Any]) -> Future[Any]:
        """Have a thread make a call, when one is free.

        Raises:
            RuntimeError: They were closed.
        """
        future: Future[Any] = Future()
        with self._lock:
            if not self.close.alive:
                raise RuntimeError("these threads have ended")
            self._queue.put((future, call))
        if self._started < self._n:
            self._started += 1
            name = f"{self._name}_{self._started}"
            threading.Thread(target=_work, args=(self._queue,), name=name, daemon=True).start()
        return future


def _work(queue: _Queue) -> None:
    while (given := queue.get()) is not None:
        future, call = given
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(call())
            except BaseException as why:
                future.set_exception(why)
        del future, call, given


def _end(queue: _Queue, n: int, lock: threading.Lock) -> None:
    """Cancel what has not begun, and let every thread end after what has."""
    with lock:
        with contextlib.suppress(Empty):
            while (given := queue.get_nowait()) is not None:
                given[0].cancel()
        for _ in range(n):
            queue.put(None)
