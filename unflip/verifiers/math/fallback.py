r"""Math-Verify as a second opinion, behind limits and a deadline, from any thread.

Math-Verify's own timeouts are signals, which work in the main thread only and turn a slow answer
into a wrong one; so they are off, and a warm worker process is killed at the deadline instead.
Inside a worker, which somebody else already watches, it runs in place.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from typing import Any

from unflip.errors import WorkerCrash, WorkerRaised, WorkerTimeout
from unflip.types import Reason
from unflip.verifiers.math import limits
from unflip.verifiers.math.calculator import latex
from unflip.verifiers.math.comparing import By, Comparison, overlooks
from unflip.verifiers.math.plain import plain
from unflip.workers import Pool, cores, in_worker

_MOST_WORKERS = 4
_MEMORY = 4 << 30
_LONGEST_FORM = 200


def consult(answer: str, reference: str, asked: Comparison, *, deadline: float) -> Comparison:
    """What Math-Verify says where exact comparison could not tell.

    Args:
        answer: The answer as it stands.
        reference: The reference as it stands.
        asked: What exact comparison came to; its forms are kept where nothing better is known.
        deadline: Seconds after which the comparison is given up.
    """
    if limit := limits.exceeded(plain(reference)):
        return asked._replace(reason=Reason.UNREADABLE_REFERENCE, note=f"reference: {limit}")
    if limit := limits.exceeded(plain(answer)):
        return asked._replace(same=False, reason=Reason.OVER_LIMIT, note=f"answer: {limit}")
    try:
        said = _ask(answer, reference, deadline)
    except WorkerTimeout as why:
        return asked._replace(reason=Reason.TIMEOUT, note=str(why))
    except WorkerCrash as why:
        return asked._replace(reason=Reason.CRASH, note=str(why))
    except WorkerRaised as why:
        return asked._replace(reason=Reason.ERROR, note=str(why))
    ours, theirs = said["answer"], said["reference"]
    if theirs is None:
        return asked._replace(reason=Reason.UNREADABLE_REFERENCE, by=By.MATH_VERIFY)
    if ours is None:
        return asked._replace(same=False, reason=Reason.MALFORMED, by=By.MATH_VERIFY)
    # Math-Verify passes over words: 15 thousand is 15 to it, and so is > 15.
    same = said["same"] and not overlooks(answer, reference)
    return Comparison(same, By.MATH_VERIFY, answer=ours, reference=theirs)


def engines() -> dict[str, str]:
    """The versions that a second opinion depends on."""
    return {name: version(name) for name in ("math-verify", "latex2sympy2_extended", "sympy")}


def warm_up() -> None:
    """Import Math-Verify in a worker; elsewhere, start the workers."""
    if in_worker():
        _MathVerify().warm_up()
    else:
        _pool(os.getpid())


def _ask(answer: str, reference: str, deadline: float) -> dict[str, Any]:
    if not in_worker():
        reply: dict[str, Any] = _pool(os.getpid()).call((answer, reference), deadline=deadline)
        return reply
    warm_up()
    with _alarm(deadline):
        return _MathVerify()((answer, reference))


@cache
def _pool(_process: int) -> Pool:
    """The workers of this process, started when first needed; a forked child gets its own."""
    return Pool(_MathVerify(), size=min(_MOST_WORKERS, cores()), memory=_MEMORY)


class _MathVerify:
    """One comparison by Math-Verify: picklable, called in a worker."""

    def warm_up(self) -> None:
        import math_verify  # noqa: F401 - imported for later

        # It warns, of every process, that its timeouts are off.
        logging.getLogger("math_verify").setLevel(logging.ERROR)

    def __call__(self, pair: tuple[str, str]) -> dict[str, Any]:
        """Whether both are the same, and how Math-Verify reads them; None for what it cannot."""
        from math_verify import parse, verify

        ours, theirs = (parse(_boxed(text), parsing_timeout=None) for text in pair)
        same = verify(theirs, ours, timeout_seconds=None, allow_set_relation_comp=True)
        return {"same": same, "answer": _form(ours), "reference": _form(theirs)}


def _boxed(text: str) -> str:
    return rf"\boxed{{{latex(text)}}}"


def _form(parsed: list[Any]) -> str | None:
    """How an expression reads; None if only its text was found, which is no reading."""
    if not parsed or isinstance(parsed[0], str):
        return None
    try:
        return str(parsed[0])[:_LONGEST_FORM]
    except (ValueError, RecursionError):
        return "an expression too long to print"


class _Rang(BaseException):
    """The deadline passed; no Exception, since Math-Verify catches all of those."""


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """A deadline within this process, if none is set and it is the main thread that waits."""
    on_main = threading.current_thread() is threading.main_thread()
    if not on_main or signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except _Rang:
        raise WorkerTimeout(f"no answer within {seconds:g} s") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _ring(*_: object) -> None:
    raise _Rang
