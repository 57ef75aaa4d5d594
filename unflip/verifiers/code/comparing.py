"""Compares what a program printed with what it should have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from unflip.errors import UsageError

_WHOLE = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf|infinity)", re.IGNORECASE
)
_ROOM, _TIMES = 1 << 16, 64
"""An output that is longer than this and so many times the expected one is another one."""


class How(StrEnum):
    """What counts as the same output."""

    EXACT = "exact"
    """The same lines, but for blanks at the end of a line and blank lines at the end."""
    TOKENS = "tokens"
    """The same words in the same order, however they are spaced and broken into lines."""
    FLOATS = "floats"
    """The same words, where two numbers may differ by a tolerance."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """By how much two numbers may differ: by either of the two.

    Attributes:
        absolute: Difference.
        relative: Difference as a share of the expected number.

    Raises:
        UsageError: A tolerance is negative or no number.
    """

    absolute: float = 1e-9
    relative: float = 1e-6

    def __post_init__(self) -> None:
        if not (0 <= self.absolute < 1e300 and 0 <= self.relative <= 1):
            raise UsageError("a tolerance is 0 or more, and a relative one at most 1")

    def near(self, got: float, expected: float) -> bool:
        """Whether a number is near enough; nan is near nothing, infinity only itself."""
        if got == expected:
            return True
        bound = max(self.absolute, self.relative * abs(expected))
        return bound < float("inf") and abs(got - expected) <= bound


def same(got: bytes, expected: str, how: How, tolerance: Tolerance | None = None) -> bool:
    r"""Whether an output is the expected one.

    Example:
        >>> same(b"1 2 \n\n", "1 2", How.EXACT), same(b"1\n2", "1 2", How.TOKENS)
        (True, True)
        >>> same(b"0.3333333333", "0.3333333", How.FLOATS), same(b"nan", "nan", How.FLOATS)
        (True, True)
    """
    if len(got) > _ROOM + _TIMES * len(expected):
        return False
    try:
        text = got.decode()
    except UnicodeDecodeError:
        return False
    if how is How.EXACT:
        return _lines(text) == _lines(expected)
    left, right = text.split(), expected.split()
    if how is How.TOKENS or left == right:
        return left == right
    bounds = tolerance or Tolerance()
    return len(left) == len(right) and all(
        a == b or _close(a, b, bounds) for a, b in zip(left, right, strict=True)
    )


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]


def _close(got: str, expected: str, tolerance: Tolerance) -> bool:
    if not (_NUMBER.fullmatch(got) and _NUMBER.fullmatch(expected)):
        return False
    if _WHOLE.fullmatch(got) and _WHOLE.fullmatch(expected):
        # Two whole numbers are the same or are not.
        return _digits(got) == _digits(expected)
    endless = ["i" in one.lower() for one in (got, expected)]
    # What is too large for a float is neither infinite nor another such number.
    return tolerance.near(float(got), float(expected)) and (
        all(endless) or isfinite(float(expected))
    )


def _digits(whole: str) -> str:
    digits = whole.lstrip("+-0") or "0"
    return f"-{digits}" if whole[0] == "-" and digits != "0" else digits
