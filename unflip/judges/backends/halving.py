"""Work in batches that are halved when memory does not suffice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def in_batches(
    items: Sequence[T],
    size: int,
    work: Callable[[Sequence[T]], None],
    too_much: Callable[[Exception], bool],
) -> Iterator[T]:
    """Work on all items in their order; the items that are too much even alone are yielded.

    Args:
        items: What to work on; sorted with the largest first, so that memory fails early.
        size: How many at once, until that is too much; from then on, half as many.
        work: What to do with a batch; it is done whole, or raises.
        too_much: Whether an error says that memory did not suffice; may make room.

    Example:
        >>> done = []
        >>> def work(batch):
        ...     if len(batch) > 2:
        ...         raise MemoryError
        ...     done.append(list(batch))
        >>> list(in_batches([1, 2, 3, 4, 5], 4, work, lambda why: isinstance(why, MemoryError)))
        []
        >>> done
        [[1, 2], [3, 4], [5]]
    """
    start = 0
    while start < len(items):
        batch = items[start : start + size]
        if _done(batch, work, too_much):
            start += len(batch)
        elif len(batch) > 1:
            size = len(batch) // 2
        else:
            yield batch[0]
            start += 1


def _done(
    batch: Sequence[T], work: Callable[[Sequence[T]], None], too_much: Callable[[Exception], bool]
) -> bool:
    try:
        work(batch)
    except Exception as why:
        # The error's frames hold the tensors that did not fit.
        why.__traceback__ = None
        if too_much(why):
            return False
        raise
    return True
