"""How much one run may use."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields

from unflip.errors import UsageError

MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use; it is killed when it uses more.

    Attributes:
        cpu: Seconds of processor time, the clock that counts.
        wall: Seconds by the clock on the wall; three times `cpu` and one more if not given.
        memory: Bytes of address space of each process; and of what all of them hold together, in
            memory, in files and in sockets.
        output: Bytes of each of what it prints, says as an error, and writes to one file.
        processes: Processes and threads; without namespaces, processes are never allowed.
        disk: Bytes of all files in `/tmp`, which only namespaces give it.

    Raises:
        UsageError: A limit is not positive.

    Example:
        >>> Limits(cpu=2.5).patience
        8.5
    """

    cpu: float = 5.0
    wall: float | None = None
    memory: int = 1024 * MEGABYTE
    output: int = 16 * MEGABYTE
    processes: int = 64
    disk: int = 64 * MEGABYTE

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name == "wall" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
                raise UsageError(f"the limit {one.name} is a positive number, not {value!r}")

    @property
    def patience(self) -> float:
        """The limit by the clock on the wall, in seconds."""
        return 3 * self.cpu + 1 if self.wall is None else self.wall


def make_room(least: int, most: int) -> None:
    """Let this process open so many files more, where it may not yet and may allow itself to.

    Args:
        least: How many it is sure to open.
        most: How many it may come to open.

    Raises:
        UsageError: It may not open the least.

    Example:
        >>> make_room(8, 16)
    """
    try:
        import resource
    except ImportError:
        # Windows has no such limit.
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Of this directory there is no path that says the same everywhere.
    now = len(os.listdir("/dev/fd"))  # noqa: PTH208
    if now + most <= soft or soft == resource.RLIM_INFINITY:
        return
    if now + least > hard != resource.RLIM_INFINITY:
        raise UsageError(
            f"{now + least} files would be open here at once, and {hard} can be: allow more by "
            "`ulimit -n`, or run fewer programs at once"
        )
    wanted = now + most if hard == resource.RLIM_INFINITY else min(now + most, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
