"""Figures as people read them: percentages, counts, intervals, durations."""

from __future__ import annotations

import math

from unflip.intervals import Interval, Proportion

_SPACE = "\u00a0"
"""Between a number and its unit: the two stay on one line."""
_COMPOSED = frozenset({"bayes", "band", "mover", "confidence sequence, composed"})
"""Intervals of figures whose rows are those of several others."""
_UNITS = (("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))


def percent(share: float) -> str:
    """A share in [0, 1] as a percentage with one decimal; never 0.0% or 100.0% unless exact.

    Example:
        >>> [percent(p) for p in (0.0165, 0, 0.0001, 0.99999, math.nan)]
        ['1.7%', '0.0%', '<0.1%', '>99.9%', '–']
    """
    if math.isnan(share):
        return "–"
    if 0 < share < 0.0005:
        return "<0.1%"
    if 0.9995 <= share < 1:
        return ">99.9%"
    # The nudge undoes binary rounding: 0.0165 is stored a hair below itself.
    return f"{100 * share + 1e-9:.1f}%"


def count(rows: float) -> str:
    """A number of rows; estimated ones may be fractions.

    Example:
        >>> count(12345), count(2.25)
        ('12,345', '2.2')
    """
    return f"{rows:,.0f}" if rows == round(rows) else f"{rows:,.1f}"


def counted(share: Proportion) -> bool:
    """Whether a share is k of n rows, and not composed of other figures or known by bounds only.

    Example:
        >>> from unflip.intervals import wilson
        >>> counted(wilson(2, 1200)), counted(wilson(0, 0))
        (True, False)
    """
    return bool(share.n) and not math.isnan(share.point) and share.method not in _COMPOSED


def of(share: Proportion) -> str:
    """Its counts; empty where they are not `counted`.

    Example:
        >>> from unflip.intervals import wilson
        >>> of(wilson(2, 1200))
        '2 of 1,200'
    """
    return f"{count(share.k)} of {count(share.n)}" if counted(share) else ""


def span(share: Interval) -> str:
    """The ends of a share's interval.

    Example:
        >>> from unflip.intervals import wilson
        >>> span(wilson(2, 120))
        '0.5–5.9%'
    """
    return f"{percent(share.low).removesuffix('%')}–{percent(share.high)}"


def unknown(share: Interval) -> bool:
    """Whether nothing at all is known about a share or a J: no point, and the widest ends.

    Example:
        >>> from unflip.intervals import wilson
        >>> unknown(wilson(0, 0)), unknown(wilson(0, 1))
        (True, False)
    """
    return math.isnan(share.point) and share.low <= 0 and share.high >= 1


def signed(value: float) -> str:
    """A figure in [-1, 1] with two decimals and a real minus.

    Example:
        >>> signed(-0.125), signed(math.nan)
        ('−0.12', '–')
    """
    return "–" if math.isnan(value) else f"{value:.2f}".replace("-", "−")


def duration(seconds: float) -> str:
    r"""A duration with two or three significant digits and a fitting unit.

    Example:
        >>> [duration(s).replace("\xa0", " ") for s in (0.0000123, 0.00456, 0.25, 12, 200)]
        ['12 µs', '4.6 ms', '250 ms', '12 s', '3.3 min']
    """
    if math.isnan(seconds):
        return "–"
    unit, size = next((one for one in _UNITS if seconds >= one[1]), _UNITS[-1])
    number = seconds / size
    return f"{number:.{0 if number >= 9.95 else 1}f}{_SPACE}{unit}"


def points(difference: Interval) -> str:
    r"""A difference of two shares in percentage points, with its interval.

    Example:
        >>> points(Interval(point=-0.08, low=-0.15, high=0.02)).replace("\u2212", "-")
        '-8.0 (-15.0 to +2.0)'
    """
    point, low, high = (
        "–" if math.isnan(end) else f"{100 * end:+.1f}".replace("-", "−")
        for end in (difference.point, difference.low, difference.high)
    )
    return f"{point} ({low} to {high})"


def evenly(many: int, few: int) -> list[int]:
    """At most so many places among many, evenly, the first and the last among them.

    Example:
        >>> evenly(10, 4), evenly(3, 4)
        ([0, 3, 6, 9], [0, 1, 2])
    """
    if many <= few:
        return list(range(many))
    return [round(i * (many - 1) / (few - 1)) for i in range(few)]
