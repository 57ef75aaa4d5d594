"""What two answers may differ in and still be the same: the policies of taste, with defaults."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Percent(StrEnum):
    """What a percent sign on one side only means."""

    EITHER = "either"
    """28% equals 28, and it equals 0.28: a reference rarely says which form it wants."""
    EXACT = "exact"
    """28% equals 0.28 and nothing else."""


class Units(StrEnum):
    """What a unit on one side only means."""

    EITHER = "either"
    """10 cm equals 10: a reference rarely says whether it wants the unit."""
    EXACT = "exact"
    """10 cm equals 10 cm and 100 mm, and not 10."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What two numbers may differ in and still be the same answer.

    Attributes:
        percent: What a percent sign on one side only means.
        digits: A plain decimal of at least so many significant digits equals the fraction that
            rounds to it (12.55 equals 640/51, with 3); None demands exact equality.
        units: What a unit on one side only means.
        comma: Whether `1,22` may be a decimal, if the other side writes it `1.22`.
    """

    percent: Percent = Percent.EITHER
    digits: int | None = 3
    units: Units = Units.EITHER
    comma: bool = True
