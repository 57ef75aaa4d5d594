"""Watches one run from outside: kills it at its limits, and says how it ended by the kernel."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import time
from dataclasses import dataclass
from typing import Any

from unflip.sandbox.limits import Limits

_TICK = 0.05
_SHORTEST = 0.002
_PAGE = resource.getpagesize()
_PROCESS_CLOCK = 2
_SOCKET = 425_984
"""So many bytes can be in one socket, at the most that a kernel allows unless told otherwise."""


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        exit: Its exit status, if it exited.
        signal: The signal that ended it, if one did.
        killed: The limit for which we killed it: `cpu`, `wall` or `memory`.
        cpu: Seconds of processor time.
        wall: Seconds by the clock on the wall.
        memory: Peak of its resident memory in bytes.
    """

    exit: int | None
    signal: int | None
    killed: str | None
    cpu: float
    wall: float
    memory: int

    def to_json(self) -> dict[str, Any]:
        """A JSON object of all fields."""
        return dict(vars(self))


def watch(child: int, limits: Limits, processes: int | None, *, reserves: bool = False) -> Ended:
    """Wait for a child, or kill it at a limit; afterwards all that it started is dead too.

    The caller's input is watched as well: when it is closed, nobody waits for the answer, and
    the child is killed with this process.

    Args:
        child: The first process of the run; the only one, or the first of a pid namespace.
        limits: What it may use.
        processes: A directory of all processes below, by which their memory is summed.
        reserves: Whether a process alone is not held by the limit of its address space.
    """
    start = time.monotonic()
    end = os.pidfd_open(child)
    try:
        few = 1 if reserves else 2
        killed = _Watch(child, limits, processes, start, few).until(end)
    finally:
        os.close(end)
    # Those of its session, where no namespace ends with it; before its number is free again.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return Ended(
        exit=code if code >= 0 else None,
        signal=-code if code < 0 else None,
        killed=killed,
        cpu=usage.ru_utime + usage.ru_stime,
        wall=time.monotonic() - start,
        memory=usage.ru_maxrss * 1024,
    )


class _Watch:
    """The loop over a run's clocks."""

    def __init__(
        self, child: int, limits: Limits, processes: int | None, start: float, few: int
    ) -> None:
        self._child, self._limits, self._processes, self._few = child, limits, processes, few
        self._deadline = start + limits.patience
        self._clock = (~child << 3) | _PROCESS_CLOCK

    def until(self, end: int) -> str | None:
        """Wait for the end of the child, and say for what it was killed."""
        poll = select.poll()
        poll.register(end, select.POLLIN)
        poll.register(0, 0)
        patience = min(_TICK, self._limits.cpu, self._limits.patience)
        while True:
            ready = dict(poll.poll(max(patience, _SHORTEST) * 1000))
            if end in ready:
                return None
            if 0 in ready:
                self._kill(end)
                os._exit(0)
            over, patience = self._state()
            if over is not None:
                self._kill(end)
                return over

    def _state(self) -> tuple[str | None, float]:
        """The limit that is exceeded, if one is, and how long none can be."""
        cpu = self._limits.cpu - self._cpu()
        if cpu <= 0:
            return "cpu", 0
        if self._memory() > self._limits.memory:
            return "memory", 0
        wall = self._deadline - time.monotonic()
        return ("wall", 0) if wall <= 0 else (None, min(cpu, wall, _TICK))

    def _cpu(self) -> float:
        with contextlib.suppress(OSError):
            return time.clock_gettime(self._clock)
        return 0.0

    def _memory(self) -> int:
        """Bytes of all processes beyond what each began with, where they can be seen."""
        if self._processes is None:
            return 0
        # A descriptor has no path.
        names = [name for name in os.listdir(self._processes) if name.isdecimal()]  # noqa: PTH208
        if len(names) <= self._few:
            # One process alone is held by the limit of its address space.
            return 0
        started = self._resident("self")
        others = (self._resident(name) for name in names if int(name) != os.getpid())
        return sum(max(0, size - started) for size in others) + self._sockets() * _SOCKET

    def _resident(self, name: str) -> int:
        with contextlib.suppress(OSError, IndexError, ValueError):
            return int(self._read(f"{name}/statm").split()[1]) * _PAGE
        return 0

    def _sockets(self) -> int:
        """How many sockets there are: what is in them belongs to no process."""
        with contextlib.suppress(OSError, IndexError, ValueError):
            return int(self._read("self/net/sockstat").split()[2])
        return 0

    def _read(self, name: str) -> bytes:
        file = os.open(name, os.O_RDONLY, dir_fd=self._processes)
        try:
            return os.read(file, 200)
        finally:
            os.close(file)

    def _kill(self, end: int) -> None:
        signal.pidfd_send_signal(end, signal.SIGKILL)
        # Those that it started, before it may be that nobody comes to look for them.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child, signal.SIGKILL)
