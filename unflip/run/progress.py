"""A progress bar for people, and nothing at all for pipes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def with_progress(
    iterable: Iterable[T],
    total: int | None = None,
    *,
    description: str = "",
    beside: object = "",
) -> Iterator[T]:
    """The same items, with a progress bar on stderr if that is a terminal.

    Args:
        iterable: Anything; the bar advances as its items are taken.
        total: How many there will be, if that is known.
        description: What is going on, in a word or two.
        beside: Anything that tells as a string how things stand, such as what was spent; it is
            asked again whenever the bar is drawn.

    Example:
        >>> list(with_progress([1, 2, 3], total=3, description="verifying"))
        [1, 2, 3]
    """
    if not sys.stderr.isatty():
        yield from iterable
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    told = TextColumn("{task.fields[beside]}", markup=False)
    columns = (*Progress.get_default_columns(), TimeElapsedColumn(), MofNCompleteColumn(), told)
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(description, total=total, beside=beside)
        yield from progress.track(iterable, total=total, task_id=task)
