"""Plays many conversations with one backend at once: each is a script that asks, step by step.

A script is a generator: it yields what it wants to know, is sent the answers, and returns what it
has found out. So a judge of one question, one of two turns and one of twenty criteria are written
alike, as if alone, and the steps of all of them that are due go to the backend together.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from unflip.errors import MissingExtra, NoVerdict, UsageError
from unflip.judges.asking import Answer, Backend, Request, Scorer, Unanswered

T = TypeVar("T")

_AHEAD = 16
"""Conversations under way for each request that the backend can have under way."""
_LEAST = 256


@dataclass(frozen=True, slots=True)
class Ask:
    """Requests whose answers are wanted; the script is sent a list of them."""

    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Weigh:
    """Endings whose log-probabilities are wanted; the script is sent them in a list of one."""

    request: Request
    endings: tuple[str, ...]


Step = Ask | Weigh
Weights = tuple[float, ...] | Unanswered
Script = Generator[Step, list[Any], T]


def play(
    backend: Backend, scripts: Iterable[Script[T]], deadline: float | None = None
) -> Iterator[T]:
    """What each script returns, in order, with as many under way as the backend can use.

    Args:
        backend: Who answers.
        scripts: Made as lazily as they are played.
        deadline: Seconds for each request.

    Raises:
        NoVerdict: The backend raised, as it does where all requests would fail (a wrong key, no
            such model): a run has to stop at that, and not to abstain row by row.

    Example:
        >>> def silent():
        ...     yield Ask(())
        ...     return 7
        >>> list(play(None, [silent()]))
        [7]
    """
    pending = iter(scripts)
    ahead = max(_LEAST, _AHEAD * int(getattr(backend, "parallel", 1)))
    while window := list(islice(pending, ahead)):
        yield from _together(backend, window, deadline)


def _together(
    backend: Backend, scripts: Sequence[Script[T]], deadline: float | None
) -> Sequence[T]:
    returned: dict[int, T] = {}
    due: dict[int, Step] = {}

    def go_on(index: int, answers: list[Any] | None) -> None:
        try:
            due[index] = scripts[index].send(answers)  # type: ignore[arg-type]
        except StopIteration as ended:
            due.pop(index, None)
            returned[index] = ended.value

    for index in range(len(scripts)):
        go_on(index, None)
    while due:
        for index, answers in _answered(backend, due, deadline).items():
            go_on(index, answers)
    return [returned[index] for index in range(len(scripts))]


def _answered(
    backend: Backend, due: dict[int, Step], deadline: float | None
) -> dict[int, list[Any]]:
    asks = {index: step.requests for index, step in due.items() if isinstance(step, Ask)}
    weighs = {index: step for index, step in due.items() if isinstance(step, Weigh)}
    requests = [request for some in asks.values() for request in some]
    with _misuse_stops(backend):
        heard: Iterator[Answer] = iter(backend.ask(requests, deadline) if requests else [])
        found: dict[int, list[Any]] = {
            index: list(islice(heard, len(some))) for index, some in asks.items()
        }
        for endings in {step.endings for step in weighs.values()}:
            mine = [index for index, step in weighs.items() if step.endings == endings]
            found |= _weighed(backend, {index: weighs[index].request for index in mine}, endings)
    return found


@contextmanager
def _misuse_stops(backend: Backend) -> Iterator[None]:
    try:
        yield
    except (NoVerdict, MissingExtra):
        raise
    except UsageError as why:
        raise NoVerdict(f"{backend.by} cannot be asked: {why}") from why


def _weighed(
    backend: Backend, requests: dict[int, Request], endings: tuple[str, ...]
) -> dict[int, list[Any]]:
    # Only scripts that have seen a Scorer ask for weights.
    assert isinstance(backend, Scorer)  # noqa: S101
    weights: list[Weights] = backend.weigh(list(requests.values()), endings)
    return {index: [one] for index, one in zip(requests, weights, strict=True)}
