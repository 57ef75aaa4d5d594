"""Verdicts on one batch after another, by workers that stay warm in between."""

from __future__ import annotations

import asyncio
import atexit
import inspect
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from unflip.errors import UsageError
from unflip.run import Workers, serial
from unflip.run.crews import Kind, VerifierCrew, hire
from unflip.run.task import Task
from unflip.types import Reason, Sample, Verdict, Verifier, identity

_SERIAL = serial()


class Standing:
    """A verifier and the workers that run it, started when they are first needed and then kept.

    It pickles if the verifier does; the copy starts workers of its own. They end with `close`, at
    garbage collection, or at exit.

    Args:
        verifier: Any verifier; also one whose call is a coroutine, such as a judge behind a server.
        workers: Where it runs. Of an async one, `threads(n)` says how many calls may be under way;
            by default all of a batch.
        deadline: Seconds for each sample: for processes, and for async verifiers.

    Raises:
        UsageError: A deadline that nobody can keep, or an async verifier in processes.

    Example:
        >>> from unflip.verifiers.exact import Exact
        >>> standing = Standing(Exact())
        >>> [verdict.accepted for verdict in standing([Sample("4", "4"), Sample("5", "4")])]
        [True, False]
    """

    def __init__(
        self, verifier: Verifier, workers: Workers = _SERIAL, deadline: float | None = None
    ) -> None:
        self._given = (verifier, workers, deadline)
        self._awaits = is_async(verifier)
        if self._awaits and workers.kind is Kind.PROCESSES:
            raise UsageError("an async verifier waits where it is: workers=threads(n), or none")
        if not self._awaits and deadline is not None and workers.kind is not Kind.PROCESSES:
            raise UsageError("a deadline needs workers that can be killed: workers=processes()")
        self._lock = threading.Lock()
        self._crew: VerifierCrew | None = None
        self._pid = os.getpid()

    def __reduce__(self) -> tuple[Any, ...]:
        return Standing, self._given

    def __call__(self, samples: Sequence[Sample]) -> list[Verdict]:
        """One verdict for each sample, as `verify_all` gives them."""
        if self._awaits:
            return asyncio.run_coroutine_threadsafe(
                self._each(samples), _loop(os.getpid())
            ).result()
        crew = self._own_crew()
        parts = [samples[at : at + crew.chunk] for at in range(0, len(samples), crew.chunk)]
        try:
            replies = [(crew.submit(list(part)), len(part)) for part in parts]
            return [next(reply) for reply, owed in replies for _ in range(owed)]
        except BaseException:
            # Nobody will read what is still under way; another batch starts afresh.
            self.close()
            raise

    async def later(self, samples: Sequence[Sample]) -> list[Verdict]:
        """The same, without holding up the event loop that asks."""
        if self._awaits:
            return await asyncio.wrap_future(self._awaited(samples))
        return await asyncio.to_thread(self, samples)

    def close(self) -> None:
        """End the workers; they start anew if they are needed again."""
        with self._lock:
            if self._crew is not None and self._pid == os.getpid():
                self._crew.close()
            self._crew = None

    def _awaited(self, samples: Sequence[Sample]) -> Future[list[Verdict]]:
        return asyncio.run_coroutine_threadsafe(self._each(samples), _loop(os.getpid()))

    async def _each(self, samples: Sequence[Sample]) -> list[Verdict]:
        verifier, workers, deadline = self._given
        gate = asyncio.Semaphore(workers.n if workers.kind is Kind.THREADS else len(samples) or 1)
        told = await asyncio.gather(*(_ask(verifier, sample, gate, deadline) for sample in samples))
        by = identity(verifier)
        return [one.signed(sample, by) for one, sample in zip(told, samples, strict=True)]

    def _own_crew(self) -> VerifierCrew:
        with self._lock:
            # A forked process has its parent's memory, and none of its threads.
            if self._crew is None or self._pid != os.getpid():
                self._crew, self._pid = hire(*self._given), os.getpid()
            return self._crew


def is_async(call: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine.

    Example:
        >>> async def judge(sample): ...
        >>> is_async(judge), is_async(print)
        (True, False)
    """
    while isinstance(call, partial):
        call = call.func
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)


@dataclass(frozen=True, slots=True)
class _Told:
    """What became of one call: a verdict, or why there is none; itself a verifier that says so."""

    said: Any
    why: Exception | None
    seconds: float
    late: bool

    def __call__(self, sample: Sample) -> Verdict:
        if self.why is not None:
            raise self.why
        said: Verdict = self.said
        return said

    def signed(self, sample: Sample, by: str) -> Verdict:
        """By the rules that hold for every verifier."""
        task = Task(self, by)
        if self.late:
            return task.abstain(Reason.TIMEOUT, "it took too long", self.seconds)
        verdict = task.decide_one(sample)
        timed = isinstance(self.said, Verdict) and self.said.seconds is not None
        return verdict if timed else replace(verdict, seconds=self.seconds)


async def _ask(
    verifier: Callable[[Sample], Any],
    sample: Sample,
    gate: asyncio.Semaphore,
    deadline: float | None,
) -> _Told:
    async with gate:
        began, said, raised = time.perf_counter(), None, None
        timeout = asyncio.timeout(deadline)
        try:
            async with timeout:
                said = await verifier(sample)
        except Exception as why:
            raised = why
        return _Told(said, raised, time.perf_counter() - began, timeout.expired())


@cache
def _loop(pid: int) -> asyncio.AbstractEventLoop:
    """The loop of this process in which all async verifiers run.

    One for all, since what they hold, such as a client's connections, belongs to a single loop, and
    the same verifier may be a reward and a second look.
    """
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="unflip-await", daemon=True).start()
    atexit.register(loop.call_soon_threadsafe, loop.stop)
    return loop
