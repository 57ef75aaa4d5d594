"""Decides many samples at once: each different program once, and as many at a time as can run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from unflip.types import Sample, Verdict

_TICK = 0.2


class Keyed(Protocol):
    """A sample that was read, and waits to be run."""

    @property
    def key(self) -> bytes:
        """All that the verdict depends on, as a hash."""


Asked = TypeVar("Asked", bound=Keyed)


def decide_all(
    samples: Sequence[Sample],
    ask: Callable[[Sample], Asked | Verdict],
    answer: Callable[[Asked], Verdict],
    at_once: int,
) -> list[Verdict]:
    """One verdict for each sample, in order, by threads that end with this call.

    Who is interrupted while it waits, as by Ctrl-C, begins nothing more; what is under way ends
    at its limits, or with the process.

    Args:
        samples: What to decide.
        ask: Reads a sample: gives what is to be run, or a verdict if nothing is.
        answer: Runs what is to be run; samples with the same key share its verdict.
        at_once: How many threads.
    """
    batch = _Batch(samples, ask, answer)
    batch.work_in(min(at_once, len(samples)))
    return batch.verdicts()


class _Batch(Generic[Asked]):
    """Samples on their way to verdicts; any number of threads may work on it."""

    def __init__(
        self,
        samples: Sequence[Sample],
        ask: Callable[[Sample], Asked | Verdict],
        answer: Callable[[Asked], Verdict],
    ) -> None:
        self._ask, self._answer = ask, answer
        self._left: Iterator[tuple[int, Sample]] = enumerate(samples)
        self._found: dict[int, Verdict] = {}
        self._owed = len(samples)
        self._shared: dict[bytes, Verdict] = {}
        self._waiting: dict[bytes, list[int]] = {}
        self._failure: BaseException | None = None
        self._ended = threading.Event()
        self._lock = threading.Lock()

    def work_in(self, threads: int) -> None:
        """Work in so many threads, up to the end of all samples; in the caller's own if it is one.

        Raises:
            BaseException: Whatever the caller was interrupted with, or a sample met with.
        """
        if threads <= 1:
            self._work()
        else:
            for _ in range(threads):
                # Daemons: a process that is told to end does not wait for a program's limits.
                threading.Thread(target=self._work, name="unflip-code", daemon=True).start()
            try:
                while not self._ended.wait(_TICK):
                    # Here Ctrl-C is noticed also where another thread was given the signal.
                    pass
            except BaseException:
                self._left = iter(())
                raise
        if self._failure is not None:
            raise self._failure

    def verdicts(self) -> list[Verdict]:
        """What was found, in the order of the samples."""
        return [self._found[place] for place in range(self._owed)]

    def _work(self) -> None:
        try:
            while (given := self._next()) is not None:
                self._decide(*given)
        except BaseException as why:
            self._failure = why
            self._ended.set()

    def _next(self) -> tuple[int, Sample] | None:
        with self._lock:
            return None if self._failure else next(self._left, None)

    def _decide(self, place: int, sample: Sample) -> None:
        asked = self._ask(sample)
        if isinstance(asked, Verdict):
            self._tell([place], asked)
            return
        with self._lock:
            known = self._shared.get(asked.key)
            waiting = self._waiting.setdefault(asked.key, []) if known is None else []
            waiting.append(place)
        if known is not None:
            self._tell([place], known)
        elif len(waiting) == 1:
            # Whoever comes with the same program meanwhile is told too.
            verdict = self._answer(asked)
            with self._lock:
                self._shared[asked.key] = verdict
                waiting = self._waiting.pop(asked.key)
            self._tell(waiting, verdict)

    def _tell(self, places: Sequence[int], verdict: Verdict) -> None:
        with self._lock:
            self._found.update(dict.fromkeys(places, verdict))
            if len(self._found) == self._owed:
                self._ended.set()
