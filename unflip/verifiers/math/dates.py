"""Days of the calendar: `January 5, 2020` is `5 Jan 2020` and `2020-01-05`, and no difference."""

from __future__ import annotations

import re
from typing import NamedTuple

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WEEKDAY = r"(?:(?P<weekday>mon|tues|wednes|thurs|fri|satur|sun)day,? )?(?:on )?(?:the )?"
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>[0-9]{4})"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_WEEKDAY}{_MONTH} (?:the )?{_DAY}(?:,? {_YEAR})?",
        rf"{_WEEKDAY}{_DAY} (?:of )?{_MONTH},?(?: {_YEAR})?",
        rf"{_YEAR}(?P<sign>[-/.])(?P<number>[0-9]{{1,2}})(?P=sign)(?P<day>[0-9]{{1,2}})",
        rf"(?P<first>[0-9]{{1,2}})(?P<sign>[-/.])(?P<second>[0-9]{{1,2}})(?P=sign){_YEAR}",
    )
)
_LONGEST = 40


class Day(NamedTuple):
    """A day; a year of 0 is not said, and neither is an empty weekday.

    Attributes:
        year: The year.
        month: The month, from 1.
        day: The day of the month.
        weekday: The beginning of the weekday's name.
    """

    year: int
    month: int
    day: int
    weekday: str = ""


def days_of(text: str) -> frozenset[Day]:
    """The days that a text may mean: two for `1/5/2020`, none for what is no day.

    Example:
        >>> days_of("Jan. 5th, 2020") == days_of("2020-01-05")
        True
        >>> len(days_of("1/5/2020")), len(days_of("13/5/2020")), len(days_of("2020 - 1"))
        (2, 1, 0)
    """
    text = text.strip().rstrip(".")
    if len(text) > _LONGEST:
        return frozenset()
    found = next((match for form in _FORMS if (match := form.fullmatch(text))), None)
    return frozenset(filter(_is_day, _readings(found.groupdict()))) if found else frozenset()


def _readings(parts: dict[str, str | None]) -> list[Day]:
    year = int(parts.get("year") or 0)
    if first := parts.get("first"):
        one, other = int(first), int(parts["second"] or 0)
        return [Day(year, one, other), Day(year, other, one)]
    day = int(parts["day"] or 0)
    if name := parts.get("month"):
        months = [month.startswith(name.lower()[:3]) for month in _MONTHS]
        return [Day(year, months.index(True) + 1, day, (parts.get("weekday") or "").lower())]
    return [Day(year, int(parts["number"] or 0), day)]


def _is_day(one: Day) -> bool:
    return 1 <= one.month <= len(_MONTHS) and 1 <= one.day <= 31


def same_day(one: str, other: str) -> bool | None:
    """Whether two days are the same; None if either is none, or they may be and may not be.

    Example:
        >>> same_day("5 May 2020", "2020-05-05"), same_day("May 5", "May 6"), same_day("5", "5")
        (True, False, None)
        >>> same_day("1/5/2020", "5 January 2020") is None
        True
    """
    left, right = days_of(one), days_of(other)
    if not left or not right:
        return None
    may_be = any(_may_be(a, b) for a in left for b in right)
    if not may_be:
        return False
    years = {day.year for day in (*left, *right)}
    certain = len(left) == len(right) == 1 or one.strip() == other.strip()
    return True if certain and len(years) == 1 else None


def _may_be(one: Day, other: Day) -> bool:
    same_year = one.year == other.year or not (one.year and other.year)
    same_weekday = one.weekday == other.weekday or not (one.weekday and other.weekday)
    return one[1:3] == other[1:3] and same_year and same_weekday


def is_day_in_digits(text: str) -> bool:
    """Whether a text is a day that would be read as a difference or quotient otherwise.

    Example:
        >>> is_day_in_digits("2020-01-05"), is_day_in_digits("January 5"), is_day_in_digits("3 - 1")
        (True, False, False)
    """
    return text[:1].isdigit() and not any(map(str.isalpha, text)) and bool(days_of(text))
