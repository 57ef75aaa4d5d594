"""The backend that needs no daemon and no root: a pool of fork-servers on this machine."""

from __future__ import annotations

import sys

from unflip.errors import SandboxUnavailable
from unflip.sandbox.levels import Level
from unflip.sandbox.limits import make_room
from unflip.sandbox.local import Local
from unflip.sandbox.pool import Pool
from unflip.sandbox.slot import Slot

_FILES, _STARTING = 3, 10
"""So many files are open for a server, and while it starts."""


class Embedded(Pool):
    r"""Runs programs in processes of its own; any thread may call, and the caller never forks.

    Nothing is started before the first run. The strongest level that the machine allows is found
    then, and is the level of every run.

    Args:
        minimum: The weakest level that will do. `Level.UNSAFE` has to be said: programs then run
            with nothing but limits where the machine can do no better.
        most: The strongest level to try; for tests of the weaker ones.
        size: How many programs run at once; as many as there are cores if not given.

    Raises:
        UsageError: The levels contradict each other, the size is not positive, or this process may
            not open as many files as it takes.

    Example:
        >>> from unflip.sandbox import Limits, Program
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
        super().__init__(minimum, most, size)
        make_room(self.size * _FILES, self.size * _STARTING)

    @property
    def servers(self) -> tuple[int, ...]:
        """The process ids of the servers that wait for work; for those who watch processes."""
        return tuple(map(int, self._waiting()))

    def _start(self, level: Level) -> Slot:
        if sys.platform != "linux":
            raise SandboxUnavailable(
                "the embedded sandbox needs Linux: use the Docker backend, or run in a Linux "
                "container or virtual machine"
            )
        return Slot(Local(level), level)

    @property
    def _advice(self) -> str:
        return "ask for less with `minimum`, or run where user namespaces or Landlock are allowed"
