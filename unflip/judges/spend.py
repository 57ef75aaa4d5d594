"""What asking costs: an estimate before a run, a tally while it goes on, a budget that ends it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from unflip.errors import DataError, UsageError
from unflip.judges.asking import (
    Answer,
    Backend,
    Request,
    Scorer,
    Silence,
    Unanswered,
    Usage,
)
from unflip.judges.backends import errand, sizes
from unflip.judges.backends.errand import Errand, Gate, Told
from unflip.judges.backends.wrapping import Wrapping

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost, in any one currency.

    Attributes:
        read: For a million tokens of prompts.
        written: For a million tokens of replies.

    Raises:
        UsageError: A price is below 0.

    Example:
        >>> Price(read=0.15, written=0.60).of(Usage(read=1_000_000, written=500_000))
        0.45
    """

    read: float
    written: float

    def __post_init__(self) -> None:
        if not (self.read >= 0 and self.written >= 0):
            raise UsageError(f"a price is 0 or more: {self}")

    def of(self, usage: Usage) -> float:
        """What that much costs."""
        return (usage.read * self.read + usage.written * self.written) / _MILLION


FREE = Price(0.0, 0.0)


def read_prices(path: str | Path) -> dict[str, Price]:
    """A table of prices: JSON such as `{"gpt-4o-mini": {"read": 0.15, "written": 0.6}}`.

    Raises:
        DataError: The file cannot be read as such a table.
    """
    try:
        table = json.loads(Path(path).read_text(encoding="utf-8"))
        return {
            str(model): Price(float(row["read"]), float(row["written"]))
            for model, row in table.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as why:
        raise DataError(f'{path} is no table {{"model": {{"read": 0.15, ...}}}}: {why!r}') from why


def price_of(prices: Mapping[str, Price], model: str) -> Price:
    """A model's price in a table.

    Raises:
        UsageError: The table does not name the model: no price is ever guessed.

    Example:
        >>> price_of({"tiny": Price(1, 2)}, "tiny")
        Price(read=1, written=2)
    """
    if model not in prices:
        known = ", ".join(sorted(prices)) or "none"
        raise UsageError(f"no price for {model!r}: add it to the table, which has {known}")
    return prices[model]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take, before it is started.

    Attributes:
        requests: How many there are.
        likely: Tokens, by a guess of bytes a token; replies as long as they may be.
        most: Tokens, by a bound: no token stands for less than a byte. Retries come on top.
        price: What a million tokens cost.
    """

    requests: int
    likely: Usage
    most: Usage
    price: Price = FREE

    @property
    def cost(self) -> tuple[float, float]:
        """What it likely costs, and what it costs at most."""
        return self.price.of(self.likely), self.price.of(self.most)

    def __str__(self) -> str:
        tokens = f"{self.likely.read:,} tokens read (at most {self.most.read:,})"
        cost = "" if self.price == FREE else "; cost {:,.2f}, at most {:,.2f}".format(*self.cost)
        return f"{self.requests:,} requests; {tokens}, {self.most.written:,} written at most{cost}"


def estimate(requests: Iterable[Request], price: Price = FREE) -> Estimate:
    """What requests will take; they are read one by one, so they need not fit in memory.

    Args:
        requests: What will be asked.
        price: Of the model that is asked.

    Example:
        >>> print(estimate([Request(raw="2 + 2 =")] * 1000))
        1,000 requests; 18,000 tokens read (at most 23,000), 16,000 written at most
    """
    count, likely, most = 0, Usage(), Usage()
    for request in requests:
        count += 1
        likely += sizes.likely(request)
        most += sizes.most(request)
    return Estimate(count, likely, most, price)


class Tally:
    """What was spent so far; any thread may add to it. A copy in another process begins at 0."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._usage = Usage()
        self._booked = 0.0

    def __reduce__(self) -> tuple[type[Tally], tuple[()]]:
        return Tally, ()

    @property
    def usage(self) -> Usage:
        """Tokens and requests so far."""
        return self._usage

    def book(self, cost: float, price: Price, budget: float) -> bool:
        """Set a cost aside, if with all that is set aside and spent it stays in the budget."""
        with self._lock:
            fits = price.of(self._usage) + self._booked + cost <= budget
            self._booked += cost * fits
            return fits

    def add(self, usage: Usage, booked: float = 0.0) -> None:
        """What something took, in place of what was set aside for it."""
        with self._lock:
            self._usage += usage
            self._booked -= booked


@dataclass(frozen=True)
class Metered(Wrapping):
    """A backend that counts what it spends, and sends nothing that its budget may not cover.

    Before a request is sent, what it costs at most is set aside; so the budget holds as long as
    servers bill what they report and one attempt at a request. Of a reply whose server reports no
    tokens they are guessed. What no longer fits is answered as
    cancelled, which a judge makes an abstain. Count outside of a store: what is recalled is free.

    Attributes:
        backend: Who is asked.
        price: What a million tokens cost.
        budget: The most that may be spent, in the price's currency; each process has its own.
        tally: What was spent so far, in this process.

    Raises:
        UsageError: A budget without a price.

    Example:
        >>> from unflip.judges.backends import Scripted
        >>> judge = Metered(Scripted("YES"), Price(1.0, 1.0), budget=0.0)
        >>> judge.ask([Request(raw="?")])[0].detail
        'budget: this request may cost 0.000033, and 0.000000 is left of 0'
    """

    backend: Backend
    price: Price = FREE
    budget: float | None = None
    tally: Tally = field(default_factory=Tally, compare=False, repr=False)

    def __new__(cls, backend: Backend | None = None, *_: Any, **__: Any) -> Metered:
        """One that weighs, if the backend does."""
        weighs = cls is Metered and isinstance(backend, Scorer)
        return object.__new__(_MeteredScorer if weighs else cls)

    def __post_init__(self) -> None:
        if self.budget is not None and (self.price == FREE or not self.budget >= 0):
            raise UsageError("a budget wants a price: Metered(backend, Price(0.15, 0.6), budget=5)")

    @property
    def cost(self) -> float:
        """What was spent so far, in this process."""
        return self.price.of(self.tally.usage)

    def __str__(self) -> str:
        took = self.tally.usage
        tokens = f"{took.requests:,} requests, {took.read + took.written:,} tokens"
        if self.price == FREE:
            return tokens
        return f"{tokens}, {self.cost:,.4f}" + (f" of {self.budget:g}" if self.budget else "")

    def post(
        self,
        requests: Sequence[Request],
        told: Told,
        deadline: float | None = None,
        gate: Gate | None = None,
    ) -> Errand:
        """Start on the requests, as far as the budget goes."""
        booked: dict[int, float] = {}

        def may(place: int) -> Answer | None:
            instead = gate(place) if gate else None
            return instead or self._book(place, requests[place], booked)

        def tell(place: int, answer: Answer) -> None:
            self.tally.add(_billed(requests[place], answer), booked.pop(place, 0.0))
            told(place, answer)

        under_way = errand.post(self.backend, requests, tell, deadline, may)
        # What an error kept from being told of is not under way any more either.
        under_way.then(lambda: self.tally.add(Usage(), sum(booked.values())))
        return under_way

    def _book(self, place: int, request: Request, booked: dict[int, float]) -> Unanswered | None:
        if self.budget is None:
            return None
        cost = self.price.of(sizes.most(request))
        if self.tally.book(cost, self.price, self.budget):
            booked[place] = cost
            return None
        left = max(0.0, self.budget - self.cost)
        text = f"this request may cost {cost:.6f}, and {left:.6f} is left of {self.budget:g}"
        return Unanswered(Silence.CANCELLED, f"budget: {text}")


def _billed(request: Request, answer: Answer) -> Usage:
    """What an answer took; a budget that nothing is taken from would have no end."""
    took = answer.usage
    if isinstance(answer, Unanswered) or not took.requests or took.read or took.written:
        return took
    return replace(sizes.likely(request), requests=took.requests)


class _MeteredScorer(Metered):
    """A meter before a backend that weighs; weights are a local model's, and cost nothing."""

    def weigh(
        self, requests: Sequence[Request], endings: Sequence[str]
    ) -> list[tuple[float, ...] | Unanswered]:
        """The backend's weights."""
        return cast("Scorer", self.backend).weigh(requests, endings)
