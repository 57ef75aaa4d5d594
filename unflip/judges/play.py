"""Plays many conversations with one backend at once: each is a script that asks, step by step.

A script is a generator: it yields what it wants to know, is sent the answers, and returns what it
has found out. So a judge of one question, one of two turns and one of twenty criteria are written
alike, as if alone, and the steps of all of them that are due go to the backend together.
"""

from __future__ import annotations

import asyncio
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
Due = dict[int, Step]
"""The steps of the conversations under way, by their places."""
Answers = dict[int, list[Any]]
"""What each of them is sent."""
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
    for window in _windows(backend, scripts):
        rounds = _rounds(window)
        due, returned = _step(rounds, None)
        while due is not None:
            due, returned = _step(rounds, _answered(backend, due, deadline))
        yield from returned


async def play_async(
    backend: Backend, scripts: Iterable[Script[T]], deadline: float | None = None
) -> list[T]:
    """`play` for asyncio: the loop goes on; once the task is cancelled, nothing more is sent.

    Raises:
        NoVerdict: The backend raised.

    Example:
        >>> def silent():
        ...     yield Ask(())
        ...     return 7
        >>> asyncio.run(play_async(None, [silent()]))
        [7]
    """
    found: list[T] = []
    for window in _windows(backend, scripts):
        rounds = _rounds(window)
        due, returned = await asyncio.to_thread(_step, rounds, None)
        while due is not None:
            answers = await _answered_async(backend, due, deadline)
            due, returned = await asyncio.to_thread(_step, rounds, answers)
        found += returned
    return found


def _windows(backend: Backend, scripts: Iterable[Script[T]]) -> Iterator[list[Script[T]]]:
    """The scripts, as many at a time as are worth having under way."""
    pending = iter(scripts)
    ahead = max(_LEAST, _AHEAD * int(getattr(backend, "parallel", 1)))
    while window := list(islice(pending, ahead)):
        yield window


def _rounds(scripts: Sequence[Script[T]]) -> Generator[Due, Answers, list[T]]:
    """The steps that are due, round by round; it is sent their answers."""
    returned: dict[int, T] = {}
    due: Due = {}

    def go_on(index: int, answers: list[Any] | None) -> None:
        try:
            due[index] = scripts[index].send(answers)  # type: ignore[arg-type]
        except StopIteration as ended:
            due.pop(index, None)
            returned[index] = ended.value

    for index in range(len(scripts)):
        go_on(index, None)
    while due:
        for index, answers in (yield dict(due)).items():
            go_on(index, answers)
    return [returned[index] for index in range(len(scripts))]


def _step(
    rounds: Generator[Due, Answers, list[T]], answers: Answers | None
) -> tuple[Due | None, list[T]]:
    """What is due next, or None and what the scripts have returned."""
    try:
        return rounds.send(answers), []  # type: ignore[arg-type]
    except StopIteration as ended:
        return None, ended.value


def _answered(backend: Backend, due: Due, deadline: float | None) -> Answers:
    requests = _requests(due)
    with _misuse_stops(backend):
        answers = backend.ask(requests, deadline) if requests else []
        return _dealt(due, answers) | _all_weighed(backend, due)


async def _answered_async(backend: Backend, due: Due, deadline: float | None) -> Answers:
    from unflip.judges.backends.errand import ask_async

    requests = _requests(due)
    with _misuse_stops(backend):
        answers = await ask_async(backend, requests, deadline) if requests else []
        return _dealt(due, answers) | await asyncio.to_thread(_all_weighed, backend, due)


def _requests(due: Due) -> list[Request]:
    asks = (step for step in due.values() if isinstance(step, Ask))
    return [request for step in asks for request in step.requests]


def _dealt(due: Due, answers: Sequence[Answer]) -> Answers:
    """The answers of each step that asks."""
    asks = {index: len(step.requests) for index, step in due.items() if isinstance(step, Ask)}
    if len(answers) != sum(asks.values()):
        raise UsageError(f"it gave {len(answers)} answers to {sum(asks.values())} requests")
    heard = iter(answers)
    return {index: list(islice(heard, count)) for index, count in asks.items()}


def _all_weighed(backend: Backend, due: Due) -> Answers:
    """The weights of each step that wants some."""
    weighs = {index: step for index, step in due.items() if isinstance(step, Weigh)}
    found: Answers = {}
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
