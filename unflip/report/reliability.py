"""A picture of what P(yes) is worth: what the judge said against what was true, bin by bin."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from unflip.report.numbers import count, span
from unflip.report.svg import line

if TYPE_CHECKING:
    from unflip.judges.calibration import Bin, Calibration

_SIDE = 400
"""Pixels of the square."""
_LEFT, _TOP, _BELOW = 44, 34, 84
_WIDE = 760
_COLUMNS = (_SIDE + 160, _SIDE + 240, _WIDE - 8)
"""Where the columns of the table end."""
_ROW = 22
_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_STYLE = """
.reliability { background: var(--paper, #fdfdfb); font: 13px system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; font-variant-numeric: tabular-nums; }
.reliability text { fill: var(--soft, #59616a); }
.reliability text.figure { fill: var(--ink, #1c2024); }
.reliability line { stroke: var(--grid, #e8e8e2); }
.reliability line.even { stroke: var(--soft, #59616a); stroke-dasharray: 4 4; }
.reliability line.whisker { stroke: var(--agree, #1f6fb2); stroke-width: 2; stroke-linecap: round; }
.reliability circle { fill: var(--agree, #1f6fb2); stroke: var(--paper, #fdfdfb); stroke-width: 1.5; }
"""  # noqa: E501


def reliability(found: Calibration) -> str:
    """A reliability diagram as an SVG that stands alone, or in a page whose colours it takes.

    A dot below the diagonal is a bin in which the judge was surer than it was right. Beside the
    square each bin stands in figures.

    Args:
        found: Of `calibration`, or a tuned judge's.

    Returns:
        The SVG; write it as UTF-8.

    Example:
        >>> from unflip.judges import calibration
        >>> drawn = reliability(calibration([0.9] * 10 + [0.2] * 10, [1] * 9 + [0] * 11))
        >>> drawn.count("<circle")
        2
    """
    tall = max(_TOP + _SIDE + _BELOW, _TOP + _ROW * len(found.bins) + _BELOW)
    drawn = [*_square(), *map(_dot, found.bins), *_table(found.bins)]
    drawn.append(_text(str(found), 8, tall - 10, "start"))
    told = "; ".join(_said(one) for one in found.bins)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="reliability" role="img" '
        f'viewBox="0 0 {_WIDE} {tall}" width="{_WIDE}" height="{tall}"><title>What P(yes) is '
        f"worth</title><desc>{escape(told)}</desc><style>{_STYLE}</style>{''.join(drawn)}</svg>"
    )


def _x(share: float) -> float:
    return round(_LEFT + _SIDE * share, 1)


def _y(share: float) -> float:
    return round(_TOP + _SIDE * (1 - share), 1)


def _line(start: tuple[float, float], end: tuple[float, float], kind: str) -> str:
    return line(f"{start[0]}", f"{start[1]}", f"{end[1]}", kind, right=f"{end[0]}")


def _text(said: str, x: float, y: float, anchor: str, kind: str = "tick") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(said)}</text>'


def _square() -> list[str]:
    """Grid, ticks, the names of both axes, and the diagonal of a judge that is exactly right."""
    drawn = []
    for tick in _TICKS:
        drawn.append(_line((_x(tick), _y(0)), (_x(tick), _y(1)), "grid"))
        drawn.append(_line((_x(0), _y(tick)), (_x(1), _y(tick)), "grid"))
        drawn.append(_text(f"{tick:g}", _x(tick), _y(0) + 18, "middle"))
        drawn.append(_text(f"{tick:g}", _x(0) - 8, _y(tick) + 4, "end"))
    drawn.append(_line((_x(0), _y(0)), (_x(1), _y(1)), "even"))
    drawn.append(_text("P(yes), as the judge said it", _x(0.5), _y(0) + 38, "middle"))
    drawn.append(_text("share of correct answers", 8, _TOP - 14, "start"))
    return drawn


def _dot(one: Bin) -> str:
    x, rate = _x(one.said), one.correct
    whisker = _line((x, _y(rate.low)), (x, _y(rate.high)), "whisker")
    return (
        f'<g><title>{_said(one)}</title>{whisker}<circle cx="{x}" cy="{_y(rate.point)}" r="5"/></g>'
    )


def _table(bins: tuple[Bin, ...]) -> list[str]:
    """What each bin is in figures: they would not find room beside the dots."""
    heads = zip(("P(yes)", "correct", "interval"), _COLUMNS, strict=True)
    drawn = [_text(head, x, _TOP - 14, "end") for head, x in heads]
    for row, one in enumerate(bins):
        rate = one.correct
        told = (f"{one.said:.3f}", f"{count(rate.k)} of {count(rate.n)}", span(rate))
        for said, x in zip(told, _COLUMNS, strict=True):
            drawn.append(_text(said, x, _TOP + _ROW * row + 14, "end", "figure"))
    return drawn


def _said(one: Bin) -> str:
    rate = one.correct
    return (
        f"P(yes) {one.low:.3f} to {one.high:.3f}, {one.said:.3f} on average: {count(rate.k)} of "
        f"{count(rate.n)} correct, likely {span(rate)}"
    )
