"""What all processes of a run use together, as the kernel's list of processes shows it."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from unflip.sandbox.kernel import share_memory

_CLOCK = 2
_TICKS = os.sysconf("SC_CLK_TCK")
_KIB = 1024
_SOCKET = 425_984
"""So many bytes can be in one socket, at the most that a kernel allows unless told otherwise."""
_SCRATCH = "root/tmp"
_HELD = re.compile(rb"^(?:RssAnon|VmPTE|VmSwap):\s+(\d+)", re.MULTILINE)
_SHARED_OUT = re.compile(rb"^(?:Pss_Anon|SwapPss):\s+(\d+)", re.MULTILINE)
_TABLES = re.compile(rb"^VmPTE:\s+(\d+)", re.MULTILINE)
_KILLS = re.compile(rb"^oom_kill (\d+)", re.MULTILINE)
_STALE = 1.0


@dataclass(frozen=True, slots=True)
class Process:
    """One process.

    Attributes:
        number: Its id.
        parent: The id of its parent.
        blocked: Whether it is where no signal reaches it, as one is until its `vfork` returns.
        memory: Bytes that it holds and that no file does; some may be another's as well.
        waited: Seconds of processor time of its children whose end it has taken.
        body: Where the list shows its memory.
    """

    number: int
    parent: int
    blocked: bool
    memory: int
    waited: float
    body: str


class Family:
    """The processes below a server, which are those of the run under way.

    Args:
        place: A directory of the kernel's process file system.
        apart: Whether all that it lists is below the server, whose network and whose run's `/tmp`
            are nobody else's either.
    """

    def __init__(self, place: int, *, apart: bool) -> None:
        self.place = place
        self._apart = apart
        self._own = str(os.getpid())
        started = self._process(os.getpid())
        self._begun_with = started.memory if started else 0
        self._kills, self._asked = self._kills_so_far(), time.monotonic()

    def look(self) -> list[Process]:
        """All processes as they are now, parents before children."""
        found = (self._process(number) for number in self._numbers())
        return [one for one in found if one is not None]

    def cpu(self, processes: Iterable[Process]) -> float:
        """Seconds of processor time of all, and of those whose end one of them has taken."""
        return sum(one.waited + clock(one.number) for one in processes)

    def memory(self, processes: Sequence[Process]) -> int:
        """Bytes that they hold at most, in memory, files and sockets.

        What a process and its child have in common is counted for both.
        """
        held = sum(one.memory for one in processes if not _lent(one, processes))
        return held + self._beside(processes)

    def likely(self, memory: int, processes: Sequence[Process]) -> int:
        """What is left of such a number without what every process begins with."""
        return max(0, memory - self._begun_with * (len(processes) - 1))

    def exact(self, processes: Sequence[Process], enough: int, until: float) -> int:
        """Bytes that they hold, each counted once; this takes long, and stops at `enough`.

        From a time of the own process's clock on, what several have counts for each: with many
        mappings, they could take more in the meantime than is ever seen.
        """
        held = self._beside(processes)
        for one in processes:
            if held > enough:
                break
            if not _lent(one, processes):
                held += self._share(one) if time.process_time() < until else one.memory
        return held

    def refresh(self) -> None:
        """Note what the machine's kernel has killed so far, if that was not done just now."""
        now = time.monotonic()
        if now - self._asked > _STALE:
            self._kills, self._asked = self._kills_so_far(), now

    def starved(self) -> bool:
        """Whether the machine's memory ran out since: the kernel has killed for it."""
        before = self._kills
        self._kills, self._asked = self._kills_so_far(), time.monotonic()
        return self._kills > before

    def _numbers(self) -> list[int]:
        if self._apart:
            # A descriptor has no path.
            names = os.listdir(self.place)  # noqa: PTH208
            return sorted(int(one) for one in names if one.isdecimal() and one != self._own)
        return [int(one) for one in self._below()]

    def _below(self) -> list[str]:
        """Children, theirs and so on; without namespaces, no thread but the first starts any."""
        asked = [self._own]
        for one in asked:
            asked += self._read(f"{one}/task/{one}/children").decode().split()
        return asked[1:]

    def _process(self, number: int) -> Process | None:
        """A process, if it is still there."""
        said = self._read(f"{number}/stat").rpartition(b")")[2].split()
        if len(said) < 18:
            return None
        memory, body = max((self._held(one), one) for one in self._bodies(number, said))
        return Process(
            number=number,
            parent=int(said[1]),
            blocked=said[0] == b"D",
            memory=memory,
            waited=(int(said[13]) + int(said[14])) / _TICKS,
            body=body,
        )

    def _bodies(self, number: int, said: Sequence[bytes]) -> list[str]:
        """Where the memory of a process may be: if its first thread has ended, at any other."""
        if said[0] == b"Z" and int(said[17]) > 1:
            with contextlib.suppress(OSError):
                home = os.open(f"{number}/task", os.O_RDONLY, dir_fd=self.place)
                try:
                    threads = os.listdir(home)  # noqa: PTH208
                finally:
                    os.close(home)
                return [f"{number}/task/{one}" for one in threads] or [str(number)]
        return [str(number)]

    def _held(self, body: str) -> int:
        return sum(map(int, _HELD.findall(self._read(f"{body}/status")))) * _KIB

    def _share(self, one: Process) -> int:
        """Bytes of a process's memory, and of what several have in common its part."""
        found = _SHARED_OUT.findall(self._read(f"{one.body}/smaps_rollup"))
        if not found:
            return one.memory
        found += _TABLES.findall(self._read(f"{one.body}/status"))
        return sum(map(int, found)) * _KIB

    def _beside(self, processes: Sequence[Process]) -> int:
        """Bytes in files and sockets, which no process is said to hold."""
        if not self._apart or not processes:
            return 0
        said = self._read("self/net/sockstat").split()
        sockets = int(said[2]) if len(said) > 2 else 0
        return self._files(processes) + sockets * _SOCKET

    def _files(self, processes: Sequence[Process]) -> int:
        """Bytes in the files of a run, of whom some may have ended."""
        for one in processes:
            with contextlib.suppress(OSError):
                scratch = os.open(f"{one.body}/{_SCRATCH}", os.O_PATH, dir_fd=self.place)
                try:
                    said = os.statvfs(scratch)
                finally:
                    os.close(scratch)
                return (said.f_blocks - said.f_bfree) * said.f_frsize
        return 0

    def _kills_so_far(self) -> int:
        said = _KILLS.search(self._read("vmstat"))
        return int(said[1]) if said else 0

    def _read(self, name: str) -> bytes:
        """A file of the list; nothing of what is gone, or not to be seen."""
        with contextlib.suppress(OSError):
            file = os.open(name, os.O_RDONLY, dir_fd=self.place)
            try:
                parts = [os.read(file, 1 << 14)]
                while parts[-1]:
                    parts.append(os.read(file, 1 << 14))
            finally:
                os.close(file)
            return b"".join(parts)
        return b""


def clock(number: int) -> float:
    """Seconds of processor time of a process and all its threads, of which some may have ended."""
    with contextlib.suppress(OSError):
        return time.clock_gettime((~number << 3) | _CLOCK)
    return 0.0


def _lent(one: Process, processes: Sequence[Process]) -> bool:
    """Whether a process waits while a child has its memory, which is counted there."""
    return one.blocked and any(
        other.parent == one.number and share_memory(one.number, other.number) for other in processes
    )
