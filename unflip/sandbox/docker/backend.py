"""The backend in containers: a pool of warm ones, started and removed by us."""

from __future__ import annotations

import atexit
import threading

from unflip.errors import UsageError
from unflip.sandbox.docker.container import Container
from unflip.sandbox.docker.engine import Engine
from unflip.sandbox.levels import Level
from unflip.sandbox.limits import MEGABYTE, Limits
from unflip.sandbox.pool import Pool
from unflip.sandbox.results import Program, Result
from unflip.sandbox.slot import Slot

_OWN = 128 * MEGABYTE


class Docker(Pool):
    r"""Runs programs in warm containers, each with a fork-server of ours that isolates every run.

    A container has no network, no capability, a root that cannot be written, nobody as its user,
    and limits of its own; nothing of ours is installed in it or left in the engine. Nothing is
    started before the first run. The strongest level that the containers allow is found then.

    Args:
        container: The image, the runtime, and the container's limits.
        url: Where the engine listens; as the `docker` command finds it if not given.
        minimum: The weakest level inside that will do. With `Level.UNSAFE`, as for a runtime whose
            kernel has no Landlock, every run has a container for itself.
        most: The strongest level to try.
        size: How many programs, and containers, run at once; as many as cores if not given.

    Raises:
        UsageError: The levels contradict each other, or an option is not of its kind.

    Example:
        >>> sandbox = Docker(Container("python:3.13-slim", memory=4096), size=2)
        >>> sandbox.run(Program("pass"), Limits(memory=8192 << 20))
        Traceback (most recent call last):
        ...
        unflip.errors.UsageError: a run may use 8192 megabytes, its container 4096: give it 128 more
    """

    def __init__(
        self,
        container: Container | None = None,
        *,
        url: str | None = None,
        minimum: Level = Level.LANDLOCK,
        most: Level = Level.NAMESPACES,
        size: int | None = None,
    ) -> None:
        super().__init__(minimum, most, size)
        self._container = container or Container()
        self._url = url
        self._engine: Engine | None = None
        self._connecting = threading.Lock()

    @property
    def containers(self) -> tuple[str, ...]:
        """The ids of the containers that wait for work."""
        return tuple(self._waiting())

    def run(self, program: Program, limits: Limits, *, alone: bool = False) -> Result:
        """Run a program, and wait for its end.

        Args:
            program: Code, and what goes into it.
            limits: What it may use.
            alone: Whether to wait until nothing else runs here, and let nothing begin meanwhile.

        Raises:
            SandboxUnavailable: There is no engine, or it cannot isolate as asked for.
            SandboxError: The sandbox failed twice; the program is not to blame.
            UsageError: It is closed, another process's, or smaller than the program's limits.
        """
        if limits.memory + _OWN > self._container.memory * MEGABYTE:
            raise UsageError(
                f"a run may use {limits.memory // MEGABYTE} megabytes, its container "
                f"{self._container.memory}: give it {_OWN // MEGABYTE} more"
            )
        return super().run(program, limits, alone=alone)

    def close(self) -> None:
        """Remove all containers; runs that are under way fail."""
        super().close()
        if self._closed:
            atexit.unregister(self.close)
            with self._connecting:
                if self._engine is not None:
                    self._engine.close()

    def _start(self, level: Level) -> Slot:
        return Slot(self._connected().start(self._container, level), level)

    def _spent(self, slot: Slot) -> bool:
        # Nothing stands between programs in one container then.
        return slot.level is Level.UNSAFE or super()._spent(slot)

    def _connected(self) -> Engine:
        with self._connecting:
            if self._engine is None:
                self._engine = Engine(self._url)
                self._engine.sweep()
                atexit.register(self.close)
            return self._engine

    @property
    def _advice(self) -> str:
        return (
            "ask for less with `minimum`, or choose an engine, a runtime or an image that allows it"
        )
