"""A backend that is a function of the user's: chat messages in, a reply out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, ClassVar

from unflip.errors import MissingExtra, UsageError
from unflip.judges.asking import Answer, Reply, Request, Said, Silence, Unanswered, Usage
from unflip.types import identify, identity

if TYPE_CHECKING:
    from unflip.judges.backends.crew import Crew

Call = Callable[[list[dict[str, str]]], str | None]


@dataclass(frozen=True)
class Own:
    """Whatever client the user has, as a backend: a call with chat messages, which returns text.

    What the function raises is an outage, and None a refusal. It is called from threads.

    Attributes:
        call: A function of the user's; of a module, where the judge has to pickle.
        name: What its answers depend on, such as the model's name; a hash of its source otherwise.
        parallel: How many calls are worth having under way at once.
        kind: `real`, or `tiny` or `stub`, whose answers say nothing about real judges.

    Raises:
        UsageError: The function is async, and a call would return no text.

    Example:
        >>> from unflip.judges.asking import Turn
        >>> echo = Own(lambda messages: messages[-1]["content"], name="echo")
        >>> echo.ask([Request((Turn("user", "hello"),))])[0].said[0].text
        'hello'
    """

    paid: ClassVar[bool] = True
    """Each reply costs, for all that is known: whoever keeps replies keeps these."""

    call: Call
    name: str = ""
    parallel: int = 8
    kind: str = "real"

    def __post_init__(self) -> None:
        if inspect.iscoroutinefunction(self.call):
            raise UsageError("Own calls from threads: wrap an async client in asyncio.run")
        if self.parallel < 1:
            raise UsageError(f"at least one call has to be under way, not {self.parallel}")

    @property
    def by(self) -> str:
        """Its name, or who the function is."""
        return identify("own", 1, {"is": self.name or identity(self.call)})  # type: ignore[arg-type]

    def ask(self, requests: Sequence[Request], deadline: float | None = None) -> list[Answer]:
        """The function's replies, in order.

        Raises:
            UsageError: A request is raw text, which no chat function can go on with.
        """
        if any(request.raw is not None for request in requests):
            raise UsageError("this template is raw text to be continued: it needs a local model")
        from unflip.judges.backends.crew import Crew

        crew = Crew(self.parallel)
        calls = [[self._begun(crew, one) for _ in range(one.samples)] for one in requests]
        try:
            return [self._reply(mine, deadline) for mine in calls]
        finally:
            for one in chain.from_iterable(calls):
                one.cancel()

    def _begun(self, crew: Crew, request: Request) -> Future[str | None]:
        """A call that waits for a thread; one that hangs keeps no program from ending."""
        said: Future[str | None] = Future()

        def job() -> None:
            if not said.set_running_or_notify_cancel():
                return
            try:
                said.set_result(
                    self.call([{"role": one.role, "content": one.text} for one in request.turns])
                )
            except BaseException as why:
                said.set_exception(why)

        crew.put(job)
        return said

    def _reply(self, calls: Sequence[Future[str | None]], deadline: float | None) -> Answer:
        usage = Usage(requests=len(calls))
        try:
            texts = [one.result(deadline) for one in calls]
        except Late:
            return Unanswered(Silence.TIMEOUT, f"no reply within {deadline} s", usage)
        except (MissingExtra, UsageError):
            raise
        except Exception as why:
            # The judge's boundary: somebody else's client, and whatever it may raise.
            return Unanswered(Silence.UNREACHABLE, f"{type(why).__name__}: {why!s:.300}", usage)
        if any(not isinstance(text, str) for text in texts):
            return Unanswered(Silence.REFUSED, "no text", usage)
        return Reply(tuple(Said(str(text)) for text in texts), usage)
