"""Where the rates differ: the slices of a run whose own rates are surely others than the rest's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unflip.intervals import Interval, Proportion
from unflip.noise.slices import Slice
from unflip.report.numbers import count, of, percent, span

SURE = 0.05
"""The chance of any false finding in one rate; see `unflip.noise.slices.find`."""
SHOWN = 10
"""How many slices of one rate are kept."""
HEADS = ("slice", "rate", "here", "elsewhere", "shrunk", "p")
_NAMES = {"fp": "rho0", "fn": "rho1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """The slices that differ, by rate, those that differ most surely first.

    Attributes:
        fp: Where wrong answers are accepted more often, or less often, than elsewhere.
        fn: Where correct ones are rejected so.
        tested: How many slices were large enough to be compared, over both rates.
        complete: Whether every decided row had a label; if not, nothing was compared.
    """

    fp: tuple[Slice, ...] = ()
    fn: tuple[Slice, ...] = ()
    tested: int = 0
    complete: bool = True

    @classmethod
    def of(cls, fp: Sequence[Slice], fn: Sequence[Slice]) -> Differences:
        """Of everything that `find` returned for either rate, what differs.

        Example:
            >>> from unflip.noise.slices import find
            >>> hit = [1] * 12 + [0] * 28 + [0] * 38 + [1] * 2
            >>> found = find(hit, {"kind": ["set"] * 40 + ["integer"] * 40})
            >>> [one.label for one in Differences.of((), found).fn]
            ['integer', 'set']
        """
        tested = sum(not math.isnan(one.p_value) for one in (*fp, *fn))
        differing = (tuple(filter(_differs, flips)) for flips in (fp, fn))
        kept_fp, kept_fn = (flips[:SHOWN] for flips in differing)
        return cls(fp=kept_fp, fn=kept_fn, tested=tested)

    def __str__(self) -> str:
        """The finding in a sentence."""
        if not self.complete:
            return (
                "Slices were not compared: only some rows have a label, chosen by their verdict. "
                "Rates of one column: --per COLUMN."
            )
        if not self.tested:
            return "Too few labels to compare slices: each needs 20 labelled rows, and so the rest."
        found = len(self.fp) + len(self.fn)
        if not found:
            return f"None of {count(self.tested)} slices has rates that surely differ."
        return f"Of {count(self.tested)} slices these have rates that surely differ:"

    def lines(self) -> list[tuple[str, ...]]:
        """A line for each slice, as `HEADS` names its cells; the first holds text of the data."""
        return [
            (
                f"{one.column}: {one.label}",
                _NAMES[name],
                f"{percent(one.rate.point)} ({span(one.rate)}), {of(one.rate)}",
                percent(one.rest.point),
                percent(one.shrunk.point),
                f"{one.adjusted:.4f}" if one.adjusted >= 0.0001 else "<0.0001",
            )
            for name in _NAMES
            for one in getattr(self, name)
        ]

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        slices = {name: [_row(one) for one in getattr(self, name)] for name in _NAMES}
        return slices | {"tested": self.tested, "complete": self.complete}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Differences:
        """The inverse of `to_json`."""
        slices = {name: tuple(map(_slice, row[name])) for name in _NAMES}
        return cls(**slices, tested=row["tested"], complete=row["complete"])


def _differs(one: Slice) -> bool:
    """Whether test and intervals agree: the test alone is sure of a small slice without a hit.

    All scores of such a slice have one sign, which flipped signs hardly ever give.
    """
    apart = one.rate.high < one.rest.point or one.rest.point < one.rate.low
    return one.adjusted < SURE and apart and not one.rest.low <= one.rate.point <= one.rest.high


def _row(one: Slice) -> dict[str, Any]:
    told: dict[str, Any] = {name: getattr(one, name) for name in one.__slots__}
    return told | {name: told[name].to_json() for name in ("rate", "shrunk", "rest")}


def _slice(row: Mapping[str, Any]) -> Slice:
    rates = {name: Proportion.from_json(row[name]) for name in ("rate", "rest")}
    return Slice(**{**row, **rates, "shrunk": Interval.from_json(row["shrunk"])})
