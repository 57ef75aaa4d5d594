"""A verdict for every sample, lazily and in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from unflip.run.crews import VerifierCrew, Workers, hire, serial
from unflip.types import Sample, Verdict, Verifier
from unflip.workers import in_order

_SERIAL = serial()


class Cache(Protocol):
    """What `verify_all` asks before it verifies, and tells afterwards; in the caller's thread."""

    def get(self, sample: Sample, by: str) -> Verdict | None:
        """The verdict that `by` has given on the sample's content, if it is known."""

    def put(self, sample: Sample, by: str, verdict: Verdict) -> None:
        """A verdict that has just been given."""


def verify_all(
    verifier: Verifier,
    samples: Iterable[Sample],
    *,
    workers: Workers = _SERIAL,
    deadline: float | None = None,
    cache: Cache | None = None,
) -> Generator[Verdict, None, None]:
    """One verdict for each sample, in their order, as lazily as the samples come.

    What goes wrong in the verifier is a verdict: it abstains with reason `error` (it raised),
    `timeout` or `crash`, and the others go on; only what is no `Exception`, such as the
    `SystemExit` of `sys.exit`, ends the run, unless it runs in processes. Every verdict carries
    the seconds it took and the verifier's identity as `by`; the `by` of a delegate stays in
    `evidence["decided_by"]`.

    A verifier with a `verify_batch(samples) -> list[Verdict]` is given several samples at once,
    unless there is a deadline, which only a sample by itself can have; a batch that fails is
    decided again one by one, so that one sample abstains and not all of them.

    Closing the iterator ends the workers. In threads, what has begun runs on to its end.

    Args:
        verifier: Any verifier; for processes it has to pickle. One with a method `warm_up` has it
            called in every new process, outside the deadline: the place for slow imports.
        samples: Any iterable, also an endless one; pulled in the caller's thread.
        workers: `serial()`, `threads(n)`, `processes(n)`, or `suited()` to the verifier.
        deadline: Seconds of wall time for each sample; needs processes, which can be killed.
        cache: Verdicts that need not be given again, such as a `VerdictCache`.

    Raises:
        UsageError: A deadline without processes; a verifier that does not pickle, lacks an extra,
            or returns something that is no verdict, or one that JSON cannot hold.
        SandboxUnavailable: The verifier needs a sandbox that cannot be had here; out of processes
            it comes as a `UsageError` with the same message.
        WorkerCrash: Every process dies before it is given a sample.

    Example:
        >>> from unflip.types import Outcome, Reason, Sample, Verdict
        >>> def same(sample):
        ...     if sample.text == sample.reference:
        ...         return Verdict(Outcome.ACCEPT, Reason.MATCH)
        ...     return Verdict(Outcome.REJECT, Reason.MISMATCH)
        >>> [v.accepted for v in verify_all(same, [Sample("4", "4"), Sample("5", "4")])]
        [True, False]
    """
    return _verdicts(hire(verifier, workers, deadline), samples, cache)


async def averify_all(
    verifier: Verifier,
    samples: Iterable[Sample],
    *,
    workers: Workers = _SERIAL,
    deadline: float | None = None,
    cache: Cache | None = None,
) -> AsyncGenerator[Verdict, None]:
    """`verify_all` for asyncio: the same verdicts, without ever blocking the event loop.

    The samples are pulled in a thread of its own. Cancelling, or closing the iterator, kills
    worker processes at once; a serial verifier is left to finish its sample in the background.

    Example:
        >>> import asyncio
        >>> from unflip.types import Outcome, Reason, Sample, Verdict
        >>> def same(sample):
        ...     return Verdict(Outcome.REJECT, Reason.MISMATCH)
        >>> async def main():
        ...     return [v.accepted async for v in averify_all(same, [Sample("5", "4")])]
        >>> asyncio.run(main())
        [False]
    """
    crew = hire(verifier, workers, deadline)
    verdicts = _verdicts(crew, samples, cache)
    thread = ThreadPoolExecutor(1, thread_name_prefix="unflip-averify")
    loop = asyncio.get_running_loop()
    try:
        while (verdict := await loop.run_in_executor(thread, next, verdicts, None)) is not None:
            yield verdict
    finally:
        crew.close()
        thread.submit(verdicts.close)
        thread.shutdown(wait=False)


@dataclass(frozen=True, slots=True)
class _Known:
    """A verdict out of the cache."""

    verdict: Verdict


def _verdicts(
    crew: VerifierCrew, samples: Iterable[Sample], cache: Cache | None
) -> Generator[Verdict, None, None]:
    by = crew.task.by

    def recall(sample: Sample) -> _Known | None:
        verdict = cache.get(sample, by) if cache else None
        return _Known(verdict) if verdict else None

    with contextlib.closing(crew):
        for sample, reply in in_order(crew, samples, recall=recall if cache else None):
            if isinstance(reply, _Known):
                yield reply.verdict
                continue
            if cache:
                cache.put(sample, by, reply)
            yield reply
