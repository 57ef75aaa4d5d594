"""Where a verifier runs: in the caller, in threads or in processes that can be killed."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, wait
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, Protocol

from unflip.errors import UsageError, WorkerCrash, WorkerError, WorkerRaised, WorkerTimeout
from unflip.run.daemons import Daemons
from unflip.run.task import MISUSE, Task
from unflip.types import Reason, Sample, Verdict, Verifier, identity
from unflip.workers import Batch, Crew, Pool, Replies, cores

_TOGETHER = 64
"""How many samples a verifier with a `verify_batch` is given at once, if it does not want more."""
_TICK = 0.2
_REASONS = {
    WorkerTimeout: Reason.TIMEOUT,
    WorkerCrash: Reason.CRASH,
    WorkerRaised: Reason.ERROR,
}


class Kind(Enum):
    """In what a verifier runs."""

    SERIAL = "serial"
    THREADS = "threads"
    PROCESSES = "processes"
    SUITED = "suited"


@dataclass(frozen=True, slots=True)
class Workers:
    """Where a verifier runs; made by `serial`, `threads`, `processes` or `suited`.

    Attributes:
        kind: In what.
        n: In how many at once.
        memory: Limit of each process's address space in bytes.
    """

    kind: Kind
    n: int = 1
    memory: int | None = None

    def __post_init__(self) -> None:
        if self.n < 1:
            raise UsageError(f"at least one worker has to work, not {self.n}")


def serial() -> Workers:
    """Run in the caller, one sample after the other: no start-up, no deadline.

    Example:
        >>> serial()
        Workers(kind=<Kind.SERIAL: 'serial'>, n=1, memory=None)
    """
    return Workers(Kind.SERIAL)


def threads(n: int | None = None) -> Workers:
    """Run in `n` threads (default: one a core), for verifiers that wait; no deadline.

    Example:
        >>> threads(32).n
        32
    """
    return Workers(Kind.THREADS, cores() if n is None else n)


def processes(n: int | None = None, *, memory: int | None = None) -> Workers:
    """Run in `n` processes (default: one a core), for verifiers that compute, hang or crash.

    Args:
        n: How many processes.
        memory: Limit of each one's address space in bytes; who exceeds it crashes.

    Example:
        >>> processes(4, memory=2**30).n
        4
    """
    return Workers(Kind.PROCESSES, cores() if n is None else n, memory)


def suited() -> Workers:
    """Run where it suits the verifier: one that waits in threads, any other in processes.

    A verifier says that it waits by an attribute `parallel`, how many samples it can have under
    way at once. Such a one, a judge for example, keeps its own time, so a deadline is for others.

    Example:
        >>> suited().kind
        <Kind.SUITED: 'suited'>
    """
    return Workers(Kind.SUITED)


def hire(verifier: Verifier, workers: Workers, deadline: float | None) -> VerifierCrew:
    """A crew for one run; nothing is started before it is given samples.

    Raises:
        UsageError: A deadline for workers that cannot be killed.
    """
    task = Task(verifier, identity(verifier))
    if workers.kind is Kind.SUITED:
        if task.parallel:
            # While one batch ends, the next one is under way.
            return _Threads(task, 2)
        workers = processes()
    if workers.kind is Kind.PROCESSES:
        return _Processes(task, workers, deadline)
    if deadline is not None:
        raise UsageError("a deadline needs workers that can be killed: workers=processes()")
    return _Serial(task) if workers.kind is Kind.SERIAL else _Threads(task, workers.n)


class VerifierCrew(Crew, Protocol):
    """A crew that answers samples with verdicts."""

    task: Task

    def close(self) -> None:
        """End the workers."""


def _together(task: Task) -> int:
    """How many samples to hand over at once."""
    return max(_TOGETHER, task.parallel) if task.together else 1


class _Serial:
    """The caller itself."""

    ahead = 1

    def __init__(self, task: Task) -> None:
        self.task = task
        self.chunk = _together(task)

    def submit(self, items: list[Sample]) -> Batch:
        batch = Batch(len(items))
        for verdict in self.task.decide(items):
            batch.deliver(verdict)
        return batch

    def close(self) -> None:
        pass


class _Threads:
    """Some threads, each with one sample or one batch at a time."""

    def __init__(self, task: Task, n: int) -> None:
        self.task = task
        self.chunk = _together(task)
        self.ahead = 2 * n * self.chunk
        self._threads = Daemons(n, "unflip-verify")

    def submit(self, items: list[Sample]) -> Replies:
        return _Later(self._threads.submit(partial(self.task.decide, items)))

    def close(self) -> None:
        self._threads.close()


class _Later:
    """Verdicts that a thread will have ready all at once."""

    def __init__(self, future: Future[list[Verdict]]) -> None:
        self._future = future
        self._verdicts: deque[Verdict] = deque()

    @property
    def ready(self) -> bool:
        return self._future.done()

    def cancel(self) -> None:
        self._future.cancel()

    def __next__(self) -> Verdict:
        if not self._verdicts:
            while not self._future.done():
                # In between, Ctrl-C is noticed also where another thread was given the signal.
                wait([self._future], _TICK)
            self._verdicts.extend(self._future.result())
        return self._verdicts.popleft()


class _Processes:
    """A pool of processes, made when there is first something to do."""

    def __init__(self, task: Task, workers: Workers, deadline: float | None) -> None:
        self.task = task
        self._workers = workers
        self._deadline = deadline
        # A batch has no clock for each of its samples.
        self._together = task.together is not None and deadline is None
        self._pool: Pool | None = None
        self._closed = False
        self._lock = threading.Lock()

    @property
    def chunk(self) -> int:
        if self._together:
            return _together(self.task)
        return self._pool.chunk if self._pool else 1

    @property
    def ahead(self) -> int:
        least = 2 * self._workers.n * self.chunk
        return max(least, self._pool.ahead) if self._pool else least

    def submit(self, items: list[Sample]) -> Replies:
        return _Answers(self, [items] if self._together else [[sample] for sample in items])

    def send(self, groups: list[list[Sample]]) -> Batch:
        """Start work on some groups of samples; a reply is for a group."""
        with self._lock:
            if self._closed:
                raise UsageError("this run is closed")
            if self._pool is None:
                size, memory = self._workers.n, self._workers.memory
                self._pool = Pool(_Remote(self.task), size=size, memory=memory)
        return self._pool.submit(groups, deadline=self._deadline)

    def read(self, reply: Any) -> list[Verdict]:
        """The verdicts that a reply holds, or stands for."""
        if isinstance(reply, WorkerError):
            seconds = self._deadline if isinstance(reply, WorkerTimeout) else None
            return [self.task.abstain(_REASONS[type(reply)], str(reply), seconds)]
        if isinstance(reply, str):
            raise UsageError(reply)
        return [Verdict.from_json(row) for row in reply]

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._pool is not None:
                self._pool.close()


@dataclass(frozen=True, slots=True)
class _Remote:
    """What a worker process runs: a group of samples to rows, or to the text of a misuse."""

    task: Task

    def warm_up(self) -> None:
        getattr(self.task.verifier, "warm_up", lambda: None)()

    def __call__(self, samples: list[Sample]) -> list[dict[str, Any]] | str:
        try:
            return [verdict.to_json() for verdict in self.task.decide(samples)]
        except MISUSE as why:
            return str(why)


class _Answers:
    """Verdicts that come from a process, group by group."""

    def __init__(self, crew: _Processes, groups: list[list[Sample]]) -> None:
        self._crew = crew
        self._groups = deque(groups)
        self._replies = crew.send(groups)
        self._verdicts: deque[Verdict] = deque()

    @property
    def ready(self) -> bool:
        return bool(self._verdicts) or self._replies.ready

    def cancel(self) -> None:
        self._replies.cancel()

    def __next__(self) -> Verdict:
        if not self._verdicts:
            self._verdicts.extend(self._next_group())
        return self._verdicts.popleft()

    def _next_group(self) -> list[Verdict]:
        group, reply = self._groups.popleft(), next(self._replies)
        if isinstance(reply, WorkerError) and len(group) > 1:
            # Nobody knows whose fault it was: they are decided again, one by one.
            self._groups.extend([sample] for sample in group)
            self._replies = self._crew.send(list(self._groups))
            return self._next_group()
        return self._crew.read(reply)
