"""One request to an endpoint, with all the attempts that it takes."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from unflip.errors import UsageError
from unflip.judges.asking import Answer, Reply, Request, Said, Silence, Turn, Unanswered, Usage
from unflip.judges.backends import statuses, wire
from unflip.judges.backends.line import Line
from unflip.judges.backends.pace import Again, Patience
from unflip.judges.backends.sizes import likely
from unflip.judges.backends.statuses import Response


@dataclass(frozen=True)
class Caller:
    """Asks a model over a line.

    Attributes:
        line: Connections and limits.
        model: Whom to ask.
        headers: What is sent beside the body; the key is among it.
        fields: The body of a request.
    """

    line: Line
    model: str
    headers: Mapping[str, str] = field(repr=False)
    fields: Callable[[Request], dict[str, Any]]

    def answer(self, patience: Patience, cancelled: threading.Event, request: Request) -> Answer:
        """The answer to a request; samples that a server left out are asked for again."""
        said: tuple[Said, ...] = ()
        spent, end = Usage(), math.inf
        while True:
            rest = _rest(request, len(said))
            if self._wait_for_turn(rest, cancelled, end):
                return Unanswered(Silence.CANCELLED, "the run was ended", spent)
            end = min(end, time.monotonic() + patience.seconds)
            tries = 0 if self.line.hopeless else patience.retries
            in_time = replace(patience, retries=tries, seconds=end - time.monotonic())
            answer = self._persist(rest, in_time, cancelled)
            self.line.learn(answer)
            spent += answer.usage
            if isinstance(answer, Unanswered):
                return replace(answer, usage=spent)
            said += answer.said
            if len(said) == request.samples:
                return Reply(said, spent)

    def _wait_for_turn(self, request: Request, cancelled: threading.Event, end: float) -> bool:
        """Until the limits allow one more attempt, or time is up; whether it was cancelled."""
        line = self.line
        units = _total(likely(request)) if line.tokens.limited else 0
        wait, left = max(line.requests.book(1), line.tokens.book(units)), end - time.monotonic()
        if wait > left:
            # The turn comes too late, and is somebody else's.
            line.requests.settle(1)
            line.tokens.settle(units)
            wait = max(0.0, left)
        return cancelled.wait(wait) if wait else cancelled.is_set()

    def _persist(self, request: Request, patience: Patience, cancelled: threading.Event) -> Answer:
        body = json.dumps(self.fields(request)).encode()
        end = time.monotonic() + patience.seconds

        def attempt(left: float) -> Answer | Again:
            return self._attempt(request, body, left)

        def sleep(seconds: float) -> bool:
            return cancelled.wait(seconds) or self._wait_for_turn(request, cancelled, end)

        return patience.persist(attempt, sleep)

    def _attempt(self, request: Request, body: bytes, left: float) -> Answer | Again:
        path = wire.CHAT if request.raw is None else wire.TEXT
        try:
            sent = self.line.transport.send("POST", path, body, self.headers, left)
            read = sent if isinstance(sent, Again) else self._read(sent, request, left)
        except UsageError as why:
            raise UsageError(self._without_key(str(why))) from None
        if isinstance(read, Reply):
            self.line.heard = True
            if self.line.tokens.limited:
                self.line.tokens.settle(_total(likely(request)) - _total(read.usage))
            return read
        return replace(read, detail=self._without_key(read.detail))

    def _read(self, sent: Response, request: Request, left: float) -> Answer | Again:
        if sent.status == HTTPStatus.NOT_FOUND:
            models = self.line.models(self.headers)
            if models and self.model not in models:
                known = ", ".join(models)
                raise UsageError(f"the endpoint has no model {self.model!r}; it has {known}")
        if sent.status == HTTPStatus.FORBIDDEN and not self.line.heard:
            self._greet(request, left)
        return statuses.read(sent, request.samples, heard_before=self.line.heard)

    def _greet(self, request: Request, left: float) -> None:
        """Hear whether anything is allowed: a filter must not end a run by forbidding its first."""
        raw = request.raw is not None
        turns = () if raw else (Turn("user", _GREETING),)
        hello = Request(turns, _GREETING if raw else None, max_tokens=1)
        body = json.dumps(self.fields(hello)).encode()
        path = wire.TEXT if raw else wire.CHAT
        sent = self.line.transport.send("POST", path, body, self.headers, left)
        if isinstance(sent, Response) and sent.status == HTTPStatus.OK:
            self.line.heard = True

    def _without_key(self, text: str) -> str:
        """Servers like to repeat what they did not like."""
        secrets = (v.removeprefix("Bearer ") for k, v in self.headers.items() if k not in _OPEN)
        for secret in secrets:
            text = text.replace(secret, "***")
        return text


_GREETING = "Hello"
_OPEN = {"content-type", "user-agent"}


def _rest(request: Request, had: int) -> Request:
    """What is still missing of a request; a seed goes on, so that no draw comes twice."""
    if not had:
        return request
    seed = None if request.seed is None else request.seed + had
    return replace(request, samples=request.samples - had, seed=seed)


def _total(usage: Usage) -> int:
    return usage.read + usage.written
