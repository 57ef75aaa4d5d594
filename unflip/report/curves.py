"""Pictures of rates that move: lines in their bands, over labels spent or over training steps.

As in `svg`, widths are percentages and heights pixels. Curves alone lie in an area that is
stretched to the width of the column; it holds no text, and its strokes keep their width.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from unflip.intervals import Interval
from unflip.report.numbers import percent, span, unknown
from unflip.report.svg import Scale, line, picture, scale_for, text

HEIGHT = 200
"""Pixels from the lowest to the highest share."""
_ABOVE, _BELOW = 10, 26
"""Pixels for half a tick's text, and for the ticks of the horizontal axis."""
_ROW = 19
"""Pixels for the words of one mark."""
_WIDE = 1000
_TICKS = 6
_APART, _LETTER = 0.08, 0.025
"""How far ticks are from the ends of the axis, and the more the longer the last one's figures."""
_ROOM = 0.34
"""Words of a mark this close to an end of the axis stand beside it, away from that end."""
_WORDS = 32
"""How many characters of a mark's words are drawn; more do not fit on a phone."""
_MARKS = (
    '<circle r="4.5"/>',
    '<path d="M-4-4H4V4H-4z"/>',
    '<path d="M0-6 6 0 0 6-6 0z"/>',
    '<path d="M0-6 5.5 4H-5.5z"/>',
)
"""What tells lines apart for those who see no colours."""


