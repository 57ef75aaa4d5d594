"""A `compute_score` of verl with a deadline, in which what fails abstains instead of scoring 0."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

from unflip.errors import UsageError
from unflip.integrations.verl.score import KEYS
from unflip.types import Reason

_log = logging.getLogger(__name__)
_THREADS = 32
"""How many functions that are not async run at once in one reward worker."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """Any `compute_score`, async or not: a row that raises, is late or has no score abstains.

    A thread cannot be stopped: one that hangs is left behind, and its row abstains in time. Rows
    that wait for a thread do not lose of their deadline. A misuse of ours is still raised, since it
    would make every row abstain.

    Attributes:
        compute_score: What verl would call.
        nothing: What a row is scored that weighs nothing; NaN is for our estimators.
        seconds: The deadline of one call.

    Example:
        >>> def compute_score(solution_str, **row):
        ...     return 1.0 if solution_str == "4" else 1 / 0
        >>> guarded = Guarded(compute_score)
        >>> good, bad = (asyncio.run(guarded.score(solution_str=text)) for text in "45")
        >>> good["score"], good["reason"], bad["score"], bad["reason"]
        (1.0, 'rewarded', nan, 'error')
    """

    compute_score: Callable[..., Any]
    nothing: float = math.nan
    seconds: float = 300.0
    _free: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(_THREADS), repr=False, compare=False
    )

    async def score(self, **row: Any) -> dict[str, Any]:
        """The score and what verl logs beside it, by the same keys in every row."""
        try:
            said, score = _read(await self._said(row))
        except UsageError:
            raise
        except TimeoutError:
            _log.warning("unflip: no score within %g s: the row abstains", self.seconds)
            return self._row({}, math.nan, Reason.TIMEOUT)
        except Exception as why:
            _log.warning("unflip: no score from compute_score, the row abstains", exc_info=why)
            return self._row({}, math.nan, Reason.ERROR)
        return self._row(said, score, _reason(score))

    async def _said(self, row: Mapping[str, Any]) -> Any:
        if inspect.iscoroutinefunction(self.compute_score):
            return await asyncio.wait_for(self.compute_score(**row), self.seconds)
        async with self._free:
            call = in_thread(lambda: self.compute_score(**row))
            return await asyncio.wait_for(call, self.seconds)

    def _row(self, said: Mapping[str, Any], score: float, reason: Reason) -> dict[str, Any]:
        silent = math.isnan(score)
        known = {
            "score": self.nothing if silent else score,
            "raw": score,
            "accept": float(score > 0),
            "abstain": float(silent),
            "stratum": "",
            "reason": str(reason),
        }
        of_ours = (
            {key: said[key] for key in KEYS if key != "score"} if set(KEYS) <= set(said) else {}
        )
        return {**known, **of_ours}


async def in_thread(call: Callable[[], Any]) -> Any:
    """What a call returns in a thread of its own, which nobody waits for once it is too late.

    Example:
        >>> asyncio.run(in_thread(lambda: 2 + 2))
        4
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Any] = loop.create_future()

    def settle(put: Callable[[Any], None], value: Any) -> None:
        if not answer.done():
            put(value)

    def run() -> None:
        put: Callable[[Any], None] = answer.set_result
        try:
            value = call()
        except StopIteration as why:  # which no future takes
            put, value = answer.set_exception, RuntimeError(repr(why))
        except BaseException as why:
            put, value = answer.set_exception, why
        with suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(settle, put, value)

    Thread(target=run, daemon=True).start()
    return await answer


def _read(said: Any) -> tuple[Mapping[str, Any], float]:
    """What was said, and its score; NaN for None, and for what is not finite.

    Raises:
        Exception: There is no score, or it is no number.
    """
    given = said if isinstance(said, Mapping) else {"score": said}
    score = math.nan if given["score"] is None else float(given["score"])
    return given, score if math.isfinite(score) else math.nan


def _reason(score: float) -> Reason:
    if math.isnan(score):
        return Reason.UNDECIDED
    return Reason.REWARDED if score > 0 else Reason.UNREWARDED
