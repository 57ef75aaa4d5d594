"""Requests under way: each taken once, each told of once as soon as it is answered; cancellable."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Protocol, cast, runtime_checkable

from unflip.judges.asking import Answer, Backend, Request, Silence, Unanswered

_GRACE_SECONDS = 30.0
"""How long an interrupted caller waits for replies that are on their way, and paid for."""

Told = Callable[[int, Answer], None]
"""Hears a request's place and its answer, in any order and from any thread."""
Gate = Callable[[int], Answer | None]
"""Asked just before the request at a place is sent: what to say instead, or None to send it."""


class Errand:
    """Some requests on their way to a backend.

    Every request is told of exactly once: with its answer, with what the gate said, or, once the
    errand is cancelled and it has not been sent, as cancelled.

    Args:
        requests: What is asked.
        told: Hears each answer. If it raises, the errand ends with that error.
        gate: Asked just before a request is sent.
    """

    def __init__(self, requests: Sequence[Request], told: Told, gate: Gate | None = None) -> None:
        self.cancelled = threading.Event()
        self._requests = requests
        self._told = told
        self._gate = gate
        self._lock = threading.Lock()
        self._next = 0
        self._left = len(requests)
        self._done = threading.Event()
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[], None]] = []
        if not requests:
            self._done.set()

    @property
    def size(self) -> int:
        """How many requests there are."""
        return len(self._requests)

    def take(self) -> tuple[int, Request] | None:
        """The next request that is to be sent, and its place; None if there is none left."""
        while (place := self._take()) is not None:
            request = self._requests[place]
            if self.cancelled.is_set():
                self.tell(place, Unanswered(Silence.CANCELLED, "the run was ended"))
            elif self._may(place):
                return place, request
        return None

    def _may(self, place: int) -> bool:
        """Whether the gate lets a request pass; if not, it has been told of."""
        try:
            instead = self._gate(place) if self._gate else None
        except BaseException as why:
            self.fail(why)
            return False
        if instead:
            self.tell(place, instead)
        return instead is None

    def tell(self, place: int, answer: Answer) -> None:
        """The answer to the request at that place."""
        try:
            self._told(place, answer)
        except BaseException as why:
            self.fail(why)
        else:
            self._one_less()

    def fail(self, error: BaseException) -> None:
        """End all of it: the error of one request is that of every one."""
        self._error = self._error or error
        self.cancelled.set()
        self._one_less()

    def cancel(self) -> None:
        """Send nothing more; what is on its way is still told of."""
        self.cancelled.set()

    def then(self, callback: Callable[[], None]) -> None:
        """Call this once all is told; at once if it is already."""
        with self._lock:
            if self._left:
                self._callbacks.append(callback)
                return
        callback()

    def wait(self) -> None:
        """Until all is told; an interruption cancels, and waits for what is on its way.

        Raises:
            BaseException: What ended the errand.
        """
        try:
            self._done.wait()
        except BaseException:
            self.cancel()
            self._done.wait(_GRACE_SECONDS)
            raise
        if self._error:
            raise self._error

    def settled(self, seconds: float) -> bool:
        """Whether all is told within so many seconds."""
        return self._done.wait(max(0.0, seconds))

    async def ended(self) -> None:
        """`wait` for asyncio: the loop goes on, and cancelling the task cancels the errand."""
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def wake() -> None:
            # The loop may be closed by now: then nobody waits any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(done.set)

        self.then(wake)
        try:
            await done.wait()
        except asyncio.CancelledError:
            self.cancel()
            raise
        if self._error:
            raise self._error

    def _take(self) -> int | None:
        with self._lock:
            place = self._next
            self._next += 1
        return place if place < len(self._requests) else None

    def _one_less(self) -> None:
        with self._lock:
            self._left -= 1
            callbacks = [] if self._left else self._callbacks
        if not self._left:
            self._done.set()
        for callback in callbacks:
            callback()


@runtime_checkable
class Posting(Protocol):
    """A backend that tells answers as they come."""

    def post(
        self,
        requests: Sequence[Request],
        told: Told,
        deadline: float | None = None,
        gate: Gate | None = None,
    ) -> Errand:
        """Start on the requests; each answer is told once it is there."""


class Answering:
    """The base of backends that have a `post`: asking them is posting, and waiting for the rest."""

    def post(
        self,
        requests: Sequence[Request],
        told: Told,
        deadline: float | None = None,
        gate: Gate | None = None,
    ) -> Errand:
        """Start on the requests; each answer is told once it is there."""
        raise NotImplementedError

    def ask(self, requests: Sequence[Request], deadline: float | None = None) -> list[Answer]:
        """An answer to each request, in order.

        Raises:
            UsageError: What all requests would fail of.
        """
        answers: list[Answer | None] = [None] * len(requests)
        self.post(requests, answers.__setitem__, deadline).wait()
        return cast("list[Answer]", answers)

    async def ask_async(
        self, requests: Sequence[Request], deadline: float | None = None
    ) -> list[Answer]:
        """`ask` for asyncio: the loop goes on; a cancelled task sends nothing more."""
        return await ask_async(cast("Backend", self), requests, deadline)


def post(
    backend: Backend,
    requests: Sequence[Request],
    told: Told,
    deadline: float | None = None,
    gate: Gate | None = None,
) -> Errand:
    """Requests on their way to any backend; one that only answers is asked here and now, in parts.

    Args:
        backend: Whom to ask.
        requests: What to ask.
        told: Hears each answer as it comes.
        deadline: Seconds for each request.
        gate: Asked just before a request is sent.

    Example:
        >>> from unflip.judges.backends import Scripted
        >>> heard = {}
        >>> post(Scripted("YES"), [Request(raw="?")], heard.__setitem__).wait()
        >>> heard[0].said[0].text
        'YES'
    """
    if isinstance(backend, Posting):
        return backend.post(requests, told, deadline, gate)
    errand = Errand(requests, told, gate)
    while taken := part(errand, backend.parallel):
        answers = backend.ask([request for _, request in taken], deadline)
        for (place, _), answer in zip(taken, answers, strict=True):
            errand.tell(place, answer)
    return errand


async def ask_async(
    backend: Backend, requests: Sequence[Request], deadline: float | None = None
) -> list[Answer]:
    """An answer to each request, in order, from any backend, without blocking the event loop.

    A cancelled task sends nothing more. A backend that only answers is asked in a thread.

    Raises:
        UsageError: What all requests would fail of.

    Example:
        >>> from unflip.judges.backends import Scripted
        >>> asyncio.run(ask_async(Scripted("YES"), [Request(raw="?")]))[0].said[0].text
        'YES'
    """
    answers: list[Answer | None] = [None] * len(requests)
    posting = asyncio.ensure_future(
        asyncio.to_thread(post, backend, requests, answers.__setitem__, deadline)
    )
    try:
        errand = await asyncio.shield(posting)
    except asyncio.CancelledError:
        posting.add_done_callback(_cancel_posted)
        raise
    await errand.ended()
    return cast("list[Answer]", answers)


def part(errand: Errand, most: int) -> list[tuple[int, Request]]:
    """The next requests, a part that is worth asking at once."""
    return [one for one in islice(iter(errand.take, None), max(1, most)) if one]


def _cancel_posted(posting: asyncio.Future[Errand]) -> None:
    """Cancel what was started while nobody waited for it any more."""
    if not posting.cancelled() and posting.exception() is None:
        posting.result().cancel()
