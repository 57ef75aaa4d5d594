"""What the paper on master keys found, for orientation beside an audit's own figures."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Published:
    """The published table: percentages of content-free answers that a judge accepted.

    Attributes:
        source: Where it is from.
        note: What has to be known about its figures.
        benchmarks: Names and numbers of items, in the order of the columns.
        judges: Of each judge, (average, worst) over the ten keys on each benchmark, and overall.
        mismatched: Judges with averages that do not follow from their own cells, and what does.
    """

    source: str
    note: str
    benchmarks: Mapping[str, int]
    judges: Mapping[str, tuple[tuple[float, float], ...]]
    mismatched: Mapping[str, str]


@cache
def published() -> Published:
    """The table of the paper.

    Example:
        >>> published().judges["GPT-4o"][-1]
        (14.6, 53.6)
    """
    text = (files("unflip.audit") / "probes" / "published.toml").read_text("utf-8")
    table = tomllib.loads(text)
    return Published(
        source=table["source"],
        note=table["note"],
        benchmarks=table["benchmarks"],
        judges={
            name: tuple((average, worst) for average, worst in cells)
            for name, cells in table["judges"].items()
        },
        mismatched=table["mismatched"],
    )