@dataclass(frozen=True, slots=True)
class Line:
    """A rate that moves: its name, its colour (`c1` to `c4`), and where it was when.

    Attributes:
        name: What it is.
        kind: Its colour.
        at: Places on the horizontal axis, in [0, 1] and rising.
        rates: The rate at each, as long.
        dots: Whether each place gets a dot.
    """

    name: str
    kind: str
    at: Sequence[float]
    rates: Sequence[Interval]
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a place in [0, 1] of the horizontal axis, in words."""

    at: float
    words: str


@dataclass(frozen=True, slots=True)
class Axis:
    """The horizontal axis: places in [0, 1] and their figures."""

    ticks: Sequence[tuple[float, str]] = ()


def top_for(rates: Iterable[Interval]) -> Scale:
    """The vertical axis that shows all lines and most bands; a few wide ones leave it at the top.

    Example:
        >>> from unflip.intervals import wilson
        >>> top_for([wilson(0, 0), wilson(1, 2)] + [wilson(20, 200)] * 9).top
        0.5
    """
    known = [rate for rate in rates if not unknown(rate)]
    points = [rate.point for rate in known if not math.isnan(rate.point)]
    highs = sorted(rate.high for rate in known)
    usual = highs[3 * (len(highs) - 1) // 4] if highs else 1.0
    return scale_for(min(1.0, max([usual, *points])))


def steps_axis(low: float, high: float) -> Axis:
    """The first step, the last one, and round numbers between them.

    Example:
        >>> [said for _, said in steps_axis(1, 100).ticks]
        ['1', '20', '40', '60', '80', '100']
    """
    if low == high:
        return Axis([(0.5, f"{low:,.10g}")])
    rough = (high - low) / _TICKS
    size = 10 ** math.floor(math.log10(rough))
    step = next(m * size for m in (1, 2, 5, 10) if m * size >= rough)
    between = [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
    whole = low == round(low) and high == round(high)
    kept = [tick for tick in between if not whole or tick == round(tick)]
    return _axis({tick: place(tick, low, high) for tick in [low, *kept, high]})


def labels_axis(low: int, high: int) -> Axis:
    """The fewest labels, the most, and round numbers between them, on a logarithmic axis.

    Example:
        >>> [said for _, said in labels_axis(20, 400).ticks]
        ['20', '50', '100', '200', '400']
    """
    if low == high:
        return Axis([(0.5, f"{low:,}")])
    decades = range(len(str(low)) - 1, len(str(high)))
    for leads in ((1, 2, 5), (1, 3), (1,)):
        ticks = [lead * 10**decade for decade in decades for lead in leads]
        ticks = [tick for tick in ticks if low < tick < high]
        if len(ticks) <= _TICKS:
            break
    return _axis({tick: log_place(tick, low, high) for tick in [low, *ticks, high]})


def _axis(place_of: Mapping[float, float]) -> Axis:
    """Both ends, and what is between them with room to either side."""
    ticks = [(at, f"{value:,.10g}") for value, at in place_of.items()]
    room = _APART + _LETTER * len(ticks[-1][1])
    return Axis([(at, said) for at, said in ticks if at in (0, 1) or _APART < at < 1 - room])


def log_place(labels: int, low: int, high: int) -> float:
    """Where a number of labels stands on a logarithmic axis.

    Example:
        >>> log_place(100, 10, 1000)
        0.5
    """
    return math.log(labels / low) / math.log(high / low) if low < high else 0.5


def place(value: float, low: float, high: float) -> float:
    """Where a step stands on the axis."""
    return (value - low) / (high - low) if low < high else 0.5


def panel(
    lines: Sequence[Line],
    scale: Scale,
    axis: Axis,
    *,
    title: str,
    marks: Sequence[Mark] = (),
    words: bool = False,
    height: int = HEIGHT,
) -> str:
    """One rate in all its lines, with its vertical axis beside it.

    Args:
        lines: What moves.
        scale: The vertical axis.
        axis: The horizontal axis.
        title: What is shown, for readers that cannot see it.
        marks: Upright marks.
        words: Whether the marks' words are written above.
        height: Pixels from share 0 to the top of the scale.
    """
    above = _ABOVE + (_ROW * len(marks) if words else 0)
    frame = _Frame(scale, above, height)
    drawn = [line("0", frame.y(tick), frame.y(tick), "grid", right="100%") for tick in scale.ticks]
    drawn.append(_area(lines, frame))
    drawn += _uprights(marks, frame, words=words)
    drawn += [dot for one in lines for dot in _dots(one, frame)]
    for at, said in axis.ticks:
        drawn.append(text(said, _percent(at), above + height + 20, _anchor(at, 0.03)))
    whole = above + height + (_BELOW if axis.ticks else _ABOVE)
    told = ". ".join(_told(one) for one in lines)
    shown = picture("".join(drawn), whole, title=title, told=told)
    return f'<div class="panel">{_upright_axis(frame, whole)}{shown}</div>'


def key(kind: str, *, dots: bool = False) -> str:
    """How a line in its band looks, for a legend."""
    drawn = f'<rect class="shade {kind}" width="28" height="12" y="1"/>'
    drawn += f'<line class="curve {kind}" x1="0" x2="28" y1="7" y2="7"/>'
    return _sample(drawn + (_dot(kind, "14", "7") if dots else ""))


def mark_key() -> str:
    """How an upright mark looks, for a legend."""
    return _sample(line("4", "0", "14", "alarm"), width=8)


def _sample(drawn: str, *, width: int = 28) -> str:
    return f'<svg class="sample" aria-hidden="true" width="{width}" height="14">{drawn}</svg>'


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where shares lie in a picture, in pixels."""

    scale: Scale
    above: int
    height: int

    def down(self, share: float) -> float:
        """Pixels below the top of the scale."""
        return self.height * (1 - share / self.scale.top)

    def y(self, share: float) -> str:
        """Pixels below the top of the picture."""
        return f"{self.above + self.down(share):.1f}"


def _upright_axis(frame: _Frame, whole: int) -> str:
    texts = [
        text(f"{100 * tick:g}%", "100%", round(frame.above + frame.down(tick)) + 4, "end")
        for tick in frame.scale.ticks
    ]
    return f'<svg aria-hidden="true" width="100%" height="{whole}">{"".join(texts)}</svg>'


def _area(lines: Sequence[Line], frame: _Frame) -> str:
    """Bands below, lines above, cut off at the top of the scale."""
    drawn = [path for one in lines for path in _bands(one, frame)]
    drawn += [path for one in lines for path in _curves(one, frame)]
    return (
        f'<svg class="area" y="{frame.above}" width="100%" height="{frame.height}" '
        f'viewBox="0 0 {_WIDE} {frame.height}" preserveAspectRatio="none">{"".join(drawn)}</svg>'
    )


