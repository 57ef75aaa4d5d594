"""The backend that needs no daemon and no root: a pool of fork-servers on this machine."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import Self

from unflip.errors import UsageError
from unflip.sandbox.failures import SandboxError, SandboxUnavailable
from unflip.sandbox.levels import Level
from unflip.sandbox.limits import Limits
from unflip.sandbox.results import Program, Result
from unflip.sandbox.slot import Slot
from unflip.workers import cores, in_worker

_RETIRED_AFTER = 10_000
_LADDER = (Level.NAMESPACES, Level.LANDLOCK, Level.UNSAFE)


class Embedded:
    r"""Runs programs in processes of its own; any thread may call, and the caller never forks.

    Nothing is started before the first run. The strongest level that the machine allows is found
    then, and is the level of every run.

    Args:
        minimum: The weakest level that will do. `Level.UNSAFE` has to be said: programs then run
            with nothing but limits where the machine can do no better.
        most: The strongest level to try; for tests of the weaker ones.
        size: How many programs run at once; as many as there are cores if not given.

    Raises:
        UsageError: The levels contradict each other, or the size is not positive.

    Example:
        >>> with Embedded() as sandbox:
        ...     sandbox.run(Program("print(6 * 7)"), Limits(cpu=2)).stdout
        b'42\n'
    """

    def __init__(
        self,
        *,
        minimum: Level = Level.LANDLOCK,
        most: Level = Level.NAMESPACES,
        size: int | None = None,
    ) -> None:
        if minimum > most:
            raise UsageError(f"at least {minimum.word} and at most {most.word} is nothing")
        if size is not None and size < 1:
            raise UsageError(f"a sandbox runs 1 program or more at once, not {size}")
        self._ladder = [one for one in _LADDER if minimum <= one <= most]
        self._size = size or (1 if in_worker() else cores())
        self._found: Level | None = None
        self._idle: list[Slot] = []
        self._running, self._alone, self._closed = 0, False, False
        self._turn = threading.Condition()
        self._starting = threading.Lock()
        self._owner = os.getpid()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def level(self) -> Level:
        """The level in force; found by trying, if nothing has been run yet.

        Raises:
            SandboxUnavailable: The machine cannot do what was asked for.
        """
        found = self._found
        if found is None:
            slot = self._started()
            found = slot.level
            self._put_back(slot)
        return found

    @property
    def servers(self) -> tuple[int, ...]:
        """The process ids of the servers that wait for work; for those who watch processes."""
        with self._turn:
            return tuple(slot.pid for slot in self._idle)

    def run(self, program: Program, limits: Limits, *, alone: bool = False) -> Result:
        """Run a program, and wait for its end.

        Args:
            program: Code, and what goes into it.
            limits: What it may use.
            alone: Whether to wait until nothing else runs here, and let nothing begin meanwhile.

        Raises:
            SandboxUnavailable: The machine cannot isolate as asked for; nothing was run.
            SandboxError: The sandbox failed twice; the program is not to blame.
            UsageError: It is closed, or belongs to the process that this one was forked from.
        """
        if self._owner != os.getpid():
            raise UsageError("this sandbox is another process's; make one here")
        with self._admitted(alone=alone):
            try:
                return self._once(self._idle_one() or self._started(), program, limits)
            except SandboxUnavailable:
                raise
            except SandboxError:
                return self._once(self._started(), program, limits)

    def close(self) -> None:
        """End all servers; runs that are under way fail."""
        if self._owner != os.getpid():
            # A fork of the owner ends, and not what is the owner's.
            return
        with self._turn:
            self._closed = True
            idle, self._idle = self._idle, []
        for slot in idle:
            slot.end()

    def _idle_one(self) -> Slot | None:
        with self._turn:
            return self._idle.pop() if self._idle else None

    def _once(self, slot: Slot, program: Program, limits: Limits) -> Result:
        outcome = slot.run(program, limits)
        self._put_back(slot)
        return outcome

    def _put_back(self, slot: Slot) -> None:
        with self._turn:
            if not self._closed and slot.runs < _RETIRED_AFTER:
                self._idle.append(slot)
                return
        slot.end()

    @contextlib.contextmanager
    def _admitted(self, *, alone: bool) -> Iterator[None]:
        with self._turn:
            most = 0 if alone else self._size - 1
            self._turn.wait_for(lambda: not self._alone and self._running <= most)
            if self._closed:
                raise UsageError("this sandbox is closed; make another one")
            self._running += 1
            self._alone = alone
        try:
            yield
        finally:
            with self._turn:
                self._running -= 1
                self._alone = False if alone else self._alone
                self._turn.notify_all()

    def _started(self) -> Slot:
        """A new server, at the strongest level there is."""
        if sys.platform != "linux":
            raise SandboxUnavailable(
                "the embedded sandbox needs Linux: run in a Linux container or virtual machine"
            )
        if self._found is not None:
            return Slot(self._found)
        with self._starting:
            return self._probed()

    def _probed(self) -> Slot:
        if self._found is not None:
            return Slot(self._found)
        reasons = []
        for level in self._ladder:
            try:
                slot = Slot(level)
                slot.run(Program("pass"), Limits())
            except SandboxError as why:
                reasons.append(f"{level.word}: {why}")
                continue
            self._found = level
            return slot
        raise SandboxUnavailable(
            f"this machine cannot isolate programs as asked for ({'; '.join(reasons)}); ask for "
            "less with `minimum`, or run where user namespaces or Landlock are allowed"
        )


def shared(minimum: Level = Level.LANDLOCK, most: Level = Level.NAMESPACES) -> Embedded:
    """The process's own sandbox with these levels: one for all who ask, ended with the process.

    Example:
        >>> shared() is shared()
        True
    """
    return _shared(minimum, most, os.getpid())


@lru_cache(maxsize=8)
def _shared(minimum: Level, most: Level, _process: int) -> Embedded:
    made = Embedded(minimum=minimum, most=most)
    atexit.register(made.close)
    return made
