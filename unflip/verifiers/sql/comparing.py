"""Compares the rows of two queries, as plain data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate, pairwise
from math import isnan
from typing import Any

from unflip.verifiers.code.comparing import Tolerance

Row = Sequence[Any]
_MATCHED = 100
"""Among so many rows that are near each other, each is looked for one that is near."""


def same_rows(
    got: Sequence[Row], gold: Sequence[Row], tolerance: Tolerance, *, ordered: bool
) -> bool:
    """Whether rows are the same, as often, and in the same order if that counts.

    Example:
        >>> near = Tolerance()
        >>> same_rows([(1, "a"), (2, None)], [(2.0, None), (1, "a")], near, ordered=False)
        True
        >>> same_rows([("1",)], [(1,)], near, ordered=False)
        False
        >>> same_rows([(1,), (1,), (2,)], [(1,), (2,), (2,)], near, ordered=False)
        False
    """
    if len(got) != len(gold):
        return False
    if ordered:
        return all(alike(a, b, tolerance) for a, b in zip(got, gold, strict=True))
    classes = _classes(zip(*got, *gold, strict=False), tolerance)
    groups, wanted = _grouped(got, classes), _grouped(gold, classes)
    return groups.keys() == wanted.keys() and all(
        _matched(groups[key], wanted[key], tolerance) for key in wanted
    )


def alike(got: Any, gold: Any, tolerance: Tolerance) -> bool:
    """Whether a value is the same: NULL only NULL, 1 also 1.0, no number any text.

    Numbers are near enough where one of them is a float; two exact ones are equal or not.
    """
    if isinstance(gold, (list, tuple)):
        return (
            isinstance(got, (list, tuple))
            and len(got) == len(gold)
            and all(alike(a, b, tolerance) for a, b in zip(got, gold, strict=True))
        )
    if isinstance(gold, dict):
        return (
            isinstance(got, dict)
            and list(got) == list(gold)
            and all(alike(got[name], gold[name], tolerance) for name in gold)
        )
    if _number(got) and _number(gold):
        return _near(got, gold, tolerance)
    # Of the decimals that are left, some raise when they are asked what they equal.
    return type(got) is type(gold) and not isinstance(gold, Decimal) and bool(got == gold)


def _number(value: Any) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite()
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _near(got: Any, gold: Any, tolerance: Tolerance) -> bool:
    if not isinstance(got, float) and not isinstance(gold, float):
        return bool(got == gold)
    try:
        a, b = float(got), float(gold)
    except OverflowError:
        return bool(got == gold)
    return tolerance.near(a, b) or (isnan(a) and isnan(b))


def _classes(columns: Iterable[Sequence[Any]], tolerance: Tolerance) -> list[dict[Any, int]]:
    """The numbers of each column, and which of them belong together: none is near another's."""
    found = []
    for values in columns:
        numbers = [one for one in values if _number(one) and one == one]
        exact = not any(isinstance(one, float) for one in numbers)
        numbers = sorted(set(numbers))
        apart = [exact or not _close(a, b, tolerance) for a, b in pairwise(numbers)]
        found.append(dict(zip(numbers, accumulate([0, *apart]), strict=False)))
    return found


def _close(one: Any, other: Any, tolerance: Tolerance) -> bool:
    try:
        a, b = float(one), float(other)
    except OverflowError:
        return True
    return tolerance.near(a, b) or tolerance.near(b, a)


def _grouped(rows: Sequence[Row], classes: Sequence[Mapping[Any, int]]) -> dict[str, list[Row]]:
    """Rows by all that has to be equal to the letter, and by what their numbers are near."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        parts = zip(row, classes, strict=False)
        groups[repr([_kept(one, near) for one, near in parts])].append(row)
    return groups


def _kept(value: Any, near: Mapping[Any, int]) -> Any:
    if _number(value):
        return near.get(value)
    return None if isinstance(value, (list, tuple, dict)) else (type(value), value)


def _matched(got: list[Row], gold: list[Row], tolerance: Tolerance) -> bool:
    """Whether each row has a partner of its own that is alike."""
    if len(got) != len(gold):
        return False
    one, other = sorted(got, key=_size), sorted(gold, key=_size)
    if all(alike(a, b, tolerance) for a, b in zip(one, other, strict=True)):
        return True
    return len(got) <= _MATCHED and _partners(got, gold, tolerance)


def _size(row: Row) -> tuple[Any, ...]:
    """What rows are sorted by; what is no number at all cannot be compared with one."""
    return tuple((0, one, "") if _number(one) and one == one else (1, 0, repr(one)) for one in row)


def _partners(got: list[Row], gold: list[Row], tolerance: Tolerance) -> bool:
    taken: dict[int, int] = {}

    def placed(row: int, tried: set[int]) -> bool:
        for place, wanted in enumerate(gold):
            if place in tried or not alike(got[row], wanted, tolerance):
                continue
            tried.add(place)
            if place not in taken or placed(taken[place], tried):
                taken[place] = row
                return True
        return False

    return all(placed(row, set()) for row in range(len(got)))
