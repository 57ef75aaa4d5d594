"""Rates as a table for a terminal: as few columns as tell the story."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from unflip.intervals import Proportion
from unflip.rates import NoiseRates
from unflip.report.differences import HEADS, Differences
from unflip.report.numbers import count, counted, percent, signed, span, unknown

if TYPE_CHECKING:
    from rich.table import Table

POOLED = "all"


def rates_table(rates: NoiseRates) -> Table:
    """A rich table: one line for each stratum, and the pooled one.

    Abstains have a column only if there is one, and so do statuses that are not all the same.

    Example:
        >>> from unflip.noise.gold import rates_from_arrays
        >>> rates = rates_from_arrays([1] * 90 + [0] * 110, [1] * 100 + [0] * 100)
        >>> rates_table(rates).row_count
        1
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    lines = [*rates.strata.values(), rates]
    columns: dict[str, Callable[[NoiseRates], str]] = {
        "accepts wrong (rho0)": lambda line: _share(line.fp),
        "rejects correct (rho1)": lambda line: _share(line.fn),
        "J": lambda line: signed(line.informativeness.point),
    }
    if any(line.abstain.k for line in lines):
        columns["abstains"] = lambda line: percent(line.abstain.point)
    if len({line.status for line in lines}) > 1:
        columns["status"] = lambda line: line.status
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in ("", *columns):
        # Where there is no room, the counts go below their share: nothing is cut off.
        table.add_column(head, no_wrap="rho" not in head)
    for name, line in rates.strata.items():
        table.add_row(Text(name), *(cell(line) for cell in columns.values()))
    if rates.strata:
        table.add_section()
    table.add_row(POOLED, *(cell(rates) for cell in columns.values()), style="bold")
    return table


def slices_table(found: Differences) -> Table:
    """A rich table: one line for each slice that differs.

    Example:
        >>> slices_table(Differences()).row_count
        0
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in HEADS:
        table.add_column(head, no_wrap=head == "p")
    for told in found.lines():
        table.add_row(*map(Text, told))
    return table


def _share(share: Proportion) -> str:
    if unknown(share):
        return "no data"
    if not counted(share):
        return span(share) if math.isnan(share.point) else f"{percent(share.point)} ({span(share)})"
    return f"{percent(share.point)} ({span(share)}) {count(share.k)}/{count(share.n)}"