_Place = tuple[float, Interval]


def _runs(one: Line, *, pointed: bool) -> Iterator[list[_Place]]:
    """Places next to each other at which something is known: a point, or an end."""

    def told(spot: _Place) -> bool:
        rate = spot[1]
        return not (math.isnan(rate.point) if pointed else unknown(rate))

    for known, spots in groupby(zip(one.at, one.rates, strict=True), key=told):
        if known:
            yield list(spots)


def _bands(one: Line, frame: _Frame) -> Iterator[str]:
    for run in _runs(one, pointed=False):
        if all(rate.low == rate.high for _, rate in run):
            continue
        low = [_at(x, frame.down(rate.low)) for x, rate in run]
        high = [_at(x, frame.down(rate.high)) for x, rate in run]
        if len(run) == 1:
            yield f'<path class="lone {one.kind}" d="M{low[0]}L{high[0]}"/>'
            continue
        yield f'<path class="shade {one.kind}" d="M{"L".join(high + low[::-1])}Z"/>'


def _curves(one: Line, frame: _Frame) -> Iterator[str]:
    for run in _runs(one, pointed=True):
        if len(run) > 1:
            spots = [_at(x, frame.down(rate.point)) for x, rate in run]
            yield f'<path class="curve {one.kind}" d="M{"L".join(spots)}"/>'


def _at(x: float, y: float) -> str:
    return f"{_WIDE * x:.1f} {y:.1f}"


def _dots(one: Line, frame: _Frame) -> Iterator[str]:
    """A dot at each place if the line has them, else only where no line can be drawn."""
    for run in _runs(one, pointed=True):
        for x, rate in run:
            if one.dots or len(run) == 1:
                yield _dot(one.kind, _percent(x), frame.y(rate.point))


def _dot(kind: str, x: str, y: str) -> str:
    shape = _MARKS[(int(kind[1:]) - 1) % len(_MARKS)]
    return f'<svg class="spot {kind}" overflow="visible" x="{x}" y="{y}">{shape}</svg>'


def _uprights(marks: Sequence[Mark], frame: _Frame, *, words: bool) -> Iterator[str]:
    """Lines first, then words, each in a row of its own: where they meet, words stay readable."""
    ordered = sorted(marks, key=_turn)
    for row, mark in enumerate(ordered):
        beside = _anchor(mark.at, _ROOM) != "middle"
        top = _ROW * row + (0 if beside else 16) if words else frame.above
        yield line(_percent(mark.at), f"{top}", f"{frame.above + frame.height}", "alarm")
    for row, mark in enumerate(ordered if words else []):
        said = mark.words if len(mark.words) <= _WORDS else f"{mark.words[:_WORDS]}…"
        anchor = _anchor(mark.at, _ROOM)
        shift = {"start": 6, "middle": 0, "end": -6}[anchor]
        yield text(said, _percent(mark.at), _ROW * row + 12, anchor, "words", shift=shift)


def _turn(mark: Mark) -> tuple[int, float]:
    """In this order from top to bottom, words of one side are not crossed by lines above them."""
    side = ("start", "end", "middle").index(_anchor(mark.at, _ROOM))
    return side, -mark.at if side == 1 else mark.at


def _anchor(at: float, margin: float) -> str:
    """Text stays inside the picture, on a phone too."""
    if at < margin:
        return "start"
    return "end" if at > 1 - margin else "middle"


def _percent(at: float) -> str:
    return f"{100 * at:.2f}%"


def _told(one: Line) -> str:
    """The line in words: where it begins, and where it ends."""
    known = [rate for rate in one.rates if not unknown(rate)]
    if not known:
        return f"{one.name}: unknown"
    first, last = (_figure(rate) for rate in (known[0], known[-1]))
    return f"{one.name}: {last}" if len(known) == 1 else f"{one.name}: from {first} to {last}"


def _figure(rate: Interval) -> str:
    if math.isnan(rate.point):
        return span(rate)
    return percent(rate.point) if rate.low == rate.high else f"{percent(rate.point)} ({span(rate)})"
