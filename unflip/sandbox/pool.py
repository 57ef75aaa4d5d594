"""Fork-servers that wait for work: who is let in, which one runs it, and what becomes of it."""

from __future__ import annotations

import contextlib
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Self

from unflip.errors import SandboxError, SandboxUnavailable, UsageError
from unflip.sandbox.levels import Level
from unflip.sandbox.limits import Limits
from unflip.sandbox.results import Program, Result
from unflip.sandbox.slot import Slot
from unflip.workers import cores, in_worker

_RETIRED_AFTER = 10_000
_LADDER = (Level.NAMESPACES, Level.LANDLOCK, Level.UNSAFE)


class Pool(ABC):
    """A backend whose servers speak frames; any thread may call, and the caller never forks.

    Nothing is started before the first run. The strongest level that can be reached is found
    then, and is the level of every run.

    Args:
        minimum: The weakest level that will do.
        most: The strongest level to try.
        size: How many programs run at once; as many as there are cores if not given.

    Raises:
        UsageError: The levels contradict each other, or the size is not positive.
    """

    def __init__(self, minimum: Level, most: Level, size: int | None) -> None:
        if minimum > most:
            raise UsageError(f"at least {minimum.word} and at most {most.word} is nothing")
        if size is not None and size < 1:
            raise UsageError(f"a sandbox runs 1 program or more at once, not {size}")
        self._ladder = [one for one in _LADDER if minimum <= one <= most]
        self._size = size or (1 if in_worker() else cores())
        self._found: Level | None = None
        self._idle: list[Slot] = []
        self._running, self._alone, self._closed = 0, False, False
        self._to_be_alone = 0
        self._turn = threading.Condition()
        self._starting = threading.Lock()
        self._owner = os.getpid()

    @abstractmethod
    def _start(self, level: Level) -> Slot:
        """Start a server.

        Raises:
            SandboxUnavailable: None can be started, at whatever level.
            SandboxError: This one did not start, or cannot reach the level.
        """

    @property
    @abstractmethod
    def _advice(self) -> str:
        """What to do where no level that will do can be reached."""

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
    def size(self) -> int:
        """How many programs run at once."""
        return self._size

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
        """End all servers that wait, and begin nothing more; the others end after their run."""
        if self._owner != os.getpid():
            # A fork of the owner ends, and not what is the owner's.
            return
        with self._turn:
            self._closed = True
            idle, self._idle = self._idle, []
        for slot in idle:
            slot.end()

    def _waiting(self) -> list[str]:
        """Which servers wait for work."""
        with self._turn:
            return [slot.server for slot in self._idle]

    def _idle_one(self) -> Slot | None:
        with self._turn:
            return self._idle.pop() if self._idle else None

    def _once(self, slot: Slot, program: Program, limits: Limits) -> Result:
        outcome = slot.run(program, limits)
        self._put_back(slot)
        return outcome

    def _spent(self, slot: Slot) -> bool:
        """Whether a server has run enough programs, and another one is to be started."""
        return slot.runs >= _RETIRED_AFTER

    def _put_back(self, slot: Slot) -> None:
        with self._turn:
            if not self._closed and not self._spent(slot):
                self._idle.append(slot)
                return
        slot.end()

    @contextlib.contextmanager
    def _admitted(self, *, alone: bool) -> Iterator[None]:
        with self._turn:
            self._await_turn(alone=alone)
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

    def _await_turn(self, *, alone: bool) -> None:
        if not alone:
            # Who wants to be alone would wait for ever if others kept coming.
            self._turn.wait_for(
                lambda: not (self._alone or self._to_be_alone) and self._running < self._size
            )
            return
        self._to_be_alone += 1
        try:
            self._turn.wait_for(lambda: not (self._alone or self._running))
        finally:
            self._to_be_alone -= 1
            self._turn.notify_all()

    def _started(self) -> Slot:
        """A new server, at the strongest level there is."""
        if self._found is not None:
            return self._start(self._found)
        with self._starting:
            return self._probed()

    def _probed(self) -> Slot:
        if self._found is not None:
            return self._start(self._found)
        reasons = []
        for level in self._ladder:
            try:
                slot = self._start(level)
                slot.run(Program("pass"), Limits())
            except SandboxUnavailable:
                raise
            except SandboxError as why:
                reasons.append(f"{level.word}: {why}")
                continue
            self._found = level
            return slot
        raise SandboxUnavailable(
            f"programs cannot be isolated here as asked for ({'; '.join(reasons)}); {self._advice}"
        )
