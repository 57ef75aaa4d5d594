"""What a run's judges cost, if they have a price: told before it, beside its bar, and after it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

from unflip.cli.verb import say
from unflip.errors import UsageError

if TYPE_CHECKING:
    from unflip.cli.source import Source
    from unflip.judges.spend import Metered
    from unflip.run import Workers
    from unflip.types import Sample, Verifier


class Bill:
    """The spending of some verifiers; as a string, what it is by now. Without prices it is silent.

    Args:
        *verifiers: Any; those without a price cost nothing.
        workers: Where they run.

    Raises:
        UsageError: A judge with a price in processes, each of which would have its own budget.
    """

    def __init__(self, *verifiers: Verifier | None, workers: Workers) -> None:
        from unflip.run.crews import Kind

        found = [(one, _meter(one)) for one in verifiers if one is not None]
        self._meters = [(one, meter) for one, meter in found if meter is not None]
        if self._meters and workers.kind is Kind.PROCESSES:
            raise UsageError(
                "a judge with a price is asked from one process: leave --workers and --deadline "
                "out, and set deadline under [asking] in its file"
            )

    def __bool__(self) -> bool:
        """Whether anything has a price."""
        return bool(self._meters)

    def __str__(self) -> str:
        return ", ".join(str(meter) for _, meter in self._meters)

    def announce(self, samples: Callable[[Verifier], Iterable[Sample]]) -> None:
        """Say what it will take to ask each judge about its samples."""
        from unflip.judges.spend import estimate
        from unflip.types import identity

        for judge, meter in self._meters:
            requests = getattr(judge, "requests", None)
            if requests is not None:
                said = estimate(requests(samples(judge)), meter.price)
                say(f"{identity(judge)} will take {said}; retries more, what is kept less")

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


def _meter(verifier: Any) -> Metered | None:
    """The meter of a judge, or of a rubric's judge."""
    for judge in (verifier, getattr(verifier, "judge", None)):
        backend: Any = getattr(judge, "backend", None)
        if hasattr(backend, "tally"):
            metered: Metered = backend
            return metered
    return None
