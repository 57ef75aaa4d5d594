"""A backend that says what it is told to: for tests, and for trying a template without a model."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from unflip.errors import UsageError
from unflip.judges.asking import Answer, Reply, Request, Said, Silence, Unanswered
from unflip.judges.backends import errand
from unflip.types import identify, identity

Spoken = str | Said | Reply | Unanswered
Script = Spoken | Sequence[Spoken] | Callable[[Request], Spoken]


class _Place:
    """How far a script has been read; a copy of it begins anew."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0

    def __reduce__(self) -> tuple[type[_Place], tuple[()]]:
        return _Place, ()

    def take(self) -> int:
        with self._lock:
            self._next += 1
            return self._next - 1


@dataclass(frozen=True)
class Scripted:
    """A backend without a model.

    Attributes:
        script: A text that is said each time; some that are said in turn, and then nothing more;
            or a function from a request to what is said. In place of a text there may be a `Said`
            or a whole answer.
        name: What to call it in `by`; without one, a hash of the texts, or of the function with
            whatever it holds, stands for it.
        kind: `stub`: what it says is no finding about a real judge.
        parallel: How many requests are worth having under way at once.

    Raises:
        UsageError: The function returned something else.

    Example:
        >>> judge = Scripted(lambda request: "YES" if "4" in request.turns[-1].text else "NO")
        >>> from unflip.judges.asking import Turn
        >>> judge.ask([Request((Turn("user", "is 2 + 2 = 4?"),))])[0].said[0].text
        'YES'
    """

    script: Script
    name: str = ""
    kind: str = "stub"
    parallel: int = 64
    _place: _Place = field(default_factory=_Place, init=False, repr=False, compare=False)

    @property
    def by(self) -> str:
        """The script's name, or a hash of it."""
        if self.name:
            return f"scripted:{self.name}@1"
        said = identity(cast("Any", self.script)) if callable(self.script) else repr(self.script)
        return identify("scripted", 1, {"script": said})

    def ask(self, requests: Sequence[Request], deadline: float | None = None) -> list[Answer]:
        """What the script says to each request."""
        return [self._say(request) for request in requests]

    async def ask_async(
        self, requests: Sequence[Request], deadline: float | None = None
    ) -> list[Answer]:
        """`ask` for asyncio; the function is called in a thread."""
        return await errand.ask_async(self, requests, deadline)

    def _say(self, request: Request) -> Answer:
        if isinstance(self.script, str | Said | Reply | Unanswered):
            return _answer(self.script, request)
        if callable(self.script):
            return _answer(self.script(request), request)
        place = self._place.take()
        if place < len(self.script):
            return _answer(self.script[place], request)
        return Unanswered(Silence.UNRECORDED, f"the script ends after {len(self.script)} replies")


def _answer(spoken: Any, request: Request) -> Answer:
    if isinstance(spoken, Reply | Unanswered):
        return spoken
    if isinstance(spoken, str):
        spoken = Said(spoken)
    if not isinstance(spoken, Said):
        raise UsageError(f"a script says a text, a Said, a Reply or an Unanswered: {spoken!r:.80}")
    return Reply((spoken,) * request.samples)
