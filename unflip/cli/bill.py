"""What a run's judges take: told before it; and if they have a price, beside its bar and after."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from unflip.cli.verb import say
from unflip.errors import UsageError

if TYPE_CHECKING:
    from unflip.cli.source import Source
    from unflip.judges.spend import Metered
    from unflip.run import Workers
    from unflip.types import Sample, Verifier


AnyVerifier = TypeVar("AnyVerifier")
REPLIES = "replies.sqlite"
"""In the folder of a run, what was answered, where a judge has no store of its own."""


class Bill:
    """The spending of some verifiers; as a string, what it is by now.

    Of judges without a price only the tokens are told, before the run.

    Args:
        *verifiers: Any; rules cost nothing.
        workers: Where they run.

    Raises:
        UsageError: A judge with a price in processes, each of which would have its own budget.
    """

    def __init__(self, *verifiers: Verifier | None, workers: Workers) -> None:
        from unflip.run.crews import Kind

        self._judges = [
            (one, judge) for one in verifiers if one is not None for judge in _paid(one)
        ]
        meters = {id(meter.tally): meter for _, judge in self._judges if (meter := _meter(judge))}
        self._meters = tuple(meters.values())
        if self._meters and workers.kind is Kind.PROCESSES:
            raise UsageError(
                "a judge with a price is asked from one process: leave --workers and --deadline "
                "out, and set deadline under [asking] in its file"
            )

    def __bool__(self) -> bool:
        """Whether anything has a price."""
        return bool(self._meters)

    def __str__(self) -> str:
        return ", ".join(map(str, self._meters))

    def announce(self, samples: Callable[[Verifier], Iterable[Sample]]) -> None:
        """Say what it will take to ask each judge about its samples."""
        for one, judge in self._judges:
            from unflip.judges.spend import estimate
            from unflip.types import identity

            meter = _meter(judge)
            price = (meter.price,) if meter else ()
            unknown = "" if meter else ", at no price that is known"
            said = estimate(judge.requests(samples(one)), *price)
            say(f"{identity(judge)} will take {said}{unknown}; retries more, what is kept less")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, why: type[BaseException] | None, *_: object) -> None:
        if why is not None and not issubclass(why, Exception):
            _settle()
        if self:
            say(f"spent: {self}")


def of_measurement(checker: Verifier, source: Source, how: dict[str, Any]) -> Bill:
    """The bill of a measurement, announced; `how` is told to show it beside its progress bars."""
    bill = Bill(checker, how["judge"], workers=how["workers"])
    bill.announce(lambda one: _measured(one is checker, checker, source))
    how["beside"] = bill
    return bill


def asked_of(verifier: Verifier, samples: Iterable[Sample]) -> Iterator[Sample]:
    """What trying the references asks: each as its own answer."""
    from unflip.audit.references import ReferenceChecker

    return ReferenceChecker(getattr(verifier, "present", str)).ask(samples)


def _settle() -> None:
    """Wait for replies that are on their way: what is paid for is kept, and counted."""
    line = sys.modules.get("unflip.judges.backends.line")
    if line is not None:
        line.settle()


def _measured(tried: bool, checker: Verifier, source: Source) -> Iterable[Sample]:
    """The rows, and before them the references if they are tried."""
    references = asked_of(checker, source.again()) if tried else ()
    return chain(references, source.again())


def with_store(verifier: AnyVerifier, path: Path) -> AnyVerifier:
    """It with a store of replies if it pays for them: who is interrupted then pays nothing twice.

    Example:
        >>> with_store(print, Path(REPLIES)) is print
        True
    """
    if not any(True for _ in _paid(verifier)):
        return verifier
    from unflip.judges.keeping import keeping

    return cast("AnyVerifier", keeping(cast("Verifier", verifier), path))


def _paid(verifier: Any) -> Iterator[Any]:
    """The judges in it that say what they will ask, and ask for money."""
    if callable(getattr(verifier, "requests", None)):
        if any(getattr(one, "paid", hasattr(one, "tally")) is True for one in _backends(verifier)):
            yield verifier
        return
    for part in (getattr(verifier, "judge", None), *getattr(verifier, "parts", ())):
        if part is not None:
            yield from _paid(part)


def _backends(judge: Any) -> Iterator[Any]:
    """The backend of a judge, or of a rubric's judge, and those that it is wrapped around."""
    one = getattr(judge, "backend", None) or getattr(getattr(judge, "judge", None), "backend", None)
    while one is not None:
        yield one
        one = getattr(one, "backend", None)


def _meter(judge: Any) -> Metered | None:
    found: Any = (one for one in _backends(judge) if hasattr(one, "tally"))
    return next(found, None)
