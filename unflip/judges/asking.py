"""What a judge asks a model and hears: Request, Reply, Unanswered; and who answers: Backend.

A backend only carries words. It never decides: what an outage, a refusal or half a reply mean for
a verdict is the judge's matter, so a backend says which of them it was and makes no number of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from unflip.types import digest


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a chat: who says it (system, user, assistant) and what."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model.

    Attributes:
        turns: The chat so far. A last turn by the assistant is one to be gone on with (a prefill).
        raw: Text to be continued as it is, for models without a chat template; then no turns.
        max_tokens: The most tokens of a reply.
        temperature: 0 takes the likeliest token.
        samples: How many replies are wanted, drawn independently.
        top_logprobs: How many alternatives to report at each position; 0 asks for none.
        stop: Strings at which a reply ends.
        seed: For backends that can repeat a draw.
    """

    turns: tuple[Turn, ...] = ()
    raw: str | None = None
    max_tokens: int = 16
    temperature: float = 0.0
    samples: int = 1
    top_logprobs: int = 0
    stop: tuple[str, ...] = ()
    seed: int | None = None

    @property
    def key(self) -> str:
        """32 hex digits that stand for all of it."""
        asked = self.max_tokens, float(self.temperature), self.samples, self.top_logprobs
        chat = [[turn.role, turn.text] for turn in self.turns]
        return digest([chat, self.raw, asked, self.stop, self.seed])


class Finish(StrEnum):
    """Why a reply ended."""

    STOP = "stop"
    LENGTH = "length"
    """The limit of tokens was reached: what is there is half a reply."""
    REFUSED = "refused"
    """The model, or a filter in front of it, would not answer."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Position:
    """One token of a reply, with the log-probabilities of what might have stood there."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """One of a reply's samples.

    Attributes:
        text: What was said, without reasoning that the endpoint reports apart.
        finish: Why it ended.
        reasoning: Reasoning that the endpoint reports apart, if any.
        positions: The tokens with their log-probabilities, None where the backend gives none.
    """

    text: str
    finish: Finish = Finish.STOP
    reasoning: str = ""
    positions: tuple[Position, ...] | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer took: tokens read, tokens written, and requests sent, retries included."""

    read: int = 0
    written: int = 0
    requests: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.read + other.read, self.written + other.written, self.requests + other.requests
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said to one request: as many samples as were asked for."""

    said: tuple[Said, ...]
    usage: Usage = Usage()


class Silence(StrEnum):
    """Why there is no reply."""

    UNREACHABLE = "unreachable"
    """No connection, or errors of the server until the retries were spent."""
    TIMEOUT = "timeout"
    """The deadline passed."""
    THROTTLED = "throttled"
    """Told to wait for longer than the deadline allows."""
    REFUSED = "refused"
    """The endpoint would not take this request (content filter, 400); asking again won't help."""
    GARBLED = "garbled"
    """Something came back that is no reply: cut JSON, no choices, a wrong number of them."""
    CANCELLED = "cancelled"
    """The run was ended."""
    UNRECORDED = "unrecorded"
    """A replayed backend has no answer to this request."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No reply: why, in a word and in a sentence for people; and what was spent all the same."""

    why: Silence
    detail: str = ""
    usage: Usage = Usage()


Answer = Reply | Unanswered


@runtime_checkable
class Backend(Protocol):
    """Whoever answers requests. Frozen and picklable; whatever is warm is made when first used.

    An answer is always returned, never raised: only misuse raises (no such model, a wrong key: the
    first request would fail, and so would all others).
    """

    @property
    def by(self) -> str:
        """What an answer depends on: model, revision, precision; not where it runs."""

    @property
    def kind(self) -> str:
        """`real`, or `tiny` or `stub`, whose answers say nothing about real judges."""

    @property
    def parallel(self) -> int:
        """How many requests are worth having under way at once."""

    def ask(self, requests: Sequence[Request], deadline: float | None = None) -> list[Answer]:
        """An answer to each request, in order; `deadline` is in seconds for each of them."""


@runtime_checkable
class Scorer(Protocol):
    """A backend that can also weigh given continuations, as a local model can."""

    def weigh(
        self, requests: Sequence[Request], endings: Sequence[str]
    ) -> list[tuple[float, ...] | Unanswered]:
        """Log-probability of each whole ending after each request; endings may be many tokens."""
