"""How much one run may use."""

from __future__ import annotations

from dataclasses import dataclass, fields

from unflip.errors import UsageError

MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use; it is killed when it uses more.

    Attributes:
        cpu: Seconds of processor time, the clock that counts.
        wall: Seconds by the clock on the wall; three times `cpu` and one more if not given.
        memory: Bytes of address space of each process, and of memory of all together.
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
