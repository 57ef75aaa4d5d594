"""Where programs are run, and under what limits."""

from __future__ import annotations

from dataclasses import dataclass

from unflip.sandbox import Backend, Limits, Program, Result, Status, prepared

_PATIENCE, _LONG = 3, 1.0
_COMPUTED = 0.05
"""A share of the time: slots are as many as cores, so neighbours leave a program more of one."""


@dataclass(frozen=True)
class Bench:
    """A sandbox, and limits.

    Attributes:
        backend: The sandbox.
        limits: Those of one run.
        total: Seconds of processor time that all runs of a program may take together.
        language: What the programs are in that are judged here.
        every: Whether to go on after the first case that fails, to count those that hold.
    """

    backend: Backend
    limits: Limits
    total: float = 60.0
    language: str = "python"
    every: bool = False

    def run(self, program: Program) -> Result:
        """Run a program; one that only the clock on the wall stopped has a second try.

        If it had computed, others may have slowed it down, and the second try is alone. One that
        waited was in nobody's way, and nobody stops for it. What has to be built before is built,
        within limits of its own.
        """
        ready = prepared(self.backend, program)
        if isinstance(ready, Result):
            return ready
        found = self.backend.run(ready, self.limits)
        if found.status is Status.WALL:
            found = self.backend.run(ready, self.limits, alone=_computed(found))
        return found


class Spending:
    """What the runs of one program use together.

    Sleeping is limited too, at three times what may be computed, so that it holds up nobody.

    Args:
        total: Seconds of processor time that they may take.
    """

    def __init__(self, total: float) -> None:
        self._total, self._cpu, self._slept = total, 0.0, 0.0

    def add(self, *runs: Result) -> Status | None:
        """Count more runs; what is used up by now, or None."""
        self._cpu += sum(one.cpu for one in runs)
        self._slept += sum(one.wall for one in runs if one.wall > _LONG and not _computed(one))
        if self._cpu > self._total:
            return Status.CPU
        return Status.WALL if self._slept > _PATIENCE * self._total else None


def _computed(found: Result) -> bool:
    """Whether a run computed as long as it ran, as far as its neighbours let it."""
    return found.cpu >= _COMPUTED * found.wall
