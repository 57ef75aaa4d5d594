"""Watches one run from outside: kills it at its limits, and says how it ended by the kernel."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from dataclasses import dataclass
from typing import Any

from unflip.sandbox.family import Family, Process, clock
from unflip.sandbox.limits import Limits

_TICK = 0.02
_SHORTEST = 0.002
_LOOKS = 3
_GAIN = (1 << 31) * len(os.sched_getaffinity(0))
"""So many bytes a second all processors together can take, or not many more."""
_IN_COMMON = 4 << 30
"""So many bytes over its limit a run may seem to hold while what several share counts for each.

To find out what they share takes as long as that is large, and so does their end.
"""
_TELLING_APART = 0.25
"""Seconds of our own processor time for that: twice what so many bytes take."""


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        exit: The exit status of its first process, if that exited.
        signal: The signal that ended that process, if one did.
        killed: The limit for which we killed it: `cpu`, `wall` or `memory`.
        cpu: Seconds of processor time of all its processes.
        wall: Seconds by the clock on the wall.
        memory: Peak of its memory in bytes, of all its processes as far as it was watched.
        short: Whether the machine's memory ran out, and it ended as what the kernel ended might.
    """

    exit: int | None
    signal: int | None
    killed: str | None
    cpu: float
    wall: float
    memory: int
    short: bool = False

    def to_json(self) -> dict[str, Any]:
        """A JSON object of all fields."""
        return dict(vars(self))


def watch(child: int, limits: Limits, family: Family | None, requests: int) -> Ended:
    """Wait for a child, or kill it at a limit; afterwards all that it started is dead too.

    The line to the caller is watched as well: when it is closed, nobody waits for the answer, and
    the child is killed with this process.

    Args:
        child: The first process of the run; the only one, or the first of a pid namespace.
        limits: What it may use.
        family: By which the processes that the child starts are seen; None where they are not.
        requests: The caller's end of the line.
    """
    start = time.monotonic()
    end = os.pidfd_open(child)
    run = _Watch(child, limits, family, start)
    try:
        killed = run.until(end, requests)
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
        cpu=max(usage.ru_utime + usage.ru_stime, run.cpu),
        wall=time.monotonic() - start,
        memory=max(usage.ru_maxrss * 1024, run.memory),
        short=killed is None and run.starved(code),
    )


def _held(family: Family, processes: list[Process], limit: int) -> int:
    """Bytes that processes hold together; more than the limit only if every look finds that.

    One that begins while they are looked at may be seen with its parent's memory for its own.
    """
    until = time.process_time() + _TELLING_APART
    for last in reversed(range(_LOOKS)):
        held = family.memory(processes)
        if limit < held <= limit + _IN_COMMON:
            held = family.exact(processes, limit, until)
        if held <= limit or not last:
            break
        processes = family.look()
    return held


class _Watch:
    """The loop over a run's clocks.

    Attributes:
        cpu: Seconds of processor time that all its processes had used when it last looked.
        memory: The most bytes that it has seen several of them hold.
    """

    def __init__(self, child: int, limits: Limits, family: Family | None, start: float) -> None:
        self._child, self._limits, self._family = child, limits, family
        self._deadline = start + limits.patience
        self._several, self._soon = False, _TICK
        self.cpu, self.memory = 0.0, 0

    def until(self, end: int, requests: int) -> str | None:
        """Wait for the end of the child, and say for what it was killed."""
        poll = select.poll()
        poll.register(end, select.POLLIN)
        poll.register(requests, 0)
        patience = min(_TICK, self._limits.cpu, self._limits.patience)
        while True:
            ready = dict(poll.poll(max(patience, _SHORTEST) * 1000))
            if end in ready:
                return None
            if requests in ready:
                self._kill(end)
                os._exit(0)
            over, patience = self._state()
            if over is not None:
                self._kill(end)
                return over

    def starved(self, code: int) -> bool:
        """Whether the machine's memory ran out, and the child may have ended of that.

        Args:
            code: Its exit status, or the negative of a signal.
        """
        may = code == -signal.SIGKILL or (code != 0 and self._several)
        return may and self._family is not None and self._family.starved()

    def _state(self) -> tuple[str | None, float]:
        """The limit that is exceeded, if one is, and how long none can be."""
        began = time.monotonic()
        over = self._look()
        now = time.monotonic()
        wall = self._deadline - now
        if over is None and wall <= 0:
            over = "wall"
        # A run that takes long to look at is looked at less often.
        return over, min(self._limits.cpu - self.cpu, wall, max(self._soon, now - began))

    def _look(self) -> str | None:
        """Note what the processes use, and say of what it is more than they may."""
        if self._family is None:
            self.cpu = clock(self._child)
            return "cpu" if self.cpu >= self._limits.cpu else None
        processes = self._family.look()
        self._several |= len(processes) > 1
        # What is not seen now, because it ends, was seen before.
        self.cpu = max(self.cpu, self._family.cpu(processes))
        if self.cpu >= self._limits.cpu:
            return "cpu"
        return "memory" if self._takes_too_much(self._family, processes) else None

    def _takes_too_much(self, family: Family, processes: list[Process]) -> bool:
        limit, held = self._limits.memory, family.memory(processes)
        if held > limit:
            held = _held(family, processes, limit)
            self.memory = max(self.memory, held)
        elif self._several:
            self.memory = max(self.memory, family.likely(held, processes))
        if self._several:
            # One process alone has no more addresses than it may have memory.
            self._soon = min(_TICK, max(0, limit - held) / _GAIN)
        return held > limit

    def _kill(self, end: int) -> None:
        signal.pidfd_send_signal(end, signal.SIGKILL)
        # Those that it started, before it may be that nobody comes to look for them.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child, signal.SIGKILL)
